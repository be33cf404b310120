#include "services/agent/io/data_port.h"

#include <vector>

#include "common/log/log.h"
#include "common/model/tokens.h"
#include "common/token/token.h"
#include "services/agent/io/connection.h"
#include "services/agent/store/chunk_reader.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kTick{5'000};
constexpr Duration kIdleMax{120'000};

TransferError denied(const std::string& what) {
  return {"token", what};
}

}  // namespace

DataPort::DataPort(Loop& loop, Storage& storage, Committer& committer,
                   const DataPortSettings& settings)
    : loop_(loop),
      storage_(storage),
      committer_(committer),
      transfers_max_(settings.copies_out),
      work_(loop),
      ticker_(loop, [this] { tick(); }),
      listener_(loop, {settings.listen, settings.connections_max},
                [this](std::unique_ptr<TcpStream> stream) {
                  auto connection = std::make_shared<Connection>(*this, std::move(stream));
                  connections_.emplace(connection.get(), connection);
                  connection->start();
                }) {
  ticker_.start(kTick, kTick);
}

DataPort::~DataPort() {
  while (!connections_.empty()) close(*connections_.begin()->first);
}

std::optional<TransferError> DataPort::epoch_fault(Epoch epoch) {
  // Only the rebalancer and we know the key: a good token of a higher epoch is news from it.
  if (epoch > storage_.journal().identity().epoch && on_higher_epoch) on_higher_epoch(epoch);
  if (epoch == storage_.journal().identity().epoch) return std::nullopt;
  ++counts_.other_epoch;
  return TransferError{"epoch", "its epoch is " + to_string(epoch) + ", here " +
                                    to_string(storage_.journal().identity().epoch)};
}

std::optional<TransferError> DataPort::token_fault(const TransferOpen& open) {
  const Identity& own = storage_.journal().identity();
  const bool copy = open.mode == TransferOpen::Mode::kCopy;
  const std::string text =
      copy ? copy_token_text(own.cluster, open.epoch, CommandId(open.command), open.chunk,
                             open.version, own.storage, ServerId(open.target))
           : get_token_text(own.cluster, open.epoch, open.chunk, open.version, own.storage);
  const bool good = !own.copy_key.empty() && open.source == own.storage &&
                    equal_in_constant_time(hmac_sha256(own.copy_key, text), open.token);
  if (good) return epoch_fault(open.epoch);
  ++counts_.denied;
  return denied("the token does not open this");
}

std::optional<TransferError> DataPort::token_fault(const TransferStore& store) {
  const Identity& own = storage_.journal().identity();
  const std::string text = put_token_text(own.cluster, store.epoch, store.content, own.storage);
  const bool good = !own.copy_key.empty() && store.storage == own.storage &&
                    equal_in_constant_time(hmac_sha256(own.copy_key, text), store.token);
  if (good) return epoch_fault(store.epoch);
  ++counts_.denied;
  return denied("the token does not open this");
}

bool DataPort::enter(const std::string& token, bool alone, Connection& connection,
                     std::uint64_t transfer) {
  if (const auto before = open_.find(token); alone && before != open_.end()) {
    const Open other = before->second;
    other.connection->fail(other.transfer, "busy", "the same token was used again");
  }
  if (open_.size() >= transfers_max_) {
    ++counts_.busy;
    return false;
  }
  open_.emplace(token, Open{&connection, transfer});
  ++counts_.opened;
  return true;
}

void DataPort::leave(const std::string& token, const Connection& connection,
                     std::uint64_t transfer) {
  auto [open, end] = open_.equal_range(token);
  while (open != end) {
    const Open& one = open->second;
    const bool it = one.connection == &connection && one.transfer == transfer;
    open = it ? open_.erase(open) : std::next(open);
  }
}

/// The reader may be wrong, or lie: only our own look at every byte counts.
void DataPort::look_at(const ChunkContent& content) {
  if (!looking_at_.insert(key_of(content)).second) return;
  auto fault = std::make_shared<std::optional<DiskFault>>();
  work_.run(
      [fault, files = storage_.files(), content] {
        const auto checked = check_content(*files, content);
        if (!checked) *fault = checked.error();
      },
      [this, fault, content, since = storage_.age_now()] {
        looking_at_.erase(key_of(content));
        if (!*fault) return;
        storage_.found_bad(key_of(content), content.checksum, finding_of(**fault), since);
      });
}

void DataPort::garbage(const Connection& connection, const std::string& why) {
  ++counts_.garbage;
  const Instant now = storage_.now();
  if (now < next_garbage_line_) return;  // whoever sends garbage must not fill the log
  next_garbage_line_ = now + Duration(1'000);
  log::warn("garbage", {{"peer", connection.peer()}, {"why", why}, {"so_far", counts_.garbage}});
}

void DataPort::close(Connection& connection) {
  const auto held = connections_.extract(&connection);
  if (!held.empty()) held.mapped()->close();
}

void DataPort::tick() {
  std::vector<Connection*> idle;
  for (const auto& [key, connection] : connections_) {
    if (connection->idle_since(storage_.now() - kIdleMax)) idle.push_back(key);
  }
  for (Connection* connection : idle) close(*connection);
}

}  // namespace evenkeel::agent
