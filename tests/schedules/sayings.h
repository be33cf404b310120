#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/model/member.h"
#include "tests/schedules/world.h"

namespace evenkeel::schedules {

/// What programs have said on the wires, to hold them and the database to it.
class Sayings {
 public:
  using Fault = std::function<void(const std::string& rule, const std::string& what)>;
  explicit Sayings(Fault fault) : fault_(std::move(fault)) {}

  void heard(const Run& from, std::string_view message);

  /// What membership had said of each server, as of event `number` of `stream`. Of what it has
  /// committed and was ended before it could say, nothing.
  std::map<ServerId, Member> members_at(StorageId stream, EventNumber number) const;

 private:
  void of_membership(std::string_view message);
  void of_agent(const std::string& machine, std::string_view message);

  Fault fault_;
  std::map<StorageId, std::map<ServerId, std::map<EventNumber, Member>>> members_;
  std::map<StorageId, Epoch> epochs_;  // the highest that each storage has said it knows
};

}  // namespace evenkeel::schedules
