#include "services/console/io/site.h"

#include <chrono>
#include <functional>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/log/log.h"
#include "services/console/io/wishes.h"
#include "services/console/web/files.h"

namespace evenkeel::console {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kToolsAtOnce = 4;
constexpr Duration kToolAllowed = std::chrono::seconds(30);

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Response refused(int status, const std::string& code, const std::string& what) {
  return {status, text_of({{"code", code}, {"error", what}})};
}

Response of(const Result<std::string>& result) {
  if (result) return {200, *result};
  const ErrorCode code = result.error().code;
  const int status = code == ErrorCode::kNotFound ? 404 : 503;
  return refused(status, to_string(code), result.error().what);
}

/// A number of the query from `least` to `most`; what is no such number is an error.
Result<std::int64_t> number(const Request& request, const std::string& key, std::int64_t least,
                            std::int64_t most) {
  const auto found = request.query.find(key);
  const std::string text = found == request.query.end() ? "" : found->second;
  const bool digits =
      !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == text.npos;
  const std::int64_t value = digits ? std::stoll(text) : -1;
  if (value < least || value > most) {
    return fail(ErrorCode::kMalformed, "'" + key + "' must be a number from " +
                                           std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

std::int64_t wall_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<Duration>(system_clock::now().time_since_epoch()).count();
}

/// The tool says "evenkeel: ..." before what is wrong.
std::string without_name(std::string text) {
  constexpr std::string_view kName = "evenkeel: ";
  if (text.starts_with(kName)) text.erase(0, kName.size());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// Or none at all.
bool is_token(const std::string& text) {
  return text.empty() ||
         (text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos);
}

/// So many may be at it at once.
class Seat {
 public:
  explicit Seat(std::atomic<int>& taken) : taken_(taken), has_(++taken <= kToolsAtOnce) {}
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() { --taken_; }
  explicit operator bool() const { return has_; }

 private:
  std::atomic<int>& taken_;
  bool has_;
};

}  // namespace

Site::Site(Settings settings, Guard guard, std::filesystem::path program)
    : settings_(std::move(settings)),
      guard_(std::move(guard)),
      readers_(settings_.database, settings_.cluster),
      tool_(std::move(program)) {}

Response Site::answer(const Request& request) {
  if (const auto refusal = guard_.refusal(request)) {
    return refused(refusal->status, refusal->code, refusal->what);
  }
  if (request.method != "POST") return get(request);
  constexpr std::string_view kAsk = "/api/ask/";
  if (!request.path.starts_with(kAsk)) return refused(404, "path", "nothing is asked there");
  return ask(request, request.path.substr(kAsk.size()));
}

Response Site::file(const std::string& path) const {
  const web::File* found = web::find(path);
  if (!found) return refused(404, "path", "there is no such page");
  Response response{200, std::string(found->content), std::string(found->type)};
  if (response.type.starts_with("text/")) response.type += "; charset=utf-8";
  if (path == "/") {
    replace_all(response.body, "@TOKEN@", guard_.token());
    replace_all(response.body, "@VERSION@", settings_.version);
  }
  return response;
}

Response Site::now(const Request& request) {
  std::optional<std::int64_t> after;
  if (request.query.contains("after")) {
    const auto given = number(request, "after", 0, INT64_MAX / 2);
    if (!given) return refused(400, "malformed", given.error().what);
    after = *given;
  }
  auto answer =
      readers_.with([&](Reader& reader) -> Result<std::string> { return reader.now(after); });
  if (!answer) return of(answer);
  // Spliced in, so that what may be long is not parsed again.
  Json own = {{"cluster", settings_.cluster},
              {"version", settings_.version},
              {"allow_changes", settings_.allow_changes},
              {"now_ms", wall_ms()}};
  std::string head = text_of(own);
  head.back() = ',';
  return {200, head + answer->substr(1)};
}

Response Site::get(const Request& request) {
  const std::string& path = request.path;
  if (!path.starts_with("/api/")) return file(path);
  const auto with = [&](const std::function<Result<std::string>(Reader&)>& read) {
    return of(readers_.with(read));
  };
  const auto with_number =
      [&](const std::string& key, std::int64_t least, std::int64_t most,
          const std::function<Result<std::string>(Reader&, std::int64_t)>& read) {
        const auto given = number(request, key, least, most);
        if (!given) return refused(400, "malformed", given.error().what);
        return with([&](Reader& reader) { return read(reader, *given); });
      };
  constexpr std::int64_t kMost = INT64_MAX / 2;
  if (path == "/api/now") return now(request);
  if (path == "/api/servers") return with([](Reader& reader) { return reader.servers(); });
  if (path == "/api/commands") return with([](Reader& reader) { return reader.commands(); });
  if (path == "/api/history") {
    return with_number("seconds", 60, 31 * 86'400, [](Reader& reader, std::int64_t seconds) {
      return reader.history(seconds);
    });
  }
  if (path == "/api/events") {
    return with_number("before", 0, kMost,
                       [](Reader& reader, std::int64_t before) { return reader.events(before); });
  }
  if (path == "/api/server") {
    return with_number("id", 0, kMost,
                       [](Reader& reader, std::int64_t id) { return reader.server(id); });
  }
  if (path == "/api/chunk") {
    return with_number("id", 0, kMost,
                       [](Reader& reader, std::int64_t id) { return reader.chunk(id); });
  }
  if (path == "/api/command") {
    return with_number("id", 0, kMost,
                       [](Reader& reader, std::int64_t id) { return reader.command(id); });
  }
  return refused(404, "path", "nothing is told there");
}

std::vector<std::string> Site::globals() const {
  return {"--json",          "--cluster",  settings_.cluster,          "--control",
          settings_.control, "--database", settings_.database.string()};
}

Response Site::ask(const Request& request, const std::string& name) {
  const auto wish = wish_of(name, request.body);
  if (!wish) {
    const bool unknown = wish.error().code == ErrorCode::kNotFound;
    return refused(unknown ? 404 : 400, to_string(wish.error().code), wish.error().what);
  }
  if (wish->changes && !settings_.allow_changes) {
    return refused(403, "read_only", "this console only looks: the setting allow_changes is false");
  }
  std::vector<std::string> words = globals();
  words.insert(words.end(), wish->words.begin(), wish->words.end());
  if (!is_token(request.operator_token)) {
    return refused(400, "malformed", "a token of an operator is 64 hex digits");
  }
  if (!wish->is_long) return run(request, std::move(words), kToolAllowed);
  const std::unique_lock alone(simulates_, std::try_to_lock);
  if (!alone)
    return refused(429, "busy", "another simulation is at work; try again when it is done");
  if (!settings_.rebalancer.empty()) {
    const auto command = std::find(words.begin(), words.end(), "simulate");
    words.insert(command + 1, {"--config", settings_.rebalancer});
  }
  return run(request, std::move(words), settings_.simulate_allowed);
}

Response Site::run(const Request& request, std::vector<std::string> words, Duration allowed) {
  const Seat seat(running_);
  if (!seat) return refused(429, "busy", "too much is being asked at once; try again");
  const Ran ran = tool_.run(words, allowed, request.operator_token);
  const std::size_t own = globals().size();
  std::string said;
  for (std::size_t i = own; i < words.size(); ++i) said += (said.empty() ? "" : " ") + words[i];
  log::info("asked", {{"what", said}, {"from", request.from}, {"exit_code", ran.exit_code}});
  if (ran.stopped) return refused(503, "busy", "the console is being stopped");
  if (ran.timed_out) {
    return refused(
        504, "timeout",
        "it took longer than " + std::to_string(allowed.count() / 1000) + " s and was ended");
  }
  constexpr int kError = 2;  // of the tool; the others say how it is with what it tells
  const Json told = Json::parse(ran.out, nullptr, false);
  if (ran.exit_code == kError || ran.exit_code >= 100 || told.is_discarded()) {
    return refused(422, "refused", without_name(ran.err.empty() ? ran.out : ran.err));
  }
  return {200, text_of({{"exit_code", ran.exit_code}, {"answer", told}})};
}

}  // namespace evenkeel::console
