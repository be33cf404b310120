#!/usr/bin/env python3
"""What the program makes of its command line: words, exit codes and messages.

Run by CTest with the path of the program.
"""
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None


def run(*words, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}
    return subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=False, env={**clean, **environment})


class ProgramTest(unittest.TestCase):
    def test_wrong_words_are_an_error_that_names_them(self):
        for words, named in (((), "subcommand"), (("fly",), "fly"), (("put",), "FILE"),
                             (("--timeout", "10", "ping"), "--timeout"),
                             (("--cluster", "A B", "ping"), "A B"),
                             (("chunks", "--health", "fine"), "fine"),
                             (("chunks", "--id", "k12"), "k12"),
                             (("commands", "--open", "--closed"), "--open"),
                             (("put", "--goal", "17", "x"), "17"),
                             (("drain",), "SERVER"), (("drain", "k7"), "k7"),
                             (("undrain", "s0"), "s0"),
                             (("maintenance", "s7"), "--for"),
                             (("maintenance", "s7", "--for", "30"), "--for"),
                             (("maintenance", "s7", "--for", "1min", "--end"), "--end"),
                             (("pause", "verify"), "verify"), (("resume",), "WHAT"),
                             (("cancel", "c12"), "c12"), (("goal", "c12"), "N"),
                             (("goal", "c12", "17"), "17")):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(named, done.stdout + done.stderr)

    def test_help_tells_exit_codes_and_environment(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("Exit codes:", "EVENKEEL_CONTROL", "NO_COLOR", "evenkeel get"):
            self.assertIn(word, done.stdout)
        self.assertEqual(run("get", "--help").returncode, 0)
        self.assertTrue(run("--version").stdout.startswith("evenkeel "))

    def test_what_is_not_there_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            database = os.path.join(folder, "none.db")
            for command in ("status", "servers", "chunks", "commands", "events", "files"):
                done = run(command, EVENKEEL_DATABASE=database)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{database}: no such file", done.stderr)
            endpoint = f"ipc://{folder}/nobody"
            done = run("ping", "--control", endpoint, "--timeout", "20ms")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"the rebalancer at {endpoint} does not answer", done.stderr)
            self.assertIn("no such file", run("put", os.path.join(folder, "none")).stderr)

    def test_nothing_is_deleted_without_a_yes(self):
        done = run("delete", "c42")
        self.assertEqual(done.returncode, 2)
        self.assertIn("c42", done.stderr)
        self.assertIn("--yes", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
