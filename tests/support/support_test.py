"""The end-to-end tests lean on these; so it is tried that they see what they are there to see."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from cluster import BLOCK_BYTES, PROJECT, checksum_of, write_files
from foreign_agent import blocks_of
from live_watch import LiveWatch


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evenkeel-support-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.agents = {}
        for server in (1, 2, 3):
            self.agents[server] = self.folder / f"s{server}"
            (self.agents[server] / "live").mkdir(parents=True)


class VerifyDisks(Folder):
    """One chunk of three blocks on three servers, and then something done to it."""

    def setUp(self):
        super().setUp()
        self.data = os.urandom(2 * BLOCK_BYTES + 100)
        self.paths = [self.store(server, 7, 2, self.data) for server in self.agents]

    def store(self, server, chunk, version, data):
        path = self.agents[server] / "live" / f"{chunk:016x}.{version}.{checksum_of(data)}"
        path.write_bytes(data)
        if len(data) > BLOCK_BYTES:
            path.with_name(path.name + ".manifest").write_bytes(
                b"EKM1" + len(data).to_bytes(8, "big") + blocks_of(data))
        return path

    def verify(self, *words):
        argv = [PROJECT / "tools" / "verify-disks", "--json", *words]
        for server, folder in self.agents.items():
            argv += ["--agent", f"s{server}={folder}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def test_what_is_whole_is_said_to_be(self):
        code, found = self.verify("--goal", "3", "--exact", "--chunks", "1")
        self.assertEqual(code, 0)
        self.assertEqual(found["chunks"][0]["intact"], ["s1", "s2", "s3"])
        self.assertEqual((found["notes"], found["faults"]), ([], []))

    def test_a_flipped_bit_in_any_block_is_seen(self):
        for place in (0, BLOCK_BYTES, len(self.data) - 1):
            damaged = bytearray(self.data)
            damaged[place] ^= 1
            self.paths[1].write_bytes(damaged)
            code, found = self.verify("--goal", "3")
            self.assertEqual((code, found["chunks"][0]["corrupt"]), (1, ["s2"]), place)

    def test_a_file_cut_short_or_gone_is_seen(self):
        os.truncate(self.paths[0], BLOCK_BYTES)
        self.paths[2].unlink()
        code, found = self.verify("--goal", "2")
        self.assertEqual((code, found["chunks"][0]["intact"]), (1, ["s2"]))

    def test_an_older_version_does_not_count(self):
        self.paths[0].unlink()
        self.store(1, 7, 1, b"older")
        code, found = self.verify("--goal", "3")
        self.assertEqual((code, found["chunks"][0]["stale"]), (1, ["s1"]))

    def test_one_too_many_is_seen_where_it_is_asked_for(self):
        self.assertEqual(self.verify("--goal", "2")[0], 0)
        self.assertEqual(self.verify("--goal", "2", "--exact")[0], 1)

    def test_two_contents_under_one_version_are_seen(self):
        self.store(3, 7, 2, b"something else")
        self.assertEqual(self.verify()[0], 1)

    def test_a_manifest_that_is_wrong_or_missing_is_noted(self):
        for path in self.paths[:2]:
            path.with_name(path.name + ".manifest").unlink()
        self.paths[1].with_name(self.paths[1].name + ".manifest").write_bytes(b"EKM1")
        self.assertEqual([note["what"] for note in self.verify()[1]["notes"]],
                         ["its manifest is missing", "its manifest is wrong"])

    def test_a_missing_chunk_is_seen(self):
        self.assertEqual(self.verify("--chunks", "2")[0], 1)

    def test_wrong_use_is_told_apart(self):
        self.assertEqual(self.verify("--agent", f"s9={self.agents[1]}")[0], 2)
        self.assertEqual(self.verify("--exact")[0], 2)


class Watch(Folder):
    def setUp(self):
        super().setUp()
        for server in (1, 2):
            (self.agents[server] / "live" / "a").touch()

    def move(self, new_first):
        new = self.folder / "new"
        new.touch()
        steps = [lambda: new.rename(self.agents[3] / "live" / "a"),
                 lambda: (self.agents[1] / "live" / "a").rename(self.folder / "trash")]
        for step in steps if new_first else reversed(steps):
            step()

    def test_a_move_that_copies_first_is_never_short(self):
        with LiveWatch(self.agents, goal=2) as watch:
            self.move(new_first=True)
        self.assertEqual([(step.server, step.appeared, step.holders) for step in watch.steps],
                         [(3, True, 3), (1, False, 2)])
        self.assertEqual((watch.shortages, watch.faults), ([], []))

    def test_a_move_that_deletes_first_is_caught_however_short_the_moment(self):
        with LiveWatch(self.agents, goal=2) as watch:
            self.move(new_first=False)
        self.assertEqual([(step.server, step.holders) for step in watch.shortages], [(1, 1)])


class Files(Folder):
    def test_the_checksum_is_the_one_that_the_page_of_the_disk_format_has(self):
        self.assertEqual(checksum_of(b""), "2c0a8a99dc147d5445c3b49d035665b2")
        self.assertNotEqual(checksum_of(b"a" * BLOCK_BYTES), checksum_of(b"a" * (BLOCK_BYTES + 1)))

    def test_files_are_the_same_for_the_same_seed(self):
        self.assertEqual(write_files(self.folder / "one", [0, 1, 1000]),
                         write_files(self.folder / "two", [0, 1, 1000]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
