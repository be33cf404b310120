"""The console over a real cluster: what it tells follows what happens, and its clicks are obeyed."""
import json
import re
import unittest
import urllib.request

import in_browser
from cluster import KIB, Scenario, write_files


class Console(Scenario):
    def filled(self, cluster, files):
        tree = cluster.folder / "files"
        write_files(tree, [(n % 7) * 40 * KIB + 1 for n in range(files)])
        cluster.put_tree(tree)
        cluster.wait_until_settled()

    def told(self, cluster, path):
        with urllib.request.urlopen(cluster.console_address + path, timeout=20) as answer:
            return json.load(answer)

    def test_it_tells_what_happens(self):
        with self.cluster(agents=4) as cluster:
            cluster.start_console()
            self.filled(cluster, 90)
            state = self.told(cluster, "/api/now")["state"]
            self.assertEqual((state["mode"], state["chunks"], state["healthy"]), ("running", 90, 90))
            self.assertEqual((state["replicas"], state["files"]), (270, 90))
            cluster.wait("all servers to be told of as they are", lambda: self.servers(cluster) == {
                server: (cluster.value("SELECT count(*) FROM replica_status WHERE server_id = ?", server), cluster.used_bytes(server))
                for server in cluster.agents})

            last = self.told(cluster, "/api/now")["last_event"]
            held = self.servers(cluster)[4][0]
            done = self.copies(cluster)
            cluster.agent(4).kill()
            cluster.wait("the console to tell that chunks are below their goal, and of the copies", lambda: (
                lambda now: now["state"]["under_replicated"] > 0 or self.copies(cluster) > done)(self.told(cluster, "/api/now")))
            cluster.wait_for_liveness(4, "dead")
            cluster.wait("every chunk to be healthy again", lambda: not cluster.unsettled(), 60, cluster.unsettled)
            now = self.told(cluster, f"/api/now?after={last}")
            self.assertEqual((now["state"]["healthy"], now["state"]["under_replicated"]), (90, 0))
            self.assertGreaterEqual(self.copies(cluster) - done, held)
            self.assertIn("s4", [event["subject"] for event in now["events"]])
            self.assertGreater(now["state"]["below_goal_chunk_ms"], 0)
            worst = self.told(cluster, "/api/history?seconds=900")
            self.assertGreater(len(worst["rows"]), 0)

            status = cluster.cli("status", as_json=True)
            self.assertEqual((status["chunks"], status["replicas"]), (90, now["state"]["replicas"]))
            cluster.rebalancer.stop()
            stopped = self.told(cluster, "/api/now")
            self.assertEqual(stopped["state"]["replicas"], now["state"]["replicas"])
            cluster.rebalancer.start()
            cluster.wait("the console to tell that it runs again",
                         lambda: self.told(cluster, "/api/now")["state"]["mode"] == "running")
            cluster.wait_until_settled()

    def servers(self, cluster):
        told = self.told(cluster, "/api/servers")
        rows = [dict(zip(told["columns"], row)) for row in told["rows"]]
        return {row["server_id"]: (row["replicas"], row["used_bytes"]) for row in rows}

    def copies(self, cluster):
        return sum(row["done"] for row in self.told(cluster, "/api/now")["commands"] if row["kind"] == "replicate")

    @unittest.skipIf(in_browser.missing(), f"{in_browser.missing()}: tools/setup --tests installs them")
    def test_clicks_are_obeyed(self):
        with self.cluster(agents=5) as cluster:
            cluster.start_console()
            self.filled(cluster, 60)
            print(in_browser.run("clicks.mjs", cluster.console_address, 150))
            self.assertEqual(cluster.value("SELECT admin FROM server_status WHERE server_id = 2"), "in_service")
            asked = re.findall(r'asked what="?([^"\n]*?)"? from', cluster.processes["console"].log_text())
            self.assertLess(asked.index("drain s2 --dry-run"), asked.index("drain s2"), "the certificate came first")
            self.assertIn("undrain s2", asked)
            cluster.wait_until_settled()

    @unittest.skipIf(in_browser.missing(), f"{in_browser.missing()}: tools/setup --tests installs them")
    def test_one_that_only_looks_offers_nothing_else(self):
        with self.cluster(agents=4) as cluster:
            cluster.start_console(allow_changes=False)
            self.filled(cluster, 20)
            print(in_browser.run("looks.mjs", cluster.console_address, 100))
            self.assertEqual(cluster.sql("SELECT * FROM server_status WHERE admin <> 'in_service'"), [])


if __name__ == "__main__":
    unittest.main()
