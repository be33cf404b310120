#include "services/membership/io/inbox.h"

#include <utility>

#include "common/wire/codec.h"

namespace evenkeel::membership {
namespace {

using Request = std::variant<Asked, UnknownKind>;

std::optional<Request> refused(Refusals& refusals, Refusal refusal, std::string_view what) {
  refusals.add(refusal, what);
  return std::nullopt;
}

/// Of a kind that is not for us: known elsewhere, or nowhere.
Request unknown(const Frames& frames, std::string_view kind, Refusals& refusals) {
  refusals.add(Refusal::kUnknownKind, kind);
  const std::uint64_t request = wire::request_of(bytes_of(frames[1])).value_or(0);
  return UnknownKind{std::string(bytes_of(frames[0])), request, std::string(kind)};
}

std::optional<Request> of_message(const Frames& frames, wire::Message&& message,
                                  Refusals& refusals) {
  const auto asked = [&](auto&& what) { return Asked{std::string(bytes_of(frames[0])), what}; };
  if (auto* heartbeat = std::get_if<Heartbeat>(&message)) return asked(*heartbeat);
  if (auto* leave = std::get_if<Leave>(&message)) return asked(*leave);
  if (auto* snapshot = std::get_if<SnapshotRequest>(&message)) return asked(*snapshot);
  // An answer to an answer could go to and fro for ever.
  if (std::holds_alternative<ControlAnswer>(message)) {
    return refused(refusals, Refusal::kUnknownKind, wire::kind_of(message));
  }
  return unknown(frames, wire::kind_of(message), refusals);
}

}  // namespace

std::optional<Request> asked_in(std::string_view cluster, const Frames& frames,
                                Refusals& refusals) {
  if (frames.size() != 2) return refused(refusals, Refusal::kMalformed, "not one frame");
  auto message = wire::decode(cluster, bytes_of(frames[1]));
  if (message) return of_message(frames, std::move(*message), refusals);
  const Error& error = message.error();
  if (error.code == ErrorCode::kNotFound) return unknown(frames, error.what, refusals);
  const bool foreign = error.code == ErrorCode::kConflict;
  return refused(refusals, foreign ? Refusal::kOtherCluster : Refusal::kMalformed, error.what);
}

}  // namespace evenkeel::membership
