#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/schedules/schedule.h"
#include "tests/schedules/town.h"

namespace evenkeel::schedules {

/// Lets faults happen, each kind at a rate of its own or not at all, for a while.
class Storm {
 public:
  Storm(Town& town, Rng rng) : town_(town), rng_(rng) {}
  virtual ~Storm() = default;
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  void first_files();
  /// What clients and operators do meanwhile is no fault, and is always there.
  void go_on(Nanos until);
  /// What was begun may show its consequences only then.
  virtual Nanos consequences_until() const { return 0; }

 protected:
  template <class T>
  T one_of(std::vector<T> items) {
    return rng_.pick(items);
  }
  Nanos some(std::uint64_t most) {
    return static_cast<Nanos>(rng_.below(most * static_cast<std::uint64_t>(kSecond)));
  }
  std::string any_agent() { return rng_.pick(town_.agents()); }
  std::string any_program();
  ServerId any_server() { return ServerId(rng_.between(1, town_.agents().size())); }
  /// Never the next one: a delete that comes late would mean it.
  std::string any_file();
  void kill(Town::How how);
  void spoil(const std::function<void(Disks::Faults&)>& how);

  Town& town_;
  Rng rng_;
  std::vector<std::function<void()>> kinds_;

 private:
  virtual void on_placed() {}  // a client has been told where its bytes are to go
  void put();
  void daily_work();

  std::uint64_t puts_ = 0;
};

std::unique_ptr<Storm> storm_of(Family family, Town& town, Rng rng);

}  // namespace evenkeel::schedules
