#include "tests/schedules/world.h"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/checksum/checksum.h"

namespace evenkeel::schedules {
namespace {

World* the_one = nullptr;

std::uint64_t sum_of(std::string_view text) {
  return block_checksum({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

World::World(std::uint64_t seed) : seed_(seed), rng_(stream("world")), bytes_(stream("bytes")) {
  EK_CHECK(the_one == nullptr);
  the_one = this;
  tracing_ = std::getenv("EVENKEEL_TRACE") != nullptr;
}

World::~World() {
  the_one = nullptr;
}

World& World::here() {
  EK_CHECK(the_one != nullptr);
  return *the_one;
}

bool World::there_is_one() {
  return the_one != nullptr;
}

Rng World::stream(std::string_view name, std::uint64_t number) const {
  Rng first(seed_ ^ sum_of(name));
  return Rng(first.next() + number * 0x9E3779B97F4A7C15ULL);
}

void World::at(Nanos when, const std::shared_ptr<Run>& whose, std::function<void()> what) {
  items_.emplace(std::pair(std::max(when, now_), next_++), Item{whose, std::move(what)});
}

void World::forget(const std::shared_ptr<Run>& whose) {
  std::vector<Item> dropped;  // until the map is in order again: it may hold what adds to it
  for (auto item = items_.begin(); item != items_.end();) {
    if (item->second.whose != whose) {
      ++item;
      continue;
    }
    dropped.push_back(std::move(item->second));
    item = items_.erase(item);
  }
}

bool World::step() {
  for (;;) {
    if (items_.empty()) return false;
    auto next = items_.extract(items_.begin());
    auto& [whose, what] = next.mapped();
    if (whose && whose->over) continue;
    if (whose && whose->stopped_until > next.key().first) {
      next.key().first = whose->stopped_until;
      items_.insert(std::move(next));
      continue;
    }
    now_ = next.key().first;
    ++events_;
    whose ? as(whose, what) : what();
    return true;
  }
}

bool World::step_of(const std::shared_ptr<Run>& whose, Nanos until) {
  for (auto item = items_.begin(); item != items_.end() && item->first.first <= until; ++item) {
    if (item->second.whose != whose) continue;
    const auto next = items_.extract(item);
    ++events_;
    as(whose, next.mapped().what);
    return true;
  }
  return false;
}

void World::as(const std::shared_ptr<Run>& whose, const std::function<void()>& what) {
  const auto before = std::exchange(running_, whose);
  std::string why;
  bool ended = false;
  try {
    what();
  } catch (const CutOff&) {
    ended = true;
  } catch (const std::exception& error) {
    ended = true;
    why = error.what();
  }
  running_ = before;
  if (ended && on_end) on_end(whose, why);
}

void World::act(const char* what) {
  if (running_ && on_act) on_act(*running_, what);
}

void World::note(std::string_view what, std::uint64_t more) {
  hash_ = (hash_ ^ sum_of(what) ^ static_cast<std::uint64_t>(now_)) * 0x100000001B3ULL + more;
}

void World::trace(const std::string& line) const {
  std::fprintf(stderr, "%10.3f %s\n", static_cast<double>(now_) / 1e9, line.c_str());
}

}  // namespace evenkeel::schedules
