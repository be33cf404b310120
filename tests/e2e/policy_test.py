"""Labels and policies: where replicas go, where they go after a loss, and what is said of a policy that
cannot be met."""
import unittest

from cluster import KIB, Scenario, write_files

# Three racks of one zone with two servers each.
DISKS = {1: "ssd", 2: "hdd", 3: "ssd", 4: "ssd", 5: "ssd", 6: "hdd"}


class Policies(Scenario):
    def start(self, cluster):
        cluster.membership.start()
        cluster.rebalancer.start()
        for server, disk in DISKS.items():
            cluster.add_agent(server, location=f"z/r{(server + 1) // 2}/h{server}",
                              **{"labels.disk": disk}).start()
        cluster.wait_for_alive(DISKS)

    def put(self, cluster, policy, files=30):
        folder = cluster.folder / policy
        contents = write_files(folder, [64 * KIB] * files, seed=files)
        cluster.cli("put", "--policy", policy, "--recursive", folder.name, cwd=cluster.folder)
        return contents

    def holders(self, cluster):
        """Chunk -> the live servers that hold a valid replica of it."""
        found = {}
        for row in cluster.sql("SELECT chunk_id, server_id FROM replica_status WHERE counts"):
            found.setdefault(row["chunk_id"], set()).add(row["server_id"])
        return found

    def against_policy(self, cluster):
        return cluster.sql("SELECT * FROM chunk_placement WHERE crowded > 0 OR refused > 0")

    def test_replicas_go_where_the_policy_has_them_also_after_a_loss(self):
        with self.cluster() as cluster:
            self.start(cluster)
            self.assertEqual({row["server_id"]: row["value"] for row in
                              cluster.sql("SELECT server_id, value FROM server_labels")}, DISKS)
            self.assertEqual({row["labels"] for row in cluster.cli("servers", as_json=True)},
                             {"disk=ssd", "disk=hdd"})
            cluster.cli("policy", "set", "fast", "--goal", "3", "--spread", "rack",
                        "--require", "disk = ssd")
            contents = self.put(cluster, "fast")
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)
            before = self.holders(cluster)
            for held in before.values():
                self.assertLessEqual({1, 5}, held)
                self.assertEqual(len(held & {3, 4}), 1)
            on_three = {chunk for chunk, held in before.items() if 3 in held}
            self.assertTrue(on_three, "server 3 was not used")

            cluster.agent(3).kill()
            cluster.wait_for_liveness(3, "dead")
            cluster.wait("what server 3 held to be on server 4",
                         lambda: not cluster.unsettled(), 60, cluster.unsettled)
            self.check_contents(self.check_replicated(cluster, without=[3]), contents)
            self.assertEqual(set(map(frozenset, self.holders(cluster).values())), {frozenset({1, 4, 5})})
            self.assertEqual(self.against_policy(cluster), [])

    def test_what_cannot_be_met_is_said_and_done_once_it_can(self):
        with self.cluster() as cluster:
            self.start(cluster)
            cluster.cli("policy", "set", "wide", "--goal", "2", "--spread", "zone")
            self.put(cluster, "wide", files=4)
            violations = cluster.wait(
                "all chunks to be violations of their policy",
                lambda: (rows := cluster.sql("SELECT why FROM violations WHERE why LIKE '%same zone%'"))
                and len(rows) == 4 and rows)
            for row in violations:
                self.assertIn("no server can take it: ", row["why"])
            refused = cluster.cli("policy", "remove", "wide", check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("chunks have the policy", refused.stderr)

            cluster.cli("policy", "set", "wide", "--spread", "rack")
            cluster.wait_until_settled()
            for held in self.holders(cluster).values():
                self.assertEqual(len({(server + 1) // 2 for server in held}), 2, "in two racks")

    def test_another_policy_moves_what_lies_against_it(self):
        with self.cluster() as cluster:
            self.start(cluster)
            contents = write_files(cluster.folder / "files", [64 * KIB] * 12)
            cluster.put_tree(cluster.folder / "files")
            cluster.wait_until_settled()
            self.assertTrue(any(held & {2, 6} for held in self.holders(cluster).values()))
            cluster.cli("policy", "set", "fast", "--require", "disk = ssd", "--spread", "rack")
            for number in range(12):
                cluster.cli("policy", "apply", "fast", f"files/file{number:05}")
            cluster.wait("all replicas to lie as the policy has it",
                         lambda: not self.against_policy(cluster) and not cluster.unsettled(), 60,
                         lambda: (self.against_policy(cluster), cluster.unsettled()))
            self.check_contents(self.check_replicated(cluster), contents)

            cluster.cli("policy", "set", "fast", "--require", "disk = nvme")
            rows = cluster.wait("the rule that is broken to be named", lambda: cluster.sql(
                "SELECT chunk_id, why FROM misreplicated WHERE why LIKE '%disk = nvme%'"))
            self.assertIn("no other server can take it", rows[0]["why"])
            cluster.cli("policy", "set", "fast", "--require", "")
            cluster.wait("nothing to lie against its policy",
                         lambda: not cluster.sql("SELECT 1 FROM misreplicated"))
            cluster.wait_until_settled()  # every server may have them again, and is filled evenly


if __name__ == "__main__":
    unittest.main(verbosity=2)
