#include "tools/cli/put.h"

#include <utility>

#include <unistd.h>

namespace evenkeel::cli {
namespace {

/// As far as it can be known before anything is opened.
std::uint64_t size_of(const std::vector<PutJob>& jobs) {
  std::uint64_t total = 0;
  for (const PutJob& job : jobs) {
    std::error_code unknown;
    const std::uintmax_t size = std::filesystem::file_size(job.path, unknown);
    if (!unknown) total += size;
  }
  return total;
}

}  // namespace

Put::Put(Loop& loop, ControlClient& control, Settings settings, std::vector<PutJob> jobs,
         OnEnd on_end)
    : loop_(&loop),
      control_(&control),
      settings_(std::move(settings)),
      jobs_(std::move(jobs)),
      on_end_(std::move(on_end)),
      work_(loop),
      data_(loop, {settings_.cluster, settings_.stall, settings_.parallel}),
      window_(settings_.window_bytes) {
  moved_.files_total = jobs_.size();
  moved_.bytes_total = size_of(jobs_);
}

/// One word about a rebalancer that is not there, and not one for each file.
void Put::start() {
  control_->ask<Pong>(Ping{}, [this](const Result<Pong>& pong) {
    if (pong) return start_files();
    outcome_.failures.push_back(pong.error().what);
    next_ = jobs_.size();
    end_if_done();
  });
}

Moved Put::moved() const {
  return moved_;
}

/// Files beyond what the window holds would only wait, and none would be whole for long.
bool Put::room_for_another() const {
  return in_work_.empty() ||
         (in_work_.size() < settings_.files_at_once && bytes_in_work_ < settings_.window_bytes);
}

void Put::start_files() {
  if (std::exchange(starting_, true)) return;  // a file that ends at once starts no further ones
  while (next_ < jobs_.size() && room_for_another()) start_file(jobs_[next_++]);
  starting_ = false;
  end_if_done();
}

void Put::start_file(const PutJob& job) {
  auto input = job.path == "-" ? spool(STDIN_FILENO) : open_input(job.path);
  if (!input) {
    outcome_.failures.push_back(input.error().what);
    return;
  }
  if (job.path == "-") moved_.bytes_total += input->size;
  const std::size_t number = next_;
  bytes_in_work_ += input->size;
  auto file = std::make_shared<FilePut>(
      FilePut::Parts{loop_, &work_, control_, &data_, &window_, settings_.goal,
                     [this](std::uint64_t bytes) { moved_.bytes += bytes; }, settings_.chunks,
                     settings_.policy},
      job.name, std::move(*input),
      [this, number](const FileOutcome& outcome) { file_ended(number, outcome); });
  in_work_[number] = file;
  file->start();
}

void Put::file_ended(std::size_t number, const FileOutcome& outcome) {
  const auto keep = in_work_.at(number);  // who calls
  in_work_.erase(number);
  bytes_in_work_ -= outcome.size;
  for (const std::string& warning : outcome.warnings) outcome_.warnings.push_back(warning);
  if (outcome.failure) {
    outcome_.failures.push_back(*outcome.failure);
  } else {
    ++outcome_.files;
    outcome_.bytes += outcome.size;
    outcome_.chunks += outcome.chunks;
    outcome_.replicas += outcome.replicas;
  }
  ++moved_.files;
  start_files();
}

void Put::end_if_done() {
  if (next_ < jobs_.size() || !in_work_.empty() || !on_end_) return;
  std::exchange(on_end_, nullptr)(outcome_);
}

}  // namespace evenkeel::cli
