#include "tools/sim/scenario.h"

#include <charconv>
#include <set>

#include "common/config/units.h"

namespace evenkeel::sim {
namespace {

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> all(1);
  for (const char c : words) {
    if (c == ' ' || c == '\t' || c == ',') {
      if (!all.back().empty()) all.emplace_back();
      if (c == ',') {
        all.back() = "and";
        all.emplace_back();
      }
    } else {
      all.back() += c;
    }
  }
  if (all.back().empty()) all.pop_back();
  return all;
}

/// Reads one word after the other.
class Parser {
 public:
  explicit Parser(std::string_view words) : given_(words), words_(split(words)) {}

  Result<Step> step() {
    Step step{given_, {}};
    std::string verb;
    do {
      if (const std::string_view next = peek();
          next == "lose" || next == "drain" || next == "add") {
        verb = take();
      } else if (step.acts.empty()) {
        return fault(next.empty() ? "nothing to do" : "'" + std::string(next) + "' is no act");
      }
      Result<Act> act = verb == "add" ? add() : at_place(verb);
      if (!act) return tl::unexpected(act.error());
      step.acts.push_back(std::move(*act));
    } while (accept("and"));
    if (!peek().empty()) return fault("'" + std::string(peek()) + "' is not understood");
    return step;
  }

 private:
  std::string_view peek() const { return at_ < words_.size() ? words_[at_] : std::string_view(); }
  std::string take() { return at_ < words_.size() ? words_[at_++] : std::string(); }
  bool accept(std::string_view word) {
    if (peek() != word) return false;
    ++at_;
    return true;
  }

  tl::unexpected<Error> fault(const std::string& what) const {
    return fail(ErrorCode::kMalformed,
                "\"" + given_ + "\": " + what +
                    " (such as \"lose server s3\", \"lose rack zone1/rack3\", \"drain s7\" or "
                    "\"add 10 servers of 4TiB\")");
  }

  Result<Act> at_place(const std::string& verb) {
    Place place;
    const bool named = accept("server") || accept("servers");
    if (accept("host")) place.kind = Place::Kind::kHost;
    if (accept("rack")) place.kind = Place::Kind::kRack;
    if (accept("zone")) place.kind = Place::Kind::kZone;
    place.name = take();
    if (place.name.empty() || place.name == "and") return fault("which one is to go?");
    const bool is_server = place.kind == Place::Kind::kServer;
    if (is_server && !ServerId::parse(place.name)) {
      return fault("'" + place.name + "' is no server" +
                   (named ? "" : "; say server, host, rack or zone before a name"));
    }
    if (verb == "lose") return Act(Lose{std::move(place)});
    return Act(Drain{std::move(place)});
  }

  Result<Act> add() {
    constexpr int kMost = 100'000;
    Add wish;
    if (peek() != "server" && !accept("a")) {
      const std::string number = take();
      const auto [end, error] =
          std::from_chars(number.data(), number.data() + number.size(), wish.servers);
      if (error != std::errc{} || *end != '\0' || wish.servers < 1 || wish.servers > kMost) {
        return fault("'" + number + "' is not a number of servers");
      }
    }
    if (!accept("servers") && !accept("server")) return fault("only servers can be added");
    if (accept("of")) {
      const auto capacity = config::bytes(take());
      if (!capacity) return fault(capacity.error().what);
      wish.capacity = *capacity;
    }
    if (accept("in")) {
      accept("rack");
      wish.rack = take();
      if (wish.rack.empty()) return fault("in which rack?");
    }
    return Act(std::move(wish));
  }

  std::string given_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

const char* word_of(Place::Kind kind) {
  switch (kind) {
    case Place::Kind::kServer:
      return "server";
    case Place::Kind::kHost:
      return "host";
    case Place::Kind::kRack:
      return "rack";
    case Place::Kind::kZone:
      return "zone";
  }
  return "";
}

/// The part of a location that names the host, rack or zone of it, with what is above.
std::string_view domain_of(std::string_view location, Place::Kind kind) {
  if (kind == Place::Kind::kZone) return location.substr(0, location.find('/'));
  const auto cut = location.rfind('/');
  return kind == Place::Kind::kRack && cut != std::string_view::npos ? location.substr(0, cut)
                                                                     : location;
}

bool names(std::string_view name, std::string_view domain) {
  if (domain == name) return true;
  return domain.size() > name.size() && domain.ends_with(name) &&
         domain[domain.size() - name.size() - 1] == '/';
}

}  // namespace

Result<Step> parse_step(std::string_view words) {
  return Parser(words).step();
}

Result<std::vector<ServerId>> servers_at(const ClusterView& view, const Place& place) {
  std::vector<ServerId> found;
  std::set<std::string> domains;
  const auto wanted = ServerId::parse(place.name);
  for (const auto& [id, slot] : view.servers()) {
    const Server& server = view.server(slot);
    if (server.admin == AdminState::kRemoved) continue;
    if (place.kind == Place::Kind::kServer) {
      if (id == wanted) found.push_back(id);
      continue;
    }
    const std::string_view domain = domain_of(server.member.location, place.kind);
    if (!names(place.name, domain)) continue;
    domains.emplace(domain);
    found.push_back(id);
  }
  const std::string what = std::string(word_of(place.kind)) + " '" + place.name + "'";
  if (found.empty()) return fail(ErrorCode::kNotFound, "there is no " + what);
  if (domains.size() > 1) {
    std::string all;
    for (const auto& domain : domains) all += (all.empty() ? "" : ", ") + domain;
    return fail(ErrorCode::kConflict, what + " could be " + all);
  }
  return found;
}

}  // namespace evenkeel::sim
