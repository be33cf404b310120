#include "common/reactor/mailbox.h"

#include <utility>

#include "common/base/check.h"

namespace evenkeel {

Mailbox::Mailbox(Loop& loop) : state_(new State) {
  state_->loop = &loop;
  state_->uv.data = state_.get();
  const int rc = uv_async_init(loop.handle(), &state_->uv,
                               [](uv_async_t* uv) { deliver(*static_cast<State*>(uv->data)); });
  EK_CHECK(rc == 0);
}

void Mailbox::Close::operator()(State* state) const {
  state->open = false;  // deliver() may be running a job that destroys the mailbox
  CloseLater<State>{}(state);
}

void Mailbox::post(std::function<void()> job) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
  }
  EK_CHECK(uv_async_send(&state_->uv) == 0);
}

void Mailbox::deliver(State& state) {
  std::vector<std::function<void()>> jobs;
  {
    const std::lock_guard lock(state.mutex);
    jobs.swap(state.jobs);  // one ring may stand for many posts
  }
  for (const auto& job : jobs) {
    if (state.open) state.loop->guard(job);
  }
}

}  // namespace evenkeel
