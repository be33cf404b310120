#include <benchmark/benchmark.h>

#include "tests/wire/samples.h"

// What a message costs: one of each kind as in schema/wire/golden, and last a full part of an
// inventory, the largest that agents send. The label names the kind.
namespace evenkeel::wire {
namespace {

constexpr int kSamples = 48;

Message message_at(std::int64_t place) {
  const std::vector<Message> all = samples();
  if (place < kSamples) return all.at(static_cast<std::size_t>(place));
  for (const Message& message : all) {
    if (const auto* inventory = std::get_if<Inventory>(&message)) {
      Inventory full = *inventory;
      full.rows.resize(kInventoryRowsMax, full.rows.front());
      return full;
    }
  }
  return TransferDone{};
}

void describe(benchmark::State& state, const Message& message, std::size_t bytes) {
  state.SetLabel(std::string(kind_of(message)) + ", " + std::to_string(bytes) + " bytes");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void encoded(benchmark::State& state) {
  const Message message = message_at(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(encode(kCluster, message));
  describe(state, message, encode(kCluster, message).size());
}
BENCHMARK(encoded)->DenseRange(0, kSamples);

void decoded(benchmark::State& state) {
  const Message message = message_at(state.range(0));
  const std::string bytes = encode(kCluster, message);
  for (auto _ : state) benchmark::DoNotOptimize(decode(kCluster, bytes));
  describe(state, message, bytes.size());
}
BENCHMARK(decoded)->DenseRange(0, kSamples);

}  // namespace
}  // namespace evenkeel::wire
