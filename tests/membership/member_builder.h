#pragma once
#include <string>
#include <vector>

#include "common/model/member.h"
#include "common/model/text.h"
#include "services/membership/core/member_table.h"

namespace evenkeel::membership {

/// A storage that is told apart by one letter.
inline StorageId storage_of(char letter) {
  StorageId::Array bytes{};
  bytes.fill(static_cast<std::uint8_t>(letter));
  return StorageId(bytes);
}

/// "7.2A": server 7, incarnation 2, storage A. What else there is to say of it is the same for all:
/// 1,000 bytes of capacity, 500 free, 400 used, 50 in reserve.
inline Member member_of(const std::string& text) {
  const std::size_t dot = text.find('.');
  const ServerId server(std::stoull(text.substr(0, dot)));
  const Incarnation incarnation(std::stoull(text.substr(dot + 1, text.size() - dot - 2)));
  return Member{server,
                incarnation,
                storage_of(text.back()),
                Liveness::kAlive,
                false,
                "zone1/rack1/host" + std::to_string(server.value()),
                "10.0.0.1:" + std::to_string(7000 + server.value()),
                Bytes(1000),
                Bytes(50),
                Bytes(500),
                Bytes(400)};
}

inline std::string word_of(const Member& member) {
  const std::string name = std::to_string(member.server.value()) + "." +
                           std::to_string(member.incarnation.value()) +
                           static_cast<char>(member.storage.bytes().front());
  return name + " " + (member.planned ? "left" : std::string(to_text(member.liveness)));
}

/// "joined 7.2A, failed 8.1B"
inline std::string words_of(const MemberChanges& changes) {
  std::string all;
  for (const MemberChange& change : changes) {
    const Member& member = change.member;
    all += (all.empty() ? "" : ", ") + std::string(to_text(change.kind)) + " " +
           std::to_string(member.server.value()) + "." +
           std::to_string(member.incarnation.value()) +
           static_cast<char>(member.storage.bytes().front());
  }
  return all;
}

/// "7.2A alive; 8.1B left"
inline std::string words_of(const std::vector<Member>& members) {
  std::string all;
  for (const Member& member : members) all += (all.empty() ? "" : "; ") + word_of(member);
  return all;
}

}  // namespace evenkeel::membership
