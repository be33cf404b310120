"""The protocol is what its page says, and not what our own programs happen to agree on: a membership
service and an agent in Python, written from that page, take the places of ours."""
import re
import subprocess
import sys
import unittest

from cluster import KIB, PATIENCE, PROJECT, Scenario, write_files
from local_cluster import _die_with_parent as die_with_parent
from foreign_agent import ForeignAgent
from foreign_membership import ForeignMembership

COPIES = """SELECT command_id, server_id, source_id FROM command_history
            WHERE kind = 'replicate' AND state = 'done'"""


class Foreign(Scenario):
    def test_a_membership_of_another_make_that_loses_events(self):
        with self.cluster() as cluster:
            at = cluster.endpoints
            with ForeignMembership(cluster.name, at["membership_events"], at["membership_requests"],
                                   losing={2, 4, 6, 7}) as membership:
                cluster.rebalancer.start()
                for server in range(1, 5):
                    cluster.add_agent(server).start()
                cluster.wait_for_alive(range(1, 5))
                contents = self.put(cluster, [300 * KIB] * 20)

                cluster.agent(1).kill()
                membership.say("suspect", 1, liveness="suspect")             # 5
                membership.say("failed", 1, liveness="dead")                 # 6, lost
                cluster.wait_for_liveness(1, "dead")
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster, without=[1]), contents)

                cluster.agent(1).start()                                     # joined: 7, lost
                cluster.wait_for_liveness(1, "alive")
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster), contents)
                self.assertEqual(membership.faults, [])
                self.assertEqual([number for number, _ in membership.lost], [2, 4, 6, 7])
                self.assertGreaterEqual(membership.snapshots, 2, "it never asked for what it missed")

    def test_the_membership_that_is_printed_in_the_document(self):
        """schema/wire/WRITING.md has one in whole: it is run as it stands there."""
        program, = re.findall(r"^```python\n(.*?)^```$", (PROJECT / "schema/wire/WRITING.md").read_text(), re.M | re.S)
        with self.cluster() as cluster:
            at = cluster.endpoints
            file, log = cluster.folder / "membership.py", cluster.folder / "printed.log"
            file.write_text(program)
            with open(log, "w") as said, subprocess.Popen(
                    [sys.executable, file, cluster.name, at["membership_events"], at["membership_requests"],
                     str(2 * PATIENCE)], stdout=said, stderr=said, preexec_fn=die_with_parent) as membership:
                try:
                    cluster.rebalancer.start()
                    for server in range(1, 5):
                        cluster.add_agent(server).start()
                    cluster.wait_for_alive(range(1, 5))
                    contents = self.put(cluster, [300 * KIB] * 20)
                    cluster.agent(1).kill()
                    cluster.wait_for_liveness(1, "dead")
                    cluster.wait_until_settled()
                    self.check_contents(self.check_replicated(cluster, without=[1]), contents)
                    cluster.agent(1).start()
                    cluster.wait_for_liveness(1, "alive")
                    cluster.wait_until_settled()
                    self.check_contents(self.check_replicated(cluster), contents)
                    cluster.agent(2).stop()
                    cluster.wait("a planned stop to be known as one", lambda: cluster.value(
                        "SELECT planned FROM server_status WHERE server_id = 2"))
                    cluster.agent(2).start()
                    cluster.wait_for_liveness(2, "alive")
                    cluster.wait_until_settled()
                    self.assertEqual((membership.poll(), log.read_text()), (None, ""))
                finally:
                    membership.kill()

    def test_an_agent_of_another_make_copies_serves_and_deletes(self):
        with self.cluster(agents=2, rebalancer={"default_goal": 2}) as cluster:
            contents = self.put(cluster, [700 * KIB] * 6 + [0, 10])
            with self.foreign(cluster, 9) as agent:
                cluster.wait_for_alive([1, 2, 9])
                cluster.agent(1).kill()
                cluster.wait_for_liveness(1, "dead")
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster, 2, without=[1]), contents, 2)
                copied = [row for row in cluster.sql(COPIES) if row["server_id"] == 9]
                self.assertTrue(copied)
                for row in copied:
                    self.assertEqual(agent.executed[row["command_id"]]["outcome"], "done")

                # Now it is the one who has them: another of ours must copy from it.
                cluster.agent(2).kill()
                cluster.wait_for_liveness(2, "dead")
                cluster.add_agent(3).start()
                cluster.wait_for_alive([3, 9])
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster, 2, without=[1, 2]), contents, 2)
                self.assertEqual({chunk for mode, chunk in agent.served if mode == "copy"},
                                 {row["chunk_id"] for row in cluster.sql(
                                     "SELECT chunk_id FROM chunk_health")})

                # And it deletes what is too much when the others come back.
                cluster.agent(1).start()
                cluster.agent(2).start()
                cluster.wait_for_alive([1, 2, 3, 9])
                cluster.wait_until_settled()
                self.check_contents(self.check_replicated(cluster, 2), contents, 2)
                self.assertEqual(agent.faults, [])

    def test_clients_store_to_and_read_from_an_agent_of_another_make(self):
        with self.cluster(agents=1, rebalancer={"default_goal": 2}) as cluster:
            with self.foreign(cluster, 9) as agent:
                cluster.wait_for_alive([1, 9])
                contents = self.put(cluster, [700 * KIB, 0, 10, 262144])
                self.check_contents(self.check_replicated(cluster, 2), contents, 2)
                cluster.agent(1).kill()
                cluster.wait_for_liveness(1, "dead")
                for path in (cluster.folder / "files").iterdir():
                    cluster.get(f"files/{path.name}", cluster.folder / "back")
                    self.assertEqual((cluster.folder / "back").read_bytes(), path.read_bytes())
                self.assertTrue(any(mode == "get" for mode, _ in agent.served))
                cluster.agent(1).start()
                cluster.wait_for_alive([1, 9])
                cluster.wait_until_settled()
                self.assertEqual(agent.faults, [])

    def put(self, cluster, sizes):
        tree = cluster.folder / "files"
        contents = write_files(tree, sizes)
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        return contents

    def foreign(self, cluster, server):
        cluster.foreign[server] = folder = cluster.folder / f"s{server}" / "chunks"
        at = cluster.endpoints
        return ForeignAgent(cluster.name, server, folder, at["membership_requests"], at["commands"],
                            at["agents"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
