#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "common/base/random.h"
#include "services/rebalancer/core/change.h"

namespace evenkeel::bench {

/// A cluster at rest, as changes: so many chunks of 64 MiB with three replicas each, in racks that
/// differ, on servers with room for twice as many.
class MadeCluster {
 public:
  MadeCluster(std::uint64_t chunks, std::uint64_t servers) : chunks_(chunks), servers_(servers) {}

  std::uint64_t chunks() const { return chunks_; }
  std::uint64_t servers() const { return servers_; }

  static StorageId storage_of(std::uint64_t server) {
    std::string raw(16, 'S');
    for (std::size_t i = 0; i < 8; ++i) raw[i] = static_cast<char>(server >> (8 * i));
    return *StorageId::from_raw(raw);
  }

  Member member(std::uint64_t server) const {
    const std::uint64_t held = chunks_ * kReplicas / servers_ * (64 << 20);
    return {.server = ServerId(server),
            .incarnation = Incarnation(1),
            .storage = storage_of(server),
            .location = "z/r" + std::to_string(server % kRacks) + "/h" + std::to_string(server),
            .address = "10.0.0.1:7421",
            .capacity = Bytes(2 * held),
            .reserve = Bytes(0),
            .free = Bytes(held),
            .used = Bytes(held)};
  }

  /// Servers and chunks with their replicas, handed to `save` in parts of some thousand changes.
  template <class Save>
  void fill(const Save& save) const {
    constexpr std::size_t kPart = 20'000;
    Rng rng(1);
    Changes changes;
    for (std::uint64_t server = 1; server <= servers_; ++server) {
      changes.push_back(ServerAdded{member(server)});
    }
    for (std::uint64_t chunk = 1; chunk <= chunks_; ++chunk) {
      add_chunk(chunk, rng, changes);
      if (changes.size() < kPart) continue;
      save(changes);
      changes.clear();
    }
    save(changes);
  }

  /// All servers have reported, to a first epoch.
  Changes reported(Epoch epoch, Instant now) const {
    Changes changes{EpochRaised{epoch}};
    for (std::uint64_t server = 1; server <= servers_; ++server) {
      changes.push_back(
          ServerReported{ServerId(server), InventoryNumber(1), JournalNumber(0), now});
    }
    changes.push_back(SyncChanged{true});
    changes.push_back(SafeModeLeft{});
    return changes;
  }

 private:
  static constexpr std::uint64_t kReplicas = 3, kRacks = 10;

  void add_chunk(std::uint64_t chunk, Rng& rng, Changes& changes) const {
    std::string sum(16, 'c');
    for (std::size_t i = 0; i < 8; ++i) sum[i] = static_cast<char>(chunk >> (8 * i));
    changes.push_back(
        ChunkAdded{{ChunkId(chunk), ChunkVersion(1), Bytes(64 << 20), *Checksum::from_raw(sum)},
                   static_cast<int>(kReplicas),
                   ChunkLife::kLive});
    std::uint64_t racks[kReplicas];
    for (std::uint64_t i = 0; i < kReplicas; ++i) {
      std::uint64_t server = 0;
      do {
        server = rng.below(servers_) + 1;
      } while (std::count(racks, racks + i, server % kRacks) > 0);
      racks[i] = server % kRacks;
      changes.push_back(ReplicaAdded{ChunkId(chunk), ServerId(server), ReplicaState::kValid,
                                     ChunkVersion(1), JournalNumber(0)});
    }
  }

  const std::uint64_t chunks_, servers_;
};

}  // namespace evenkeel::bench
