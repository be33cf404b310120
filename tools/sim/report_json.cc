#include <nlohmann/json.hpp>

#include "common/model/text.h"
#include "tools/sim/report.h"

namespace evenkeel::sim {
namespace {

using Json = nlohmann::ordered_json;

Json seconds(const std::optional<Duration>& time) {
  return time ? Json(static_cast<double>(time->count()) / 1000) : Json(nullptr);
}

Json json_of(const Amount& amount, const char* what) {
  return {{what, amount.count}, {"bytes", amount.bytes.count()}};
}

Json json_of(const Chunks& chunks) {
  Json object = json_of(chunks.amount, "chunks");
  object["some"] = Json::array();
  for (const ChunkId id : chunks.some) object["some"].push_back(id.value());
  return object;
}

Json traffic_of(ServerId id, const Traffic& traffic) {
  return {{"server_id", id.value()},
          {"bytes_in", traffic.in.bytes.count()},
          {"bytes_out", traffic.out.bytes.count()},
          {"copies_in", traffic.in.count},
          {"copies_out", traffic.out.count}};
}

Json json_of(const Forecast& forecast) {
  Json copied = json_of(forecast.copied_in_all(), "replicas");
  copied["by_reason"] = Json::object();
  for (const auto& [reason, amount] : forecast.copied) {
    copied["by_reason"][std::string(to_text(reason))] = json_of(amount, "replicas");
  }
  Json not_whole = Json::array();
  for (const auto& [why, chunks] : forecast.not_whole) {
    Json object = json_of(chunks);
    object["why"] = why;
    not_whole.push_back(std::move(object));
  }
  Json servers = Json::array();
  for (const auto& [id, traffic] : forecast.traffic) servers.push_back(traffic_of(id, traffic));
  const auto hottest = forecast.hottest();
  return {
      {"step", forecast.words},
      {"detection_seconds", seconds(forecast.detection)},
      {"missing", json_of(forecast.missing, "replicas")},
      {"copied", std::move(copied)},
      {"deleted", json_of(forecast.deleted, "replicas")},
      {"first_copy_seconds", seconds(forecast.first_copy)},
      {"last_copy_seconds", seconds(forecast.last_copy)},
      {"not_at_risk_seconds", seconds(forecast.safe)},
      {"whole_seconds", seconds(forecast.whole)},
      {"rest_seconds", seconds(forecast.rest)},
      {"cut_off", forecast.cut_off},
      {"hottest", hottest ? traffic_of(*hottest, forecast.traffic.at(*hottest)) : Json(nullptr)},
      {"lost", json_of(forecast.lost)},
      {"not_whole", std::move(not_whole)},
      {"held", forecast.held.empty() ? Json(nullptr) : Json(forecast.held)},
      {"servers", std::move(servers)}};
}

Json json_of(const Basis& basis) {
  const Rates& rates = basis.rates;
  return {{"database", basis.database},
          {"servers", basis.servers},
          {"chunks", basis.chunks},
          {"under_way", json_of(basis.under_way, "copies")},
          {"below_goal", basis.below_goal},
          {"lost", basis.lost},
          {"now", basis.now},
          {"rates",
           {{"network_bytes_per_second", rates.network.count()},
            {"disk_bytes_per_second", rates.disk.count()},
            {"copy_cost_seconds", seconds(rates.copy_cost)},
            {"copies_at_once", rates.copies_at_once},
            {"rest_on", rates.rest_on}}}};
}

Json json_of(const Timeline& timeline) {
  Json samples = Json::array();
  for (const Sample& sample : timeline.samples()) {
    samples.push_back({{"seconds", seconds(sample.at)},
                       {"in_flight_bytes", sample.in_flight.count()},
                       {"copied_bytes", sample.copied.count()},
                       {"at_risk", sample.at_risk},
                       {"below_goal", sample.below_goal}});
  }
  return samples;
}

}  // namespace

std::string json(const Basis& basis, const std::vector<Forecast>& forecasts,
                 const Timeline& timeline) {
  Json steps = Json::array();
  for (const Forecast& forecast : forecasts) steps.push_back(json_of(forecast));
  const Json all = {
      {"basis", json_of(basis)}, {"steps", std::move(steps)}, {"timeline", json_of(timeline)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace evenkeel::sim
