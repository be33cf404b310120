#include "common/reactor/work.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "common/base/check.h"

namespace evenkeel {

struct Work::Job {
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

/// What one thread does in one go.
struct Work::Batch {
  uv_work_t uv;
  Loop* loop;
  std::vector<std::shared_ptr<Job>> jobs;
};

std::shared_ptr<Work::Job> Work::begin(std::function<void()> work, std::function<void()> done) {
  ++state_->in_progress;
  return std::make_shared<Job>(Job{state_, std::move(work), std::move(done), nullptr});
}

void Work::queue(Loop& loop, std::vector<std::shared_ptr<Job>> jobs) {
  auto batch = std::make_unique<Batch>(Batch{{}, &loop, std::move(jobs)});
  batch->uv.data = batch.get();
  const int rc = uv_queue_work(
      loop.handle(), &batch->uv,
      [](uv_work_t* uv) {
        for (const auto& job : static_cast<Batch*>(uv->data)->jobs) job->perform();
      },
      [](uv_work_t* uv, int) {
        const std::unique_ptr<Batch> ended(static_cast<Batch*>(uv->data));
        for (const auto& job : ended->jobs) ended->loop->guard([&] { job->complete(); });
      });
  EK_CHECK(rc == 0);
  batch.release();  // libuv has it until the completion
}

void Work::run(std::function<void()> work, std::function<void()> done) {
  queue(*loop_, {begin(std::move(work), std::move(done))});
}

WorkGroup::WorkGroup(Loop& loop)
    : loop_(loop), turn_(loop, {}, [this](auto&& jobs) { hand_over(std::move(jobs)); }) {}

void WorkGroup::run(Work& owner, std::function<void()> work, std::function<void()> done) {
  turn_.add(owner.begin(std::move(work), std::move(done)));
}

/// As even as can be, so that more than one thread has some, if there are more than a few: to wake
/// a thread takes as long as a piece or two.
void WorkGroup::hand_over(std::vector<std::shared_ptr<Work::Job>>&& jobs) {
  constexpr std::size_t kThreads = 2, kFew = 8, kMost = 32;
  const std::size_t each = std::clamp<std::size_t>((jobs.size() + 1) / kThreads, kFew, kMost);
  for (auto first = jobs.begin(); first != jobs.end();) {
    const auto count = std::min<std::size_t>(each, static_cast<std::size_t>(jobs.end() - first));
    const auto last = first + static_cast<std::ptrdiff_t>(count);
    Work::queue(loop_, {std::make_move_iterator(first), std::make_move_iterator(last)});
    first = last;
  }
}

}  // namespace evenkeel
