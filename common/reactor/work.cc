#include "common/reactor/work.h"

#include <exception>
#include <utility>

#include "common/base/check.h"

namespace evenkeel {

struct Work::Job {
  uv_work_t uv;
  Loop* loop;
  std::weak_ptr<State> owner;
  std::function<void()> work;
  std::function<void()> done;
  std::exception_ptr failure;

  void perform() noexcept {
    if (owner.expired()) return;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }

  void complete() {
    const std::shared_ptr<State> state = owner.lock();
    if (!state) return;
    --state->in_progress;
    if (failure) std::rethrow_exception(failure);
    done();
  }
};

void Work::run(std::function<void()> work, std::function<void()> done) {
  auto job =
      std::make_unique<Job>(Job{{}, loop_, state_, std::move(work), std::move(done), nullptr});
  job->uv.data = job.get();
  const int rc = uv_queue_work(
      loop_->handle(), &job->uv, [](uv_work_t* uv) { static_cast<Job*>(uv->data)->perform(); },
      [](uv_work_t* uv, int) {
        const std::unique_ptr<Job> ended(static_cast<Job*>(uv->data));
        ended->loop->guard([&] { ended->complete(); });
      });
  EK_CHECK(rc == 0);
  ++state_->in_progress;
  job.release();  // libuv has it until the completion
}

}  // namespace evenkeel
