"""A rebalancer's database as it would be of a cluster of any size, made without one: for looking at.

Rows agree with each other as those of a rebalancer do: what is kept counted is what there is.
"""
import json
import pathlib
import random
import sqlite3
import threading
import time

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema" / "rebalancer"
MIB = 1 << 20
TIB = 1 << 40


def empty(path, cluster="test"):
    """With the schema, and nothing in it but the one row of meta."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")
    files = sorted(SCHEMA.glob("*.sql"))
    for file in files:
        db.executescript(file.read_text())
    db.execute(f"PRAGMA user_version = {len(files)}")
    db.execute("INSERT INTO meta (id, cluster, epoch, copy_secret) VALUES (1, ?, 7, zeroblob(32))", (cluster,))
    db.execute("UPDATE gauge SET at_ms = ?, mode = 'running'", (now_ms(),))
    db.commit()
    return db


def now_ms():
    return int(time.time() * 1000)


def fill(db, servers=1000, chunks=200_000, servers_a_rack=25, racks_a_zone=20, dead=(), suspect=(), draining=(),
         maintenance=(), seed=1):
    """Chunks of 64 MiB, three replicas each in three racks, and some commands, events and samples."""
    dice = random.Random(seed)
    racks = max(3, -(-servers // servers_a_rack))
    make_servers(db, servers, racks, racks_a_zone, dead, suspect, draining, maintenance)
    goal, dead = 3, set(dead)
    held, unwell = [0] * (servers + 1), {"lost": [], "at_risk": [], "under_replicated": []}
    replicas = []
    for chunk in range(1, chunks + 1):
        holders = {1 + (rack + racks * dice.randrange(-(-(servers - rack) // racks))) for rack in dice.sample(range(racks), goal)}
        for server in holders:
            replicas.append((chunk, server))
            held[server] += 1
        gone = len(holders & dead)
        if gone:
            unwell[{1: "under_replicated", 2: "at_risk", 3: "lost"}[gone]].append(chunk)
    db.executemany("INSERT INTO chunk (chunk_id, version, size_bytes, checksum, goal, life) VALUES (?, 1, ?, zeroblob(16), ?, 1)",
                   ((chunk, 64 * MIB, goal) for chunk in range(1, chunks + 1)))
    db.executemany("INSERT INTO replica (chunk_id, server_id, state, version) VALUES (?, ?, 0, 1)", replicas)
    db.executemany("INSERT INTO server_load VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (
        (server, held[server], held[server] * 64 * MIB, 0, 0, 0, 0,
         held[server] // 3 if server in draining else None, held[server] // 3 * 64 * MIB if server in draining else None)
        for server in range(1, servers + 1)))
    well = chunks - sum(map(len, unwell.values()))
    db.execute("UPDATE gauge SET at_ms = ?, mode = 'running', why = '', healthy = ?, lost = ?, at_risk = ?, "
               "under_replicated = ?, replicas = ?, lost_some = ?, at_risk_some = ?, under_some = ?, "
               "at_risk_chunk_ms = 91000000, below_goal_chunk_ms = 7200000000",
               (now_ms(), well, *(len(unwell[word]) for word in unwell), len(replicas),
                *(json.dumps(unwell[word][:24]) for word in unwell)))
    make_commands(db, unwell, servers, dead, dice)
    make_samples(db, chunks, unwell, servers, len(dead))
    make_events(db, dead, suspect, draining, maintenance)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_servers(db, servers, racks, racks_a_zone, dead, suspect, draining, maintenance):
    def row(server):
        rack = (server - 1) % racks
        liveness = "dead" if server in dead else "suspect" if server in suspect else "alive"
        admin = "draining" if server in draining else "maintenance" if server in maintenance else "in_service"
        return (server, f"{server:032d}", f"zone{rack // racks_a_zone + 1}/rack{rack + 1}/host{server}", f"10.0.{server // 250}.{server % 250}:7500",
                TIB // 20, liveness, admin, 0 if server in dead else 7, 600_000 if server in maintenance else None, now_ms())
    db.executemany("INSERT INTO server (server_id, storage, incarnation, location, address, capacity_bytes, reserve_bytes, free_bytes, "
                   "liveness, admin, reported_epoch, maintenance_until_running_ms, changed_ms) VALUES (?, ?, 1, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?)",
                   map(row, range(1, servers + 1)))


def make_commands(db, unwell, servers, dead, dice):
    living = [server for server in range(1, servers + 1) if server not in dead]
    rows, now = [], now_ms()
    for number, chunk in enumerate(unwell["at_risk"][:200] + unwell["under_replicated"][:600], 1):
        source, target = dice.sample(living, 2)
        rows.append((number, chunk, 64 * MIB, target, f"{target:032d}", source, now - dice.randrange(60_000)))
    db.executemany("INSERT OR IGNORE INTO command (command_id, epoch, kind, reason, chunk_id, version, size_bytes, server_id, storage, source_id, "
                   "because, issued_ms) VALUES (?, 7, 0, 'repair', ?, 1, ?, ?, ?, ?, 'fewer replicas than the goal', ?)", rows)
    db.execute("INSERT INTO outbox SELECT server_id, command_id FROM command")
    db.execute("INSERT INTO command_count VALUES (0, 'repair', ?, ?, 18234, ?, 12, 0, 31)",
               (len(rows), len(rows) * 64 * MIB, 18234 * 64 * MIB))
    db.execute("INSERT INTO command_count VALUES (0, 'balance', 0, 0, 52410, ?, 3, 0, 0), (1, 'trim', 0, 0, 52380, ?, 0, 1, 0), "
               "(2, 'verify', 0, 0, 420, ?, 2, 0, 0)", (52410 * 64 * MIB, 52380 * 64 * MIB, 420 * 64 * MIB))
    db.execute("UPDATE server_load SET copies_in = (SELECT count(*) FROM outbox o WHERE o.server_id = server_load.server_id), "
               "incoming_bytes = ? * (SELECT count(*) FROM outbox o WHERE o.server_id = server_load.server_id)", (64 * MIB,))


def make_samples(db, chunks, unwell, servers, dead):
    """Quiet weeks, and a loss half an hour ago of which a part is mended."""
    now = now_ms() // 1000 // 10 * 10
    below = sum(map(len, unwell.values()))
    risk = len(unwell["lost"]) + len(unwell["at_risk"])
    stretches = [(30 * 86400, 86400, 600), (86400, 7200, 60), (7200, 0, 10)]
    copied, rows = 0, {}
    for oldest, newest, step in stretches:
        for ago in range(oldest, newest, -step):
            at = (now - ago) // step * step
            hurt = max(0.0, min(1.0, (1800 - ago) / 120)) * (1 + 1.4 * ago / 1800)
            open_bytes = int(hurt * 500 * 64 * MIB)
            copied += int(step * (hurt * 900 * MIB + (40 * MIB if at // 3600 % 24 == 3 else 0)))
            at_risk = int(risk * hurt)
            rows[at] = (at, chunks, 0, at_risk, max(0, int(below * hurt) - at_risk), 0, open_bytes // (64 * MIB), open_bytes, copied // (64 * MIB), copied,
                        0, 0, 0, 0, 0, servers, servers - (dead if hurt else 0), 0, 0)
    db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows.values())


def make_events(db, dead, suspect, draining, maintenance):
    rows = [(now_ms() - 5_400_000 + 40_000 * n, "server", f"s{n + 1}", "reported what it holds: 600 chunks") for n in range(80)]
    rows += [(now_ms() - 1_800_000, "server", f"s{server}", "dead: silent for 30 s") for server in dead]
    rows += [(now_ms() - 20_000, "server", f"s{server}", "suspect: silent for 3 s") for server in suspect]
    rows += [(now_ms() - 900_000, "server", f"s{server}", "draining, as an operator asked") for server in draining]
    rows += [(now_ms() - 60_000, "server", f"s{server}", "in maintenance for 10 min") for server in maintenance]
    rows.append((now_ms() - 1_500, "command", "k17", "failed on s12: source s40 could not be reached; c93 is copied from another"))
    db.executemany("INSERT INTO event (at_ms, kind, subject, text) VALUES (?, ?, ?, ?)", sorted(rows))


class Pulse:
    """Says each half second that the rebalancer has just written, as a running one does."""

    def __init__(self, path):
        self._path, self._end = path, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        db = sqlite3.connect(self._path, timeout=30)
        while not self._end.wait(0.5):
            db.execute("UPDATE gauge SET at_ms = ?", (now_ms(),))
            db.commit()
        db.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
