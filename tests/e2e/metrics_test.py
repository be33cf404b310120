"""What the services tell Prometheus: by its conventions, all that our alerts and panels ask for, and true."""
import re
import unittest
import urllib.request

import prometheus
from cluster import KIB, Scenario, write_files
from local_cluster import free_port


class Metrics(Scenario):
    def scraped(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def value(self, port, series):
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.scraped(port), re.M)
        return float(found[1]) if found else None

    def test_they_are_true_and_complete(self):
        ports = {name: free_port() for name in ("membership", "rebalancer", "agent")}
        listens = {name: {"metrics_listen": f"127.0.0.1:{port}"} for name, port in ports.items()}
        with self.cluster(membership=listens["membership"], rebalancer=listens["rebalancer"]) as cluster:
            cluster.add_agent(4, **listens["agent"]).start()
            cluster.start(3)
            cluster.wait_for_alive([4])
            tree = cluster.folder / "files"
            write_files(tree, [(n % 5) * 50 * KIB + 1 for n in range(60)])
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            told = ports["rebalancer"]
            cluster.wait("the metrics to say that all is healthy",
                         lambda: self.value(told, 'evenkeel_chunks{health="healthy"}') == 60)
            self.assertEqual(self.value(told, "evenkeel_replicas"), 180)
            self.assertEqual(self.value(told, 'evenkeel_servers{liveness="alive",admin="in_service"}'), 4)
            self.assertEqual(self.value(told, 'evenkeel_mode{mode="running"}'), 1)
            cluster.agent(3).kill()
            cluster.wait_for_liveness(3, "dead")
            cluster.wait_until_settled()
            cluster.wait("the danger to be told", lambda: self.value(told, "evenkeel_chunk_below_goal_seconds_total") > 0)
            copies = cluster.value("SELECT sum(done) FROM command_totals WHERE kind = 'replicate' AND reason = 'repair'")
            self.assertGreater(copies, 0)
            cluster.wait("the copies to be told", lambda: self.value(
                told, 'evenkeel_commands_total{kind="replicate",reason="repair",outcome="done"}') == copies)
            self.assertEqual(self.value(ports["membership"], 'evenkeel_membership_members{liveness="dead"}'), 1)

            held = cluster.value("SELECT count(*) FROM replica_status WHERE server_id = 4 AND state = 'valid'")
            copied = 'evenkeel_agent_commands_total{server="4",kind="replicate",outcome="done"}'
            cluster.wait("the agent to tell what it holds", lambda: self.value(
                ports["agent"], 'evenkeel_agent_replicas{server="4",finding="ok"}') == held)
            self.assertEqual(self.value(ports["agent"], copied), cluster.value(
                "SELECT count(*) FROM command_history WHERE server_id = 4 AND kind = 'replicate' AND state = 'done'"))

            pages = {name: self.scraped(port) for name, port in ports.items()}
            names = {name for page in pages.values() for name in re.findall(r"^# TYPE (evenkeel_\w+) ", page, re.M)}
            self.assertEqual(prometheus.names_asked_for() - names, set())
            for name in names:
                self.assertTrue(any(f"# HELP {name} " in page for page in pages.values()), name)
            if prometheus.PROMTOOL:
                for page in pages.values():
                    prometheus.promtool("check", "metrics", text=page)


if __name__ == "__main__":
    unittest.main()
