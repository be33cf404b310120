"""The cluster of the end-to-end tests, and what every one of them ends with.

    class Heals(Scenario):
        def test_a_dead_server_is_made_up_for(self):
            with self.cluster(agents=5) as cluster:
                ...

A scenario's cluster has a folder of its own. Leaving the with statement in good order checks what
must hold whatever the scenario was: the invariants' views are empty, nobody crashed, and what the
database says of each replica is what the disks hold. Everything is then stopped and removed; of a
scenario that failed, logs and database are kept where EVENKEEL_KEEP says.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from collections import Counter

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools" / "local"))

from local_cluster import MANIFEST, PATIENCE, LocalCluster, LocalFault  # noqa: E402

BIN = pathlib.Path(os.environ.get("EVENKEEL_BIN", PROJECT / "build" / "release" / "bin"))
KIB, MIB = 1 << 10, 1 << 20
BLOCK_BYTES = 262144
CLONE_NEWNS = 0x00020000

# Fast: a test waits for what it asks for, not for defaults made for a data centre.
REBALANCER = {"default_goal": 3, "safe_mode_time": "2s"}
# Who is killed is made up for at once, however many they are, unless a test is about just that.
REBALANCER |= {"patience.planned_stop": "0s", "patience.server": "0s", "patience.rack": "0s",
               "brake.share": "100%"}
AGENT = {"capacity": "16GiB", "reserve": "64MiB"}


class Cluster(LocalCluster):
    """A LocalCluster that can be compared with its disks."""

    def __init__(self, folder, rebalancer=None, agent=None, membership=None):
        super().__init__(folder, BIN, name="e2e", membership=membership,
                         rebalancer={**REBALANCER, **(rebalancer or {})},
                         agent={**AGENT, **(agent or {})})
        self.foreign = {}  # server -> directory, of agents that are not ours

    def directories(self, without=()):
        found = {server: self.directory(server) for server in self.agents} | self.foreign
        return {server: path for server, path in found.items()
                if server not in without and path.exists()}

    def verify_disks(self, *words, without=()):
        """What tools/verify-disks finds, as JSON, and its exit code."""
        argv = [PROJECT / "tools" / "verify-disks", "--json", *words]
        for server, path in self.directories(without).items():
            argv += ["--agent", f"s{server}={path}"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300 * PATIENCE, check=False)
        if done.returncode not in (0, 1):
            raise LocalFault(f"verify-disks: {done.stderr}")
        return json.loads(done.stdout), done.returncode

    def differences(self, without=()):
        """Where the database and the disks tell different things: a replica that counts, on a
        server that is neither dead nor removed, must be an intact file, and each intact file such a replica."""
        found, _ = self.verify_disks(without=without)
        on_disk = {(int(row["chunk"], 16), int(name[1:]), row["version"], row["checksum"])
                   for row in found["chunks"] for name in row["intact"]}
        in_database = {(row["chunk_id"], row["server_id"], row["version"], row["checksum"])
                       for row in self.sql(
                           "SELECT r.chunk_id, r.server_id, r.version, c.checksum "
                           "FROM replica_status r JOIN chunk_health c USING (chunk_id) "
                           "WHERE r.counts AND r.version = c.version AND c.life <> 'retired'")}
        retired = {row["chunk_id"] for row in
                   self.sql("SELECT chunk_id FROM chunk_health WHERE life = 'retired'")}
        gone = {row["server_id"] for row in self.sql(
            "SELECT server_id FROM server_status WHERE liveness = 'dead' OR admin = 'removed'")}
        on_disk = {row for row in on_disk if row[0] not in retired and row[1] not in gone}
        return ([f"only on disk: chunk {row[0]:016x} on s{row[1]}" for row in sorted(on_disk - in_database)]
                + [f"only in the database: chunk {row[0]:016x} on s{row[1]}"
                   for row in sorted(in_database - on_disk)])

    def broken_invariants(self):
        views = [row["name"] for row in self.sql(
            "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'invariant_*'")]
        if not views:
            raise LocalFault("the database has no view named invariant_*")
        return {view: rows for view in views if (rows := self.sql(f"SELECT * FROM {view} LIMIT 20"))}

    def files_of(self, chunk):
        """The files of one chunk by server, whatever their version."""
        return {server: paths[0] for server, directory in self.directories().items()
                if (paths := [path for path in (directory / "live").glob(f"{chunk:016x}.*")
                              if not path.name.endswith(MANIFEST)])}

    def journal(self, server):
        """The results of commands that agent `server` keeps."""
        path = self.directory(server) / "journal.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True,
                                                timeout=5)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM result")]


class Scenario(unittest.TestCase):
    """One scenario: real processes, real files, bounded waits."""

    maxDiff = 4000

    @contextlib.contextmanager
    def cluster(self, agents=0, quiet_end=True, **settings):
        """A cluster with agents 1 to `agents` running, or none at all started. `quiet_end`: at the
        end everything is settled, so that disks and database can be compared."""
        with scratch_folder() as folder:
            cluster = Cluster(folder, **settings)
            try:
                if agents:
                    cluster.start(agents)
                yield cluster
                self.check_end(cluster, quiet_end)
            except BaseException:
                keep_evidence(cluster, self.id())
                raise
            finally:
                cluster.close()

    def check_end(self, cluster, quiet_end):
        cluster.raise_if_any_fell()
        self.assertEqual(cluster.broken_invariants(), {})
        if quiet_end:
            self.assertEqual(cluster.differences(), [])
        for name, process in cluster.processes.items():
            for sign in ("terminate called", "Check failed", "AddressSanitizer", "runtime error:",
                         "ThreadSanitizer"):
                self.assertNotIn(sign, process.log_text(), f"{name} said so in its log")

    def check_replicated(self, cluster, goal=3, without=()):
        """Every chunk has exactly `goal` intact replicas on the disks, and the database agrees."""
        found, code = cluster.verify_disks("--goal", str(goal), "--exact", without=without)
        self.assertEqual((code, found["faults"]), (0, []))
        self.assertEqual(cluster.differences(without), [])
        return found

    def check_contents(self, found, expected, goal=3):
        """The disks hold each of the `expected` contents (Counter of checksums), `goal` times."""
        held = Counter()
        for row in found["chunks"]:
            held[row["checksum"]] += len(row["intact"])
        self.assertEqual(held, Counter({checksum: number * goal
                                        for checksum, number in expected.items()}))


@contextlib.contextmanager
def scratch_folder():
    """A new folder that is removed in the end. Those of earlier runs that were cut off (their
    process is gone) are removed first: they may hold gigabytes."""
    root = pathlib.Path(tempfile.gettempdir()) / "evenkeel-e2e"
    root.mkdir(exist_ok=True)
    for left in root.iterdir():
        if not pathlib.Path("/proc", left.name.partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_evidence(cluster, name):
    """Logs, settings and databases of a scenario that failed; not the chunks."""
    place = os.environ.get("EVENKEEL_KEEP")
    if not place:
        return
    kept = pathlib.Path(place) / re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    shutil.rmtree(kept, ignore_errors=True)
    for path in cluster.folder.rglob("*"):
        if path.suffix in (".log", ".toml") or ".db" in path.name:
            copy = kept / path.relative_to(cluster.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                shutil.copy(path, copy)
    print(f"logs and databases: {kept}", file=sys.stderr)


# Files to put

def checksum_of(data):
    """Of a chunk, as schema/disk/README.md has it."""
    import xxhash
    blocks = [data[at:at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]
    return xxhash.xxh3_128_hexdigest(
        len(data).to_bytes(8, "big") + b"".join(xxhash.xxh3_64_digest(block) for block in blocks))


def write_files(folder, sizes, seed=1):
    """A file of each size with content of its own; the Counter of their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    checksums = Counter()
    for number, size_bytes in enumerate(sizes):
        data = dice.randbytes(size_bytes)
        (folder / f"file{number:05}").write_bytes(data)
        checksums[checksum_of(data)] += 1
    return checksums


