"""What operators want of servers is done, is remembered over restarts, and never costs a replica."""
import time
import unittest

from cluster import KIB, MIB, Scenario, write_files
from live_watch import LiveWatch

ADMIN = "SELECT admin FROM server_status WHERE server_id = ?"
LEFT = "SELECT chunks_left FROM drains WHERE server_id = ?"
HELD = """SELECT count(*) FROM replica_status JOIN chunk_health USING (chunk_id)
          WHERE server_id = ? AND life = 'live'"""
COPIES = """SELECT count(*) FROM command_history WHERE kind = 'replicate' AND issued_ms >= ?"""
# Live chunks with fewer than goal valid replicas on servers in service, at work.
SHORT = """SELECT chunk_id FROM chunk_health c WHERE life = 'live' AND goal >
             (SELECT count(*) FROM replica_status r WHERE r.chunk_id = c.chunk_id AND r.counts
              AND r.admin = 'in_service' AND r.liveness = 'alive')"""


class Admin(Scenario):
    def filled(self, cluster, sizes, goal=None):
        tree = cluster.folder / "files"
        contents = write_files(tree, sizes)
        cluster.put_tree(tree, goal=goal)
        cluster.wait_until_settled()
        return contents

    def admin(self, cluster, server):
        return cluster.value(ADMIN, server)

    def wait_for_admin(self, cluster, server, admin, seconds=60):
        cluster.wait(f"s{server} to be {admin}", lambda: self.admin(cluster, server) == admin,
                     seconds, lambda: (self.admin(cluster, server), cluster.value(LEFT, server),
                                       cluster.unsettled()))

    def asked(self, cluster, *words, code=0):
        done = cluster.cli(*words, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_server_is_drained_and_taken_back(self):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [(n % 9) * 32 * KIB + 1 for n in range(150)])
            self.assertGreater(cluster.value(HELD, 2), 20)
            dry = cluster.cli("drain", "s2", "--dry-run", as_json=True)
            self.assertEqual((dry["admin"], dry["done"], dry["feasible"]), ("in_service", False, True))
            self.assertEqual(dry["copy_chunks"], cluster.value(HELD, 2))
            self.assertEqual(dry["copy_bytes"], cluster.used_bytes(2))

            with LiveWatch(cluster.directories(), goal=3) as watch:
                self.assertIn("s2 is draining", self.asked(cluster, "drain", "s2"))
                cluster.rebalancer.kill()
                cluster.rebalancer.start()
                self.wait_for_admin(cluster, 2, "drained")
                self.assertEqual(cluster.sql(SHORT), [])
                self.assertEqual(cluster.value(LEFT, 2), 0)
                self.assertIn("s2 is drained already", self.asked(cluster, "drain", "s2"))
                self.assertIn("drained", self.asked(cluster, "servers"))
                self.assertIn("s2 drained, nothing rests on it", self.asked(cluster, "status"))
            self.assertEqual((watch.faults, watch.shortages), ([], []))

            self.assertIn("in service", self.asked(cluster, "undrain", "s2"))
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)

    def test_a_drain_that_is_taken_back_stops(self):
        with self.cluster(agents=4, rebalancer={"copy_rate": "1MiB", "chunk_size": "1MiB",
                                                "copies_in": 1}) as cluster:
            contents = self.filled(cluster, [MIB] * 40)
            self.asked(cluster, "drain", "s3")
            cluster.wait("copies to be under way", lambda: cluster.value(
                "SELECT count(*) FROM open_commands WHERE kind = 'replicate'"))
            self.asked(cluster, "undrain", "s3")
            self.assertEqual(self.admin(cluster, 3), "in_service")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)

    def test_what_cannot_be_drained_is_refused_with_the_rules(self):
        with self.cluster(agents=3) as cluster:
            self.filled(cluster, [64 * KIB] * 10)
            said = self.asked(cluster, "drain", "s1", code=5)
            self.assertIn("cannot be brought to its end", said)
            self.assertIn("10 chunks", said)
            self.assertEqual(self.admin(cluster, 1), "in_service")
            self.assertIn("s1 is draining", self.asked(cluster, "drain", "s1", "--force"))
            self.assertIn("there is no server s9", self.asked(cluster, "drain", "s9", code=2))
            self.assertIn("undrain it first",
                          self.asked(cluster, "maintenance", "s1", "--for", "1min", code=2))
            self.asked(cluster, "undrain", "s1")
            cluster.wait_until_settled()

    def test_a_server_is_decommissioned_and_forgotten(self):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [(n % 9) * 32 * KIB + 1 for n in range(120)])
            self.asked(cluster, "decommission", "s4", "--yes")
            self.wait_for_admin(cluster, 4, "removed")
            cluster.wait("its rows to be gone", lambda: cluster.value(
                "SELECT count(*) FROM replica_status WHERE server_id = 4") == 0)
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster, without=[4]), contents)

            # Nothing that it holds counts again, whatever it says and whoever is started anew.
            cluster.rebalancer.kill()
            cluster.agent(4).kill()
            cluster.agent(4).start()
            cluster.rebalancer.start()
            cluster.wait_for_alive([1, 2, 3, 4, 5])
            cluster.wait_until_settled()
            self.assertEqual(self.admin(cluster, 4), "removed")
            self.assertIn("s4 is removed", self.asked(cluster, "undrain", "s4", code=2))
            self.check_contents(self.check_replicated(cluster, without=[4]), contents)
            cluster.agent(4).stop()
            cluster.wait_for_liveness(4, "dead")

    def test_what_stays_safe_is_not_copied_while_its_server_is_in_maintenance(self):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [64 * KIB] * 60)
            held = cluster.value(HELD, 2)
            self.assertGreater(held, 10)
            self.assertIn("s2 is in maintenance for",
                          self.asked(cluster, "maintenance", "s2", "--for", "10min"))
            began = cluster.value("SELECT max(issued_ms) + 1 FROM command_history")
            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            self.assertIn("s2 maintenance, ", self.asked(cluster, "status", code=1))
            cluster.rebalancer.kill()  # it is remembered
            cluster.rebalancer.start()
            cluster.wait_for_alive([1, 3, 4, 5])
            self.some_beacons(cluster)
            self.assertEqual(cluster.sql("SELECT DISTINCT why FROM violations"),
                             [{"why": "waiting for a server in maintenance"}])
            cluster.agent(2).start()
            cluster.wait_for_liveness(2, "alive")
            cluster.wait_until_settled()
            self.assertEqual(cluster.value(COPIES, began), 0)
            self.assertIn("s2 is in service", self.asked(cluster, "maintenance", "s2", "--end"))
            self.some_beacons(cluster)
            self.assertEqual(cluster.value(COPIES, began), 0)
            self.check_contents(self.check_replicated(cluster), contents)

    def test_what_is_not_safe_is_copied_before_its_server_goes_and_the_rest_when_time_is_over(self):
        with self.cluster(agents=4) as cluster:
            contents = self.filled(cluster, [64 * KIB] * 40, goal=2)
            self.asked(cluster, "maintenance", "s3", "--for", "20s")
            cluster.wait("two replicas of each chunk without s3", lambda: not cluster.sql(
                "SELECT chunk_id FROM replica_status WHERE server_id <> 3 AND counts "
                "GROUP BY chunk_id HAVING count(*) < 2"), 15)
            self.wait_for_admin(cluster, 3, "in_service")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster, goal=2), contents, goal=2)

    def some_beacons(self, cluster):
        """Time in which anything that is to be done would be begun."""
        end = time.monotonic() + 2.5
        cluster.wait("two more rounds of beacons", lambda: time.monotonic() > end)

    def test_a_dead_server_is_forgotten_if_that_is_forced(self):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [64 * KIB] * 60)
            cluster.agent(5).kill()
            cluster.wait_for_liveness(5, "dead")
            self.assertIn("s5 is dead", self.asked(cluster, "decommission", "s5", "--yes", code=2))
            self.asked(cluster, "decommission", "s5", "--force", "--yes")
            self.wait_for_admin(cluster, 5, "removed", 90)
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster, without=[5]), contents)

    def test_nothing_is_ordered_for_a_paused_pass_until_it_is_resumed(self):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [64 * KIB] * 60)
            self.assertIn("paused: repair", self.asked(cluster, "pause", "repair"))
            began = cluster.value("SELECT max(issued_ms) + 1 FROM command_history")
            cluster.rebalancer.kill()
            cluster.rebalancer.start()
            cluster.wait_for_alive(range(1, 6))
            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            self.assertIn("paused            repair", self.asked(cluster, "status", code=1))
            self.assertEqual(cluster.cli("status", as_json=True, check=False)["paused"], ["repair"])
            self.assertEqual(cluster.value(COPIES, began), 0)
            self.assertIn("paused: nothing", self.asked(cluster, "resume", "all"))
            cluster.wait_until_settled(90)
            self.check_contents(self.check_replicated(cluster, without=[2]), contents)

    def test_a_cancelled_copy_is_not_made_and_what_is_not_open_cannot_be(self):
        with self.cluster(agents=4, rebalancer={"copy_rate": "256KiB", "chunk_size": "1MiB",
                                                "copies_in": 1}) as cluster:
            contents = self.filled(cluster, [MIB] * 3, goal=2)
            self.assertIn("not_found", self.asked(cluster, "cancel", "k999999", code=2))
            self.asked(cluster, "goal", "files/file00000", "3")
            copy = cluster.wait("a copy to be under way", lambda: cluster.value(
                "SELECT command_id FROM open_commands WHERE kind = 'replicate'"))
            self.asked(cluster, "cancel", f"k{copy}")
            self.assertEqual(cluster.sql("SELECT state, why FROM command_history "
                                         "WHERE command_id = ?", copy),
                             [{"state": "superseded", "why": "cancelled by an operator"}])
            self.asked(cluster, "goal", "files/file00000", "2")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster, goal=2), contents, goal=2)

    def test_another_goal_is_reached_up_and_down(self):
        with self.cluster(agents=5, rebalancer={"chunk_size": "256KiB"}) as cluster:
            tree = cluster.folder / "files"
            write_files(tree, [5 * MIB])
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            name = "files/file00000"
            dry = cluster.cli("goal", name, "4", "--dry-run", as_json=True)
            self.assertEqual((dry["chunks"], dry["changed"], dry["copy_bytes"]), (20, 20, 5 * MIB))
            for goal in (5, 2):
                self.asked(cluster, "goal", name, str(goal))
                cluster.wait_until_settled()
                self.check_replicated(cluster, goal=goal)
            self.assertEqual(cluster.value("SELECT goal FROM files"), 2)
            self.assertIn("goal", self.asked(cluster, "goal", name, "9", code=5))
            back = cluster.folder / "back"
            cluster.get(name, back)
            self.assertEqual(back.read_bytes(), (tree / "file00000").read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
