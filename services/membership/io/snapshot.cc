#include "services/membership/io/snapshot.h"

#include <algorithm>

#include "common/wire/limits.h"

namespace evenkeel::membership {

std::vector<MemberSnapshot> snapshot_parts(const MemberSnapshot& of,
                                           const std::vector<Member>& members) {
  const std::size_t parts =
      std::max<std::size_t>(1, (members.size() + wire::kMembersMax - 1) / wire::kMembersMax);
  std::vector<MemberSnapshot> all(parts, of);
  for (std::size_t i = 0; i < members.size(); ++i) {
    all[i / wire::kMembersMax].members.push_back(members[i]);
  }
  for (std::size_t i = 0; i < parts; ++i) {
    all[i].part = i + 1;
    all[i].parts = parts;
  }
  return all;
}

}  // namespace evenkeel::membership
