#include "services/agent/io/peer.h"

#include "common/log/log.h"

namespace evenkeel::agent {

std::shared_ptr<Peer> Peer::connect(Loop& loop, std::string cluster, const std::string& address) {
  std::shared_ptr<Peer> peer(new Peer(std::move(cluster)));
  Peer* raw = peer.get();  // owns the stream, so the stream's callbacks never outlive it
  TcpStream::Handlers handlers;
  handlers.on_data = [raw](std::span<const std::uint8_t> bytes) {
    const auto keep = raw->shared_from_this();
    const auto fault =
        raw->frames_.feed(bytes, [raw](const wire::FrameHeader& header, Buffer&& payload) {
          return raw->on_frame(header, std::move(payload));
        });
    if (fault) raw->lose("not a frame: " + *fault);
  };
  handlers.place = [raw] { return raw->frames_.place(); };
  handlers.on_close = [raw](const std::string& why) {
    const auto keep = raw->shared_from_this();
    raw->lose(why.empty() ? "closed by the other side" : why);
  };
  peer->stream_ = TcpStream::connect(loop, address, std::move(handlers));
  return peer;
}

std::uint64_t Peer::begin(Ears ears) {
  transfers_.emplace(next_, std::make_shared<Ears>(std::move(ears)));
  return next_++;
}

void Peer::say(std::uint64_t transfer, wire::FrameType type, const wire::Message& message) {
  if (lost_) return;
  stream_->write(frame_of(type, transfer, wire::encode(cluster_, message)));
}

void Peer::end(std::uint64_t transfer, bool tell) {
  if (transfers_.erase(transfer) == 0 || !tell) return;
  say(transfer, wire::FrameType::kDone, TransferDone{});
}

void Peer::fail(std::uint64_t transfer, const std::string& code, const std::string& what) {
  if (transfers_.erase(transfer) == 0) return;
  say(transfer, wire::FrameType::kError, TransferError{code, what});
}

bool Peer::on_frame(const wire::FrameHeader& header, Buffer&& payload) {
  const auto transfer = transfers_.find(header.transfer);
  if (transfer == transfers_.end()) return true;  // it was ended, the rest was on its way
  const std::shared_ptr<Ears> ears = transfer->second;
  if (header.type == wire::FrameType::kData) {
    ears->on_data(header.offset, std::move(payload));
    return !lost_;
  }
  const auto message = wire::decode(cluster_, text_of(payload));
  if (!message) {
    lose("malformed: " + message.error().what);
    return false;
  }
  ears->on_message(*message);
  return !lost_;
}

void Peer::lose(const std::string& why) {
  if (lost_) return;
  lost_ = true;
  stream_.reset();
  for (const auto& [id, ears] : std::exchange(transfers_, {})) ears->on_lost(why);
}

std::shared_ptr<Peer> Peers::at(const std::string& address) {
  Kept& kept = peers_[address];
  if (!kept.peer || kept.peer->lost()) kept.peer = Peer::connect(loop_, cluster_, address);
  kept.was_idle = false;
  return kept.peer;
}

void Peers::avoid(const std::shared_ptr<Peer>& peer) {
  std::erase_if(peers_, [&](const auto& item) { return item.second.peer == peer; });
}

void Peers::close_idle() {
  for (auto it = peers_.begin(); it != peers_.end();) {
    const bool idle = it->second.peer->idle();
    if (it->second.peer->lost() || (idle && it->second.was_idle)) {
      it = peers_.erase(it);
      continue;
    }
    it->second.was_idle = idle;
    ++it;
  }
}

}  // namespace evenkeel::agent
