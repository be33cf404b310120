#include "services/agent/io/watcher.h"

#include <set>

#include "common/base/mutant.h"
#include "common/log/log.h"
#include "services/agent/store/chunk_reader.h"

namespace evenkeel::agent {
namespace {

/// On the thread pool: reads the file once and gives it its full name.
DiskResult<ChunkContent> adopt_file(const ChunkFiles& files, const ReplicaKey& key) {
  const auto file = File::open(files.bare(key));
  if (!file) return tl::unexpected(file.error());
  const auto manifest = read_manifest_from(*file);
  if (!manifest) return tl::unexpected(manifest.error());
  file->sync();  // whoever put it here may not have
  const ChunkContent content{key.chunk, key.version, Bytes(manifest->size_bytes),
                             chunk_checksum(*manifest)};
  if (auto adopted = files.adopt(content, *manifest); !adopted) {
    return tl::unexpected(adopted.error());
  }
  return content;
}

}  // namespace

Watcher::Watcher(Loop& loop, Storage& storage, Committer& committer, Duration rescan_interval)
    : storage_(storage), committer_(committer), work_(loop), timer_(loop, [this] { scan(); }) {
  timer_.start(Duration::zero(), rescan_interval);
}

void Watcher::scan() {
  storage_.empty_old_trash();
  if (std::exchange(scanning_, true)) return;
  auto census = std::make_shared<Census>();
  work_.run([census, files = storage_.files()] { *census = files->census(); },
            [this, census, since = storage_.age_now()] {
              scanning_ = false;
              compare(*census, since);
            });
}

/// What differs may have changed since it was read, or be on its way through the committer: it is
/// looked at again before it is believed.
void Watcher::compare(const Census& census, AgeReading since) {
  if (!committer_.idle()) return;  // the next scan will see it
  std::set<ReplicaKey> seen;
  for (const Census::Found& found : census.replicas) {
    seen.insert(found.key);
    const Replica* known = storage_.table().find(found.key);
    const bool same = known && known->checksum == found.checksum && known->size == found.size;
    if (!same) look_at(found, since);
  }
  std::vector<std::pair<ReplicaKey, Replica>> missing;
  for (const auto& [key, replica] : storage_.table().all()) {
    if (EK_MUTANT(vanished_not_noticed)) break;
    if (!seen.contains(key)) missing.emplace_back(key, replica);
  }
  for (const auto& [key, replica] : missing) {
    if (!storage_.files()->exists(content_of(key, replica))) storage_.lost(key, replica.checksum);
  }
  adoptable_.assign(census.adoptable.begin(), census.adoptable.end());
  adopt_next();
}

void Watcher::look_at(const Census::Found& found, AgeReading since) {
  const ChunkContent content{found.key.chunk, found.key.version, found.size, found.checksum};
  if (!storage_.files()->exists(content)) return;
  const Replica* known = storage_.table().find(found.key);
  if (!known) {
    log::info("replica_appeared", {{"chunk", found.key.chunk}, {"version", found.key.version}});
    storage_.appeared(found.key, {found.size, found.checksum, ReplicaFinding::kOk, std::nullopt});
    return;
  }
  if (known->checksum != found.checksum) {
    // Two files of one version: the one that we know stays what counts.
    if (storage_.files()->exists(content_of(found.key, *known))) return;
    storage_.lost(found.key, known->checksum);
    storage_.appeared(found.key, {found.size, found.checksum, ReplicaFinding::kOk, std::nullopt});
    return;
  }
  storage_.found_bad(found.key, found.checksum, ReplicaFinding::kShort, since);
}

void Watcher::adopt_next() {
  if (adopting_ || adoptable_.empty()) return;
  const Census::Adoptable file = adoptable_.front();
  adoptable_.pop_front();
  if (storage_.table().find(file.key)) {
    log::warn("not_adopted", {{"file", to_string(file.key)}, {"why", "this version is here"}});
    return adopt_next();
  }
  adopting_ = true;
  auto content = std::make_shared<DiskResult<ChunkContent>>(tl::unexpected(DiskFault{}));
  work_.run(
      [content, files = storage_.files(), key = file.key] { *content = adopt_file(*files, key); },
      [this, file, content] { adopted(file, *content); });
}

void Watcher::adopted(const Census::Adoptable& file, const DiskResult<ChunkContent>& content) {
  adopting_ = false;
  if (!content) {
    log::warn("not_adopted", {{"file", to_string(file.key)}, {"why", content.error().what}});
    return adopt_next();
  }
  log::info(
      "adopted",
      {{"chunk", content->chunk}, {"version", content->version}, {"bytes", content->size.count()}});
  if (!storage_.table().find(file.key)) {
    const AgeReading now = storage_.ages().reading(storage_.now());
    storage_.appeared(file.key, {content->size, content->checksum, ReplicaFinding::kOk, now});
  }
  adopt_next();
}

}  // namespace evenkeel::agent
