"""Two people: what settings want two for is done when one has proposed it and another one approved it, on a
real cluster, by the command line and by clicks."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import in_browser
from cluster import BIN, KIB, Scenario, write_files

ADMIN = "SELECT admin FROM server_status WHERE server_id = ?"
TOLD = "SELECT subject, text FROM events WHERE subject LIKE 'a%' ORDER BY event_number"
REFUSED, PROPOSED = 2, 6


class Approval(Scenario):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="evenkeel-people-")
        self.addCleanup(held.cleanup)
        self.people = pathlib.Path(held.name)
        self.digests = {name: self.token(name) for name in ("ann", "bob", "mallory")}

    def token(self, name):
        """Makes a token as the documents say, and gives the line that they want in the settings."""
        done = subprocess.run([BIN / "evenkeel", "token", name, self.people / name], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=True)
        key, _, digest = done.stdout.strip().partition(" = ")
        self.assertEqual(key, name)
        self.assertEqual((self.people / name).stat().st_mode & 0o777, 0o600)
        return json.loads(digest)

    def two(self, *operations, **more):
        """The settings that want two people; mallory has a token, and is not among them."""
        return {"approval.operations": list(operations), "operators.ann": self.digests["ann"],
                "operators.bob": self.digests["bob"], **more}

    def filled(self, cluster, files=60):
        tree = cluster.folder / "files"
        contents = write_files(tree, [(n % 7) * 32 * KIB + 1 for n in range(files)])
        cluster.put_tree(tree)
        cluster.wait_until_settled()
        return contents

    def asked(self, cluster, who, *words, code=0):
        done = cluster.cli(*(["--token-file", self.people / who] if who else []), *words, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def admin(self, cluster, server):
        return cluster.value(ADMIN, server)

    def test_one_proposes_and_another_one_approves(self):
        with self.cluster(agents=5, rebalancer=self.two("destructive", "drain", "maintenance")) as cluster:
            contents = self.filled(cluster)
            said = self.asked(cluster, "ann", "drain", "s2", code=PROPOSED)
            self.assertIn("a1, 'drain s2', proposed by ann, wants another person: evenkeel approve a1, within", said)
            self.assertIn("to copy", said)
            self.assertEqual(self.admin(cluster, 2), "in_service")
            listed = cluster.cli("proposals", as_json=True)
            self.assertEqual([(row["proposal_id"], row["state"], row["what"], row["proposed_by"]) for row in listed],
                             [(1, "pending", "drain s2", "ann")])
            self.assertEqual(listed[0]["copy_chunks"], cluster.value(
                "SELECT count(*) FROM replica_status WHERE server_id = 2"))
            self.assertIn("drain s2", self.asked(cluster, "", "proposals"))

            for who, named in (("", "nobody is named"), ("mallory", "the token is that of no operator"),):
                self.assertIn(named, self.asked(cluster, who, "drain", "s3", code=REFUSED))
            self.assertIn("ann has proposed it", self.asked(cluster, "ann", "approve", "a1", "--yes", code=REFUSED))
            self.assertIn("denied", self.asked(cluster, "", "approve", "a1", "--yes", code=REFUSED))
            self.assertIn("nobody to ask", self.asked(cluster, "bob", "approve", "a1", code=REFUSED))
            self.assertIn("can be approved; nothing was done", self.asked(cluster, "bob", "approve", "a1", "--dry-run"))
            self.assertEqual(self.admin(cluster, 2), "in_service")

            cluster.rebalancer.kill()
            cluster.rebalancer.start()
            cluster.wait("the rebalancer to run again", lambda: cluster.mode() == "running")
            self.assertIn("approved by bob, and begun", self.asked(cluster, "bob", "approve", "a1", "--yes"))
            self.assertIn("approved by bob", self.asked(cluster, "bob", "approve", "a1", "--yes"))
            cluster.wait("s2 to be drained", lambda: self.admin(cluster, 2) == "drained", 60)
            self.assertIn("in service", self.asked(cluster, "", "undrain", "s2"))
            self.assertEqual([(row["subject"], row["text"]) for row in cluster.sql(TOLD)],
                             [("a1", "drain s2: proposed by ann"),
                              ("a1", "drain s2: approved by bob, proposed by ann")])

            # Rejected, and what it is about not touched.
            self.asked(cluster, "bob", "delete", "files/file00003", "--yes", code=PROPOSED)
            self.assertIn("rejected by ann", self.asked(cluster, "ann", "reject", "a2"))
            self.assertIn("was rejected by ann", self.asked(cluster, "ann", "approve", "a2", "--yes", code=REFUSED))
            self.assertEqual([row["state"] for row in cluster.cli("proposals", "--all", as_json=True)],
                             ["approved", "rejected"])
            self.assertIn("nothing is proposed", self.asked(cluster, "", "proposals"))

            # A goal is raised by anybody and lowered by two, of all of a file.
            name = "files/file00005"
            self.asked(cluster, "", "goal", name, "4")
            self.assertIn(f"goal {name} 3", self.asked(cluster, "ann", "goal", name, "3", code=PROPOSED))
            self.asked(cluster, "bob", "approve", "a3", "--yes")
            self.assertEqual(cluster.value("SELECT goal FROM files WHERE name = ?", name), 3)
            cluster.wait_until_settled()
            self.check_contents(self.check_replicated(cluster), contents)

    def test_what_got_worse_meanwhile_is_refused(self):
        with self.cluster(agents=4, rebalancer=self.two("drain")) as cluster:
            self.filled(cluster, 20)
            self.asked(cluster, "ann", "drain", "s1", code=PROPOSED)
            cluster.agent(4).kill()
            cluster.wait_for_liveness(4, "dead")
            said = self.asked(cluster, "bob", "approve", "a1", "--yes", code=REFUSED)
            self.assertIn("a1: it cannot be brought to its end any more", said)
            self.assertEqual(self.admin(cluster, 1), "in_service")
            cluster.agent(4).start()
            cluster.wait_for_liveness(4, "alive")
            cluster.wait_until_settled()
            self.assertIn("begun", self.asked(cluster, "bob", "approve", "a1", "--yes"))
            cluster.wait("s1 to be drained", lambda: self.admin(cluster, 1) == "drained", 60)

    def test_who_is_nobody_and_settings_that_cannot_be(self):
        with self.cluster(agents=3) as cluster:
            loose = self.people / "loose"
            loose.write_text((self.people / "ann").read_text())
            loose.chmod(0o644)
            short = self.people / "short"
            short.write_text("5a5a\n")
            short.chmod(0o600)
            for who, named in (("loose", "chmod 600"), ("short", "is no token"), ("none", "No such file")):
                self.assertIn(named, self.asked(cluster, who, "ping", code=REFUSED))
            self.asked(cluster, "mallory", "ping")  # where nobody is named, a token is nobody's and of no use
            done = subprocess.run([BIN / "evenkeel", "token", "ann", self.people / "ann"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn("File exists", done.stderr)

            ann, bob = self.digests["ann"], self.digests["bob"]
            for settings, named in (
                    (["approval.operations=drain"], "wants two people at least"),
                    (["approval.operations=drain", f"operators.ann={ann}"], "wants two people at least"),
                    (["approval.operations=drain", f"operators.ann={ann}", f"operators.bob={ann}"], "each has his own"),
                    (["approval.operations=drian", f"operators.ann={ann}", f"operators.bob={bob}"], "'drian' is none of drain"),
                    ([f"operators.Ann={ann}"], "1 to 63 of a-z"), (["operators.ann=5a"], "64 hex digits"),
                    (["approval.expires=10s"], "between 1min and 720h")):
                done = subprocess.run([BIN / "evenkeel-rebalancer", "--set", f"data_dir={self.people}/r",
                                       *(word for each in settings for word in ("--set", each))],
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 2, settings)
                self.assertIn(named, done.stderr)

    @unittest.skipIf(in_browser.missing(), f"{in_browser.missing()}: tools/setup --tests installs them")
    def test_by_clicks(self):
        with self.cluster(agents=5, rebalancer=self.two("decommission", "drain")) as cluster:
            cluster.start_console()
            self.filled(cluster)
            self.asked(cluster, "ann", "drain", "s2", code=PROPOSED)
            self.asked(cluster, "ann", "drain", "s3", code=PROPOSED)
            tokens = {f"EVENKEEL_{name.upper()}": (self.people / name).read_text().strip() for name in ("ann", "bob")}
            print(in_browser.run("approval.mjs", cluster.console_address, 150, **tokens))
            self.assertEqual([(row["what"], row["state"], row["proposed_by"], row["decided_by"]) for row in
                              cluster.cli("proposals", "--all", as_json=True)],
                             [("drain s2", "approved", "ann", "bob"), ("drain s3", "rejected", "ann", "bob"),
                              ("decommission s4", "approved", "ann", "bob")])
            cluster.wait("s4 to be removed", lambda: self.admin(cluster, 4) == "removed", 60)
            log = cluster.processes["console"].log_text()
            for token in tokens.values():
                self.assertNotIn(token, log)
            cluster.wait("s2 to be drained", lambda: self.admin(cluster, 2) == "drained", 60)


if __name__ == "__main__":
    unittest.main()
