#include "common/model/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/check.h"
#include "common/base/overloaded.h"
#include "common/model/approval.h"

namespace evenkeel {
namespace {

template <class Enum>
struct Word {
  Enum value;
  std::string_view text;
};

/// Row i is for the value i, and the last row for `last`: then a word is found by its place.
template <class Enum, std::size_t N>
constexpr bool complete(const std::array<Word<Enum>, N>& words, Enum last) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(words[i].value) != i) return false;
  }
  return static_cast<std::size_t>(last) + 1 == N;
}

constexpr auto kReasons = std::to_array<Word<Reason>>({{Reason::kRepair, "repair"},
                                                       {Reason::kDrain, "drain"},
                                                       {Reason::kSpread, "spread"},
                                                       {Reason::kTrim, "trim"},
                                                       {Reason::kBalance, "balance"},
                                                       {Reason::kRetire, "retire"},
                                                       {Reason::kVerify, "verify"},
                                                       {Reason::kReport, "report"}});
static_assert(complete(kReasons, Reason::kReport));

constexpr auto kCommandKinds =
    std::to_array<Word<CommandKind>>({{CommandKind::kReplicate, "replicate"},
                                      {CommandKind::kDelete, "delete"},
                                      {CommandKind::kVerify, "verify"},
                                      {CommandKind::kReport, "report"}});
static_assert(complete(kCommandKinds, CommandKind::kReport));

constexpr auto kOutcomes = std::to_array<Word<Outcome>>(
    {{Outcome::kDone, "done"}, {Outcome::kFailed, "failed"}, {Outcome::kRefused, "refused"}});
static_assert(complete(kOutcomes, Outcome::kRefused));

constexpr auto kWhys = std::to_array<Word<Why>>({{Why::kNone, "none"},
                                                 {Why::kNoSpace, "no_space"},
                                                 {Why::kNoSource, "no_source"},
                                                 {Why::kCorrupt, "corrupt"},
                                                 {Why::kMissing, "missing"},
                                                 {Why::kVersion, "version"},
                                                 {Why::kStaleEpoch, "stale_epoch"},
                                                 {Why::kWrongStorage, "wrong_storage"},
                                                 {Why::kEvidence, "evidence"},
                                                 {Why::kExpired, "expired"},
                                                 {Why::kIo, "io"},
                                                 {Why::kCancelled, "cancelled"},
                                                 {Why::kUnknown, "unknown"}});
static_assert(complete(kWhys, Why::kUnknown));

constexpr auto kFaults = std::to_array<Word<Fault>>({{Fault::kCorrupt, "corrupt"},
                                                     {Fault::kUnreachable, "unreachable"},
                                                     {Fault::kMissing, "missing"},
                                                     {Fault::kRefused, "refused"}});
static_assert(complete(kFaults, Fault::kRefused));

constexpr auto kVouchers = std::to_array<Word<Holder::VouchedBy>>(
    {{Holder::VouchedBy::kCommand, "command"}, {Holder::VouchedBy::kInventory, "inventory"}});
static_assert(complete(kVouchers, Holder::VouchedBy::kInventory));

constexpr auto kLevels = std::to_array<Word<VerifyLevel>>(
    {{VerifyLevel::kPresence, "presence"}, {VerifyLevel::kContent, "content"}});
static_assert(complete(kLevels, VerifyLevel::kContent));

constexpr auto kSpreadLevels = std::to_array<Word<SpreadLevel>>(
    {{SpreadLevel::kHost, "host"}, {SpreadLevel::kRack, "rack"}, {SpreadLevel::kZone, "zone"}});
static_assert(complete(kSpreadLevels, SpreadLevel::kZone));

constexpr auto kLiveness = std::to_array<Word<Liveness>>(
    {{Liveness::kAlive, "alive"}, {Liveness::kSuspect, "suspect"}, {Liveness::kDead, "dead"}});
static_assert(complete(kLiveness, Liveness::kDead));

constexpr auto kMemberEvents =
    std::to_array<Word<MemberEventKind>>({{MemberEventKind::kJoined, "joined"},
                                          {MemberEventKind::kSuspect, "suspect"},
                                          {MemberEventKind::kFailed, "failed"},
                                          {MemberEventKind::kRecovered, "recovered"},
                                          {MemberEventKind::kLeft, "left"},
                                          {MemberEventKind::kUpdated, "updated"},
                                          {MemberEventKind::kBeacon, "beacon"}});
static_assert(complete(kMemberEvents, MemberEventKind::kBeacon));

constexpr auto kHeartbeatStatuses =
    std::to_array<Word<HeartbeatReply::Status>>({{HeartbeatReply::Status::kOk, "ok"},
                                                 {HeartbeatReply::Status::kStale, "stale"},
                                                 {HeartbeatReply::Status::kConflict, "conflict"}});
static_assert(complete(kHeartbeatStatuses, HeartbeatReply::Status::kConflict));

constexpr auto kFindings =
    std::to_array<Word<ReplicaFinding>>({{ReplicaFinding::kOk, "ok"},
                                         {ReplicaFinding::kCorrupt, "corrupt"},
                                         {ReplicaFinding::kShort, "short"},
                                         {ReplicaFinding::kUnreadable, "unreadable"}});
