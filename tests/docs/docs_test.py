#!/usr/bin/python3
"""Documents and program say the same: views, queries, settings and their defaults, paths.

Run by CTest. EVENKEEL_BIN names the folder of the programs.
"""
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import tomllib
import unittest

import msgpack

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("EVENKEEL_BIN", PROJECT / "build/release/bin"))
README = PROJECT / "README.md"
VIEWS = PROJECT / "schema/rebalancer/views.md"
WRITING = PROJECT / "schema/wire/WRITING.md"
SERVICES = ("membership", "rebalancer", "agent", "console")

# What cannot be compared as text: no default at all, or one that the machine makes.
MADE_BY_THE_MACHINE = {("agent", "location"), ("agent", "advertise"), ("agent", "labels"), ("rebalancer", "operators")}


def database():
    db = sqlite3.connect(":memory:")
    for file in sorted((PROJECT / "schema/rebalancer").glob("*.sql")):
        db.executescript(file.read_text())
    return db


def sections(text):
    """Heading -> what is below it, up to the next heading of any depth."""
    parts = re.split(r"^#+ (.*)$", outside_of_blocks(text), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def outside_of_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def sql_blocks(text):
    return re.findall(r"^```sql\n(.*?)^```$", text, flags=re.M | re.S)


def rows(text):
    """The cells of each row of a table whose first cell is `code`."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if re.match(r"\| `[^`]+` \|", line)]


def code(cell):
    return cell.strip("`")


class Views(unittest.TestCase):
    def setUp(self):
        self.db = database()
        self.addCleanup(self.db.close)

    def columns(self):
        views = [name for name, in self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
        return {view: [row[1] for row in self.db.execute(f"PRAGMA table_info({view})")]
                for view in views}

    def test_every_view_and_column_is_described_and_no_other(self):
        described = {code(heading): [code(row[0]) for row in rows(below)]
                     for heading, below in sections(VIEWS.read_text()).items()
                     if heading.startswith("`")}
        self.assertEqual(described, self.columns())

    def test_the_readme_lists_every_view(self):
        self.assertEqual({code(row[0]) for row in rows(sections(README.read_text())["In SQL"])},
                         set(self.columns()))

    def test_every_query_runs(self):
        for file in (VIEWS, README):
            blocks = sql_blocks(file.read_text())
            self.assertGreater(len(blocks), 2, file)
            for block in blocks:
                with self.subTest(block):
                    self.db.execute(block).fetchall()

    def test_invariants_hold_in_an_empty_database(self):
        invariants = [view for view in self.columns() if view.startswith("invariant_")]
        self.assertTrue(invariants)
        for view in invariants:
            self.assertEqual(self.db.execute(f"SELECT * FROM {view}").fetchall(), [])


SETTING_LINE = re.compile(r"^# ?([a-z_.]+ = .*|\[[a-z]+\])$", re.M)


def deployed_text(service):
    return (PROJECT / f"deploy/{service}.toml").read_text()


def all_settings(service):
    """Every setting of the file, those that are commented out too, by keys with dots; what stands
    under a [header] is one setting with names of the reader's own in it."""
    text = SETTING_LINE.sub(r"\1", deployed_text(service))
    whole = re.findall(r"^\[([a-z]+)\]$", text, re.M)
    found = {}
    for key, value in tomllib.loads(text).items():
        found |= {f"{key}.{name}": each for name, each in value.items()} \
            if isinstance(value, dict) and key not in whole else {key: value}
    return found


READS = re.compile(
    r'(?:reader\.(string|integer|boolean|duration|bytes|ratio|endpoint|host_port|strings|string_table)'
    r'|\b(count|bytes_or_auto))\(\s*(?:reader, )?"([a-z_.]+)"\s*(?:,\s*([^;]*?))?\)', re.S)


def source_of(service):
    """Where the service reads its settings, with the functions of common/ that it leaves some to."""
    own = (PROJECT / f"services/{service}/settings.cc").read_text()
    shared = []
    for file in sorted((PROJECT / "common").rglob("*.cc")):
        for body, name in re.findall(r"^(\S+ (read_\w+)\(config::Reader& reader\) \{\n.*?^\})",
                                     file.read_text(), re.M | re.S):
            if re.search(rf"\b{name}\(reader\)", own):
                shared.append(body)
    return "\n".join([own, *shared])


def reads_of(service):
    """Key -> (type, the text of its default or None), as the settings are read in C++."""
    found = {}
    source = source_of(service)
    for reader, helper, key, rest in READS.findall(source):
        kind = reader or {"count": "integer", "bytes_or_auto": "string"}[helper]
        fallback = re.split(r",\s", rest)[0].strip() if rest else None
        if helper == "bytes_or_auto":
            fallback = '"auto"'
        if fallback is not None and fallback.startswith("{") and kind != "strings":  # a range: there is no default
            fallback = None
        if key in found and fallback is None:
            continue
        found[key] = (kind, fallback)
    return found


# Where the structs are that settings are read into, under services/<service>/.
STRUCTS = {"membership": ("io/options.h", "core/failure_detector.h"),
           "rebalancer": ("settings.h", "core/limits.h", "core/budgets.h"),
           "agent": ("settings.h",),
           "console": ("settings.h", "io/site.h")}


def members_of(service):
    """Name of a member -> the texts of its initializers, which are one if the name is unique."""
    found = {}
    for header in (PROJECT / f"services/{service}" / name for name in STRUCTS[service]):
        for name, braced, plain in re.findall(
                r"^\s+[\w:]+ (\w+)(?:\{([^;]*)\}| =\s+([^;]*));", header.read_text(), re.M):
            found.setdefault(name, set()).add(braced or plain)
    return found


# Where a service keeps, or finds, what it works on.
OF_ITS_OWN = {"console": "database"}

UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
         "seconds": 1000, "minutes": 60_000, "hours": 3_600_000,
         "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "%": 0.01}


def of_cpp(kind, text):
    """The value that a default of C++ stands for, as ms, bytes, a part of 1, a number or text."""
    text = text.replace("'", "")
    if kind == "duration":
        if words := re.fullmatch(r"std::chrono::(\w+)\((\d+)\)", text):
            return int(words[2]) * UNITS[words[1]]
        number, unit = re.fullmatch(r"(\d+)(\w*)", text).groups()
        return int(number) * UNITS[unit or "ms"]
    if kind == "bytes":
        number, shift = re.fullmatch(r"(\d+)(?:[uUlL]* << (\d+))?", text).groups()
        return int(number) << int(shift or 0)
    if kind == "ratio":
        return float(text)
    if kind == "integer":
        return int(text)
    if kind == "strings":
        return {"{}": ()}[text]
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    return re.fullmatch(r'"(.*)"', text)[1]


def of_toml(kind, value):
    if kind in ("duration", "bytes", "ratio"):
        number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]+|%)", value).groups()
        return round(float(number) * UNITS[unit], 9)
    if kind == "strings":
        return tuple(value)
    return value


