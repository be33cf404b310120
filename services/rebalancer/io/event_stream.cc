#include "services/rebalancer/io/event_stream.h"

#include "common/log/log.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"

namespace evenkeel {

EventStream::EventStream(Loop& loop, zmq::context_t& context, const std::string& cluster,
                         const std::string& endpoint, Store& store, EventNumber published)
    : cluster_(cluster),
      store_(store),
      channel_(loop, make_xpub(context, {.endpoint = endpoint, .attach = Attach::kBind}),
               [](Frames&&) {}),  // who listens is of no concern
      published_(published) {}

void EventStream::publish_up_to(EventNumber last) {
  constexpr std::size_t kAtOnce = 1000;
  while (published_ < last) {
    const auto events = store_.events_after(published_, kAtOnce);
    for (const RebalancerEvent& event : events) {
      log::info("event", {{"number", event.number.value()},
                          {"kind", event.kind},
                          {"subject", event.subject},
                          {"text", event.text}});
      // Lost where nobody listens: the table keeps it.
      static_cast<void>(
          channel_.send({wire::event_topic(event.kind), wire::encode(cluster_, event)}));
      published_ = event.number;
    }
    if (events.size() < kAtOnce) published_ = last;
  }
}

}  // namespace evenkeel
