#!/usr/bin/env python3
"""What the program makes of its command line: words, exit codes and messages.

Run by CTest with the path of the program.
"""
import json
import os
import re
import shlex
import shutil
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
                             (("goal", "c12", "17"), "17"), (("approve",), "PROPOSAL"),
                             (("approve", "s7"), "s7"), (("reject", "a0"), "a0"),
                             (("token", "Ann Lee", "x"), "Ann Lee"), (("token", "ann"), "FILE")):
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
            for command in ("status", "servers", "chunks", "commands", "events", "files", "proposals"):
                done = run(command, EVENKEEL_DATABASE=database)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{database}: no such file", done.stderr)
            endpoint = f"ipc://{folder}/nobody"
            done = run("ping", "--control", endpoint, "--timeout", "20ms")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"the rebalancer at {endpoint} does not answer", done.stderr)
            self.assertIn("no such file", run("put", os.path.join(folder, "none")).stderr)

    def test_help_manual_and_completion_know_the_same_words(self):
        table = json.loads(run("man", "--json").stdout)
        commands = {row["command"] for row in table}
        self.assertGreater(len(commands), 30)
        for command in sorted(commands):
            shown = run(*command.split(), "--help").stdout
            page = run("man", *command.split()[:1]).stdout.replace("\\-", "-").replace("\\e", "\\")
            helped = set(re.findall(r"^  ((?:-\w,)?--[a-z-]+)", shown, re.M))
            listed = {row["option"] for row in table if row["command"] == command and row["option"][:1] == "-"}
            self.assertEqual(listed, helped, command)
            for row in table:
                if row["command"] == command:
                    self.assertIn(row["option"], page, command)
                    self.assertIn(row["meaning"], page, command)
            offered = {line.split("\t")[0] for line in run("__complete", *command.split(), "--").stdout.splitlines()}
            self.assertLessEqual({option.split(",")[-1] for option in listed}, offered, command)
        helped = set(re.findall(r"^  ([a-z]+) ", run("--help").stdout.partition("Subcommands:")[2].partition("\n\n")[0], re.M))
        self.assertEqual({command for command in commands if command and " " not in command}, helped)
        self.assertEqual({line.split("\t")[0] for line in run("__complete", "").stdout.splitlines()}, helped)
        self.assertEqual(run("man", "fly").returncode, 2)

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_man_takes_the_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("man", "--all", folder).returncode, 0)
            pages = sorted(os.listdir(folder))
            self.assertIn("evenkeel-drain.1", pages)
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", *pages], cwd=folder, capture_output=True,
                                  text=True, timeout=30, check=True)
            self.assertEqual(done.stderr, "")

    def completed(self, shell, *words):
        """What the shell would offer for these words, the last of which has been begun."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.symlink(os.path.abspath(PROGRAM), os.path.join(folder.name, "evenkeel"))
        quoted = " ".join(shlex.quote(word) for word in words)
        script = {"bash": f'. <(evenkeel completion bash); COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; '
                          f'_evenkeel evenkeel; printf "%s\\n" "${{COMPREPLY[@]}}"',
                  "zsh": f'compdef() {{ :; }}; _files() {{ :; }}; _describe() {{ print -l -- "${{(@P)2}}"; }}; '
                         f'. <(evenkeel completion zsh); words=({quoted}); CURRENT={len(words)}; _evenkeel'}[shell]
        flags = {"bash": ["--norc", "-c"], "zsh": ["-f", "-c"]}[shell]
        done = subprocess.run([shell, *flags, script], capture_output=True, text=True, timeout=30, check=False,
                              env={**os.environ, "PATH": f"{folder.name}:{os.environ['PATH']}"})
        self.assertEqual(done.stderr, "")
        return [line.split(":")[0] for line in done.stdout.split()] if shell == "bash" else \
               [line.split(":")[0] for line in done.stdout.splitlines()]

    def check_completion(self, shell):
        self.assertEqual(self.completed(shell, "evenkeel", "dra"), ["drain"])
        self.assertEqual(self.completed(shell, "evenkeel", "chunks", "--health", "l"), ["lost"])
        self.assertEqual(self.completed(shell, "evenkeel", "--json", "policy", ""), ["set", "remove", "apply"])
        self.assertIn("--dry-run", self.completed(shell, "evenkeel", "drain", "s7", "--d"))

    def test_bash_completes(self):
        self.check_completion("bash")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_completes(self):
        self.check_completion("zsh")

    def test_nothing_is_deleted_without_a_yes(self):
        done = run("delete", "c42")
        self.assertEqual(done.returncode, 2)
        self.assertIn("c42", done.stderr)
        self.assertIn("--yes", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
