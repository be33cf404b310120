#include "tests/schedules/client.h"

#include <algorithm>

#include "common/reactor/sockets.h"
#include "common/wire/codec.h"

namespace evenkeel::schedules {
namespace {

constexpr const char* kCluster = "evenkeel";

std::span<const std::uint8_t> span_of(const Buffer& bytes) {
  return {bytes.data(), bytes.size()};
}

Manifest manifest_of(const Buffer& bytes) {
  ChunkHasher hasher;
  hasher.update(span_of(bytes));
  return hasher.finish();
}

}  // namespace

/// One chunk on its way to all of its targets.
struct Client::Storing {
  struct Target {
    std::unique_ptr<TcpStream> stream;
    agent::FrameReader frames;
    bool over = false;
  };
  std::vector<std::unique_ptr<Target>> targets;
  std::vector<Receipt> receipts;
  std::function<void()> on_all;
  std::unique_ptr<Timer> patience;

  void over(Target& target) {
    if (std::exchange(target.over, true)) return;
    const bool all =
        std::all_of(targets.begin(), targets.end(), [](const auto& other) { return other->over; });
    if (all && on_all) std::exchange(on_all, nullptr)();
  }
};

Client::Client(World& world, zmq::context_t& context, const std::shared_ptr<Run>& run)
    : loop_(world, run),
      channel_(loop_, make_dealer(context, {.endpoint = "control"}),
               [this](Frames&& frames) { on_message(std::move(frames)); }) {}

Client::~Client() = default;

void Client::ask(Request request, OnAnswer on_answer) {
  const std::uint64_t id = next_++;
  Question question{{id, std::move(request)}, std::move(on_answer), 6, nullptr};
  question.again = std::make_unique<Timer>(loop_, [this, id] { send(id); });
  waiting_.emplace(id, std::move(question));
  send(id);
}

void Client::send(std::uint64_t id) {
  Question& question = waiting_.at(id);
  if (question.left-- == 0) {
    const auto on_answer = std::move(question.on_answer);
    waiting_.erase(id);
    return on_answer(nullptr);
  }
  question.again->start(Duration(2'000));
  static_cast<void>(channel_.send({wire::encode(kCluster, question.request)}));
}

void Client::on_message(Frames&& frames) {
  const auto message = wire::decode(kCluster, bytes_of(frames.at(0)));
  const auto* answer = message ? std::get_if<ControlAnswer>(&*message) : nullptr;
  if (!answer) return;
  auto question = waiting_.extract(answer->request);
  if (question.empty()) return;
  question.mapped().on_answer(&answer->what);
}

void Client::end(const std::shared_ptr<Put>& put, bool done) {
  --puts_;
  put->on_end(put->content, done);
}

void Client::put(Put wanted) {
  const auto put = std::make_shared<Put>(std::move(wanted));
  ++puts_;
  ask(PutOpen{put->name, put->goal, Bytes(put->bytes.size())}, [this, put](const Answer* answer) {
    const auto* opened = answer ? std::get_if<PutOpened>(answer) : nullptr;
    if (!opened) return end(put, false);
    const FileId file = opened->file;
    const Checksum checksum = chunk_checksum(manifest_of(put->bytes));
    ask(PutPlace{file, {{0, Bytes(put->bytes.size()), checksum, {}}}},
        [this, put, file](const Answer* where) {
          const auto* there = where ? std::get_if<PutPlaced>(where) : nullptr;
          if (!there || there->items.empty()) return end(put, false);
          placed(put, file, *there);
        });
  });
}

void Client::placed(const std::shared_ptr<Put>& put, FileId file, const PutPlaced& answer) {
  if (put->on_placed) put->on_placed();
  const PutPlaced::Item& item = answer.items.at(0);
  const Manifest manifest = manifest_of(put->bytes);
  const ChunkContent content{item.chunk, item.version, Bytes(put->bytes.size()),
                             chunk_checksum(manifest)};
  put->content = content;
  const auto storing = std::make_shared<Storing>();
  storing_.push_back(storing);
  storing->on_all = [this, put, file, raw = storing.get()] { close(put, file, raw->receipts); };
  storing->patience = std::make_unique<Timer>(loop_, [raw = storing.get()] {
    for (const auto& target : raw->targets) raw->over(*target);
  });
  for (const Source& source : item.targets) {
    auto& target = *storing->targets.emplace_back(std::make_unique<Storing::Target>());
    TcpStream::Handlers handlers;
    Storing* const raw = storing.get();
    handlers.on_connected = [] {};
    handlers.on_close = [raw, &target](const std::string&) { raw->over(target); };
    handlers.on_data = [raw, &target](std::span<const std::uint8_t> bytes) {
      target.frames.feed(bytes, [raw, &target](const wire::FrameHeader&, Buffer&& payload) {
        const auto message = wire::decode(kCluster, agent::text_of(payload));
        const auto* stored = message ? std::get_if<TransferStored>(&*message) : nullptr;
        if (stored) {
          raw->receipts.push_back(
              {stored->chunk, stored->server, stored->storage, stored->journal, stored->receipt});
        }
        raw->over(target);
        return true;
      });
    };
    target.stream = TcpStream::connect(loop_, source.address, std::move(handlers));
    const TransferStore store{content,      source.storage, answer.epoch,
                              source.token, kBlockBytes,    manifest.blocks};
    target.stream->write(
        agent::frame_of(wire::FrameType::kStore, 1, wire::encode(kCluster, store)));
    for (std::size_t at = 0; at < put->bytes.size(); at += kBlockBytes) {
      const std::size_t count = std::min<std::size_t>(kBlockBytes, put->bytes.size() - at);
      target.stream->write(agent::data_frame(1, at, span_of(put->bytes).subspan(at, count)));
    }
  }
  storing->patience->start(Duration(8'000));
  if (storing->targets.empty()) storing->on_all();
}

void Client::close(const std::shared_ptr<Put>& put, FileId file, std::vector<Receipt> receipts) {
  if (receipts.empty()) return end(put, false);
  ask(PutClose{file, std::move(receipts), true}, [this, put](const Answer* answer) {
    end(put, answer && std::holds_alternative<PutClosed>(*answer));
  });
}

}  // namespace evenkeel::schedules
