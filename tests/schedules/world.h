#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/random.h"
#include "common/base/time.h"

namespace evenkeel::schedules {

/// Virtual time, from the begin of the world. So fine that no two things happen at once: what comes
/// first must not depend on the order in which memory was given out.
using Nanos = std::int64_t;
inline constexpr Nanos kMs = 1'000'000;
inline constexpr Nanos kSecond = 1'000 * kMs;

/// Thrown through a program to cut it off where it stands, as kill -9 does.
struct CutOff {};

/// One run of a program, from its start to its end.
struct Run {
  std::string program;  ///< "rebalancer", "membership", "s3"
  std::string machine;  ///< whose network and disk it uses
  bool over = false;
  Nanos stopped_until = 0;  ///< it stands still (SIGSTOP)
  Nanos tick_at_least = 0;  ///< how coarse its timers are: a slow machine
};

/// One virtual clock, and everything that is to happen on it. All programs run in one thread, each
/// callback to its end. The same seed gives the same world.
class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// The one that there is: for what is called without knowing of it (disks, random bytes, logs).
  static World& here();
  static bool there_is_one();

  std::uint64_t seed() const { return seed_; }
  Nanos now() const { return now_; }
  /// A stream of chance of its own: what one part draws does not change what another draws.
  Rng stream(std::string_view name, std::uint64_t number = 0) const;
  Rng& rng() { return rng_; }
  std::uint8_t random_byte() { return static_cast<std::uint8_t>(bytes_.next()); }

  /// `whose`: nothing happens if that run is over by then; none: it is nobody's.
  void at(Nanos when, const std::shared_ptr<Run>& whose, std::function<void()> what);
  void after(Nanos wait, const std::shared_ptr<Run>& whose, std::function<void()> what) {
    at(now_ + wait, whose, std::move(what));
  }
  /// What that run was going to do is given up, and all that it held for it.
  void forget(const std::shared_ptr<Run>& whose);
  /// Lets the next thing happen. False: there is nothing left to happen.
  bool step();
  /// Lets the next thing happen that is that run's own and due by then, while the clock stands
  /// still. False: there is none.
  bool step_of(const std::shared_ptr<Run>& whose, Nanos until);
  /// Runs `what` as part of that run: an exception ends it.
  void as(const std::shared_ptr<Run>& whose, const std::function<void()>& what);

  /// Called with a run that an exception has ended, and why; never from inside of it.
  std::function<void(const std::shared_ptr<Run>& run, const std::string& why)> on_end;
  /// Called before something that a run does to the outside: writes, syncs, renames, sends. It may
  /// throw CutOff.
  std::function<void(Run& run, const char* what)> on_act;
  const std::shared_ptr<Run>& running() const { return running_; }
  void act(const char* what);

  /// What has happened, in one number.
  std::uint64_t hash() const { return hash_; }
  void note(std::string_view what, std::uint64_t more = 0);
  std::uint64_t events() const { return events_; }
  /// Set by EVENKEEL_TRACE: every line of every log, with its time.
  bool tracing() const { return tracing_; }
  void trace(const std::string& line) const;

  /// Counts a fault that has really happened.
  void fire(const std::string& fault, std::uint64_t times = 1) { fired[fault] += times; }
  std::map<std::string, std::uint64_t> fired;
  std::uint64_t messages = 0;
  /// Until when the disk of a machine does nothing.
  std::map<std::string, Nanos> disk_stalled_until;

 private:
  struct Item {
    std::shared_ptr<Run> whose;
    std::function<void()> what;
  };

  const std::uint64_t seed_;
  Rng rng_, bytes_;
  Nanos now_ = 0;
  std::uint64_t next_ = 0, events_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  bool tracing_ = false;
  std::shared_ptr<Run> running_;
  std::map<std::pair<Nanos, std::uint64_t>, Item> items_;
};

/// The clock of a machine. Its wall clock may be moved.
class MachineClock final : public Clock {
 public:
  explicit MachineClock(const World& world) : world_(world) {}
  Instant now() const override { return Instant(kStart + Duration(world_.now() / kMs)); }
  Timestamp wall_now() const override {
    return Timestamp(kYear2026 + Duration(world_.now() / kMs) + wall_off_);
  }
  void move_wall(Duration by) { wall_off_ += by; }

 private:
  static constexpr Duration kStart{1'000'000};
  static constexpr Duration kYear2026{1'790'000'000'000};
  const World& world_;
  Duration wall_off_{0};
};

}  // namespace evenkeel::schedules
