"""What evenkeel simulate foretells of a live cluster is what comes."""
import hashlib
import json
import time
import unittest
import xml.etree.ElementTree

from cluster import MIB, Scenario, sizes_mixed, write_files

# What a server holds that is to be copied again once it is gone; asked of the database, not of the
# program.
HELD = ("SELECT coalesce(sum(c.size_bytes), 0) FROM replica_status r JOIN chunk_health c USING (chunk_id) "
        "WHERE r.server_id = ? AND r.counts AND c.health = 'healthy' AND c.valid_replicas = c.goal "
        "AND c.goal > 1")
COPIED = ("SELECT coalesce(sum(size_bytes), 0) FROM command_history WHERE kind = 'replicate' "
          "AND state = 'done' AND reason = ? AND command_id > ?")


class Simulate(Scenario):
    def test_a_lost_server_costs_what_was_foretold(self):
        with self.cluster() as cluster:
            cluster.start(3)
            tree = cluster.folder / "files"
            write_files(tree, sizes_mixed(400))
            cluster.put_tree(tree)
            for server in (4, 5):
                cluster.add_agent(server).start()
            cluster.wait_for_alive([4, 5])
            self.wait_until_at_rest(cluster)

            picture = cluster.folder / "lose.svg"
            foretold = self.simulate(cluster, "lose server s2", "--svg", picture)
            step = foretold["steps"][0]
            held = cluster.value(HELD, 2)
            self.assertGreater(held, 100 * MIB)
            self.assertEqual(step["missing"]["bytes"], held)
            self.assertEqual(step["copied"]["by_reason"]["repair"]["bytes"], held)
            self.assertEqual((step["lost"]["chunks"], step["not_whole"]), (0, []))
            self.assertIn("measured", foretold["basis"]["rates"]["rest_on"])
            self.assertEqual(xml.etree.ElementTree.parse(picture).getroot().tag,
                             "{http://www.w3.org/2000/svg}svg")

            last = cluster.value("SELECT max(command_id) FROM command_history")
            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            cluster.wait("what server 2 held to have 3 valid replicas again",
                         lambda: not cluster.unsettled(), 120, cluster.unsettled)
            # A move that was begun meanwhile may have made up for a replica.
            self.assertAlmostEqual(cluster.value(COPIED, "repair", last), held,
                                   delta=cluster.value(COPIED, "balance", last))
            took = cluster.value("SELECT (max(closed_ms) - min(issued_ms)) / 1000.0 FROM command_history "
                                 "WHERE kind = 'replicate' AND command_id > ?", last)
            print(f"foretold {step['last_copy_seconds']:.2f} s, came in {took:.2f} s "
                  f"({foretold['basis']['rates']['rest_on']})")

    def test_it_says_what_would_be_lost_and_touches_nothing(self):
        with self.cluster(agents=4) as cluster:
            tree = cluster.folder / "files"
            write_files(tree, [MIB] * 40)
            cluster.put_tree(tree, goal=2)
            self.wait_until_at_rest(cluster)
            cluster.rebalancer.stop()
            before = self.digests(cluster)

            both = cluster.value(
                "SELECT count(*) FROM chunk_health WHERE chunk_id IN (SELECT chunk_id FROM replica_status "
                "WHERE server_id = 1) AND chunk_id IN (SELECT chunk_id FROM replica_status "
                "WHERE server_id = 2)")
            step = self.simulate(cluster, "lose s1 and s2", code=3 if both else 0)["steps"][0]
            self.assertEqual(step["lost"]["chunks"], both)
            three = self.simulate(cluster, "lose rack rack1", "lose s2, s3", code=3)["steps"]
            self.assertEqual(three[0]["lost"]["chunks"], 0)
            self.assertGreater(three[1]["lost"]["chunks"], 0)
            self.assertGreater(sum(each["chunks"] for each in three[1]["not_whole"]), 0)
            self.assertEqual(self.digests(cluster), before)

            done = self.simulate(cluster, "add 2 servers")["steps"][0]
            self.assertGreater(done["copied"]["by_reason"]["balance"]["replicas"], 10)
            for words in ("lose s9", "lose rack nowhere", "fly"):
                fault = cluster.cli("simulate", words, check=False)
                self.assertEqual(fault.returncode, 2)
                self.assertIn(words.split()[-1], fault.stderr)
            shown = cluster.cli("simulate", "lose server s3").stdout
            self.assertIn("1. lose server s3", shown)
            cluster.rebalancer.start()
            cluster.wait_for_alive(range(1, 5))

    def simulate(self, cluster, *words, code=0):
        done = cluster.cli("--json", "simulate", "--detection", "2s", "--config",
                           cluster.rebalancer.folder / "rebalancer.toml", *words, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def wait_until_at_rest(self, cluster):
        """Settled, and no copy begun for two seconds."""
        def newest():
            return cluster.value("SELECT max(command_id) FROM command_history")

        def at_rest():
            cluster.wait_until_settled(120)
            before = newest()
            time.sleep(2)
            return newest() == before and not cluster.unsettled()
        cluster.wait("the cluster to be at rest", at_rest, 120)

    def digests(self, cluster):
        """Of the database and its log. A reader may make the log where there is none, empty."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in cluster.database.parent.glob("rebalancer.db*") if path.suffix != ".db-shm" and path.stat().st_size > 0}


if __name__ == "__main__":
    unittest.main(verbosity=2)
