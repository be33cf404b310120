"""The ten situations of deploy/RUNBOOK.md, each brought about on a real cluster, seen and clicked in the console,
and ended with the commands that the runbook names, as they stand there."""
import json
import os
import re
import subprocess
import unittest

import in_browser
from cluster import KIB, PATIENCE, PROJECT, Scenario, write_files
from corruption_test import flip_a_bit

RUNBOOK = PROJECT / "deploy/RUNBOOK.md"
# What is found at once, where an operator would wait for a week.
AGENT = {"scrub_rate": "64MiB", "scrub_pause": "1s", "rescan_interval": "1s", "capacity": "1GiB", "reserve": "16MiB"}
BRAKE = {"brake.share": "25%", "brake.servers": 3, "brake.window": "3s"}


def situations():
    """Number -> (title, its commands in order)."""
    parts = re.split(r"^## (\d+)\. (.*)$", RUNBOOK.read_text(), flags=re.M)
    return {int(number): (title, [line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
                                  for line in block.splitlines()])
            for number, title, text in zip(parts[1::3], parts[2::3], parts[3::3])}


class Runbook(Scenario):
    def setUp(self):
        self.known = situations()
        self.played = set()

    def say(self, cluster, number, part, code=0, other_codes=()):
        """Runs those commands of a situation that `part` (a slice) picks; what they printed."""
        path = f"{cluster.bin}:{os.environ['PATH']}"
        said = ""
        for line in self.known[number][1][part]:
            done = subprocess.run(
                ["bash", "-c", line], cwd=cluster.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=90 * PATIENCE, check=False,
                env={**os.environ, "PATH": path, "EVENKEEL_DATABASE": str(cluster.database),
                     "EVENKEEL_CONTROL": cluster.endpoints["control"], "EVENKEEL_CLUSTER": cluster.name})
            said += done.stdout + done.stderr
            self.assertIn(done.returncode, (code, *other_codes), f"{line}\n{said}")
            self.played.add((number, line))
        return said

    def look(self, cluster, number, **names):
        """What the console shows of it, and what is clicked there."""
        if not in_browser.missing():
            in_browser.run("runbook.mjs", cluster.console_address, 90, SITUATION=str(number), NAMES=json.dumps(names))

    def settle(self, cluster):
        cluster.wait_until_settled(90)

    def test_each_situation_comes_to_its_end(self):
        self.assertEqual(sorted(self.known), list(range(1, 11)))
        with self.cluster(rebalancer={**BRAKE, "chunk_size": "256KiB"}, agent=AGENT) as cluster:
            cluster.start(0)
            for server in range(1, 7):
                cluster.add_agent(server, location=f"zone1/rack{(server + 1) // 2}/host{server}").start()
            cluster.wait_for_alive(range(1, 7))
            cluster.start_console()
            write_files(cluster.folder / "tree", [(n % 6) * 50 * KIB + 1 for n in range(60)])
            cluster.put_tree(cluster.folder / "tree")
            self.settle(cluster)
            for number in (1, 2, 3, 10, 4, 5, 6, 8, 9):
                with self.subTest(self.known[number][0]):
                    getattr(self, f"situation_{number}")(cluster)
                    self.settle(cluster)
                    cluster.wait("all servers to be back", lambda: set(cluster.liveness().values()) == {"alive"})
            self.assertEqual(self.played, {(number, line) for number in set(self.known) - {7}
                                           for line in self.known[number][1]})

    def test_disks_that_are_full_are_helped_by_new_servers(self):
        with self.cluster(rebalancer={"chunk_size": "1MiB"}, agent={"capacity": "40MiB", "reserve": "1MiB"}) as cluster:
            cluster.start(3)
            cluster.start_console()
            write_files(cluster.folder / "tree", [KIB * KIB] * 35)
            cluster.put_tree(cluster.folder / "tree")
            (cluster.folder / "more").write_bytes(os.urandom(4 * KIB * KIB))
            refused = cluster.cli("put", str(cluster.folder / "more"), "--name", "more", check=False)
            self.assertNotEqual(refused.returncode, 0, refused.stdout)
            self.assertRegex(self.say(cluster, 7, slice(0, 2)), r"s1 .* 8\d\.\d%|s1 .* 9\d\.\d%")
            self.look(cluster, 7)
            for server in (4, 5, 6):
                cluster.add_agent(server).start()
            cluster.wait_for_alive([4, 5, 6])
            self.assertIn("nothing is under way", self.say(cluster, 7, slice(2, None)))
            cluster.cli("put", str(cluster.folder / "more"), "--name", "more")
            self.settle(cluster)
            used = cluster.sql("SELECT max(used_share) AS most, min(used_share) AS least FROM server_status")[0]
            self.assertLess(used["most"], 0.7)
            self.assertGreater(used["least"], 0.3)
            self.assertEqual(self.played, {(7, line) for line in self.known[7][1]})

    def situation_1(self, cluster):
        cluster.agent(2).kill()
        cluster.wait_for_liveness(2, "dead")
        self.look(cluster, 1)
        said = self.say(cluster, 1, slice(None), other_codes=(1,))
        self.assertRegex(said, r"dead +1 server: s2")
        self.settle(cluster)
        cluster.agent(2).start()
        cluster.wait_for_alive([2])

    def situation_2(self, cluster):
        self.assertIn("nothing was done", self.say(cluster, 2, slice(0, 1)))
        self.assertRegex(self.say(cluster, 2, slice(1, 3)), r"s3 +alive +maintenance")
        # Without it the shares of the others may be uneven: that is evened out, and is not for its sake.
        copied = ("SELECT reason, sum(done) AS done FROM command_totals "
                  "WHERE kind = 'replicate' AND reason <> 'balance' GROUP BY reason")
        before = cluster.sql(copied)
        cluster.agent(3).stop()
        cluster.wait_for_liveness(3, "dead")
        self.look(cluster, 2)
        cluster.agent(3).start()
        cluster.wait_for_alive([3])
        self.say(cluster, 2, slice(3, None))
        self.assertEqual(cluster.sql(copied), before)

    def situation_3(self, cluster):
        self.assertRegex(self.say(cluster, 3, slice(0, 1)), r"drain s4: \d+ chunks")
        self.look(cluster, 3)  # where it is drained by click
        self.assertRegex(self.say(cluster, 3, slice(1, 3)), r"s4 is drained[\s\S]*s4 +alive +drained")
        self.assertIn("s4 is in service", self.say(cluster, 3, slice(3, None)))

    def situation_4(self, cluster):
        for server in (1, 2, 3):
            cluster.agent(server).kill()
        cluster.wait("the brake to hold", lambda: cluster.mode() == "braked", 30, cluster.mode)
        self.look(cluster, 4)
        self.assertIn("servers went at once", self.say(cluster, 4, slice(0, 2), other_codes=(1, 3)))
        self.assertIn("the brake is released", self.say(cluster, 4, slice(2, None)))
        cluster.wait("the brake to let go", lambda: cluster.mode() == "running", 30, cluster.mode)
        for server in (1, 2, 3):
            cluster.agent(server).start()
        cluster.wait_for_alive([1, 2, 3])

    def situation_5(self, cluster):
        (cluster.folder / "single").write_bytes(b"once" * 1000)
        cluster.cli("put", str(cluster.folder / "single"), "--name", "single", "--goal", "1")
        self.settle(cluster)
        holder, chunk = cluster.sql("SELECT server_id, chunk_id FROM replica_status JOIN chunk_health USING (chunk_id) "
                                    "WHERE goal = 1 AND life = 'live'")[0].values()
        cluster.agent(holder).kill()
        cluster.wait_for_liveness(holder, "dead")
        cluster.wait("the chunk to be lost", lambda: cluster.value("SELECT lost FROM cluster_state") == 1)
        self.look(cluster, 5, chunk=chunk)
        self.assertRegex(self.say(cluster, 5, slice(0, 1), code=3), rf"lost +1 chunk: c{chunk}")
        self.assertIn(f"s{holder}(dead)", self.say(cluster, 5, slice(1, None)))
        cluster.agent(holder).start()
        cluster.wait_for_alive([holder])
        cluster.cli("get", "single", "-o", str(cluster.folder / "single.back"))
        self.assertEqual((cluster.folder / "single.back").read_bytes(), b"once" * 1000)
        cluster.cli("goal", f"c{chunk}", "3")  # or it is lost once more with the next server that goes

    def situation_6(self, cluster):
        path = max(cluster.chunk_files(5), key=lambda path: path.stat().st_size)
        chunk = int(path.name.split(".")[0], 16)
        before = cluster.value("SELECT max(command_id) FROM command_history")
        flip_a_bit(path, 7)
        cluster.wait("it to be found, and made anew", lambda: cluster.value(
            "SELECT count(*) FROM command_history WHERE chunk_id = ? AND command_id > ? AND kind = 'replicate' "
            "AND reason = 'repair' AND state = 'done'", chunk, before), 60)
        self.settle(cluster)
        self.look(cluster, 6, chunk=chunk)
        self.assertIn(f"c{chunk} ", self.say(cluster, 6, slice(None)))
        self.assertEqual(cluster.differences(), [])

    def situation_8(self, cluster):
        cluster.cli("pause", "repair")
        cluster.agent(6).kill()
        cluster.wait_for_liveness(6, "dead")
        chunk = cluster.wait("a chunk to be short", lambda: cluster.value(
            "SELECT chunk_id FROM chunk_health WHERE health = 'under_replicated'"))
        self.look(cluster, 8, chunk=chunk)
        said = self.say(cluster, 8, slice(0, 2), other_codes=(1,))
        self.assertRegex(said, r"paused +repair")
        self.assertIn("paused: nothing", self.say(cluster, 8, slice(2, None)))
        self.settle(cluster)
        cluster.agent(6).start()
        cluster.wait_for_alive([6])

    def situation_9(self, cluster):
        cluster.rebalancer.stop()
        self.look(cluster, 9)
        said = self.say(cluster, 9, slice(None))
        self.assertRegex(said, r"database is sound +yes[\s\S]*backed up \d+ chunks")
        # The database is lost, and the copy comes in its place.
        for suffix in ("", "-wal", "-shm"):
            cluster.database.with_name(cluster.database.name + suffix).unlink(missing_ok=True)
        (cluster.folder / "before-restart.db").rename(cluster.database)
        cluster.rebalancer.start()
        cluster.wait("it to run", lambda: cluster.mode() == "running", 30, cluster.mode)

    def situation_10(self, cluster):
        said = self.say(cluster, 10, slice(None), code=5)
        self.assertIn("cannot be reached", said)
        for server in (1, 2, 3):  # three are left for three replicas; what is on the move may stand in the way
            cluster.wait(f"s{server} to be drained",
                         lambda server=server: cluster.cli("drain", f"s{server}", check=False).returncode == 0)
        self.look(cluster, 10)
        for server in (1, 2, 3):
            cluster.cli("undrain", f"s{server}")


if __name__ == "__main__":
    unittest.main()
