#include "services/console/io/wishes.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

namespace evenkeel::console {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kStepsMax = 10;
constexpr std::size_t kStepMax = 200;  // bytes

/// What is wrong with the body; caught below.
struct Fault {
  std::string what;
};

/// Reads the fields of a JSON object, each once; what nobody asked for is a fault.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {
    if (!object.is_object()) throw Fault{"the body must be a JSON object"};
  }
  std::uint64_t number(const std::string& key, std::uint64_t least, std::uint64_t most) {
    const Json* value = find(key);
    if (!value) throw Fault{"'" + key + "' is missing"};
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() < least ||
        value->get<std::uint64_t>() > most) {
      throw Fault{"'" + key + "' must be a number from " + std::to_string(least) + " to " +
                  std::to_string(most)};
    }
    return value->get<std::uint64_t>();
  }
  bool truth(const std::string& key) {
    const Json* value = find(key);
    if (!value) return false;
    if (!value->is_boolean()) throw Fault{"'" + key + "' must be true or false"};
    return value->get<bool>();
  }
  std::string word(const std::string& key, const std::set<std::string>& allowed) {
    const Json* value = find(key);
    if (!value || !value->is_string() || !allowed.contains(value->get<std::string>())) {
      std::string all;
      for (const std::string& each : allowed) all += (all.empty() ? "" : ", ") + each;
      throw Fault{"'" + key + "' must be one of " + all};
    }
    return value->get<std::string>();
  }
  std::vector<std::string> steps(const std::string& key) {
    const Json* value = find(key);
    if (!value || !value->is_array() || value->size() > kStepsMax) {
      throw Fault{"'" + key + "' must be a list of at most " + std::to_string(kStepsMax)};
    }
    std::vector<std::string> all;
    for (const Json& each : *value) {
      if (!each.is_string()) throw Fault{"'" + key + "' must be a list of texts"};
      all.push_back(each.get<std::string>());
      const bool plain =
          std::ranges::all_of(all.back(), [](char c) { return c >= ' ' && c <= '~'; });
      if (!plain || all.back().empty() || all.back().size() > kStepMax) {
        throw Fault{"'" + key + "': each must be 1 to " + std::to_string(kStepMax) +
                    " printable characters"};
      }
    }
    return all;
  }
  void finish() const {
    for (const auto& [key, value] : object_.items()) {
      if (!asked_.contains(key)) throw Fault{"'" + key.substr(0, 50) + "' is not known here"};
    }
  }

 private:
  const Json* find(const std::string& key) {
    asked_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  const Json& object_;
  std::set<std::string> asked_;
};

std::string server_of(Fields& fields) {
  return "s" + std::to_string(fields.number("server", 1, INT64_MAX));
}

/// Adds what is to be said of whether it is meant.
void add_intent(Fields& fields, Wish& wish) {
  const bool dry_run = fields.truth("dry_run");
  if (dry_run) wish.words.emplace_back("--dry-run");
  if (fields.truth("force")) wish.words.emplace_back("--force");
  wish.changes = !dry_run;
}

Wish explain(Fields& fields) {
  const std::string kind = fields.word("kind", {"chunk", "server", "command"});
  return {{"explain", kind, std::to_string(fields.number("id", 0, INT64_MAX))}};
}

Wish simulate(Fields& fields) {
  Wish wish{{"simulate", "--"}, false, true};
  for (std::string& step : fields.steps("steps")) wish.words.push_back(std::move(step));
  return wish;
}

Wish drain(Fields& fields) {
  const bool forget = fields.truth("forget");
  Wish wish{{forget ? "decommission" : "drain", server_of(fields)}};
  add_intent(fields, wish);
  if (forget && wish.changes) wish.words.emplace_back("--yes");  // the page has asked
  return wish;
}

Wish undrain(Fields& fields) {
  return {{"undrain", server_of(fields)}, true};
}

Wish maintenance(Fields& fields) {
  Wish wish{{"maintenance", server_of(fields)}};
  if (fields.truth("end")) {
    wish.words.emplace_back("--end");
  } else {
    wish.words.emplace_back("--for");
    wish.words.push_back(std::to_string(fields.number("minutes", 1, 60 * 24 * 30)) + "min");
  }
  add_intent(fields, wish);
  return wish;
}

Wish pause(Fields& fields) {
  return {{"pause", fields.word("pass", {"repair", "drain", "spread", "trim", "balance", "all"})},
          true};
}

Wish resume(Fields& fields) {
  Wish wish{{"resume",
             fields.word("pass", {"repair", "drain", "spread", "trim", "balance", "all", "brake"})},
            true};
  if (wish.words.back() == "brake") wish.words.emplace_back("--yes");
  return wish;
}

Wish cancel(Fields& fields) {
  return {{"cancel", "k" + std::to_string(fields.number("command", 1, INT64_MAX))}, true};
}

std::string proposal_of(Fields& fields) {
  return "a" + std::to_string(fields.number("proposal", 1, INT64_MAX));
}

Wish approve(Fields& fields) {
  Wish wish{{"approve", proposal_of(fields)}};
  wish.changes = !fields.truth("dry_run");
  wish.words.emplace_back(wish.changes ? "--yes" : "--dry-run");
  return wish;
}

Wish reject(Fields& fields) {
  return {{"reject", proposal_of(fields)}, true};
}

const std::map<std::string, std::function<Wish(Fields&)>> kWishes{
    {"explain", explain},         {"simulate", simulate}, {"drain", drain},   {"undrain", undrain},
    {"maintenance", maintenance}, {"pause", pause},       {"resume", resume}, {"cancel", cancel},
    {"approve", approve},         {"reject", reject}};

}  // namespace

Result<Wish> wish_of(const std::string& name, const std::string& body) {
  const auto found = kWishes.find(name);
  if (found == kWishes.end()) return fail(ErrorCode::kNotFound, "no such thing can be asked");
  const Json object = Json::parse(body, nullptr, false);
  if (object.is_discarded()) return fail(ErrorCode::kMalformed, "the body is not JSON");
  try {
    Fields fields(object);
    Wish wish = found->second(fields);
    fields.finish();
    return wish;
  } catch (const Fault& fault) {
    return fail(ErrorCode::kMalformed, fault.what);
  }
}

}  // namespace evenkeel::console
