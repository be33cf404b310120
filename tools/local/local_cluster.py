"""A whole Evenkeel cluster of real processes on one machine.

Starts, stops, kills and waits for the services. Ends only what it has started, by process id, and
leaves nothing behind, whichever way its owner ends.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request

import msgpack
import zmq

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = float(os.environ.get("EVENKEEL_PATIENCE", "1"))  # slower builds wait longer
TAIL_LINES = 25
MANIFEST = ".manifest"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_ports_given = set()


class LocalFault(Exception):
    """Something did not come about; the text says what, and shows the ends of the logs."""


def free_port():
    """A loopback port that nobody listens on. Below the range out of which the kernel takes ports
    for connections, so that nobody gets it by chance before it is bound."""
    for _ in range(1000):
        port = random.randint(20000, 32000)
        if port in _ports_given:
            continue
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                _ports_given.add(port)
                return port
    raise LocalFault("no free port from 20000 to 32000")


def loopback_endpoint():
    return f"tcp://127.0.0.1:{free_port()}"


def settings_text(settings):
    """TOML of a flat table; JSON writes its strings, numbers and truths the same way."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def tail(path, lines=TAIL_LINES):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 65536))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


class Process:
    """One service: its folder, its settings, its log and, while it runs, its process id."""

    def __init__(self, name, program, folder, settings):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.settings = dict(settings)
        self.log = self.folder / f"{name}.log"
        self.starts = 0
        self._program = program
        self._popen = None
        self._wanted = False

    @property
    def pid(self):
        return self._popen.pid if self._popen else None

    def start(self, **changed):
        if self.running():
            raise LocalFault(f"{self.name} runs already")
        self.settings.update(changed)
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / f"{self.name}.toml"
        config.write_text(settings_text(self.settings))
        with open(self.log, "ab") as log:
            # A session of its own: Ctrl-C is for whoever started us, who then stops us in order.
            self._popen = subprocess.Popen(
                [self._program, "--config", config], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, preexec_fn=_die_with_parent)
        self.starts += 1
        self._wanted = True

    def running(self):
        return self._popen is not None and self._popen.poll() is None

    def fell(self):
        """Whether it ended though nobody wanted it to."""
        return self._wanted and not self.running()

    def stop(self, seconds=15):
        """In good order; the exit code. One that does not go is killed, and that is a fault."""
        if not self.running():
            self._wanted = False
            return None
        self._wanted = False
        self._popen.send_signal(signal.SIGCONT)
        self._popen.terminate()
        try:
            return self._popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LocalFault(f"{self.name} did not end within {seconds} s of being asked\n"
                             f"{tail(self.log)}") from None

    def kill(self):
        """kill -9: no last word, no flush."""
        self._wanted = False
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()

    def pause(self):
        os.kill(self._popen.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self._popen.pid, signal.SIGCONT)

    def log_text(self):
        try:
            return self.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class LocalCluster:
    """The processes by name ("membership", "rebalancer", "s1", "s2" ...), the command line, the
    database and the directories. Use it in a with statement."""

    def __init__(self, folder, bin_folder, name="local", membership=None, rebalancer=None,
                 agent=None):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.bin = pathlib.Path(bin_folder).resolve()
        self.processes = {}
        self.endpoints = {key: loopback_endpoint() for key in
                          ("membership_events", "membership_requests", "commands", "agents",
                           "control", "events")}
        self._agent_settings = dict(agent or {})
        self._context = zmq.Context()
        self._events = None
        self._prepare(membership or {}, rebalancer or {})

    def _prepare(self, membership, rebalancer):
        at = self.endpoints
        self._add("membership", "evenkeel-membership", {
            "cluster": self.name, "data_dir": str(self.folder / "membership"),
            "events_endpoint": at["membership_events"],
            "requests_endpoint": at["membership_requests"],
            "suspect_after": "1s", "dead_after": "2s", **membership})
        self._add("rebalancer", "evenkeel-rebalancer", {
            "cluster": self.name, "data_dir": str(self.folder / "rebalancer"),
            "commands_endpoint": at["commands"], "agents_endpoint": at["agents"],
            "control_endpoint": at["control"], "events_endpoint": at["events"],
            "membership_events": at["membership_events"],
            "membership_requests": at["membership_requests"], **rebalancer})

    def _add(self, name, program, settings):
        path = self.bin / program
        if not path.exists():
            raise LocalFault(f"{path} is not there; build it first (tools/run-tests --build-only)")
        self.processes[name] = Process(name, path, self.folder / name, settings)
        return self.processes[name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self.processes.values():
            process.kill()
        if self._events is not None:
            self._events.close(0)
            self._events = None
        self._context.destroy(0)

    # The processes

    @property
    def membership(self):
        return self.processes["membership"]

    @property
    def rebalancer(self):
        return self.processes["rebalancer"]

    def agent(self, server):
        return self.processes[f"s{server}"]

    @property
    def agents(self):
        """Server number -> process, of our own agents."""
        return {int(name[1:]): process for name, process in self.processes.items()
                if name[0] == "s" and name[1:].isdigit()}

    def add_agent(self, server, **settings):
        """Makes agent `server` known, in a rack of its own unless told otherwise; not started."""
        return self._add(f"s{server}", "evenkeel-agent", {
            "cluster": self.name, "server": server,
            "data_dir": str(self.folder / f"s{server}" / "chunks"),
            "location": f"zone1/rack{server}/host{server}", "listen": "127.0.0.1:0",
            "membership": self.endpoints["membership_requests"],
            "rebalancer_commands": self.endpoints["commands"],
            "rebalancer_agents": self.endpoints["agents"],
            "heartbeat_interval": "250ms", **self._agent_settings, **settings})

    @property
    def console_address(self):
        return f"http://{self.processes['console'].settings['listen']}"

    def start_console(self, **settings):
        """The web page for operators, which may change things here; waits until it answers."""
        console = self._add("console", "evenkeel-console", {
            "cluster": self.name, "database": str(self.database), "allow_changes": True,
            "control_endpoint": self.endpoints["control"], "listen": f"127.0.0.1:{free_port()}",
            "rebalancer_settings": str(self.rebalancer.folder / "rebalancer.toml"), **settings})
        console.start()
        self.wait("the console to answer", lambda: self._answers(f"{self.console_address}/api/now"))

    @staticmethod
    def _answers(url):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        return False

    def start(self, agents=0):
        """Membership, the rebalancer and agents 1 to `agents`, and waits until all are in."""
        self.membership.start()
        self.rebalancer.start()
        for server in range(1, agents + 1):
            self.add_agent(server).start()
        self.wait_for_alive(range(1, agents + 1))

    def stop(self):
        """In good order, agents first."""
        for name in sorted(self.processes, key=lambda name: name in ("membership", "rebalancer")):
            self.processes[name].stop()

    def directory(self, server):
        """Where agent `server` keeps its chunks."""
        return pathlib.Path(self.agent(server).settings["data_dir"])

    def chunk_files(self, server):
        """The chunk files of agent `server`, without their manifests."""
        live = self.directory(server) / "live"
        return [path for path in live.iterdir() if not path.name.endswith(MANIFEST)]

    def used_bytes(self, server):
        """Of chunk files, read off the directory; those that go meanwhile do not count."""
        used = 0
        for path in self.chunk_files(server):
            with contextlib.suppress(FileNotFoundError):
                used += path.stat().st_size
        return used

    # The command line

    def cli(self, *words, seconds=120, check=True, cwd=None, as_json=False):
        """Runs the command line tool; what it printed, parsed where JSON was asked for."""
        argv = [self.bin / "evenkeel", "--cluster", self.name,
                "--control", self.endpoints["control"], "--database", self.database]
        argv += ["--json"] if as_json else []
        try:
            done = subprocess.run(argv + list(words), stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=seconds * PATIENCE, check=False, cwd=cwd)
        except subprocess.TimeoutExpired as fault:
            raise self.fault(f"evenkeel {' '.join(map(str, words))} did not end within {seconds} s: "
                             f"{fault.stdout} {fault.stderr}") from None
        if check and done.returncode != 0:
            shown = " ".join(map(str, words))
            raise self.fault(f"evenkeel {shown[:300]} ended with {done.returncode}:\n"
                             f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return json.loads(done.stdout) if as_json else done

    def put(self, *files, goal=None, seconds=120, cwd=None):
        chosen = ["--goal", str(goal)] if goal else []
        return self.cli("put", *chosen, *files, seconds=seconds, cwd=cwd)

    def put_tree(self, folder, goal=None, seconds=300):
        """Every file under `folder`, each under its path from there, the folder's name first."""
        chosen = ["--goal", str(goal)] if goal else []
        return self.cli("put", *chosen, "--recursive", folder.name, seconds=seconds,
                        cwd=folder.parent)

    def get(self, name, out, **options):
        return self.cli("get", name, "-o", out, **options)

    # The database

    @property
    def database(self):
        return pathlib.Path(self.rebalancer.settings["data_dir"]) / "rebalancer.db"

    def sql(self, text, *values):
        """Rows as dicts. Opened read only: the rebalancer alone writes and checkpoints."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True,
                                                timeout=5)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA query_only = ON")
            return [dict(row) for row in database.execute(text, values)]

    def value(self, text, *values):
        rows = self.sql(text, *values)
        return next(iter(rows[0].values())) if rows else None

    def liveness(self):
        return {row["server_id"]: row["liveness"]
                for row in self.sql("SELECT server_id, liveness FROM server_status")}

    def unsettled(self):
        """What is still to be done: how many chunks there are of each state of health but healthy,
        how many replicas on live servers of each state but valid, and how many open commands.

        A delete on a dead server stays open until that server is back, for it may have been done;
        and a chunk has one open delete at a time. What waits for that is settled as far as it can
        be, and is not counted."""
        found = {row["health"]: row["n"] for row in self.sql(
            "SELECT health, count(*) AS n FROM chunk_health "
            "WHERE health NOT IN ('healthy', 'retired') GROUP BY 1")}
        found |= {f"{row['state']} replicas": row["n"] for row in self.sql(
            "SELECT r.state, count(*) AS n FROM replica_status r JOIN chunk_health c USING (chunk_id) "
            "WHERE r.state <> 'valid' AND r.liveness = 'alive' AND c.health <> 'retired' "
            "AND c.chunk_id NOT IN (SELECT chunk_id FROM open_commands WHERE kind = 'delete') "
            "GROUP BY 1")}
        if count := self.value("SELECT count(*) FROM open_commands JOIN server_status "
                               "USING (server_id) WHERE liveness <> 'dead' OR kind <> 'delete'"):
            found["open commands"] = count
        return found

    # Waiting

    def wait(self, what, question, seconds=30, at=None):
        """Until question() is true; its answer. Wakes up at each event of the rebalancer and five
        times a second. `at` tells, for the fault, how far it has come."""
        end = time.monotonic() + seconds * PATIENCE
        while True:
            self.raise_if_any_fell()
            try:
                if answer := question():
                    return answer
            except sqlite3.OperationalError as fault:
                still_to_be_made = re.search("no such table|unable to open", str(fault))
                if not still_to_be_made or time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                with contextlib.suppress(sqlite3.Error):
                    what += f"\nit came so far as: {at()}" if at else ""
                raise self.fault(f"waited {seconds * PATIENCE:.0f} s in vain for: {what}")
            self._doze(0.2)

    def _doze(self, seconds):
        if self._events is None:
            self._events = self._context.socket(zmq.SUB)
            self._events.subscribe(b"")
            self._events.connect(self.endpoints["events"])
        if self._events.poll(int(seconds * 1000)):
            with contextlib.suppress(zmq.Again):
                while True:
                    self._events.recv_multipart(zmq.NOBLOCK)
            time.sleep(0.02)  # a storm of events is not to become a storm of questions

    def wait_for_alive(self, servers, seconds=30):
        servers = set(servers)
        self.wait(f"servers {sorted(servers)} to be alive",
                  lambda: servers <= {server for server, liveness in self.liveness().items()
                                      if liveness == "alive"}, seconds, self.liveness)
        self.wait("the rebalancer to leave safe mode", lambda: self.mode() == "running", seconds,
                  self.mode)

    def wait_for_liveness(self, server, liveness, seconds=30):
        self.wait(f"server {server} to be {liveness}",
                  lambda: self.liveness().get(server) == liveness, seconds, self.liveness)

    def wait_for_chunks(self, number, seconds=60):
        self.wait(f"{number} chunks to be known",
                  lambda: self.value("SELECT count(*) FROM chunk_health") == number, seconds,
                  lambda: self.value("SELECT count(*) FROM chunk_health"))

    def wait_until_settled(self, seconds=60):
        """Every chunk healthy and no command open."""
        self.wait("every chunk to be healthy and no command open", lambda: not self.unsettled(),
                  seconds, self.unsettled)

    def mode(self):
        """What the rebalancer says that it is doing; "silent" if it does not answer."""
        with self._context.socket(zmq.DEALER) as asker:
            asker.linger = 0
            asker.connect(self.endpoints["control"])
            asker.send(msgpack.packb([1, "ping", self.name, {"request": 1}]))
            if not asker.poll(2000):
                return "silent"
            _, kind, _, body = msgpack.unpackb(asker.recv())
            return body["mode"] if kind == "pong" else f"{kind}: {body}"

    # Faults

    def raise_if_any_fell(self):
        fallen = [process.name for process in self.processes.values() if process.fell()]
        if fallen:
            raise self.fault(f"{', '.join(fallen)} ended though nobody wanted it to")

    def fault(self, what):
        """A LocalFault that shows the ends of the logs, of the fallen and the central ones first."""
        first = [process for process in self.processes.values() if process.fell()]
        rest = [process for process in self.processes.values() if process not in first]
        shown = "".join(f"\n--- {process.name} ({'runs' if process.running() else 'is down'}), "
                        f"{process.log}\n{tail(process.log)}" for process in first + rest)
        return LocalFault(what + shown)
