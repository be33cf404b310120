#include "services/rebalancer/store/histories.h"

#include <algorithm>

#include "common/token/token.h"

namespace evenkeel {
namespace {

std::uint64_t drawn_below_power(int bits) {
  std::uint64_t drawn = 0;
  for (const char byte : random_bytes(8)) drawn = drawn << 8 | static_cast<unsigned char>(byte);
  return drawn >> (64 - bits);
}

template <class Id>
void move_on(Id& id, int bits) {
  id = Id(id.value() + drawn_below_power(bits));
}

}  // namespace

Epoch epoch_at(Timestamp wall) {
  constexpr Timestamp kStart2026(std::chrono::seconds(1'767'225'600));
  const Duration since = wall - kStart2026;
  return Epoch(static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0)));
}

FileId first_file_of(Epoch epoch) {
  constexpr std::uint64_t kBelow = std::uint64_t{1} << 42;  // in ms, which are 139 years
  return FileId(epoch.value() % kBelow << 20);
}

void set_apart(Changes& changes) {
  for (Change& change : changes) {
    if (auto* epoch = std::get_if<EpochRaised>(&change)) {
      move_on(epoch->epoch, 20);
    } else if (auto* command = std::get_if<CommandFloorRaised>(&change)) {
      move_on(command->floor, 32);
    } else if (auto* chunk = std::get_if<ChunkSequence>(&change)) {
      move_on(chunk->next, 40);
    }
  }
}

}  // namespace evenkeel
