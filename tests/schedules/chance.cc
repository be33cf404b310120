// Stands in for getrandom() where programs run in a simulated world: what they draw comes from the
// world's seed.
#include <sys/random.h>

#include "common/base/random.h"
#include "tests/schedules/world.h"

extern "C" ssize_t getrandom(void* to, size_t count, unsigned) {
  using evenkeel::schedules::World;
  static evenkeel::Rng before(1);  // of what is made once for all worlds
  auto* bytes = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<unsigned char>(World::there_is_one() ? World::here().random_byte()
                                                                : before.next());
  }
  return static_cast<ssize_t>(count);
}
