"""Real clusters that copy, looked at from outside: their disks, their journals, their processes."""
import json
import os
import pathlib
import random
import select
import subprocess
import sys
import time

import zmq

PROJECT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tools" / "local"))

from local_cluster import LocalCluster, LocalFault  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
WAIT_MAX_S = 600
# A failure is noticed soon; what is measured begins then. Nothing reads chunks in the background.
MEMBERSHIP = {"suspect_after": "1s", "dead_after": "2s"}
AGENT = {"reserve": "1MiB", "scrub_rate": "0B", "rescan_interval": "1h"}


class Watch:
    """What comes to live/, as seen by a process that does nothing else."""

    def __init__(self, program, number, directories, processes=()):
        self._popen = subprocess.Popen([program, "watch", str(number), *map(str, processes), *directories],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._popen.stdout.readline() != "ready\n":
            raise LocalFault("the watcher did not start")

    def result(self, seconds=WAIT_MAX_S):
        """When all have come."""
        if not select.select([self._popen.stdout], [], [], seconds)[0]:
            raise LocalFault(f"not all chunks came: {self.end()['samples'][-1]}")
        return self.end()

    def end(self):
        """What has come so far."""
        return json.loads(self._popen.communicate(timeout=30)[0])

    def drop(self):
        self._popen.kill()
        self._popen.wait()


class BenchCluster(LocalCluster):
    """A cluster whose chunks were there before it began."""

    def __init__(self, folder, build, rebalancer=None, agent=None):
        super().__init__(folder, build / "bin", name="bench", membership=MEMBERSHIP,
                         rebalancer={"default_goal": 2, **(rebalancer or {})},
                         agent={**AGENT, **(agent or {})})
        self.program = build / "bin" / "evenkeel-transfer-bench"
        self._membership_events = None

    def hold(self, master, holders, weights):
        """Agents that hold the chunks: holders[i] are the servers of the i-th. `weights`: how large
        a server is, compared with the others, so that balancing leaves all in peace."""
        for server, weight in weights.items():
            self.add_agent(server, capacity=f"{max(16 << 20, master.bytes * 4) * weight}B")
            for folder in ("live", "tmp"):  # to be looked at before the agent begins
                (self.directory(server) / folder).mkdir(parents=True)
        for name, servers in zip(master.names, holders, strict=True):
            for server in servers:
                master.link(name, self.directory(server) / "live")

    def begin(self, servers, chunks):
        """All are members before the rebalancer begins, so that it takes none for lost."""
        self.membership.start()
        self._membership_events = self._context.socket(zmq.SUB)
        self._membership_events.connect(self.endpoints["membership_events"])
        self._membership_events.subscribe(b"")
        self.membership_event("membership.beacon")  # from now on none is missed
        for server in servers:
            self.agent(server).start()
        joined = {}
        while set(joined) < set(servers):
            joined |= {self.membership_event("membership.joined")[1]: True}
        self.rebalancer.start()
        self.wait_for_chunks(chunks, 300)
        self.wait_for_alive(servers, 120)
        self.wait_until_settled(300)

    def membership_event(self, kind, seconds=60):
        """(time, server) of the next event of that kind."""
        import msgpack
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self._membership_events.poll(int(1000 * (end - time.monotonic())) + 1):
                break
            topic, message = self._membership_events.recv_multipart()
            now = time.monotonic()
            if topic.decode() == kind:
                return now, msgpack.unpackb(message)[3].get("member", {}).get("server")
        raise self.fault(f"no {kind} within {seconds} s")

    def open_repairs(self):
        """What has not been acknowledged, or whose acknowledgement is not committed."""
        return self.value("SELECT count(*) FROM open_commands WHERE reason = 'repair'")

    def any_open(self):
        return bool(self.sql("SELECT 1 FROM open_commands LIMIT 1"))

    def usage(self):
        """Name -> (processor seconds, bytes resident, highest since the peak was reset)."""
        found = {}
        for name, process in self.processes.items():
            if not process.running():
                continue
            stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            memory = dict(line.split(":", 1) for line in
                          pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines())
            kib = {key: int(memory[key].split()[0]) for key in ("VmRSS", "VmHWM")}
            found[name] = ((int(stat[11]) + int(stat[12])) / TICKS, kib["VmRSS"] << 10,
                           kib["VmHWM"] << 10)
        return found

    def reset_peaks(self):
        for process in self.processes.values():
            if process.running():
                pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def check(self, servers):
        """Every file of these agents against its name; the number of them."""
        folders = [self.directory(server) / "live" for server in servers]
        done = subprocess.run([self.program, "check", *folders], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise self.fault(f"wrong bytes on a disk: {done.stderr[-2000:]}")
        return json.loads(done.stdout)["right"]


def used(before, after):
    """Processor seconds of all, and the most that an agent grew by."""
    cpu = {name: after[name][0] - before[name][0] for name in after}
    grown = max(after[name][2] - before[name][1] for name in after if name[0] == "s")
    return cpu, grown


def pauses(samples, start, end, total):
    """(the longest time in which nothing moved between the first byte and the last, [[seconds,
    bytes]]). What has moved is told by what the agents have read, of which bytes of chunks are all
    but a little; for the curve that is scaled to what there was to move."""
    moved = [(at - start, read) for at, _, _, read in samples if start <= at <= end + 0.1]
    first, last = moved[0][1], moved[-1][1]
    scale = total / max(1, last - first)
    curve = [(at, (read - first) * scale) for at, read in moved]
    longest, moved_at, high = 0.0, None, 0.0
    for at, bytes_moved in curve:
        if bytes_moved - high > total / 1000:  # more than heartbeats and their like
            longest = max(longest, at - moved_at) if moved_at is not None else 0.0
            moved_at, high = at, bytes_moved
        if high > 0.99 * total:
            break
    return longest, curve


def recovery(folder, build, master, **settings):
    """One of five servers is killed; from the event that says so until every chunk is durable on
    another one."""
    chunks = len(master.names)
    others = [2, 3, 4, 5]
    with BenchCluster(folder, build, **settings) as cluster:
        cluster.hold(master, [(1, others[i % 4]) for i in range(chunks)],
                     {1: 4, 2: 1, 3: 1, 4: 1, 5: 1})
        cluster.begin([1, *others], chunks)
        master.read()
        os.sync()
        watch = Watch(cluster.program, chunks, [cluster.directory(server) for server in others],
                      [cluster.agent(server).pid for server in others])
        try:
            killed = time.monotonic()
            cluster.agent(1).kill()
            event, server = cluster.membership_event("membership.failed")
            assert server == 1
            cluster.reset_peaks()
            before = cluster.usage()
            seen = watch.result()
            while cluster.open_repairs():
                cluster.raise_if_any_fell()
                time.sleep(0.002)
            end = time.monotonic()
        finally:
            watch.drop()
        after = cluster.usage()
        cluster.wait_until_settled(120)
        if (right := cluster.check(others)) != 2 * chunks:
            raise cluster.fault(f"{right} files of {2 * chunks} are there")
        for process in cluster.processes.values():
            process.stop()
        cpu, grown = used(before, after)
        longest, curve = pauses(seen["samples"], event, end, master.bytes)
        return {"seconds": end - event, "cpu_s": sum(cpu.values()), "cpu": cpu,
                "grown_bytes": grown, "detection_s": event - killed,
                "first_byte_s": seen["first_byte_s"] - event, "longest_pause_s": longest,
                "curve": curve}


def waiting(folder, build, master, commands):
    """How much memory four agents need while so many commands wait at each of them: copies that may
    go on at their least pace, so that hardly one ends meanwhile."""
    chunks = len(master.names)
    others = [2, 3, 4, 5]
    limits = {"copies_in": chunks, "copies_out": chunks, "copy_rate": "1KiB"}
    with BenchCluster(folder, build, rebalancer=limits) as cluster:
        cluster.hold(master, [(1, others[i % 4]) for i in range(chunks)],
                     {1: 4, 2: 1, 3: 1, 4: 1, 5: 1})
        cluster.begin([1, *others], chunks)
        cluster.agent(1).kill()
        cluster.membership_event("membership.failed")
        cluster.reset_peaks()
        before = cluster.usage()

        def least_open():
            return cluster.value(
                "SELECT min(n) FROM (SELECT count(*) AS n FROM open_commands "
                "WHERE server_id IN (2, 3, 4, 5) GROUP BY server_id)") or 0

        cluster.wait("the commands to wait", lambda: least_open() >= commands, 120)
        time.sleep(2)  # they are being taken in; what matters is the peak
        open_now = least_open()
        if open_now < commands:
            raise cluster.fault(f"only {open_now} commands wait at one of them")
        _, grown = used(before, cluster.usage())
        return {"commands": open_now, "grown_bytes": grown}


def paced(folder, build, master, rate):
    """Seconds from the order to the acknowledgement of each copy, each of which is alone on its
    server and was ordered to go at `rate` a second."""
    others = [2, 3, 4, 5]
    assert len(master.names) == len(others)
    with BenchCluster(folder, build, rebalancer={"copy_rate": rate, "copies_in": 1}) as cluster:
        cluster.hold(master, [(1, server) for server in others], {1: 4, 2: 1, 3: 1, 4: 1, 5: 1})
        cluster.begin([1, *others], len(others))
        master.read()
        cluster.agent(1).kill()
        cluster.membership_event("membership.failed")
        copies = "FROM command WHERE kind = 0 AND reason = 'repair' AND state = 1"
        cluster.wait("all copies", lambda: cluster.value(f"SELECT count(*) {copies}") == len(others),
                     WAIT_MAX_S)
        rows = cluster.sql(f"SELECT closed_ms - issued_ms AS ms {copies}")
        return [row["ms"] / 1000 for row in rows]


def reads(folder, build, master, rate, quiet_reads):
    """How long `evenkeel get` of a small chunk takes, as a client sees it: before a server is
    killed, and while what it held is copied at `rate` a second and copy."""
    chunks = len(master.names)
    others = [2, 3, 4, 5]
    small = [number for number, size in enumerate(master.sizes, 1) if size <= 64 << 10]
    dice = random.Random(3)
    with BenchCluster(folder, build, rebalancer={"copy_rate": rate}) as cluster:
        cluster.hold(master, [(1, others[i % 4]) for i in range(chunks)],
                     {1: 4, 2: 1, 3: 1, 4: 1, 5: 1})
        cluster.begin([1, *others], chunks)
        master.read()
        os.sync()

        def read_one():
            start = time.monotonic()
            cluster.cli("get", f"c{dice.choice(small)}", "-o", folder / "got")
            return time.monotonic() - start

        read_one()
        quiet = [read_one() for _ in range(quiet_reads)]
        cluster.agent(1).kill()
        cluster.membership_event("membership.failed")
        # What the rebalancer has not heard of yet does not unsettle it.
        cluster.wait("the recovery to begin",
                     lambda: cluster.value("SELECT count(*) FROM command WHERE reason = 'repair'"))
        start, busy = time.monotonic(), []
        while cluster.unsettled():
            busy.append(read_one())
            if time.monotonic() - start > WAIT_MAX_S:
                raise cluster.fault("it does not come to rest")
        return {"rate": rate, "quiet_s": quiet, "busy_s": busy,
                "recovery_s": time.monotonic() - start}


def join(folder, build, master, **settings):
    """An empty server joins four: until it has its share, and until all is at rest."""
    chunks = len(master.names)
    old = [1, 2, 3, 4]
    pairs = [(a, b) for a in old for b in old if a < b]
    with BenchCluster(folder, build, **settings) as cluster:
        cluster.hold(master, [pairs[i % 6] for i in range(chunks)],
                     {1: 1, 2: 1, 3: 1, 4: 1, 5: 1})
        cluster.begin(old, chunks)
        master.read()
        os.sync()
        watch = Watch(cluster.program, 1 << 40, [cluster.directory(server) for server in [*old, 5]])
        try:
            cluster.agent(5).start()
            event, _ = cluster.membership_event("membership.joined")
            before = cluster.usage()
            cluster.wait("the new server to be known", lambda: 5 in cluster.liveness())
            idle = None
            while idle is None or time.monotonic() - idle < 3:
                cluster.raise_if_any_fell()
                # To look at every chunk takes a processor away from what is measured.
                busy = (cluster.any_open() or bool(cluster.unsettled())
                        or not cluster.chunk_files(5))
                idle = None if busy else idle or time.monotonic()
                time.sleep(0.05)
                if time.monotonic() - event > WAIT_MAX_S:
                    raise cluster.fault("it does not come to rest")
            seen = watch.end()
        finally:
            watch.drop()
        after = cluster.usage()
        moved = cluster.used_bytes(5)
        copied = seen["samples"][-1][2]
        cluster.check([*old, 5])
        filled = seen["last_file_s"] - event
        cpu = {name: after[name][0] - before.get(name, (0,))[0] for name in after}
        return {"seconds": filled, "rest_s": idle - event, "moved_bytes": moved,
                "copied_bytes": copied, "least_bytes": 2 * master.bytes // 5,
                "cpu_s": sum(cpu.values()), "cpu": cpu}
