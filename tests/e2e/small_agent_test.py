"""A small server is filled up to its reserve, and not past it."""
import unittest

from cluster import MIB, Scenario, write_files

CHUNKS_IN_SMALL = 10


class SmallAgent(Scenario):
    def test_a_server_with_little_room_is_filled_to_its_reserve(self):
        """It claims as much capacity as the others, so that its share would be 72 chunks; but all of
        it is reserve, ten chunks apart."""
        with self.cluster(agents=4, rebalancer={"chunk_size": "1MiB"},
                          agent={"capacity": "1GiB"}) as cluster:
            tree = cluster.folder / "files"
            contents = write_files(tree, [MIB] * 120)
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            cluster.add_agent(5, reserve=f"{1024 - CHUNKS_IN_SMALL}MiB").start()
            cluster.wait_for_alive([5])
            self.check_filled(cluster)

            cluster.agent(1).kill()
            cluster.wait_for_liveness(1, "dead")
            cluster.wait_until_settled(90)
            self.check_filled(cluster)
            self.check_contents(self.check_replicated(cluster, without=[1]), contents)

    def check_filled(self, cluster):
        cluster.wait("server 5 to be filled to its reserve", lambda: not cluster.unsettled()
                     and cluster.used_bytes(5) == CHUNKS_IN_SMALL * MIB, 60,
                     lambda: (cluster.used_bytes(5), cluster.unsettled()))

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