class Settings(unittest.TestCase):
    def test_every_key_that_is_read_is_in_the_file_and_no_other(self):
        for service in SERVICES:
            with self.subTest(service):
                self.assertEqual(set(all_settings(service)), set(reads_of(service)))

    def test_defaults_are_those_of_the_program(self):
        compared = 0
        for service in SERVICES:
            members, given = members_of(service), all_settings(service)
            for key, (kind, fallback) in reads_of(service).items():
                if fallback is None or (service, key) in MADE_BY_THE_MACHINE:
                    continue
                with self.subTest(service=service, key=key):
                    if re.fullmatch(r"\w+(\.\w+)+", fallback):
                        initializers = members[fallback.rpartition(".")[2]]
                        values = {of_cpp(kind, text) for text in initializers}
                    else:
                        values = {of_cpp(kind, fallback)}
                    self.assertIn(of_toml(kind, given[key]), values)
                    self.assertEqual(len(values), 1, "more than one member of that name")
                    compared += 1
        self.assertGreater(compared, 50)

    def test_what_is_commented_out_is_what_has_a_default(self):
        for service in SERVICES:
            must = {key for key, (_, fallback) in reads_of(service).items()
                    if fallback is None and (service, key) not in MADE_BY_THE_MACHINE}
            with self.subTest(service):
                self.assertEqual(set(tomllib.loads(deployed_text(service))), must)

    def test_the_services_take_their_files(self):
        """A setting that is wrong ends a service before it does anything, and all that is wrong is
        said at once: so nothing else is."""
        for service in SERVICES:
            texts = {"as it is": deployed_text(service),
                     "with everything": SETTING_LINE.sub(r"\1", deployed_text(service))}
            for how, text in texts.items():
                with self.subTest(service=service, how=how), tempfile.TemporaryDirectory() as folder:
                    file = pathlib.Path(folder) / f"{service}.toml"
                    file.write_text(text)
                    done = subprocess.run(
                        [BIN / f"evenkeel-{service}", "--config", file, "--set", "log_level=loud",
                         "--set", f"{OF_ITS_OWN.get(service, 'data_dir')}={folder}/data"],
                        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    faults = done.stderr.strip().splitlines()
                    self.assertEqual(len(faults), 1, done.stderr)
                    self.assertIn("log_level", faults[0])

    def test_the_readme_has_every_setting_with_its_default(self):
        below = sections(README.read_text())
        for service in SERVICES:
            heading, = (h for h in below if h.endswith(f"`deploy/{service}.toml`"))
            shown = {code(row[0]): row[1] for row in rows(below[heading])}
            given = all_settings(service)
            must = set(tomllib.loads(deployed_text(service)))
            with self.subTest(service):
                self.assertEqual(set(shown), set(given))
            for key, default in shown.items():
                with self.subTest(service=service, key=key):
                    if key in must:
                        self.assertEqual(default, "must be given")
                    elif (service, key) not in MADE_BY_THE_MACHINE:
                        value = given[key]
                        text = str(value).lower() if isinstance(value, bool) else str(value)
                        self.assertEqual(default, f"`{text}`")


class Writing(unittest.TestCase):
    """How to write an agent or a membership source: what it shows is what golden/ has."""

    def test_each_message_shown_is_one_of_golden(self):
        shown = re.findall(r"^`([a-z_.]+)`:\n\n```json\n(.*?)^```$", WRITING.read_text(), re.M | re.S)
        self.assertGreater(len(shown), 8)
        self.assertEqual(len(shown), WRITING.read_text().count("```json"))
        for kind, text in shown:
            golden = (PROJECT / f"schema/wire/golden/{kind}.hex").read_text()
            _, named, _, body = msgpack.unpackb(bytes.fromhex("".join(golden.split())), strict_map_key=False)
            self.assertEqual((named, self.as_json(body)), (kind, json.loads(text)))

    def as_json(self, value):
        if isinstance(value, bytes):
            return f"hex {value.hex()}"
        if isinstance(value, dict):
            return {key: self.as_json(each) for key, each in value.items()}
        return [self.as_json(each) for each in value] if isinstance(value, list) else value


class Words(unittest.TestCase):
    DOCUMENTS = (README, VIEWS, WRITING, PROJECT / "deploy/RUNBOOK.md", *(PROJECT / f"deploy/{service}.toml" for service in SERVICES))

    def test_no_path_leads_out_of_the_project(self):
        absolute = re.compile(r"(?<![\w.:>*/$}-])/[a-z][\w.-]*(?:/[\w.-]+)*")
        for file in self.DOCUMENTS:
            with self.subTest(file.name):
                text = re.sub(r"file:/", "file: /", file.read_text())
                strange = [path for path in absolute.findall(text)
                           if not path.startswith("/var/lib/evenkeel") and path != "/dev/urandom"]
                self.assertEqual(strange, [])

    def test_what_is_named_is_there(self):
        folders = sorted(path.name for path in PROJECT.iterdir()
                         if path.is_dir() and path.name != "build" and path.name[0] != ".")
        named = re.compile(rf"(?<![\w/])(?:\./)?((?:{'|'.join(folders)})/[\w./-]*)")
        for file in self.DOCUMENTS:
            for path in named.findall(file.read_text()):
                path = path.rstrip(".")
                with self.subTest(file=file.name, path=path):
                    self.assertTrue((PROJECT / path).exists())

    def test_the_readme_has_every_command(self):
        help_text = subprocess.run([BIN / "evenkeel", "--help"], capture_output=True, text=True,
                                   timeout=20, check=True).stdout
        listed = help_text.partition("Subcommands:")[2].partition("\n\n")[0]
        commands = set(re.findall(r"^  ([a-z_-]+)", listed, re.M))
        self.assertTrue(commands)
        shown = {code(row[0]).removeprefix("evenkeel ")
                 for row in rows(sections(README.read_text())["How to look"])}
        self.assertEqual(shown, commands)

    def test_every_preset_is_named(self):
        presets = re.findall(r'"name": "(\w+)",\s+"inherits"', (PROJECT / "CMakePresets.json").read_text())
        shown = {code(row[0]) for row in rows(sections(README.read_text())["Building and testing"])}
        self.assertEqual(shown, set(presets))


if __name__ == "__main__":
    unittest.main()
