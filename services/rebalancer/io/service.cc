#include "services/rebalancer/io/service.h"

#include "common/log/log.h"

namespace evenkeel {
namespace {

using namespace std::chrono_literals;

// Acknowledgements of a few milliseconds share a commit: one sync then does for all of them.
constexpr TurnLimits kTurn{.max_delay = 2ms, .max_items = 512};
constexpr Duration kTick = 250ms;
constexpr Duration kHouseEvery = 10s;
constexpr std::uint64_t kPruneRows = 2000;

}  // namespace

Service::Service(Loop& loop, zmq::context_t& context, const RebalancerSettings& settings,
                 const Clock& clock, Store& store, Rebalancer& rebalancer)
    : settings_(settings),
      clock_(clock),
      store_(store),
      rebalancer_(rebalancer),
      keys_(settings.cluster, store.copy_secret()),
      turn_(loop, kTurn, [this](std::vector<Input>&& inputs) { turn(std::move(inputs)); }),
      events_(loop, context, settings.cluster, settings.events_endpoint, store,
              rebalancer.last_event_before()),
      publisher_(loop, context, settings.commands, settings.limits, rebalancer.view(), keys_,
                 clock),
      agents_(loop, context, settings.agents, rebalancer.view(), publisher_, keys_, clock,
              [this](Event event) { turn_.add(std::move(event)); }),
      control_(
          loop, context, settings.control, rebalancer.view(), keys_, clock,
          [this](Event event) { turn_.add(std::move(event)); },
          [this](Asked asked) { turn_.add(std::move(asked)); }),
      membership_(loop, context, settings.membership, clock,
                  [this](Event event) { turn_.add(std::move(event)); }),
      time_(loop, [this] { look_at_the_time(); }),
      again_(loop, [this] { turn_.add(Event(TimePassed{})); }),
      house_(loop, [this] { keep_house(); }),
      copying_(loop) {
  store_.checkpoint_elsewhere([this](std::function<void()> work, std::function<void()> done) {
    copying_.run(std::move(work), std::move(done));
  });
  turn_.add(Event(TimePassed{}));  // what was noted at the start is published with the first turn
  time_.start(kTick, kTick);
  house_.start(kHouseEvery, kHouseEvery);
}

Service::~Service() {
  store_.checkpoint_elsewhere({});
}

void Service::turn(std::vector<Input>&& inputs) {
  const Instant began = clock_.now();
  std::vector<Event> events;
  std::vector<Asked> questions;
  for (Input& input : inputs) {
    if (auto* asked = std::get_if<Asked>(&input)) {
      questions.push_back(std::move(*asked));
    } else {
      events.push_back(std::move(std::get<Event>(input)));
    }
  }
  // One stretch a turn, so that a large inventory keeps nobody waiting.
  if (auto stretch = agents_.next_inventory()) events.push_back(std::move(*stretch));
  const bool was_braked = rebalancer_.view().braked().has_value();
  const bool was_held = rebalancer_.view().log_held().has_value();
  const Committed committed = rebalancer_.handle(events, questions);
  if (const auto& why = rebalancer_.view().braked(); why.has_value() != was_braked) {
    log::warn(why ? "braked" : "brake_off", {{"why", why.value_or("")}});
  }
  if (const auto& why = rebalancer_.view().log_held(); why.has_value() != was_held) {
    log::warn(why ? "log_full" : "log_begun_anew", {{"why", why.value_or("")}});
  }
  publisher_.committed(committed);
  agents_.committed();
  events_.publish_up_to(rebalancer_.view().last_event());
  rebalancer_.end_turn();
  if (on_turn) on_turn(clock_.now() - began);
  if (committed.changes > 0) {
    log::info("commit", {{"events", committed.events},
                         {"questions", questions.size()},
                         {"changes", committed.changes},
                         {"commands", committed.issued.size()},
                         {"took_ms", (clock_.now() - began).count()}});
  }
  if (committed.more_to_do || agents_.inventory_waiting()) again_.start(Duration(0));
}

void Service::look_at_the_time() {
  turn_.add(Event(TimePassed{}));
}

void Service::keep_house() {
  if (store_.prune(settings_.keep, kPruneRows)) house_.start(kTick, kHouseEvery);
}

}  // namespace evenkeel
