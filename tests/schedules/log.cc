// Stands in for common/log/log.cc where programs run in a simulated world: nothing is written
// unless EVENKEEL_TRACE is set.
#include "common/log/log.h"

#include "common/base/overloaded.h"
#include "tests/schedules/world.h"

namespace evenkeel::log {

void write(Level, std::string_view name, Fields fields) {
  if (!schedules::World::there_is_one()) return;
  const schedules::World& world = schedules::World::here();
  if (!world.tracing()) return;
  const auto& run = world.running();
  std::string line = (run ? run->program : std::string("-")) + " " + std::string(name);
  for (const Field& field : fields) {
    line += " " + std::string(field.key) + "=" +
            std::visit(Overloaded{[](const std::string& text) { return text; },
                                  [](bool truth) { return std::string(truth ? "true" : "false"); },
                                  [](auto number) { return std::to_string(number); }},
                       field.value.variant());
  }
  world.trace(line);
}

}  // namespace evenkeel::log
