#include <nlohmann/json.hpp>

#include "common/base/overloaded.h"
#include "tools/cli/render.h"

namespace evenkeel::cli {
namespace {

using Json = nlohmann::ordered_json;

Json value_of(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) { return Json(nullptr); },
                               [](const auto& value) { return Json(value); }},
                    cell);
}

Json array_of(const Rows& rows) {
  Json array = Json::array();
  for (const auto& row : rows.rows) {
    Json object = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) object[rows.columns[i].name] = value_of(row[i]);
    array.push_back(std::move(object));
  }
  return array;
}

Json object_of(const Fields& fields) {
  Json object = Json::object();
  for (const auto& [name, field] : fields) {
    object[name] = std::visit(Overloaded{[](std::monostate) { return Json(nullptr); },
                                         [](const Rows& rows) { return array_of(rows); },
                                         [](const auto& value) { return Json(value); }},
                              field);
  }
  return object;
}

/// Names may hold any bytes; JSON may not.
std::string text_of(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string json(const Rows& rows) {
  return text_of(array_of(rows));
}

std::string json(const Fields& fields) {
  return text_of(object_of(fields));
}

std::string json_line(const Fields& fields) {
  return text_of(object_of(fields), -1);
}

}  // namespace evenkeel::cli
