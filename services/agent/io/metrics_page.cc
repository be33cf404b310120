#include "services/agent/io/metrics_page.h"

#include "common/model/text.h"

namespace evenkeel::agent {
namespace {

/// One agent's numbers, each under the number of its server: there may be several to a machine.
class Told {
 public:
  explicit Told(ServerId server) : server_(std::to_string(server.value())) {}

  void gauge(const char* name, const char* help, std::uint64_t value, metrics::Labels labels = {}) {
    page_.gauge(name, help, static_cast<double>(value), with_server(std::move(labels)));
  }
  void counter(const char* name, const char* help, std::uint64_t value,
               metrics::Labels labels = {}) {
    page_.counter(name, help, static_cast<double>(value), with_server(std::move(labels)));
  }
  metrics::Page page() && { return std::move(page_); }

 private:
  metrics::Labels with_server(metrics::Labels labels) const {
    labels.emplace(labels.begin(), "server", server_);
    return labels;
  }

  const std::string server_;
  metrics::Page page_;
};

void add_replicas(Told& told, const ReplicaTable& table) {
  for (const ReplicaFinding finding : {ReplicaFinding::kOk, ReplicaFinding::kCorrupt,
                                       ReplicaFinding::kShort, ReplicaFinding::kUnreadable}) {
    told.gauge("evenkeel_agent_replicas",
               "Replicas in the directory, by what they were found to be.", table.count(finding),
               {{"finding", std::string(to_text(finding))}});
  }
}

void add_space(Told& told, const Space& space) {
  told.gauge("evenkeel_agent_used_bytes", "Bytes of replicas in the directory.",
             space.used.count());
  told.gauge("evenkeel_agent_capacity_bytes", "What it may hold, reserve included.",
             space.capacity.count());
  told.gauge("evenkeel_agent_reserve_bytes", "What must stay free of it.", space.reserve.count());
  told.gauge("evenkeel_agent_free_bytes", "Free for more; trash counts as free.",
             space.free().count());
  told.gauge("evenkeel_agent_trash_bytes", "Bytes of deleted replicas that are still kept.",
             space.trash.count());
  told.gauge("evenkeel_agent_in_flight_bytes", "Bytes of chunks that are being written.",
             space.in_flight.count());
}

void add_commands(Told& told, const Executor& executor) {
  told.gauge("evenkeel_agent_commands_open", "Commands that were begun, or wait for that.",
             executor.open());
  for (const auto& [key, count] : executor.counts().ended) {
    told.counter(
        "evenkeel_agent_commands_total", "Commands that ended.", count,
        {{"kind", std::string(to_text(key.first))}, {"outcome", std::string(to_text(key.second))}});
  }
  told.counter("evenkeel_agent_copied_bytes_total", "Bytes of copies that were done.",
               executor.counts().copied.count());
}

void add_data_port(Told& told, const DataPort& port) {
  const DataPort::Counts& counts = port.counts();
  told.gauge("evenkeel_agent_connections", "Connections to the data port.", port.connections());
  told.counter("evenkeel_agent_sent_bytes_total", "Chunk bytes sent to agents and clients.",
               counts.bytes_out);
  told.counter("evenkeel_agent_transfers_total", "Transfers that were begun.", counts.opened);
  told.counter("evenkeel_agent_transfers_denied_total", "Transfers with a token that was not good.",
               counts.denied);
  told.counter("evenkeel_agent_transfers_delayed_total", "Transfers that had to wait for room.",
               counts.busy);
  told.counter("evenkeel_agent_connections_refused_total",
               "Connections ended for what came over them.", counts.garbage);
}

void add_scrubbing(Told& told, const Scrubber::Counts& counts) {
  told.counter("evenkeel_agent_scrubbed_bytes_total", "Bytes read to see whether they are good.",
               counts.read.count());
  told.counter("evenkeel_agent_scrub_faults_total", "Replicas in which that reading found fault.",
               counts.faults);
}

}  // namespace

metrics::Page metrics_page(const Agent& agent) {
  const Storage& storage = agent.storage();
  Told told(storage.identity().server);
  add_replicas(told, storage.table());
  add_space(told, storage.space());
  add_commands(told, agent.executor());
  add_data_port(told, agent.data_port());
  add_scrubbing(told, agent.scrubber().counts());
  told.gauge("evenkeel_agent_epoch", "The highest epoch that it has seen.",
             storage.identity().epoch.value());
  return std::move(told).page();
}

}  // namespace evenkeel::agent
