"""Any process may be killed at any moment and started again, and all may be started in any order:
what was begun is brought to its end, once."""
import itertools
import pathlib
import unittest
from collections import Counter

from cluster import KIB, MIB, Scenario, write_files
from live_watch import LiveWatch

COPIED = """SELECT count(*) FROM command_history
            WHERE kind = 'replicate' AND reason = ? AND state = 'done'"""
COPIES = """SELECT chunk_id, server_id, count(*) AS n FROM command_history
            WHERE kind = 'replicate' AND state IN ('done', 'superseded') GROUP BY 1, 2"""


class Restart(Scenario):
    def test_the_rebalancer_is_killed_while_it_repairs(self):
        self.kill_while_repairing("rebalancer")

    def test_membership_is_killed_while_there_are_repairs(self):
        self.kill_while_repairing("membership")

    def test_an_agent_is_killed_while_it_repairs(self):
        self.kill_while_repairing("s3")

    def test_the_rebalancer_is_killed_again_and_again(self):
        self.kill_while_repairing("rebalancer", times=4)

    def test_an_agent_that_only_stood_still_is_taken_back(self):
        with self.cluster(agents=4) as cluster:
            contents = self.filled(cluster, [64 * KIB] * 60)
            cluster.agent(2).pause()
            cluster.wait_for_liveness(2, "dead")
            cluster.wait("its replicas to be made up for", lambda: not cluster.unsettled(), 60,
                         cluster.unsettled)
            cluster.agent(2).resume()
            cluster.wait_for_liveness(2, "alive")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)

    def test_the_rebalancer_is_killed_while_a_new_server_is_filled(self):
        with self.cluster(agents=4, rebalancer={"chunk_size": "1MiB"}) as cluster:
            contents = self.filled(cluster, [MIB] * 120)
            self.slowed(cluster)
            newcomer = cluster.add_agent(5)
            (cluster.directory(5) / "live").mkdir(parents=True)
            with LiveWatch(cluster.directories(), goal=3) as watch:
                newcomer.start()
                self.kill_in_the_middle(cluster, "rebalancer", "balance", 5)
                cluster.wait("the new server to hold its share", lambda: not cluster.unsettled()
                             and abs(cluster.used_bytes(5) - 72 * MIB) <= MIB, 90,
                             lambda: (cluster.used_bytes(5), cluster.unsettled()))
            self.assertEqual(watch.faults, [])
            self.assertEqual(watch.shortages, [])
            self.check_once(cluster, watch)
            self.check_contents(self.check_replicated(cluster), contents)

    def test_a_database_that_was_lost_is_made_anew_from_what_agents_hold(self):
        """The first epoch too: a new database must not be taken for the old one by its numbers."""
        with self.cluster(agents=4) as cluster:
            contents = self.filled(cluster, [(n % 9) * 32 * KIB + 1 for n in range(90)])
            chunks = cluster.value("SELECT count(*) FROM chunk")
            cluster.rebalancer.kill()
            lost = pathlib.Path(cluster.database)
            for path in lost.parent.glob(lost.name + "*"):
                path.unlink()
            cluster.rebalancer.start()
            cluster.wait("all chunks to be known again", lambda: chunks == cluster.value(
                "SELECT count(*) FROM chunk_health WHERE health = 'healthy'"), 60, cluster.unsettled)
            cluster.wait_until_settled()
            self.assertEqual(cluster.value(
                "SELECT count(*) FROM command_history WHERE kind IN ('delete', 'replicate')"), 0)
            self.check_contents(self.check_replicated(cluster), contents)
            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster, without=[2]), contents)

    def test_any_order_of_starting_will_do(self):
        for order in itertools.permutations(("membership", "rebalancer", "agents")):
            with self.subTest(order=order), self.cluster() as cluster:
                for server in range(1, 4):
                    cluster.add_agent(server)
                for name in order:
                    for process in (cluster.agents.values() if name == "agents"
                                    else [cluster.processes[name]]):
                        process.start()
                        cluster.wait(f"{name} to be up", lambda p=process: p.log_text())
                cluster.wait_for_alive(range(1, 4))
                contents = self.filled(cluster, [1000, 0, 300 * KIB])
                for name in order:  # and once more, with what they know by now
                    for process in (cluster.agents.values() if name == "agents"
                                    else [cluster.processes[name]]):
                        self.assertEqual(process.stop(), 0, process.name)
                for name in order:
                    for process in (cluster.agents.values() if name == "agents"
                                    else [cluster.processes[name]]):
                        process.start()
                cluster.wait_for_alive(range(1, 4))
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster), contents)

    # What the scenarios are made of

    def filled(self, cluster, sizes):
        tree = cluster.folder / "files"
        contents = write_files(tree, sizes)
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        return contents

    def slowed(self, cluster):
        """So that there is a middle in which to kill something."""
        cluster.rebalancer.stop()
        cluster.rebalancer.start(copy_rate="1MiB")
        cluster.wait_for_alive(cluster.agents)

    def kill_while_repairing(self, victim, times=1):
        with self.cluster(agents=5) as cluster:
            contents = self.filled(cluster, [(n % 40) * 8 * KIB for n in range(400)]
                                   + [4 * MIB] * 20)
            self.slowed(cluster)
            without = {server: path for server, path in cluster.directories().items() if server != 1}
            with LiveWatch(without, goal=2) as watch:
                cluster.agent(1).kill()
                kills = 0
                # Work goes on while the rebalancer is away, so all may be done before the last time.
                while kills < times and (kills == 0 or cluster.unsettled()):
                    self.kill_in_the_middle(cluster, victim, "repair", 20 // times, kills == 0)
                    kills += 1
                self.assertGreaterEqual(kills, min(times, 2), "hardly killed in the midst of anything")
                cluster.wait_for_liveness(1, "dead")
                cluster.wait_until_settled(120)
            self.assertEqual(watch.faults, [])
            self.assertEqual(watch.shortages, [])
            self.check_once(cluster, watch)
            self.check_contents(self.check_replicated(cluster, without=[1]), contents)

    def kill_in_the_middle(self, cluster, victim, reason, number, must_be_middle=True):
        """kill -9 after so many more copies are done and, where that is a must, while there are
        others to come; start again."""
        before = cluster.value(COPIED, reason)
        cluster.wait(f"{number} copies to be done",
                     lambda: cluster.value(COPIED, reason) >= before + number
                     or (not must_be_middle and not cluster.unsettled()), 60, cluster.unsettled)
        if must_be_middle:
            self.assertTrue(cluster.unsettled(), "all was done before anything was killed")
        cluster.processes[victim].kill()
        cluster.processes[victim].start()

    def check_once(self, cluster, watch):
        """No command took effect twice: a chunk file never appeared more often on a server than
        copies to it were ordered. None was lost: nothing is open, and what the agents' journals say
        of each command is what the database says."""
        appeared = Counter((step.server, int(step.name[:16], 16))
                           for step in watch.steps if step.appeared)
        ordered = Counter({(row["server_id"], row["chunk_id"]): row["n"]
                           for row in cluster.sql(COPIES)})
        self.assertEqual(appeared - ordered, Counter(), "appeared more often than ordered")
        self.assertEqual(cluster.unsettled(), {})
        history = {row["command_id"]: row for row in cluster.sql("SELECT * FROM command_history")}
        results = {}
        for server in cluster.agents:
            for result in cluster.journal(server):
                self.assertNotIn(result["command"], results, "two agents have a result for it")
                self.assertEqual(history[result["command"]]["server_id"], server)
                self.assertLessEqual(result["bytes_done"], history[result["command"]]["size_bytes"])
                results[result["command"]] = result["outcome"]
        for command, row in history.items():
            if row["state"] in ("done", "failed", "refused") and row["kind"] in ("replicate", "delete"):
                self.assertEqual(results.get(command, row["state"]), row["state"], row)
        done = [row for row in history.values() if row["state"] == "done" and row["server_id"] != 1]
        self.assertTrue(any(row["command_id"] in results for row in done), "no journal was found")


if __name__ == "__main__":
    unittest.main(verbosity=2)
