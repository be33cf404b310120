"""Servers that go and come back: who is awaited is not copied, and a brake holds where many go."""
import unittest

from cluster import MIB, Scenario, write_files

REPAIRS = ("SELECT c.goal, k.state, k.command_id FROM command_history k "
           "JOIN chunk_health c USING (chunk_id) WHERE k.kind = 'replicate' AND k.reason = 'repair'")


class Away(Scenario):
    def fill(self, cluster, threes=40, twos=20, size=MIB // 4):
        """Files of one chunk each: some with three replicas, some with two."""
        for goal, number in ((3, threes), (2, twos)):
            tree = cluster.folder / f"goal{goal}"
            write_files(tree, [size] * number, seed=goal)
            cluster.put_tree(tree, goal=goal)
        cluster.wait_until_settled()

    def repairs(self, cluster, goal):
        return [row for row in cluster.sql(REPAIRS) if row["goal"] == goal]

    def held(self, cluster, server, goal):
        return cluster.value("SELECT count(*) FROM replica_status JOIN chunk_health USING (chunk_id) "
                             "WHERE server_id = ? AND goal = ?", server, goal)

    def wait_until_back(self, cluster):
        cluster.wait("everybody to be back and to have reported",
                     lambda: not cluster.sql("SELECT server_id FROM absences"), 30,
                     lambda: cluster.sql("SELECT * FROM absences"))

    def test_who_is_cut_off_for_a_while_is_awaited_but_what_is_at_risk_is_not(self):
        with self.cluster(agents=5, rebalancer={"patience.server": "10min"}) as cluster:
            self.fill(cluster)
            at_risk = self.held(cluster, 2, goal=2)
            self.assertGreater(min(at_risk, self.held(cluster, 2, goal=3)), 0, "hardly used")
            cluster.agent(2).pause()
            cluster.wait_for_liveness(2, "dead")
            absent, = cluster.sql("SELECT * FROM absences")
            self.assertEqual((absent["server_id"], absent["planned"]), (2, 0))
            self.assertGreater(absent["awaited_left_ms"], 500_000)
            cluster.wait("what had one replica left to have two",
                         lambda: not cluster.value("SELECT count(*) FROM chunk_health "
                                                   "WHERE health = 'at_risk'"), 60,
                         cluster.unsettled)
            self.assertEqual(len(self.repairs(cluster, goal=2)), at_risk)
            waiting = cluster.sql("SELECT DISTINCT why FROM violations")
            self.assertEqual(waiting, [{"why": "a server that holds it is away and awaited"}])
            cluster.agent(2).resume()
            self.wait_until_back(cluster)
            cluster.wait_until_settled()
            self.assertEqual(self.repairs(cluster, goal=3), [])

    def test_a_restart_in_good_order_moves_nothing(self):
        with self.cluster(agents=4, rebalancer={"patience.planned_stop": "10min"}) as cluster:
            self.fill(cluster, twos=0)
            cluster.agent(3).stop()
            cluster.wait_for_liveness(3, "dead")
            self.assertEqual(cluster.value("SELECT planned FROM absences"), 1)
            cluster.rebalancer.kill()  # its successor goes on waiting
            cluster.rebalancer.start()
            cluster.wait_for_alive([1, 2, 4])
            cluster.agent(3).start()
            self.wait_until_back(cluster)
            cluster.wait_until_settled()
            self.assertEqual(self.repairs(cluster, goal=3), [])

    def test_the_return_cancels_what_is_under_way(self):
        slow = {"copy_rate": "256KiB"}  # the second block of a chunk comes after 4 s
        with self.cluster(agents=4, rebalancer=slow) as cluster:
            self.fill(cluster, threes=16, twos=0, size=2 * MIB)
            cluster.agent(2).kill()
            cluster.wait("copies to be under way",
                         lambda: cluster.value("SELECT count(*) FROM open_commands "
                                               "WHERE kind = 'replicate'"))
            cluster.agent(2).start()
            self.wait_until_back(cluster)
            cluster.wait("no copy to be under way any more",
                         lambda: not cluster.value("SELECT count(*) FROM open_commands "
                                                   "WHERE kind = 'replicate'"), 6)
            cancelled = [row["command_id"] for row in self.repairs(cluster, goal=3)
                         if row["state"] == "superseded"]
            self.assertTrue(cancelled)
            cluster.wait("the agents to have dropped them",
                         lambda: set(cancelled) <= self.results(cluster), 20)
            cluster.wait_until_settled(120)
            self.check_replicated(cluster)

    def results(self, cluster):
        return {row["command"] for server in cluster.agents for row in cluster.journal(server)}

    def racks(self, cluster):
        """Six agents, two in each of three racks."""
        cluster.membership.start()
        cluster.rebalancer.start()
        for server in range(1, 7):
            rack = (server + 1) // 2
            cluster.add_agent(server, location=f"zone1/rack{rack}/host{server}").start()
        cluster.wait_for_alive(range(1, 7))
        self.fill(cluster)

    # Little patience: what holds is the brake.
    BRAKE = {"patience.server": "4s", "patience.rack": "4s", "brake.share": "25%",
             "brake.servers": 2}

    def lose_rack(self, cluster):
        cluster.agent(1).kill()
        cluster.agent(2).pause()
        cluster.wait("the brake to hold", lambda: cluster.mode() == "braked", 30, cluster.mode)
        status = cluster.cli("status", as_json=True, check=False)
        self.assertEqual(status["mode"], "braked")
        self.assertIn("2 of 6 servers went at once (s1 s2)", status["why"])
        cluster.wait("patience with them to be over",
                     lambda: not cluster.sql("SELECT server_id FROM absences "
                                             "WHERE awaited_left_ms > 0"))

    def test_a_rack_that_is_away_holds_the_brake_until_it_is_back(self):
        with self.cluster(rebalancer=self.BRAKE) as cluster:
            self.racks(cluster)
            self.lose_rack(cluster)
            cluster.wait("what had one replica left to have two, though the brake holds",
                         lambda: not cluster.value("SELECT count(*) FROM chunk_health "
                                                   "WHERE health = 'at_risk'"), 60,
                         cluster.unsettled)
            cluster.rebalancer.kill()  # which does not release it
            cluster.rebalancer.start()
            cluster.wait("the brake to hold again", lambda: cluster.mode() == "braked", 30,
                         cluster.mode)
            self.assertEqual(self.repairs(cluster, goal=3), [])
            cluster.agent(1).start()
            cluster.agent(2).resume()
            cluster.wait("the brake to let go", lambda: cluster.mode() == "running", 30,
                         cluster.mode)
            self.wait_until_back(cluster)
            cluster.wait_until_settled()
            said = [row["text"] for row in cluster.sql("SELECT text FROM events WHERE kind = 'mode'")]
            self.assertEqual(sum("the brake holds: " in text for text in said), 2, said)
            self.assertEqual(sum("the brake lets go" in text for text in said), 1, said)
            self.assertIn("braked", cluster.rebalancer.log_text())

    def test_an_operator_releases_the_brake(self):
        with self.cluster(rebalancer=self.BRAKE) as cluster:
            self.racks(cluster)
            self.lose_rack(cluster)
            self.assertEqual(cluster.cli("resume", "brake", "--yes", as_json=True), {"servers": 2})
            cluster.wait("the brake to let go", lambda: cluster.mode() == "running", 10, cluster.mode)
            cluster.wait("all to be made up for", lambda: not cluster.unsettled(), 60,
                         cluster.unsettled)
            self.assertTrue(self.repairs(cluster, goal=3))
            again = cluster.cli("resume", "brake", "--yes", check=False)
            self.assertNotEqual(again.returncode, 0)
            self.assertIn("does not hold", again.stderr)
            cluster.agent(2).resume()
            cluster.agent(1).start()
            self.wait_until_back(cluster)
            cluster.wait_until_settled()


if __name__ == "__main__":
    unittest.main(verbosity=2)
