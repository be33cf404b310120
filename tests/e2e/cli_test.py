"""The command line as a whole: every command for people and for programs, on a terminal and off it."""
import contextlib
import json
import os
import pty
import re
import select
import struct
import sqlite3
import subprocess
import termios
import time
import unittest
from fcntl import ioctl

from cluster import KIB, MIB, PATIENCE, Scenario, write_files

COLUMNS = 64


class OnTerminal:
    """A command whose output goes to a terminal of 64 columns and 24 rows."""

    def __init__(self, cluster, *words, **environment):
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        argv = [cluster.bin / "evenkeel", "--cluster", cluster.name, "--control",
                cluster.endpoints["control"], "--database", cluster.database, *words]
        self.process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs,
                                        env={**os.environ, "TERM": "xterm", **environment})
        os.close(theirs)
        self._terminal = ours
        self.shown = ""

    def read(self, enough=lambda shown: False, seconds=60):
        """All that it writes until it ends, or until there is enough."""
        end = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < end and not enough(self.shown):
            if not select.select([self._terminal], [], [], 0.2)[0]:
                continue
            try:
                got = os.read(self._terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not got:
                break
            self.shown += got.decode()
        return self.shown

    def say(self, text):
        os.write(self._terminal, text.encode())

    def end(self):
        self.read()
        os.close(self._terminal)
        return self.process.wait(timeout=30 * PATIENCE)


def plain(text):
    return re.sub(r"\033\[[0-9;]*[A-Za-z]", "", text)


class Cli(Scenario):
    def commands(self, cluster):
        """The words of each command, "policy set" among them, off the table that help is made of."""
        rows = cluster.cli("man", as_json=True)
        names = {row["command"] for row in rows} - {""}
        return {name for name in names if not any(other.startswith(name + " ") for other in names)}

    def test_every_command_speaks_json(self):
        with self.cluster(agents=5, rebalancer={"copy_rate": "512KiB", "chunk_size": "1MiB"}) as cluster:
            folder = cluster.folder
            write_files(folder / "files", [(n % 9) * 32 * KIB + 1 for n in range(39)] + [MIB])
            tried = {}

            def told(*words, code=0, line=False):
                done = cluster.cli("--json", *words, check=False)
                self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
                name = " ".join(words[:2]) if words[0] == "policy" else words[0]
                tried[name] = json.loads(done.stdout.splitlines()[0] if line else done.stdout)
                return tried[name]

            self.assertEqual(told("put", "--recursive", str(folder / "files"))["files"], 40)
            cluster.wait_until_settled()
            files = told("files")
            name = files[0]["name"]
            large, = [row["name"] for row in files if row["size_bytes"] == MIB]
            self.assertEqual(told("status")["chunks"], 40)
            self.assertEqual(told("top", "--every", "100ms", "--looks", "2", line=True)["chunks"], 40)
            self.assertEqual({row["server_id"] for row in told("servers")}, {1, 2, 3, 4, 5})
            chunk = told("chunks")[0]["chunk_id"]
            told("events")
            self.assertEqual(cluster.sql("SELECT value, given FROM settings WHERE key IN ('copy_rate', 'history') ORDER BY key"),
                             [{"value": "512KiB", "given": 1}, {"value": "4000000", "given": 0}])
            self.assertEqual([row["name"] for row in told("policies")], ["default"])
            self.assertEqual(told("policy", "set", "pairs", "--goal", "2")["goal"], 2)
            self.assertEqual(told("policy", "apply", "pairs", name)["changed"], 1)
            told("policy", "apply", "default", name)
            self.assertEqual(told("policy", "remove", "pairs")["name"], "pairs")
            self.assertGreater(told("get", name, "-o", str(folder / "back"))["bytes"], 0)
            self.assertTrue(told("goal", name, "4")["done"])
            self.assertTrue(told("maintenance", "s5", "--for", "10min")["done"])
            told("maintenance", "s5", "--end")
            self.assertEqual(told("pause", "balance")["paused"], ["balance"])
            self.assertEqual(told("resume", "balance")["paused"], [])
            cluster.wait_until_settled()
            self.assertEqual(told("drain", "s4", "--wait")["admin"], "drained")
            self.assertEqual(told("undrain", "s4")["admin"], "in_service")
            self.assertEqual(told("rebalance", "--wait")["open_commands"], 0)
            self.assertIn("command_id", told("commands")[0])
            told("goal", large, "4")  # takes two seconds
            copy = cluster.wait("a copy to be under way", lambda: cluster.value(
                "SELECT command_id FROM open_commands WHERE kind = 'replicate'"))
            self.assertEqual(told("cancel", f"k{copy}")["command_id"], copy)
            self.assertEqual(told("explain", f"c{chunk}")["what"], f"c{chunk}")
            self.assertEqual(told("ping")["mode"], "running")
            self.assertEqual(told("risk", "--samples", "100")["chunks"], 40)
            self.assertEqual(told("simulate", "lose server s1", "--now")["steps"][0]["step"], "lose server s1")
            self.assertTrue(told("check")["holds"])
            self.assertTrue(told("check", "--deep")["holds"])
            self.assertTrue(told("check", "--quick")["holds"])
            self.assertEqual(told("backup", str(folder / "copy.db"))["chunks"], 40)
            self.assertEqual(told("delete", name, "--yes")["chunks"], 1)
            self.assertTrue(told("decommission", "s5", "--yes", "--wait")["done"])
            self.two_people(cluster, told)
            self.assertEqual(told("completion", "bash")["shell"], "bash")
            told("man")
            self.assertEqual(set(tried) | {"plan"}, self.commands(cluster))  # plan: tests/plan/program_test.py
            self.check_backup(cluster, folder / "copy.db")

    def two_people(self, cluster, told):
        people = {who: str(cluster.folder / who) for who in ("ann", "bob")}
        operators = {f"operators.{who}": told("token", who, path)["digest"] for who, path in people.items()}
        cluster.rebalancer.stop()
        cluster.rebalancer.start(**{"approval.operations": ["pause"], **operators})
        cluster.wait("the rebalancer to run again", lambda: cluster.mode() == "running")

        def told_to(who, *words, code=0):
            return told(*words, "--token-file", people[who], code=code)

        self.assertEqual(told_to("ann", "pause", "trim", code=6)["proposal_id"], 1)
        self.assertEqual([row["what"] for row in told("proposals")], ["pause trim"])
        self.assertEqual(told_to("bob", "approve", "a1", "--yes")["state"], "approved")
        self.assertEqual(told("resume", "all")["paused"], [])
        told_to("bob", "pause", "trim", code=6)
        self.assertEqual(told_to("ann", "reject", "a2")["decided_by"], "ann")

    def check_backup(self, cluster, copy):
        """It can be asked what the database can be asked, and is refused where something is already."""
        self.assertEqual([path.name for path in copy.parent.glob("copy.db*")], ["copy.db"])
        with contextlib.closing(sqlite3.connect(copy)) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("SELECT chunks FROM cluster_state").fetchall(), [(40,)])
        done = cluster.cli("backup", str(copy), check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{copy}: is there already", done.stderr)

    def test_on_a_terminal_it_shows_how_far_it_is(self):
        with self.cluster(agents=4, rebalancer={"copy_rate": "256KiB", "copies_in": 1}) as cluster:
            write_files(cluster.folder / "files", [256 * KIB] * 30)
            cluster.put_tree(cluster.folder / "files", goal=2)
            cluster.wait_until_settled()

            drain = OnTerminal(cluster, "drain", "s4", "--wait")
            self.assertEqual(drain.end(), 0, drain.shown)
            said = plain(drain.shown)
            self.assertRegex(said, r"s4 is draining: \d+ chunks, .* to copy")
            self.assertRegex(said, r"[#-]{24}  \d+\.\d%  (\d+ s left  )?\S+ \S+ of \S+ \S+")
            self.assertRegex(said, r" s left")
            self.assertRegex(said, r"s4 is drained, after ")
            for bar in re.findall(r"[#-]{24}[^\r\n]*", said):
                self.assertLess(len(bar), COLUMNS)

            status = OnTerminal(cluster, "status")
            self.assertEqual(status.end(), 0)
            self.assertIn("\033[32mrunning", status.shown)
            grey = OnTerminal(cluster, "status", NO_COLOR="1")
            self.assertEqual(grey.end(), 0)
            self.assertNotIn("\033", grey.shown + cluster.cli("status").stdout)
            for words in (("servers",), ("chunks",), ("commands",), ("events",), ("files",)):
                listed = OnTerminal(cluster, *words)
                self.assertEqual(listed.end(), 0)
                for line in plain(listed.shown).splitlines():
                    self.assertLessEqual(len(line), COLUMNS, words)

            top = OnTerminal(cluster, "top", "--every", "100ms")
            top.read(lambda shown: shown.count("\033[H\033[J") >= 3)
            screen = top.shown.split("\033[H\033[J")[1]
            self.assertIn("last events", screen)
            self.assertLess(len(screen.splitlines()), 24)
            top.process.terminate()
            self.assertEqual(top.end(), 0)

    def test_what_cannot_be_taken_back_asks_first(self):
        with self.cluster(agents=4) as cluster:
            write_files(cluster.folder / "files", [KIB] * 4)
            cluster.put_tree(cluster.folder / "files")
            cluster.wait_until_settled()
            for words, question in ((("delete", "files/file00001"), "Delete"),
                                    (("decommission", "s4"), "Decommission s4"),
                                    (("goal", "files/file00002", "1"), "one replica"),
                                    (("resume", "brake"), "Release the brake")):
                with self.subTest(words):
                    piped = cluster.cli(*words, check=False)
                    self.assertEqual(piped.returncode, 2)
                    self.assertIn("nobody to ask; say --yes", piped.stderr)
                    asked = OnTerminal(cluster, *words)
                    self.assertIn(question, asked.read(lambda shown: "[y/N]" in shown))
                    asked.say("n\n")
                    self.assertEqual(asked.end(), 2)
                    self.assertIn("nothing was done", asked.shown)
            self.assertEqual(cluster.value("SELECT count(*) FROM chunk_health WHERE life = 'live'"), 4)
            self.assertEqual(cluster.sql("SELECT 1 FROM server_status WHERE admin <> 'in_service'"), [])
            self.assertEqual(cluster.sql("SELECT 1 FROM chunk_health WHERE goal <> 3"), [])
            agreed = OnTerminal(cluster, "delete", "files/file00001")
            agreed.read(lambda shown: "[y/N]" in shown)
            agreed.say("y\n")
            self.assertEqual(agreed.end(), 0)
            cluster.wait_until_settled()


if __name__ == "__main__":
    unittest.main()
