#include "services/agent/io/agent.h"

#include <utility>

#include "common/log/log.h"
#include "services/agent/store/address_file.h"

namespace evenkeel::agent {
namespace {

constexpr Duration kIdlePeers{60'000};
constexpr Duration kLeaveWait{1'000};

}  // namespace

Agent::Agent(Loop& loop, zmq::context_t& context, const Clock& clock, const Settings& settings)
    : storage_(loop, clock, settings.cluster, settings.server, settings.directory),
      committer_(loop, storage_, [this] { rebalancer_.flush(); }),
      peers_(loop, settings.cluster),
      executor_(loop, storage_, committer_, peers_, settings.work),
      data_port_(loop, storage_, committer_, settings.data_port),
      address_(advertised(settings.data_port)),
      membership_(loop, context, storage_, settings.membership,
                  {settings.location, address_, settings.labels}),
      rebalancer_(loop, context, storage_, committer_, executor_, settings.rebalancer),
      watcher_(loop, storage_, committer_, settings.directory.rescan_interval),
      scrubber_(loop, storage_, settings.scrub),
      housekeeping_(loop, [this] { peers_.close_idle(); }),
      stopping_(loop, [this] {
        if (on_stopped_) std::exchange(on_stopped_, nullptr)();
      }) {
  data_port_.on_higher_epoch = [this](Epoch epoch) { rebalancer_.raise_epoch(epoch); };
  membership_.on_new_incarnation = [this] { rebalancer_.say_hello_again(); };
  membership_.on_left = [this] { stopping_.start(Duration::zero()); };
  write_address_file(storage_.files()->dir(), address_);
  housekeeping_.start(kIdlePeers, kIdlePeers);
  const Space space = storage_.space();
  log::info("agent", {{"server", storage_.identity().server},
                      {"storage", storage_.identity().storage},
                      {"incarnation", storage_.identity().incarnation},
                      {"epoch", storage_.identity().epoch},
                      {"address", address_},
                      {"replicas", storage_.table().all().size()},
                      {"used_bytes", space.used.count()},
                      {"capacity_bytes", space.capacity.count()},
                      {"reserve_bytes", space.reserve.count()},
                      {"quarantined_bytes", storage_.files()->quarantined().count()}});
}

std::string Agent::advertised(const DataPortSettings& settings) const {
  const std::string& wanted = settings.advertise.empty() ? settings.listen : settings.advertise;
  const std::size_t colon = wanted.rfind(':');
  const bool any = wanted.substr(colon + 1) == "0";
  return any ? wanted.substr(0, colon + 1) + std::to_string(data_port_.port()) : wanted;
}

void Agent::stop(std::function<void()> on_stopped) {
  if (membership_.left()) return;
  on_stopped_ = std::move(on_stopped);
  membership_.leave();
  stopping_.start(kLeaveWait);
}

}  // namespace evenkeel::agent
