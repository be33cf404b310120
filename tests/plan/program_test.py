#!/usr/bin/env python3
"""`evenkeel plan` as the operator meets it: files in; a plan, figures, exit codes and messages out.

Run by CTest with the path of the program.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None
KIB = 1024


class Cluster:
    """Servers as (rack, capacity KiB, state), chunks as (KiB, holders)."""

    def __init__(self, folder, servers, chunks):
        self.servers, self.chunks = servers, chunks
        self.used = [0] * len(servers)
        for size, holders in chunks:
            for holder in holders:
                self.used[holder] += size
        self.servers_csv, self.chunks_bin = folder / "servers.csv", folder / "chunks.bin"
        self.plan, self.stats = folder / "plan.csv", folder / "stats.json"
        self.write()

    def write(self):
        rows = ["id,zone,rack,host,capacity_bytes,used_bytes,state"]
        rows += [f"{i},z{rack},r{rack},h{i},{capacity * KIB},{self.used[i] * KIB},{state}"
                 for i, (rack, capacity, state) in enumerate(self.servers)]
        self.servers_csv.write_text("\n".join(rows) + "\n")
        replicas = len(self.chunks[0][1])
        words = [size for size, _ in self.chunks]
        words += [holder for _, holders in self.chunks for holder in holders]
        self.chunks_bin.write_bytes(
            struct.pack("<8sQII", b"GCHUNK1\0", len(self.chunks), replicas, len(self.servers))
            + struct.pack(f"<{len(words)}I", *words))

    def run(self, task, *words, limit=0.95):
        return subprocess.run(
            [PROGRAM, "plan", "--servers", self.servers_csv, "--chunks", self.chunks_bin, "--task",
             task, "--limit", str(limit), "--out", self.plan, "--stats", self.stats, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)

    def moves(self):
        return [tuple(int(field) for field in row.split(","))
                for row in self.plan.read_text().splitlines()]

    def figures(self):
        return json.loads(self.stats.read_text())

    def after(self, case):
        """Holders by chunk once all is done; each move must be one that can be done."""
        now = [list(holders) for _, holders in self.chunks]
        for chunk, old, target, source in self.moves():
            case.assertIn(source, self.chunks[chunk][1])
            case.assertNotEqual(self.servers[source][2], "down")
            case.assertIn(self.servers[target][2], ("up", "new"))
            now[chunk][now[chunk].index(old)] = target
        for holders in now:
            racks = [self.servers[holder][0] for holder in holders]
            case.assertEqual(len(set(racks)), len(racks), holders)
        return now


class PlanTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def cluster(self, servers, chunks):
        return Cluster(self.folder, servers, chunks)

    def use(self, cluster, holders):
        used = [0] * len(cluster.servers)
        for (size, _), places in zip(cluster.chunks, holders):
            for place in places:
                used[place] += size
        return used

    def test_a_repair_replaces_what_was_lost_and_nothing_else(self):
        # Rack 2 is the only one with neither replica; the lost server's own rack will do as well.
        cluster = self.cluster([(0, 1000, "up"), (1, 1000, "down"), (2, 1000, "up")],
                               [(10, (0, 1)), (20, (1, 0)), (30, (0, 2))])
        done = cluster.run("repair")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(cluster.moves()), [(0, 1, 2, 0), (1, 1, 2, 0)])
        figures = cluster.figures()
        self.assertEqual((figures["moves"], figures["bytes_moved"], figures["bytes_minimum"]),
                         (2, 30 * KIB, 30 * KIB))
        self.assertEqual(figures["left_over"], 0)
        self.assertGreater(figures["peak_bytes"], 1 << 20)
        for name in ("load_seconds", "plan_seconds", "view_bytes_per_chunk"):
            self.assertGreater(figures[name], 0)

    def test_a_drain_empties_servers_that_are_read_from(self):
        servers = [(rack, 1000, "up") for rack in range(5)]
        servers[3] = (3, 1000, "draining")
        cluster = self.cluster(servers, [(10, (3, i % 3)) for i in range(30)])
        self.assertEqual(cluster.run("drain").returncode, 0)
        after = cluster.after(self)
        self.assertEqual(len(cluster.moves()), 30)
        self.assertEqual(self.use(cluster, after)[3], 0)

    def test_rebalancing_fills_who_is_new_and_moves_no_more_than_that(self):
        servers = [(rack, 1000, "up") for rack in range(4)] + [(4, 1000, "new")]
        cluster = self.cluster(servers, [(10, (i % 4, (i + 1) % 4)) for i in range(100)])
        self.assertEqual(cluster.run("rebalance").returncode, 0)
        after = cluster.after(self)
        self.assertEqual(self.use(cluster, after), [400] * 5)
        self.assertEqual(cluster.figures()["bytes_moved"], cluster.figures()["bytes_minimum"])

    def test_a_mixed_cluster_is_repaired_drained_and_evened_out(self):
        states = ["up"] * 10 + ["new"] * 2
        states[2], states[7] = "down", "draining"
        servers = [(i, 2000, state) for i, state in enumerate(states)]
        chunks = [(1 + i % 7, (i % 10, (i + 1 + i // 10 % 9) % 10)) for i in range(900)]
        cluster = self.cluster(servers, chunks)
        self.assertEqual(cluster.run("rebalance").returncode, 0)
        used = self.use(cluster, cluster.after(self))
        self.assertEqual((used[2], used[7]), (0, 0))
        share = sum(used) / 10
        for i, held in enumerate(used):
            if i not in (2, 7):
                self.assertLess(abs(held - share), 8, used)

    def test_what_finds_no_place_is_said_and_the_rest_is_planned(self):
        cluster = self.cluster([(0, 1000, "up"), (1, 1000, "down"), (2, 1000, "up")],
                               [(300, (0, 1)), (300, (1, 0)), (300, (0, 2))])
        done = cluster.run("repair", limit=0.6)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no place for 1 replica", done.stderr)
        self.assertEqual((len(cluster.moves()), cluster.figures()["left_over"]), (1, 1))

    def test_what_is_wrong_with_a_file_is_said_with_its_name(self):
        cluster = self.cluster([(0, 1000, "up"), (1, 1000, "up")], [(10, (0, 1))])
        good = cluster.servers_csv.read_text()
        cluster.servers_csv.write_text(good.replace(",up", ",fine"))
        done = cluster.run("repair")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{cluster.servers_csv}:2: state 'fine' is none of", done.stderr)
        cluster.servers_csv.write_text(good.replace(str(10 * KIB), str(11 * KIB)))
        self.assertIn("server 0 is said to use 11264 bytes, but its chunks come to 10240",
                      cluster.run("repair").stderr)
        cluster.servers_csv.write_text(good)
        cluster.chunks_bin.write_bytes(cluster.chunks_bin.read_bytes()[:-1])
        done = cluster.run("repair")
        self.assertIn(f"{cluster.chunks_bin}: its header says 1 chunks", done.stderr)
        cluster.chunks_bin.unlink()
        self.assertIn(f"{cluster.chunks_bin}: No such file", cluster.run("repair").stderr)
        self.assertFalse(cluster.plan.exists())

    def test_wrong_words_are_named(self):
        cluster = self.cluster([(0, 1000, "up"), (1, 1000, "up")], [(10, (0, 1))])
        for task, limit, named in (("fly", 0.9, "fly"), ("repair", 1.5, "--limit"),
                                   ("repair", "x", "--limit")):
            done = cluster.run(task, limit=limit)
            self.assertEqual(done.returncode, 2)
            self.assertIn(named, done.stdout + done.stderr)

    def test_equal_files_give_equal_plans(self):
        servers = [(rack, 1000, "up") for rack in range(6)] + [(6, 1000, "new")]
        chunks = [(1 + i % 13, (i % 6, (i + 1 + i // 6 % 5) % 6)) for i in range(500)]
        cluster = self.cluster(servers, chunks)
        plans = set()
        for _ in range(2):
            cluster.run("rebalance")
            plans.add(cluster.plan.read_text())
        self.assertEqual(len(plans), 1)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
