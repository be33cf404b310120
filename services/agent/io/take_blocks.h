#pragma once
#include <optional>

#include "common/reactor/tcp.h"
#include "services/agent/store/aside_file.h"
#include "services/agent/store/chunk_files.h"

namespace evenkeel::agent {

/// Matches a run of whole blocks with the manifest, and writes them if they are right. kCorrupt:
/// they are not, and nothing was written. Blocking; for the thread pool.
std::optional<DiskFault> take_blocks(const AsideFile& file, const Manifest& manifest,
                                     std::uint64_t offset, const Buffer& bytes);

/// The same for a chunk of one block that came alone: its checksum tells.
std::optional<DiskFault> take_one_block(const AsideFile& file, const Checksum& checksum,
                                        const Buffer& bytes);

}  // namespace evenkeel::agent