def sizes_mixed(number, seed=1):
    """From nothing to 64 MiB, mostly small, with the sizes around block boundaries."""
    dice = random.Random(seed)
    fixed = ([0] * 5 + [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES,
                        4 * BLOCK_BYTES, 4 * BLOCK_BYTES + 1]
             + [64 * MIB - 1, 64 * MIB, 64 * MIB] + [8 * MIB] * 15
             + [dice.randint(MIB // 2, 3 * MIB // 2) for _ in range(80)])
    small = [dice.randint(1, 64 * KIB) for _ in range(max(0, number - len(fixed)))]
    sizes = fixed[:number] + small
    dice.shuffle(sizes)
    return sizes


# Small disks

_own_mounts = []


@contextlib.contextmanager
def small_disk(folder, size_bytes):
    """A file system of its own with so much room, mounted at `folder`. Only this process and those
    that it starts see it, so that it is gone with them, however they end."""
    if not _own_mounts:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0:
            raise unittest.SkipTest("no right to mount: " + os.strerror(ctypes.get_errno()))
        # Says no where / is not a mount, as after chroot. Others may then see what is mounted below;
        # it is unmounted all the same.
        subprocess.run(["mount", "--make-rprivate", "/"], check=False, stderr=subprocess.DEVNULL)
        _own_mounts.append("/")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "evenkeel", folder],
                   check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def leave_room_for_files(folder, number):
    """From now on the small disk at `folder` takes so many more files and answers "no space" to the
    next one, however many bytes it says are free."""
    for last in (False,) * 9 + (True,):  # refused where more files came between the two calls
        status = os.statvfs(folder)
        files = status.f_files - status.f_ffree + number
        done = subprocess.run(["mount", "-o", f"remount,nr_inodes={files}", folder], check=last)
        if done.returncode == 0:
            return
