"""A server dies for good: what it held is copied from the others, and nothing else happens."""
import pathlib
import unittest

from cluster import MIB, Scenario, sizes_mixed, write_files


class Heal(Scenario):
    def test_a_killed_server_is_made_up_for(self):
        self.heal(racks=5)

    def test_and_so_it_is_where_two_hosts_share_a_rack(self):
        self.heal(racks=4, files=300, sizes=[(number * 7919) % (3 * MIB) for number in range(300)])

    def heal(self, racks, files=2000, sizes=None):
        with self.cluster() as cluster:
            cluster.membership.start()
            cluster.rebalancer.start()
            for server in range(1, 6):
                rack = (server - 1) % racks + 1
                cluster.add_agent(server, location=f"zone1/rack{rack}/host{server}").start()
            cluster.wait_for_alive(range(1, 6))
            tree = cluster.folder / "files"
            contents = write_files(tree, sizes or sizes_mixed(files))
            cluster.put_tree(tree)
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)
            held = {path.name for path in cluster.chunk_files(2)}
            self.assertGreater(len(held), files // 10, "server 2 was hardly used")

            cluster.agent(2).kill()
            cluster.wait_for_liveness(2, "dead")
            cluster.wait("what server 2 held to have 3 valid replicas again",
                         lambda: not cluster.unsettled(), 120, cluster.unsettled)

            self.check_contents(self.check_replicated(cluster, without=[2]), contents)
            self.check_no_more_than_needed(cluster, held)
            self.check_read_back(cluster, tree)

    def check_no_more_than_needed(self, cluster, held):
        """Each chunk that server 2 held was repaired once at the most (a move that was under way
        may have made up for it, too), and no other was."""
        repaired = [row["chunk_id"] for row in cluster.sql(
            "SELECT chunk_id FROM command_history "
            "WHERE kind = 'replicate' AND reason = 'repair' AND state = 'done'")]
        self.assertEqual(len(repaired), len(set(repaired)), "repaired twice")
        self.assertLessEqual(set(repaired), {int(name[:16], 16) for name in held})

    def check_read_back(self, cluster, tree):
        """A sample through the command line, the empty and the largest files among it."""
        paths = sorted(tree.iterdir(), key=lambda path: path.stat().st_size)
        for path in [*paths[:6], *paths[::len(paths) // 10], *paths[-2:]]:
            back = pathlib.Path(cluster.folder / "back")
            cluster.get(f"files/{path.name}", back)
            self.assertEqual(back.read_bytes(), path.read_bytes(), path.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
