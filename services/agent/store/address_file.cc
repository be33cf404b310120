#include "services/agent/store/address_file.h"

#include <stdexcept>

#include "services/agent/store/disk.h"

namespace evenkeel::agent {

void write_address_file(const std::filesystem::path& data_dir, const std::string& address) {
  const std::filesystem::path aside = data_dir / "address.new", place = data_dir / "address";
  const std::string line = address + "\n";
  const auto written = File::create(aside).and_then([&](const File& file) {
    return file.write(0, {reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
  });
  const auto moved = written ? rename_file(aside, place) : written;
  if (!moved)
    throw std::runtime_error("cannot write " + place.string() + ": " + moved.error().what);
}

}  // namespace evenkeel::agent
