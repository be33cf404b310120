#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/checksum/checksum.h"

namespace evenkeel::agent {

/// A manifest as it is kept beside a chunk (schema/disk/README.md).
std::vector<std::uint8_t> manifest_bytes(const Manifest& manifest);

/// Nothing: not a manifest, or not one that fits its own size.
std::optional<Manifest> parse_manifest(std::span<const std::uint8_t> bytes);

/// Whether it has as many blocks as its size asks for, and adds up to `checksum`. What comes from
/// a peer must pass this before any of it is believed.
bool manifest_matches(const Manifest& manifest, std::uint64_t size_bytes, const Checksum& checksum);

}  // namespace evenkeel::agent
