"""What the operator is told of a chunk, a server and a command: why it waits, and what was done."""
import unittest

from cluster import Scenario, write_files


def kinds(explained):
    return {cause["kind"] for cause in explained["causes"]}


class Explain(Scenario):
    def test_a_chunk_that_waits_and_is_helped(self):
        with self.cluster() as cluster:
            cluster.membership.start()
            cluster.rebalancer.start()
            for server in (1, 2, 3, 4):
                agent = cluster.add_agent(server, location=f"zone1/rack{server}/host{server}")
                if server < 4:
                    agent.start()
            cluster.wait_for_alive(range(1, 4))
            tree = cluster.folder / "files"
            contents = write_files(tree, [100_000] * 5)
            cluster.put_tree(tree)
            cluster.wait_until_settled()

            def explain(*words):
                return cluster.cli("explain", *words, as_json=True)

            chunk = cluster.value("SELECT min(chunk_id) FROM chunk_health")
            whole = explain("chunk", str(chunk))
            self.assertEqual((whole["what"], whole["causes"]), (f"c{chunk}", []), whole["verdict"])

            cluster.agent(3).kill()
            cluster.wait_for_liveness(3, "dead")
            cluster.wait("the chunk to wait for a server that can take it",
                         lambda: "no_target" in kinds(explain(f"c{chunk}")), 60)
            waits = explain(f"c{chunk}")
            self.assertTrue(waits["verdict"].startswith("waits: "), waits["verdict"])
            refusals = {line["server_id"]: line["refusals"] for line in waits["candidates"]}
            self.assertEqual(refusals[1], "holds a replica")
            self.assertIn("not alive", refusals[3])
            self.assertIn("not_alive", kinds(explain("server", "s3")))
            self.assertIn("no server can take it", cluster.cli("explain", "chunk", f"c{chunk}").stdout)

            cluster.agent(4).start()
            cluster.wait("what server 3 held to be made up for",
                         lambda: not cluster.unsettled(), 120, cluster.unsettled)
            helped = explain("chunk", f"c{chunk}")
            self.assertEqual(helped["causes"], [], helped["verdict"])
            repair = next(line for line in helped["decisions"] if line["reason"] == "repair")
            self.assertEqual((repair["kind"], repair["server_id"], repair["state"]),
                             ("replicate", 4, "done"))
            self.assertIn("2 of 3 replicas valid", repair["because"])
            command = explain("command", str(repair["command_id"]))
            self.assertEqual((command["what"], command["verdict"]),
                             (f"k{repair['command_id']}", "done"))
            self.assertIn(repair["command_id"],
                          [line["command_id"] for line in explain("s4")["decisions"]])
            missing = cluster.cli("explain", "chunk", "c999999", check=False)
            self.assertIn("there is no c999999", missing.stderr)
            self.check_contents(self.check_replicated(cluster, without=[3]), contents)


if __name__ == "__main__":
    unittest.main(verbosity=2)
