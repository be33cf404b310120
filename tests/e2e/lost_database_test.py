"""The rebalancer's database is deleted under a running cluster: it is made anew from what the agents
hold, and until every one of them has said what that is, nothing is deleted, whatever seems to be too
many."""
import pathlib
import unittest

from cluster import Scenario, write_files
from live_watch import LiveWatch

CHUNKS = 10_000
HEALTHY = "SELECT count(*) FROM chunk_health WHERE health = 'healthy'"
DELETES = "SELECT count(*) FROM command_history WHERE kind = 'delete'"
REPORTED = "SELECT count(*) FROM server_status WHERE reported"


class LostDatabase(Scenario):
    def test_of_ten_thousand_chunks_is_rebuilt_and_nothing_deleted_before_all_have_reported(self):
        # The fifth is silent for a while, and must not be taken for dead: nobody waits for the dead.
        with self.cluster(agents=5, membership={"suspect_after": "1s", "dead_after": "10min"},
                          agent={"rescan_interval": "10min"}) as cluster:
            tree = cluster.folder / "files"
            contents = write_files(tree, [64 + number % 7 for number in range(CHUNKS)])
            cluster.put_tree(tree, seconds=600)
            cluster.wait_until_settled(120)
            # A copy too many of a few hundred chunks, as moves leave them: what must not go early.
            extra = self.leave_extra_copies(cluster, 300)
            with LiveWatch(cluster.directories(), goal=3) as watch:
                cluster.agent(5).pause()  # holds a part of everything
                lost = pathlib.Path(cluster.database)
                for path in lost.parent.glob(lost.name + "*"):
                    path.unlink()        # under the running process, as an operator's slip does it
                cluster.rebalancer.kill()
                cluster.rebalancer.start()
                cluster.wait("four servers to have reported", lambda: cluster.value(REPORTED) == 4, 120,
                             lambda: cluster.value(REPORTED))
                cluster.wait("all chunks to be known again",
                             lambda: cluster.value("SELECT count(*) FROM chunk") == CHUNKS, 120,
                             lambda: cluster.value("SELECT count(*) FROM chunk"))
                cluster.wait("safe mode to be over", lambda: cluster.mode() == "running", 60,
                             cluster.mode)
                self.turns_go_by(cluster, 20)
                self.assertEqual(cluster.value(DELETES), 0, "the fifth holder has not reported")
                self.assertEqual([step for step in watch.steps if not step.appeared], [])
                cluster.agent(5).resume()
                cluster.wait("the fifth to report", lambda: cluster.value(REPORTED) == 5, 120)
                cluster.wait("all to be healthy", lambda: cluster.value(HEALTHY) == CHUNKS, 300,
                             cluster.unsettled)
                cluster.wait_until_settled(120)
            self.assertEqual(watch.faults, [])
            self.assertEqual(watch.shortages, [])
            self.assertGreaterEqual(sum(1 for step in watch.steps if not step.appeared), extra)
            self.check_contents(self.check_replicated(cluster), contents)

    def turns_go_by(self, cluster, number):
        """So many times it has looked at everything and decided."""
        before = cluster.value("SELECT commits FROM meta")
        cluster.wait(f"{number} turns", lambda: cluster.value("SELECT commits FROM meta")
                     >= before + number, 60)

    def leave_extra_copies(self, cluster, number):
        """Copies of chunks onto servers that do not hold them, made while their agents are away."""
        for server in cluster.agents:
            cluster.agent(server).stop()
        made = 0
        for source, target in ((1, 2), (2, 3), (3, 4), (4, 1)):
            there = {path.name for path in (cluster.directory(target) / "live").iterdir()}
            for path in sorted(cluster.chunk_files(source)):
                if made >= number * source // 4:
                    break
                if path.name not in there:
                    (cluster.directory(target) / "live" / path.name).write_bytes(path.read_bytes())
                    made += 1
        for server in cluster.agents:
            cluster.agent(server).start()
        return made


if __name__ == "__main__":
    unittest.main(verbosity=2)