static_assert(complete(kFindings, ReplicaFinding::kUnreadable));

constexpr auto kInventoryStatuses = std::to_array<Word<InventoryReply::Status>>(
    {{InventoryReply::Status::kOk, "ok"}, {InventoryReply::Status::kAgain, "again"}});
static_assert(complete(kInventoryStatuses, InventoryReply::Status::kAgain));

constexpr auto kModes = std::to_array<Word<TransferOpen::Mode>>(
    {{TransferOpen::Mode::kCopy, "copy"}, {TransferOpen::Mode::kGet, "get"}});
static_assert(complete(kModes, TransferOpen::Mode::kGet));

constexpr auto kAdminStates =
    std::to_array<Word<AdminState>>({{AdminState::kInService, "in_service"},
                                     {AdminState::kDraining, "draining"},
                                     {AdminState::kDrained, "drained"},
                                     {AdminState::kMaintenance, "maintenance"},
                                     {AdminState::kRemoved, "removed"}});
static_assert(complete(kAdminStates, AdminState::kRemoved));

constexpr auto kOperationWords =
    std::to_array<Word<Operation>>({{Operation::kDrain, "drain"},
                                    {Operation::kUndrain, "undrain"},
                                    {Operation::kDecommission, "decommission"},
                                    {Operation::kMaintenance, "maintenance"},
                                    {Operation::kGoalLowered, "goal_lowered"},
                                    {Operation::kCancel, "cancel"},
                                    {Operation::kPause, "pause"},
                                    {Operation::kResume, "resume"},
                                    {Operation::kReleaseBrake, "resume_brake"},
                                    {Operation::kDelete, "delete"}});
static_assert(complete(kOperationWords, Operation::kDelete));

constexpr auto kProposalStates =
    std::to_array<Word<ProposalState>>({{ProposalState::kPending, "pending"},
                                        {ProposalState::kApproved, "approved"},
                                        {ProposalState::kRejected, "rejected"},
                                        {ProposalState::kExpired, "expired"}});
static_assert(complete(kProposalStates, ProposalState::kExpired));

template <class Enum, std::size_t N>
std::string_view text_of(const std::array<Word<Enum>, N>& words, Enum value) {
  const auto place = static_cast<std::size_t>(value);
  EK_CHECK(place < N);
  return words[place].text;
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<Word<Enum>, N>& words, std::string_view text) {
  for (const Word<Enum>& word : words) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}

}  // namespace

// The two directions of one table.
#define EK_WORDS(Enum, table)                                  \
  std::string_view to_text(Enum value) {                       \
    return text_of(table, value);                              \
  }                                                            \
  template <>                                                  \
  std::optional<Enum> from_text<Enum>(std::string_view text) { \
    return value_of(table, text);                              \
  }                                                            \
  static_assert(true)

EK_WORDS(Reason, kReasons);
EK_WORDS(CommandKind, kCommandKinds);
EK_WORDS(Outcome, kOutcomes);
EK_WORDS(Why, kWhys);
EK_WORDS(Fault, kFaults);
EK_WORDS(Holder::VouchedBy, kVouchers);
EK_WORDS(VerifyLevel, kLevels);
EK_WORDS(SpreadLevel, kSpreadLevels);
EK_WORDS(Liveness, kLiveness);
EK_WORDS(MemberEventKind, kMemberEvents);
EK_WORDS(HeartbeatReply::Status, kHeartbeatStatuses);
EK_WORDS(ReplicaFinding, kFindings);
EK_WORDS(InventoryReply::Status, kInventoryStatuses);
EK_WORDS(TransferOpen::Mode, kModes);
EK_WORDS(AdminState, kAdminStates);
EK_WORDS(Operation, kOperationWords);
EK_WORDS(ProposalState, kProposalStates);
#undef EK_WORDS

CommandKind kind_of(const Order& order) {
  return std::visit(Overloaded{[](const Replicate&) { return CommandKind::kReplicate; },
                               [](const Delete&) { return CommandKind::kDelete; },
                               [](const Verify&) { return CommandKind::kVerify; },
                               [](const Report&) { return CommandKind::kReport; }},
                    order);
}

std::string_view answer_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed:
      return "malformed";
    case ErrorCode::kStale:
      return "stale";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kBusy:
      return "unavailable";
  }
  return "malformed";
}

bool is_location(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '/' && text.back() != '/' &&
         text.find("//") == std::string_view::npos;
}

std::string_view domain_of(std::string_view location, SpreadLevel level) {
  switch (level) {
    case SpreadLevel::kHost:
      return location;
    case SpreadLevel::kRack: {
      const std::size_t last = location.rfind('/');
      return last == std::string_view::npos ? location : location.substr(0, last);
    }
    case SpreadLevel::kZone:
      return location.substr(0, location.find('/'));
  }
  return location;
}

bool is_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (text.size() > 255 || colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc{} && rest == port.data() + port.size() && number >= 1 &&
         number <= 65535;
}

bool is_cluster(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, allowed);
}

}  // namespace evenkeel
