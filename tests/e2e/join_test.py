"""An empty server joins: it is filled to its share, and no chunk is ever short of a replica."""
import time
import unittest

from cluster import KIB, MIB, Scenario, write_files
from live_watch import LiveWatch

CHUNK_BYTES = MIB
COPIED = """SELECT server_id, drop_id, closed_ms FROM command_history
            WHERE kind = 'replicate' AND state = 'done' AND chunk_id = ?"""
DELETED = """SELECT server_id, issued_ms FROM command_history
             WHERE kind = 'delete' AND state IN ('done', 'open') AND chunk_id = ? AND command_id > ?"""


class Join(Scenario):
    def test_a_server_that_joins_is_filled_to_the_mean(self):
        with self.cluster(agents=5, rebalancer={"chunk_size": "1MiB"},
                          agent={"capacity": "1GiB"}) as cluster:
            tree = cluster.folder / "files"
            sizes = [CHUNK_BYTES - 1] * 40 + [CHUNK_BYTES] * 60 + [64 * KIB + i for i in range(60)]
            contents = write_files(tree, sizes)
            cluster.put_tree(tree)
            cluster.wait_until_settled()

            before = cluster.value("SELECT max(command_id) FROM command_history")
            newcomer = cluster.add_agent(6)
            (cluster.directory(6) / "live").mkdir(parents=True)
            with LiveWatch(cluster.directories(), goal=3) as watch:
                newcomer.start()
                cluster.wait_for_alive(range(1, 7))
                share = 3 * sum(sizes) / 6
                cluster.wait("the new server to hold its share",
                             lambda: abs(cluster.used_bytes(6) - share) <= CHUNK_BYTES
                             and not cluster.unsettled(), 90,
                             lambda: (cluster.used_bytes(6), share, cluster.unsettled()))
                self.check_rests(cluster)

            self.assertEqual(watch.faults, [])
            self.assertEqual(watch.shortages, [])
            self.check_moves(cluster, watch, before)
            self.check_contents(self.check_replicated(cluster), contents)

    def check_rests(self, cluster):
        """Evenness reached is evenness kept: two more rounds of beacons bring no new command."""
        last = cluster.value("SELECT max(command_id) FROM command_history")
        beacons = time.monotonic() + 2.5
        cluster.wait("two more rounds of beacons", lambda: time.monotonic() > beacons)
        self.assertEqual(cluster.value("SELECT max(command_id) FROM command_history"), last)

    def check_moves(self, cluster, watch, last):
        """Each file that went had its copy acknowledged, and that committed, before its delete was
        issued; and each went only once and stayed away."""
        left = [step for step in watch.steps if not step.appeared]
        self.assertGreater(len(left), 0, "nothing was moved")
        for step in left:
            chunk = int(step.name[:16], 16)
            copied = [row for row in cluster.sql(COPIED, chunk) if row["server_id"] != step.server]
            deletes = [row for row in cluster.sql(DELETED, chunk, last)
                       if row["server_id"] == step.server]
            self.assertEqual(len(deletes), 1, f"{step}: one delete, on that server")
            before = [row for row in copied if row["closed_ms"] <= deletes[0]["issued_ms"]]
            self.assertTrue(before, f"{step}: no copy was done before its delete was issued")
            self.assertLessEqual(deletes[0]["issued_ms"], step.at_ms + 1, f"{step}: gone too early")
        self.assertEqual(len(left), len({step.name for step in left}), "a chunk moved twice")


if __name__ == "__main__":
    unittest.main(verbosity=2)
