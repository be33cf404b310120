#include "services/agent/io/rebalancer_link.h"

#include "common/base/mutant.h"
#include "common/base/overloaded.h"
#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kTick{100};
constexpr Duration kProgressPause{1'000};
constexpr Duration kDeltaPause{1'000};
constexpr Duration kConfirmPause{1'000};
constexpr Duration kCorrectionPause{1'000};
constexpr Duration kComplaintPause{1'000};
constexpr std::size_t kResultsAtOnce = 500;  // of 300 characters of detail each: below 1 MiB
constexpr std::size_t kProgressAtOnce = 1'000;

SocketSettings subscription(const std::string& endpoint, ServerId server) {
  SocketSettings settings{endpoint};
  settings.topics = {wire::command_topic(server)};
  settings.frame_max = Bytes(wire::kMessageBytesMax);
  return settings;
}

SocketSettings dealer(const std::string& endpoint) {
  SocketSettings settings{endpoint};
  settings.send_queue_messages = 64;  // all that is said is said again: old words need no room
  settings.frame_max = Bytes(wire::kMessageBytesMax);
  return settings;
}

}  // namespace

RebalancerLink::RebalancerLink(Loop& loop, zmq::context_t& context, Storage& storage,
                               Committer& committer, Executor& executor,
                               const RebalancerSettings& settings)
    : storage_(storage),
      committer_(committer),
      executor_(executor),
      cluster_(storage.journal().identity().cluster),
      catch_up_(storage.now()),
      commands_(loop, make_sub(context, subscription(settings.commands, storage.identity().server)),
                [this](Frames&& frames) { on_published(std::move(frames)); }),
      agents_(loop, make_dealer(context, dealer(settings.agents)),
              [this](Frames&& frames) { on_answered(std::move(frames)); }),
      timer_(loop, [this] { tick(); }) {
  timer_.start(Duration::zero(), kTick);
}

void RebalancerLink::on_published(Frames&& frames) {
  if (frames.size() != 2) return dropped("not topic and message");
  const auto message = wire::decode(cluster_, bytes_of(frames[1]));
  if (!message) return dropped(message.error().what);
  if (const auto* beacon = std::get_if<Beacon>(&*message)) return on(*beacon);
  if (const auto* commands = std::get_if<Commands>(&*message)) return on(*commands, false);
  if (const auto* withdraw = std::get_if<Withdraw>(&*message)) return on(*withdraw);
  dropped("'" + std::string(wire::kind_of(*message)) + "' is not for agents");
}

void RebalancerLink::on_answered(Frames&& frames) {
  if (frames.size() != 1) return dropped("more than one frame");
  const auto message = wire::decode(cluster_, bytes_of(frames[0]));
  if (!message) return dropped(message.error().what);
  std::visit(Overloaded{
                 [&](const Commands& commands) { on(commands, true); },
                 [&](const auto& other) { on(other); },
             },
             *message);
  flush();
}

template <class T>
void RebalancerLink::on(const T& other) {
  dropped("'" + std::string(wire::kind_of(other)) + "' is not for agents");
}

void RebalancerLink::dropped(const std::string& why) {
  ++dropped_;
  if (storage_.now() < next_complaint_) return;
  next_complaint_ = storage_.now() + kComplaintPause;
  log::warn("message_dropped", {{"from", "rebalancer"}, {"why", why}, {"so_far", dropped_}});
}

void RebalancerLink::raise_epoch(Epoch epoch) {
  if (epoch <= storage_.identity().epoch) return;
  if (committer_.moving() && !EK_MUTANT(epoch_raised_while_files_move)) {
    if (!higher_ || epoch > *higher_) higher_ = epoch;
    return;
  }
  storage_.raise_epoch(epoch);
  log::info("epoch", {{"is", epoch}});
  say_hello_again();
}

void RebalancerLink::say_hello_again() {
  welcome_ = false;
  hello_backoff_.reset();
  next_hello_ = Instant{};
  catch_up_.want();
}

bool RebalancerLink::ours(Epoch epoch, ServerId server) {
  if (server != storage_.identity().server) {
    dropped("for " + to_string(server));
    return false;
  }
  raise_epoch(epoch);
  if (epoch < storage_.identity().epoch) tell_it_is_behind();
  return epoch == storage_.identity().epoch || EK_MUTANT(agent_ignores_epoch);
}

/// Its database is older than what we have seen of it: restored, or lost and begun anew. It has to
/// learn of that from us, and nothing it orders before is done.
void RebalancerLink::tell_it_is_behind() {
  if (storage_.now() < next_correction_) return;
  next_correction_ = storage_.now() + kCorrectionPause;
  say_hello_again();
}

void RebalancerLink::on(const Welcome& welcome) {
  if (welcome.storage != storage_.identity().storage) return dropped("welcome of another storage");
  if (!ours(welcome.epoch, welcome.server)) return;
  storage_.journal().set_copy_key(welcome.copy_key);
  if (!welcome_) log::info("welcome", {{"epoch", welcome.epoch}, {"inventory", welcome.inventory}});
  welcome_ = true;
  if (welcome.inventory) storage_.desk().want_full();
  catch_up_.want();
}

void RebalancerLink::on(const Retry& retry) {
  welcome_ = false;
  next_hello_ = storage_.now() + std::min(std::max(retry.after, kTick), Duration(10'000));
  log::debug("retry", {{"reason", retry.reason}});
}

void RebalancerLink::on(const InventoryReply& reply) {
  storage_.desk().on_reply(reply);
}

void RebalancerLink::on(const AckReply& reply) {
  for (const CommandId id : reply.commands) {
    if (storage_.book().confirm(id)) confirmed_.push_back(id);
  }
}

void RebalancerLink::on(const Beacon& beacon) {
  if (!ours(beacon.epoch, beacon.server)) return;
  catch_up_.heard_beacon(storage_.now());
  catch_up_.heard_of(beacon.last, beacon.last && storage_.book().knows(*beacon.last));
  pull();
}

void RebalancerLink::on(const Commands& commands, bool pulled) {
  if (!ours(commands.epoch, commands.server)) return;
  const auto& previous = commands.previous;
  if (!pulled) {
    catch_up_.heard_of(previous, previous && storage_.book().knows(*previous));
  }
  for (const Command& command : commands.items) {
    executor_.take(command, commands.epoch);
    catch_up_.heard_of(command.id, true);
  }
  for (const CommandId id : commands.unknown) {
    executor_.take_unknown(id, commands.epoch);
    catch_up_.heard_of(id, true);
  }
  std::optional<CommandId> last;
  if (!commands.items.empty()) last = commands.items.back().id;
  if (!commands.unknown.empty() && (!last || commands.unknown.back() > *last)) {
    last = commands.unknown.back();
  }
  if (pulled && catch_up_.answered(previous, last, commands.more, storage_.now()) && welcome_) {
    end_unendorsed();
    executor_.drop_leftovers();
  }
  flush();
}

/// The rebalancer has named all that is open: what it did not name it does not want any more.
void RebalancerLink::end_unendorsed() {
  const auto ended = storage_.book().end_unendorsed();
  if (ended.empty()) return;
  log::info("commands_ended", {{"epoch", storage_.identity().epoch}, {"count", ended.size()}});
  executor_.end(ended);
}

/// Of no consequence if it comes twice, late, or for what was never received.
void RebalancerLink::on(const Withdraw& withdraw) {
  if (!ours(withdraw.epoch, withdraw.server)) return;
  const auto ended = storage_.book().withdraw(withdraw.commands);
  if (ended.empty()) return;
  log::info("commands_withdrawn", {{"count", ended.size()}});
  executor_.end(ended);
}

void RebalancerLink::tick() {
  const Instant now = storage_.now();
  if (!welcome_ && now >= next_hello_) say_hello();
  if (now >= next_confirm_) {
    next_confirm_ = now + kConfirmPause;
    confirm_in_journal();
  }
  flush();
  if (welcome_ && now >= next_progress_) {
    next_progress_ = now + kProgressPause;
    say_progress();
  }
}

void RebalancerLink::flush() {
  if (higher_ && !committer_.moving()) raise_epoch(*std::exchange(higher_, std::nullopt));
  if (!welcome_) return;
  pull();
  say_results();
  say_inventory();
}

void RebalancerLink::say_hello() {
  next_hello_ = storage_.now() + hello_backoff_.next();
  send(
      Hello{storage_.identity(), storage_.journal().identity().journal, storage_.book().highest()});
}

void RebalancerLink::say_results() {
  for (;;) {
    auto results = storage_.book().due(storage_.now(), kResultsAtOnce);
    if (results.empty() || !send(Ack{storage_.identity(), std::move(results)})) return;
  }
}

void RebalancerLink::say_inventory() {
  InventoryDesk& desk = storage_.desk();
  const Instant now = storage_.now();
  if (desk.idle() && desk.has_news() && (desk.wants_full() || now >= next_delta_)) {
    next_delta_ = now + kDeltaPause;
    desk.begin(storage_.table(), storage_.ages(), storage_.journal().identity().journal, now);
  }
  if (auto part = desk.next(now)) send(std::move(*part));
}

void RebalancerLink::say_progress() {
  auto items = executor_.progress();
  if (items.empty()) return;
  if (items.size() > kProgressAtOnce) items.resize(kProgressAtOnce, items.front());
  send(Progress{storage_.identity(), std::move(items)});
}

void RebalancerLink::pull() {
  if (!welcome_) return;
  const auto question = catch_up_.question(storage_.now());
  if (question) send(Pull{storage_.identity(), question->after});
}

bool RebalancerLink::send(const wire::Message& message) {
  return agents_.send({wire::encode(cluster_, message)}) == Sent::kTaken;
}

/// Not urgent: a confirmation that is lost costs one repetition.
void RebalancerLink::confirm_in_journal() {
  if (confirmed_.empty() && !storage_.has_findings() && !storage_.mark_due()) return;
  Journal::Batch batch(storage_.journal(), storage_.clock().wall_now());
  for (const CommandId id : std::exchange(confirmed_, {})) batch.confirm(id);
  const auto forgotten = storage_.book().forget();
  if (!forgotten.empty()) batch.forget(forgotten, *storage_.book().watermark());
  storage_.write_findings(batch);
  batch.commit();
  storage_.journal().checkpoint();
}

}  // namespace evenkeel::agent
