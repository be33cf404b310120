"""A disk that is fuller than its agent believes: "no space" is an answer, and others take over."""
import contextlib
import unittest

from cluster import (MIB, Scenario, leave_room_for_files, scratch_folder, small_disk,
                     write_files)

DISK_BYTES = 12 * MIB
ROOMY_BYTES = 1024 * MIB
NO_SPACE = "SELECT count(*) FROM command_history WHERE server_id = 4 AND why LIKE 'no_space%'"


class FullDisk(Scenario):
    def test_a_put_goes_elsewhere_where_a_disk_is_full(self):
        with self.small_fourth(agents=4) as cluster:
            contents = self.put(cluster, 30)
            self.check_contents(self.check_replicated(cluster), contents)
            self.assertLess(cluster.used_bytes(4), DISK_BYTES)

    def test_a_repair_goes_elsewhere_where_a_disk_is_full(self):
        # Bytes enough, so that whoever plans by free bytes sends copies there; but too few files.
        with self.small_fourth(agents=3, disk_bytes=ROOMY_BYTES) as cluster:
            contents = self.put(cluster, 30)
            cluster.agent(4).start()
            cluster.wait_for_alive([1, 2, 3, 4])
            leave_room_for_files(cluster.directory(4), 4)
            cluster.add_agent(5, capacity="1GiB").start()
            cluster.agent(3).kill()
            cluster.wait_for_liveness(3, "dead")
            cluster.wait_until_settled(90)
            self.check_contents(self.check_replicated(cluster, without=[3]), contents)
            self.assertGreater(cluster.value(NO_SPACE), 0, "nobody came upon the full disk")
            self.assertTrue(cluster.agent(4).running())

    @contextlib.contextmanager
    def small_fourth(self, agents, disk_bytes=DISK_BYTES):
        """Agents 1 to `agents`; the fourth claims a GiB on a small disk of its own."""
        with scratch_folder() as folder, small_disk(folder / "disk", disk_bytes) as disk, \
                self.cluster(rebalancer={"chunk_size": "1MiB"},
                             agent={"capacity": "1GiB", "reserve": "0B"}) as cluster:
            cluster.membership.start()
            cluster.rebalancer.start()
            for server in (1, 2, 3):
                cluster.add_agent(server)
            cluster.add_agent(4, data_dir=str(disk))
            for server in range(1, agents + 1):
                cluster.agent(server).start()
            cluster.wait_for_alive(range(1, agents + 1))
            yield cluster

    def put(self, cluster, chunks):
        tree = cluster.folder / "files"
        contents = write_files(tree, [MIB] * chunks)
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        return contents


if __name__ == "__main__":
    unittest.main(verbosity=2)
