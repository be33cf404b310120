#include "tests/cli/fake_rebalancer.h"

#include <utility>

#include "common/base/check.h"
#include "common/reactor/sockets.h"
#include "common/wire/codec.h"

namespace evenkeel::cli {

FakeRebalancer::FakeRebalancer(Loop& loop, zmq::context_t& context, Answers answers)
    : answers_(std::move(answers)),
      channel_(loop,
               make_router(context, {.endpoint = "tcp://127.0.0.1:*", .attach = Attach::kBind}),
               [this](Frames&& frames) {
                 EK_CHECK(frames.size() == 2);
                 const auto message = wire::decode("test", bytes_of(frames[1]));
                 EK_CHECK(message.has_value());
                 heard.push_back(std::get<ControlRequest>(*message));
                 for (const std::string& bytes : answers_(heard.back())) {
                   EK_CHECK(channel_.send({bytes_of(frames[0]), bytes}) == Sent::kTaken);
                 }
               }) {}

std::string answer(const ControlRequest& request, Answer what) {
  return wire::encode("test", ControlAnswer{request.request, std::move(what)});
}

}  // namespace evenkeel::cli
