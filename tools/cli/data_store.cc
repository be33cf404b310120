#include <algorithm>
#include <utility>

#include "common/base/overloaded.h"
#include "common/wire/codec.h"
#include "tools/cli/data_client.h"

namespace evenkeel::cli {
namespace {

constexpr std::uint64_t kPieceBytes = 2 * kBlockBytes;

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class StoreTransfer : public std::enable_shared_from_this<StoreTransfer> {
 public:
  StoreTransfer(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                StoreOrder order, OnStored then)
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
         .next_frame = [self] { return self->next_frame(); }});
    stall_.start(settings_.stall);
    const std::string message = wire::encode(settings_.cluster, order_.message);
    connection_->send(frame_of(wire::FrameType::kStore, transfer_, message));
    connection_->more(transfer_);
  }

 private:
  std::optional<Buffer> next_frame() {
    stall_.start(settings_.stall);
    const std::span<const std::uint8_t> rest(order_.bytes->data() + sent_,
                                             order_.bytes->size() - sent_);
    if (rest.empty()) return std::nullopt;
    const auto piece = rest.first(std::min<std::size_t>(rest.size(), kPieceBytes));
    Buffer frame = frame_of(wire::FrameType::kData, transfer_, text_of(piece), sent_);
    sent_ += piece.size();
    return frame;
  }

  void heard(const wire::FrameHeader& header, std::span<const std::uint8_t> payload) {
    const auto message = wire::decode(settings_.cluster, text_of(payload));
    if (!message) return finish(tl::unexpected(DataFault{"malformed", message.error().what}));
    if (const auto* error = std::get_if<TransferError>(&*message)) {
      return finish(tl::unexpected(DataFault{error->code, error->what}));
    }
    const auto* stored = std::get_if<TransferStored>(&*message);
    if (header.type != wire::FrameType::kStored || stored == nullptr) {
      return finish(tl::unexpected(
          DataFault{"malformed", "answered store with " + std::string(wire::kind_of(*message))}));
    }
    accept(*stored);
  }

  void accept(const TransferStored& stored) {
    const ChunkContent& content = order_.message.content;
    const bool ours = stored.chunk == content.chunk && stored.version == content.version &&
                      stored.storage == order_.message.storage;
    if (!ours) {
      return finish(tl::unexpected(DataFault{"malformed", "the receipt is for something else"}));
    }
    finish(Receipt{stored.chunk, stored.server, stored.storage, stored.journal, stored.receipt});
  }

  void stalled() {
    const auto self = shared_from_this();
    connection_->give_up_connecting();
    finish(tl::unexpected(DataFault{"stalled", "no answer in the time allowed"}));
  }

  void finish(tl::expected<Receipt, DataFault> outcome) {
    if (!then_) return;
    const auto self = shared_from_this();
    stall_.stop();
    connection_->end(transfer_);
    std::exchange(then_, nullptr)(std::move(outcome));
  }

  DataConnection* connection_;
  const DataClient::Settings& settings_;
  StoreOrder order_;
  OnStored then_;
  Timer stall_;
  std::uint64_t transfer_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace

void begin_store(Loop& loop, DataConnection& connection, const DataClient::Settings& settings,
                 StoreOrder order, OnStored then) {
  std::make_shared<StoreTransfer>(loop, connection, settings, std::move(order), std::move(then))
      ->begin();
}

}  // namespace evenkeel::cli
