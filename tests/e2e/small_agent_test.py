"""A small server is filled up to its reserve, and not past it."""
import unittest

from cluster import MIB, Scenario, write_files

CHUNKS_IN_SMALL = 10


class SmallAgent(Scenario):
    def test_a_small_server_takes_its_share_and_never_more_than_it_has_room_for(self):
        with self.cluster(rebalancer={"chunk_size": "1MiB"}) as cluster:
            cluster.membership.start()
            cluster.rebalancer.start()
            for server in range(1, 5):
                cluster.add_agent(server, capacity="200MiB", reserve="4MiB").start()
            cluster.add_agent(5, capacity=f"{CHUNKS_IN_SMALL + 4}MiB", reserve="4MiB").start()
            cluster.wait_for_alive(range(1, 6))
            tree = cluster.folder / "files"
            contents = write_files(tree, [MIB] * 120)
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            self.check_within_reserve(cluster)

            cluster.agent(1).kill()
            cluster.wait_for_liveness(1, "dead")
            cluster.wait_until_settled(90)
            self.check_within_reserve(cluster)
            self.check_contents(self.check_replicated(cluster, without=[1]), contents)

    def test_one_that_is_full_is_left_alone_and_it_is_said_why(self):
        """Three servers, of which one has room for ten chunks: the goal cannot be met for more, and
        everything that does not fit stays under-replicated with its reason."""
        with self.cluster(quiet_end=False,
                          rebalancer={"chunk_size": "1MiB", "default_goal": 2}) as cluster:
            cluster.membership.start()
            cluster.rebalancer.start()
            for server, size in ((1, "1GiB"), (2, "1GiB"), (3, f"{CHUNKS_IN_SMALL + 4}MiB")):
                cluster.add_agent(server, capacity=size, reserve="4MiB").start()
            cluster.wait_for_alive([1, 2, 3])
            tree = cluster.folder / "files"
            write_files(tree, [MIB] * 60)
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            cluster.wait("server 3 to be as full as it may be",
                         lambda: len(cluster.chunk_files(3)) >= CHUNKS_IN_SMALL - 1
                         and not cluster.value("SELECT count(*) FROM open_commands"), 60,
                         lambda: (len(cluster.chunk_files(3)), cluster.unsettled()))
            self.assertLessEqual(len(cluster.chunk_files(3)), CHUNKS_IN_SMALL)
            waiting = cluster.sql("SELECT why FROM violations")
            self.assertGreaterEqual(len(waiting), 60 - 2 * CHUNKS_IN_SMALL)
            self.assertTrue(all(row["why"] for row in waiting))
            cluster.agent(2).start()
            cluster.wait_until_settled(60)
            self.assertEqual(cluster.differences(), [])

    def check_within_reserve(self, cluster):
        used = cluster.used_bytes(5)
        self.assertLessEqual(used, CHUNKS_IN_SMALL * MIB, "past its reserve")
        self.assertGreaterEqual(used, 3 * MIB, "left out")


if __name__ == "__main__":
    unittest.main(verbosity=2)
