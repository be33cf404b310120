// Questions about a chunk, a server or a command, and the answers (schema/wire/README.md, 5).
#include <algorithm>

#include "common/base/overloaded.h"
#include "common/wire/messages.h"

namespace evenkeel::wire {
namespace {

static_assert(kFactsMax == Explained::kFactsMax && kCausesMax == Explained::kCausesMax);
static_assert(kCandidatesMax == Explained::kCandidatesMax);
static_assert(kDecisionsMax == Explained::kDecisionsMax);

constexpr std::string_view kStates[] = {"open", "done", "failed", "refused", "superseded"};

template <class T>
std::optional<T> read_optional(Fields& f, std::string_view name) {
  const auto field = f.find(name);
  return field ? std::optional<T>(T(*field)) : std::nullopt;
}

Subject read_subject(Fields& f) {
  const auto chunk = f.find("chunk"), server = f.find("server"), command = f.find("command");
  if (chunk.has_value() + server.has_value() + command.has_value() != 1) {
    f.refuse("one of chunk, server and command");
  }
  if (chunk) return ChunkId(*chunk);
  if (server) return ServerId(*server);
  return CommandId(*command);
}

Explained::Fact read_fact(Fields& f) {
  return {.label = f["label"].any_text(kDetailBytesRead),
          .value = f["value"].any_text(kTextBytesRead)};
}

Explained::Cause read_cause(Fields& f) {
  return {.kind = f["kind"].any_text(kDetailBytesRead), .text = f["text"].any_text(kTextBytesRead)};
}

Candidate read_candidate(Fields& f) {
  return {
      .server = f["server"],
      .refusals = f["refusals"].list(
          kRefusalsMax, [](const Value& refusal) { return refusal.any_text(kDetailBytesRead); }),
      .use_ppm = read_optional<std::uint64_t>(f, "use_ppm")};
}

Decision read_decision(Fields& f) {
  return {.command = f["command"],
          .kind = f["kind"],
          .reason = f["reason"],
          .chunk = read_optional<ChunkId>(f, "chunk"),
          .server = f["server"],
          .source = f["source"].or_none<ServerId>(),
          .drop = f["drop"].or_none<ServerId>(),
          .state = f["state"].word_of(kStates),
          .why = f["why"].any_text(kTextBytesRead),
          .because = f["because"].any_text(kTextBytesRead),
          .issued = f["issued_ms"],
          .closed = read_optional<Timestamp>(f, "closed_ms"),
          .others = maps_of(f["others"], kOthersMax, read_candidate)};
}

/// Calls `put` with the name of what it is about, and its id.
template <class Put>
void with_subject(const Subject& what, const Put& put) {
  std::visit(
      Overloaded{[&](ChunkId id) { put("chunk", id); }, [&](ServerId id) { put("server", id); },
                 [&](CommandId id) { put("command", id); }},
      what);
}

}  // namespace

Request read_explain(Fields& f) {
  return Explain{read_subject(f)};
}

Answer read_explained(Fields& f) {
  Explained explained{.what = read_subject(f)};
  explained.verdict = f["verdict"].any_text(kTextBytesRead);
  explained.facts = maps_of(f["facts"], kFactsMax, read_fact);
  explained.causes = maps_of(f["causes"], kCausesMax, read_cause);
  explained.candidates = maps_of(f["candidates"], kCandidatesMax, read_candidate);
  explained.candidates_total = f["candidates_total"];
  explained.decisions = maps_of(f["decisions"], kDecisionsMax, read_decision);
  return explained;
}

void put_explain(Packer& p, const Asker& by, const Explain& explain) {
  with_subject(explain.what, [&](const char* name, auto id) { put_asked(p, by, name, id); });
}

void put_explained(Packer& p, std::uint64_t request, const Explained& e) {
  with_subject(e.what, [&](const char* name, auto id) {
    put_map(p, "request", request, name, id, "verdict", ForPeople{e.verdict, kTextBytesMax},  //
            "facts", List{e.facts, kFactsMax}, "causes", List{e.causes, kCausesMax},          //
            "candidates", List{e.candidates, kCandidatesMax},                                 //
            "candidates_total", e.candidates_total,                                           //
            "decisions", List{e.decisions, kDecisionsMax});
  });
}

void put(Packer& p, const Explained::Fact& fact) {
  put_map(p, "label", ForPeople{fact.label, kDetailBytesMax},  //
          "value", ForPeople{fact.value, kTextBytesMax});
}

void put(Packer& p, const Explained::Cause& cause) {
  put_map(p, "kind", Text{cause.kind, kDetailBytesMax}, "text",
          ForPeople{cause.text, kTextBytesMax});
}

void put(Packer& p, const Candidate& candidate) {
  std::vector<Text> refusals;
  for (const std::string& refusal : candidate.refusals) {
    refusals.push_back(Text{refusal, kRefusalBytesMax});
  }
  put_map(p, "server", candidate.server, "refusals", List{refusals, kRefusalsMax},  //
          "use_ppm", AbsentIfNone{candidate.use_ppm});
}

void put(Packer& p, const Decision& d) {
  EK_CHECK(std::ranges::find(kStates, d.state) != std::end(kStates));
  put_map(p, "command", d.command, "kind", d.kind, "reason", d.reason,            //
          "chunk", AbsentIfNone{d.chunk}, "server", d.server,                     //
          "source", ZeroIfNone{d.source}, "drop", ZeroIfNone{d.drop},             //
          "state", Text{d.state, kDetailBytesMax},                                //
          "why", ForPeople{d.why, kDetailBytesMax},                               //
          "because", ForPeople{d.because, kTextBytesMax}, "issued_ms", d.issued,  //
          "closed_ms", AbsentIfNone{d.closed}, "others", List{d.others, kOthersMax});
}

}  // namespace evenkeel::wire
