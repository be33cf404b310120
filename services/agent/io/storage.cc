#include "services/agent/io/storage.h"

#include <fstream>

#include "common/base/mutant.h"
#include "common/log/log.h"
#include "common/model/text.h"
#include "common/token/token.h"

namespace evenkeel::agent {
namespace {

StorageId fresh_storage() {
  return *StorageId::from_raw(random_bytes(StorageId::kSize));
}

/// Names the run of the machine; empty where the kernel does not tell, which then counts as
/// another.
std::string boot_id(const Clock& clock) {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  std::getline(file, text);
  return text.empty() ? std::to_string(clock.wall_now().time_since_epoch().count()) : text;
}

std::shared_ptr<const ChunkFiles> opened(const std::filesystem::path& dir) {
  return std::make_shared<const ChunkFiles>(std::filesystem::absolute(dir));
}

/// What the journal says of a file that is there at the start. A rebalancer whose database was lost
/// learns a chunk's size from what is reported: not from a file that has been cut short since it
/// was read, as if it had been found whole like that.
void take_check(Replica& replica, const ContentCheck& check) {
  replica.finding = check.finding;
  if (EK_MUTANT(cut_short_unnoticed)) {
    replica.checked = check.checked;
    return;
  }
  if (!check.size) return;  // nobody knows what was read then: it counts as never read
  replica.checked = check.checked;
  if (*check.size == replica.size) return;
  replica.size = *check.size;
  if (replica.finding == ReplicaFinding::kOk) replica.finding = ReplicaFinding::kShort;
}

}  // namespace

Storage::Storage(Loop& loop, const Clock& clock, const std::string& cluster, ServerId server,
                 const DirectorySettings& settings)
    : clock_(clock),
      settings_(settings),
      files_(opened(settings.data_dir)),
      leftovers_(files_->empty_tmp()),
      journal_(files_->dir() / "journal.db", {cluster, server}, fresh_storage()),
      ages_(journal_.age_mark(), boot_id(clock), clock.now(), clock.wall_now()),
      book_(journal_.identity().storage, journal_.identity().epoch, journal_.past(), {}),
      desk_({server, journal_.identity().incarnation, journal_.identity().storage,
             journal_.identity().epoch}),
      work_(loop),
      small_work_(loop) {
  load_table();
  for (const TrashFile& file : files_->trash()) {
    trash_bytes_ += file.size;
    trash_.push_back(file);
  }
  capacity_ = settings.capacity.value_or(table_.used() + trash_bytes_ + files_->disk_free());
  reserve_ = std::min(settings.reserve.value_or(default_reserve(capacity_)), capacity_);
  Journal::Batch batch(journal_, clock.wall_now());
  batch.mark(ages_.mark(clock.now(), clock.wall_now()));
  batch.commit();
}

void Storage::load_table() {
  const auto checks = journal_.checks();
  const Census census = files_->census();
  for (const Census::Found& found : census.replicas) {
    if (table_.find(found.key)) {
      log::warn("two_files_of_one_version",
                {{"kept", to_string(table_.find(found.key)->checksum)},
                 {"quarantined", file_name(found.key, found.checksum)}});
      const ChunkContent content{found.key.chunk, found.key.version, found.size, found.checksum};
      static_cast<void>(files_->move_to_quarantine(content, clock_.wall_now()));
      continue;
    }
    Replica replica{found.size, found.checksum, ReplicaFinding::kOk, std::nullopt};
    const auto check = checks.find(found.key);
    if (check != checks.end() && check->second.checksum == found.checksum) {
      take_check(replica, check->second);
    }
    table_.put(found.key, replica);
  }
  for (const std::string& name : census.strange) log::warn("strange_file", {{"name", name}});
}

AgentIdentity Storage::identity() const {
  const Identity& own = journal_.identity();
  return {own.server, own.incarnation, own.storage, own.epoch};
}

void Storage::raise_epoch(Epoch epoch) {
  journal_.raise_epoch(epoch);
  book_.raise(epoch);
  desk_.identify(identity());
}

void Storage::raise_incarnation(Incarnation incarnation) {
  journal_.raise_incarnation(incarnation);
  desk_.identify(identity());
}

Space Storage::space() const {
  return space(files_->disk_free());
}

Space Storage::space(Bytes disk_free) const {
  return {capacity_,           reserve_,         disk_free, trash_bytes_, table_.used(),
          writing_->in_flight, writing_->written};
}

Storage::Hold::Hold(std::shared_ptr<Writing> writing, Bytes size)
    : writing_(std::move(writing)), size_(size) {
  writing_->in_flight += size;
}
Storage::Hold::~Hold() {
  writing_->in_flight -= size_;
  writing_->written -= written_;
}
void Storage::Hold::wrote(Bytes bytes) {
  written_ += bytes;
  writing_->written += bytes;
  writing_->lately.wrote(bytes);
}

std::unique_ptr<Storage::Hold> Storage::hold(Bytes size) {
  FreeLately& lately = writing_->lately;
  if (lately.is_old(now()) || !space(lately.free()).admits(size)) {
    lately.asked(files_->disk_free(), now());
  }
  const Space space = this->space(lately.free());
  if (!space.admits(size)) return nullptr;
  const Bytes keep = trash_bytes_ - space.trash_to_empty(size);
  while (trash_bytes_ > keep) remove_oldest_trash();
  return std::make_unique<Hold>(writing_, size);
}

void Storage::drop_leftovers(const std::function<bool(const std::filesystem::path&)>& wanted) {
  std::erase_if(leftovers_, [&](const std::filesystem::path& aside) {
    if (wanted(aside)) return false;
    files_->drop_aside(aside);
    return true;
  });
}

void Storage::found_whole(const ReplicaKey& key, const Checksum& checksum) {
  const Replica* replica = table_.find(key);
  if (!replica || replica->checksum != checksum) return;
  note_finding(key, ReplicaFinding::kOk);
  table_.set_checked(key, age_now());
  tell_finding(key);
}

void Storage::found_bad(const ReplicaKey& key, const Checksum& checksum, ReplicaFinding finding,
                        AgeReading since) {
  const Replica* replica = table_.find(key);
  if (!replica || replica->checksum != checksum) return;
  // Clocks tick in ms: of what came within the same one, it is not known which was first.
  if (replica->checked && *replica->checked >= since) return;
  if (note_finding(key, finding)) tell_finding(key);
}

bool Storage::note_finding(const ReplicaKey& key, ReplicaFinding finding) {
  const ReplicaFinding before = table_.find(key)->finding;
  if (before == finding) return false;
  log::warn("replica", {{"chunk", key.chunk},
                        {"version", key.version},
                        {"found", to_text(finding)},
                        {"was", to_text(before)}});
  table_.set_finding(key, finding);
  return true;
}

void Storage::tell_finding(const ReplicaKey& key) {
  findings_.insert_or_assign(key, table_.find(key)->checksum);
  desk_.changed(key);
}

void Storage::lost(const ReplicaKey& key, const Checksum& checksum) {
  const Replica* replica = table_.find(key);
  if (!replica || replica->checksum != checksum) return;
  log::warn("replica_vanished", {{"chunk", key.chunk}, {"version", key.version}});
  table_.erase(key);
  findings_.erase(key);
  desk_.changed(key);
}

void Storage::appeared(const ReplicaKey& key, const Replica& replica) {
  table_.put(key, replica);
  if (replica.checked) findings_.insert_or_assign(key, replica.checksum);
  desk_.changed(key);
}

void Storage::write_findings(Journal::Batch& batch) {
  // As the table has it now: a copy may have taken the place of what was found damaged.
  for (const auto& [key, checksum] : std::exchange(findings_, {})) {
    const Replica* replica = table_.find(key);
    if (!replica || replica->checksum != checksum) continue;
    batch.checked(key, {replica->checksum, replica->finding, replica->checked, replica->size});
  }
  batch.mark(ages_.mark(now(), clock_.wall_now()));
  marked_ = now();
}

void Storage::trashed(const ChunkContent& content, Timestamp when) {
  const std::string ending = "." + std::to_string(when.time_since_epoch().count());
  trash_.push_back({file_name(content) + ending, when, content.size});
  trash_bytes_ += content.size;
  if (block_count(content.size.count()) < 2) return;
  trash_.push_back({file_name(content) + std::string(kManifestEnding) + ending, when, Bytes()});
}

void Storage::empty_old_trash() {
  const Timestamp wall = clock_.wall_now();
  while (!trash_.empty() && wall - trash_.front().deleted >= settings_.trash_keep) {
    remove_oldest_trash();
  }
}

void Storage::remove_oldest_trash() {
  const TrashFile file = trash_.front();
  trash_.pop_front();
  trash_bytes_ -= file.size;
  log::info("trash_emptied", {{"name", file.name}, {"bytes", file.size.count()}});
  work_.run([files = files_, file] { files->remove_for_ever(file); }, [] {});
}

}  // namespace evenkeel::agent
