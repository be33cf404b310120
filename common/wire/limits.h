#pragma once
#include <cstddef>
#include <cstdint>

/// What a message may hold (schema/wire/README.md, section 1). Both directions go by these: what is
/// decoded is within them, and encode() checks that its caller keeps to them. A message with every
/// list and text at its limit is still smaller than kMessageBytesMax.
namespace evenkeel::wire {

inline constexpr std::uint64_t kProtocol = 1;
inline constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kDepthMax = 8;
inline constexpr std::size_t kElementsMax = 4096;  ///< of one array or map

inline constexpr std::size_t kInventoryRowsMax = 4096;  ///< in one part
inline constexpr std::size_t kGoneMax = 4096;           ///< in one part
inline constexpr std::size_t kMembersMax = 1000;        ///< in one part of a snapshot
inline constexpr std::size_t kPartsMax = 65'536;        ///< of one inventory or snapshot
inline constexpr std::size_t kResultsMax = 1000;        ///< in one ack
inline constexpr std::size_t kCommandsMax = 128;        ///< in one message
inline constexpr std::size_t kWithdrawnMax = 4096;      ///< in one message
inline constexpr std::size_t kPlacedMax = 128;          ///< items of one put_place, put_placed
inline constexpr std::size_t kLocatedMax = 128;         ///< chunks in one answer to locate
inline constexpr std::size_t kServersMax = 16;  ///< sources, targets, evidence, blamed of one chunk
inline constexpr std::size_t kAvoidMax = 64;    ///< servers to avoid for one chunk
inline constexpr std::size_t kRulesMax = 64;    ///< named by an estimate
inline constexpr std::size_t kBlocksMax = 65'536;

inline constexpr std::size_t kFactsMax = 128;       ///< of one explanation
inline constexpr std::size_t kCausesMax = 32;       ///< the same
inline constexpr std::size_t kCandidatesMax = 100;  ///< the same
inline constexpr std::size_t kDecisionsMax = 50;    ///< the same
inline constexpr std::size_t kRefusalsMax = 8;      ///< of one candidate
inline constexpr std::size_t kOthersMax = 8;        ///< candidates of one decision

inline constexpr std::uint64_t kNumberMax = (std::uint64_t{1} << 63) - 1;
/// Of sizes, offsets and durations: sums of a thousand of them are still numbers.
inline constexpr std::uint64_t kAmountMax = std::uint64_t{1} << 53;
inline constexpr std::uint64_t kGoalMax = 16;
inline constexpr std::uint64_t kBlockBytesMax = std::uint64_t{1} << 20;

inline constexpr std::size_t kNameBytesMax = 1024;     ///< of a file
inline constexpr std::size_t kPolicyBytesMax = 63;     ///< of a policy's name
inline constexpr std::size_t kRuleBytesMax = 1000;     ///< of a rule on labels that is asked for
inline constexpr std::size_t kRuleBytesRead = 20'000;  ///< of one that is told
inline constexpr std::size_t kPlaceBytesMax = 255;     ///< of a location or an address
inline constexpr std::size_t kSubjectBytesMax = 1200;  ///< of an event: holds the name of a file
inline constexpr std::size_t kRefusalBytesMax = 60;
/// Texts for people are cut by encode(); what others send may be longer.
inline constexpr std::size_t kDetailBytesMax = 300;
inline constexpr std::size_t kDetailBytesRead = 1200;
inline constexpr std::size_t kTextBytesMax = 1000;
inline constexpr std::size_t kTextBytesRead = 4000;

}  // namespace evenkeel::wire
