#include <algorithm>
#include <utility>

#include "common/wire/codec.h"
#include "tools/cli/data_client.h"

namespace evenkeel::cli {
namespace {

/// Bytes asked for at once, and how many may be under way: a holder never has to keep more for us.
constexpr std::uint64_t kAskBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kUnderWayMax = std::uint64_t{8} << 20;

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class FetchTransfer : public std::enable_shared_from_this<FetchTransfer> {
 public:
  FetchTransfer(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                FetchOrder order, OnFetched then)
      : connection_(&connection),
        settings_(settings),
        order_(std::move(order)),
        then_(std::move(then)),
        stall_(loop, [this] { stalled(); }) {}

  void begin() {
    const auto self = shared_from_this();
    transfer_ = connection_->begin(
        {.on_frame = [self](
                         const wire::FrameHeader& header,
                         std::span<const std::uint8_t> payload) { self->heard(header, payload); },
         .on_fault = [self](const DataFault& fault) { self->finish(tl::unexpected(fault)); },
         .next_frame = [] { return std::optional<Buffer>(); }});
    stall_.start(settings_.stall);
    TransferOpen open = order_.open;
    open.offset = order_.chunk->first_missing();
    open.length = std::min(kAskBytes, size() - open.offset);
    asked_ = open.offset + open.length;
    under_way_ = open.length;
    send(wire::FrameType::kOpen, open);
  }

 private:
  std::uint64_t size() const { return order_.chunk->content().size.count(); }

  void send(wire::FrameType type, const wire::Message& message) {
    connection_->send(frame_of(type, transfer_, wire::encode(settings_.cluster, message)));
  }

  void heard(const wire::FrameHeader& header, std::span<const std::uint8_t> payload) {
    stall_.start(settings_.stall);
    if (header.type == wire::FrameType::kData) return take(header.offset, payload);
    const auto message = wire::decode(settings_.cluster, text_of(payload));
    if (!message) return give_up({"malformed", message.error().what});
    if (const auto* error = std::get_if<TransferError>(&*message)) {
      return finish(tl::unexpected(DataFault{error->code, error->what}));
    }
    const auto* manifest = std::get_if<TransferManifest>(&*message);
    if (header.type != wire::FrameType::kManifest || manifest == nullptr || described_) {
      return give_up({"malformed", "answered open with " + std::string(wire::kind_of(*message))});
    }
    if (auto fault = order_.chunk->take_manifest(*manifest)) return give_up({"corrupt", *fault});
    described_ = true;
    go_on();
  }

  void take(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
    if (!described_) return give_up({"malformed", "sent bytes before the manifest"});
    if (bytes.size() > under_way_ || bytes.empty()) {
      return give_up({"malformed", "sent bytes that were not asked for"});
    }
    if (auto fault = order_.chunk->take_bytes(offset, bytes)) return give_up({"corrupt", *fault});
    under_way_ -= bytes.size();
    go_on();
  }

  void go_on() {
    if (order_.chunk->complete()) {
      send(wire::FrameType::kDone, TransferDone{});
      return finish({});
    }
    while (asked_ < size() && under_way_ + kAskBytes <= kUnderWayMax) {
      const std::uint64_t length = std::min(kAskBytes, size() - asked_);
      send(wire::FrameType::kRead, TransferRead{asked_, length});
      asked_ += length;
      under_way_ += length;
    }
    if (under_way_ == 0) give_up({"malformed", "sent some blocks twice and others not at all"});
  }

  void stalled() {
    const auto self = shared_from_this();
    connection_->give_up_connecting();
    give_up({"stalled", "nothing came in the time allowed"});
  }

  /// The holder does not know that we have had enough of it.
  void give_up(const DataFault& fault) {
    if (!then_) return;
    send(wire::FrameType::kDone, TransferDone{});
    finish(tl::unexpected(fault));
  }

  void finish(tl::expected<void, DataFault> outcome) {
    if (!then_) return;
    const auto self = shared_from_this();
    stall_.stop();
    connection_->end(transfer_);
    std::exchange(then_, nullptr)(std::move(outcome));
  }

  DataConnection* connection_;
  const DataClient::Settings& settings_;
  FetchOrder order_;
  OnFetched then_;
  Timer stall_;
  std::uint64_t transfer_ = 0;
  std::uint64_t asked_ = 0;      // up to where
  std::uint64_t under_way_ = 0;  // asked for and not yet come
  bool described_ = false;
};

}  // namespace

void begin_fetch(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                 FetchOrder order, OnFetched then) {
  std::make_shared<FetchTransfer>(loop, connection, settings, std::move(order), std::move(then))
      ->begin();
}

}  // namespace evenkeel::cli
