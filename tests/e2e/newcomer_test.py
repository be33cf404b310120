"""A newcomer's path: the commands of README.md's "With directories of your own", as they stand there, one after
the other in one shell, in a folder that is empty but for README.md."""
import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
import urllib.request

import in_browser
from cluster import BIN, PATIENCE, PROJECT, scratch_folder

README = (PROJECT / "README.md").read_text()
CLONE_NEWNET = 0x40000000


def section(heading):
    return re.search(rf"^##+ {heading}$\n(.*?)(?=^## |^### )", README, re.M | re.S)[1]


def steps():
    """Number of the step -> its blocks of commands."""
    parts = re.split(r"^\*\*(\d+)\. ", section("With directories of your own"), flags=re.M)
    return {int(number): re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
            for number, text in zip(parts[1::2], parts[2::2])}


def own_network():
    """A loopback of this process' own, as the README's ports are those that others use too."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    return subprocess.run(["ip", "link", "set", "lo", "up"], check=False).returncode == 0


class Shell:
    """One bash that is told block after block, as somebody would paste them."""

    def __init__(self, folder):
        # A session of its own: whatever it has started ends with it.
        self._bash = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
        self._said = 0

    def say(self, block, seconds=60, codes=(0,)):
        self._said += 1
        mark = f"__end_{self._said}__"
        self._bash.stdin.write(f"{block}\necho {mark} $?\n".encode())
        self._bash.stdin.flush()
        shown, end = "", time.monotonic() + seconds * PATIENCE
        while not (found := re.search(rf"^{mark} (\d+)$", shown, re.M)):
            if time.monotonic() > end:
                raise AssertionError(f"{block}\ndid not end; it showed:\n{shown}")
            if select.select([self._bash.stdout], [], [], 0.5)[0]:
                shown += os.read(self._bash.stdout.fileno(), 65536).decode()
        if int(found[1]) not in codes:
            raise AssertionError(f"{block}\nended with {found[1]}:\n{shown}")
        return shown[:found.start()]

    def end(self):
        self._bash.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGTERM)
        self._bash.wait()
        self._bash.stdout.close()


class Newcomer(unittest.TestCase):
    def until(self, what, question, seconds=60):
        end = time.monotonic() + seconds * PATIENCE
        while not (answer := question()):
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.2)
        return answer

    def console(self, path):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:7430{path}", timeout=5) as answer:
                return json.load(answer)
        return None

    def sql(self, folder, query):
        with contextlib.closing(sqlite3.connect(f"file:{folder}/own/rebalancer/rebalancer.db?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def test_by_the_readme_alone(self):
        if not own_network():
            self.skipTest("skipped=1: no right to a network of its own, and the ports may be another's")
        known = steps()
        self.assertEqual(sorted(known), list(range(1, 9)))
        self.assertIn("./tools/run-tests --build-only", known[1][0])  # which has been done, or we were not here
        with scratch_folder() as folder:
            shutil.copy(PROJECT / "README.md", folder)
            shell = Shell(folder)
            try:
                for step in (2, 3, 4):
                    for block in known[step]:
                        shell.say(block)
                look, browser = known[5]
                shell.say(look.splitlines()[0])  # export
                look = "\n".join(look.splitlines()[1:])
                self.until("chunk 42 to have two replicas", lambda: re.search(
                    r"^c42 +healthy +2 +2 ", shell.say(look, codes=(0, 1, 2)), re.M))
                shell.say(browser)
                self.until("the console to answer", lambda: self.console("/api/now"))
                for block in known[6]:
                    shell.say(block)
                put = self.sql(folder, "SELECT count(*) FROM chunk_health WHERE health = 'healthy'")[0][0]
                self.assertEqual(put, 2)

                kill, seen, again = known[7]
                shell.say(kill)
                self.until("s1 to be dead", lambda: "s1" in (re.search(
                    r"^dead .*$", shell.say(seen, codes=(0, 1)), re.M) or [""])[0])
                self.until("all to be whole again without it", lambda: self.console("/api/now")["state"]["healthy"] == 2)
                said = shell.say(seen)
                self.assertRegex(said, r"c42 +healthy +2 +2 ")
                self.assertIn("each has its goal of replicas", said)
                if not in_browser.missing():
                    in_browser.run("newcomer.mjs", "http://127.0.0.1:7430", 90)
                queries = re.findall(r"^```sql\n(.*?)^```$", section("In SQL"), re.M | re.S)
                self.assertEqual(self.sql(folder, queries[0]), [("healthy", 2)])
                self.assertEqual(self.sql(folder, queries[1]), [])
                self.assertEqual(self.sql(folder, "SELECT liveness FROM server_status WHERE server_id = 1"), [("dead",)])
                by_hand, = re.findall(r"^(sqlite3 .*)$", section("In SQL"), re.M)
                if shutil.which("sqlite3"):
                    self.assertRegex(shell.say(by_hand), r"healthy +│ +2")

                shell.say(again)
                self.until("what is too many to be trimmed", lambda: self.sql(
                    folder, "SELECT count(*) FROM replica_status JOIN server_status USING (server_id) "
                            "WHERE server_status.liveness = 'alive'") == [(4,)] and self.sql(
                    folder, "SELECT count(*) FROM server_status WHERE liveness = 'alive'") == [(3,)])
                shell.say(known[8][0] + "wait")
            except BaseException:
                for log in sorted((folder / "own").glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text()[-1500:]}")
                raise
            finally:
                shell.end()


if __name__ == "__main__":
    unittest.main()
