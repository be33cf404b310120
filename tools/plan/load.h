#pragma once
#include <vector>

#include "services/rebalancer/core/cluster_view.h"
#include "tools/plan/cluster_files.h"

namespace evenkeel::offline {

/// Loads the servers into an empty view, each at the slot that is its number.
void load_servers(ClusterView& view, const std::vector<ServerRow>& rows);

/// Loads the chunks after the servers, each at the slot that is its number, and derives all that
/// follows from them. Nothing of the file is kept beside the view. Reports kMalformed also where
/// servers.csv (called `servers_name`) says that a server uses something else than what its chunks
/// come to.
Result<void> load_chunks(ClusterView& view, const std::vector<ServerRow>& rows,
                         const std::string& servers_name, const std::string& name,
                         const ChunksHeader& header, const ReadAt& read);

}  // namespace evenkeel::offline
