#include "services/membership/io/snapshot.h"

#include "common/wire/limits.h"

namespace evenkeel::membership {
namespace {

/// What a member takes in a message at the most: names and numbers of its fields take 300 bytes.
std::size_t bytes_of(const Member& member) {
  std::size_t bytes = 300 + member.location.size() + member.address.size();
  for (const auto& [key, value] : member.labels) bytes += 5 + key.size() + value.size();
  return bytes;
}

}  // namespace

std::vector<MemberSnapshot> snapshot_parts(const MemberSnapshot& of,
                                           const std::vector<Member>& members) {
  constexpr std::size_t kPartBytes = wire::kMessageBytesMax - 4096;  // less the envelope
  std::vector<MemberSnapshot> all(1, of);
  all.front().members.clear();
  std::size_t bytes = 0;
  for (const Member& member : members) {
    const std::size_t more = bytes_of(member);
    if (all.back().members.size() == wire::kMembersMax || bytes + more > kPartBytes) {
      all.push_back(of);
      all.back().members.clear();
      bytes = 0;
    }
    bytes += more;
    all.back().members.push_back(member);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].part = i + 1;
    all[i].parts = all.size();
  }
  return all;
}

}  // namespace evenkeel::membership
