#pragma once
#include <filesystem>
#include <string>

namespace evenkeel::agent {

/// Leaves the address of the data port in <data_dir>/address, for tools and tests: the port may be
/// one that the system chose. Whole or not there at all. Throws std::runtime_error.
void write_address_file(const std::filesystem::path& data_dir, const std::string& address);

}  // namespace evenkeel::agent
