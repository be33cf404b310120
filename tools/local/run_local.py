"""Runs a cluster on this machine and shows it heal and fill up; called by tools/run-local."""
import argparse
import contextlib
import fcntl
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from local_cluster import PROJECT, LocalCluster, LocalFault

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
MARK = ".evenkeel-local"  # in a folder that is ours to empty
REPLICATED = ("SELECT count(*) AS copies, coalesce(sum(size_bytes), 0) AS bytes FROM command_history "
              "WHERE kind = 'replicate' AND state = 'done' AND command_id > ?")


def size_argument(text):
    parts = re.fullmatch(r"(\d+)(B|KiB|MiB|GiB)", text)
    if not parts:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 512KiB or 1MiB")
    return int(parts[1]) * UNITS[parts[2]]


def shown_bytes(number):
    for unit in ("GiB", "MiB", "KiB"):
        if number >= UNITS[unit]:
            return f"{number / UNITS[unit]:.1f} {unit}"
    return f"{number} B"


def agents_text(number):
    return f"{number} agent" + ("" if number == 1 else "s")


class Account:
    """What the reader sees: one line a step. A step under way is one line that changes on a
    terminal, and a line now and then where the output goes to a file."""

    def __init__(self):
        self._terminal = sys.stdout.isatty()
        self._start = time.monotonic()
        self._last = ("", 0.0)

    def say(self, text=""):
        self._clear()
        print(text, flush=True)

    def step(self, text):
        self.say(f"[{time.monotonic() - self._start:5.1f} s] {text}")

    def progress(self, text):
        now = time.monotonic()
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K          {text}"[:width + 4], end="", flush=True)
        elif text != self._last[0] and now > self._last[1] + 2:
            print(f"          {text}", flush=True)
            self._last = (text, now)

    def _clear(self):
        if self._terminal:
            print("\r\033[K", end="")


class Show:
    def __init__(self, given, cluster, account):
        self.given, self.cluster, self.account = given, cluster, account
        self.gone = set()      # servers that do not come back
        self.small = set()     # servers with little room
        self.figures = []      # (what, copies, bytes, seconds) of each act
        self.foretold = []     # lines of what evenkeel simulate said, and what came

    def run(self):
        self.start()
        self.fill()
        self.grow()
        for fault in self.given.fault:
            {"kill": self.kill, "corrupt": self.corrupt, "full": self.full}[fault]()
        self.join()
        return self.verify()

    # Acts

    def start(self):
        """As few agents as the goal asks for; the rest come later, so that there is something to
        measure copies by."""
        self.cluster.start(self.given.goal)
        self.cluster.start_console()
        self.account.step(f"Watch it in a browser: {self.cluster.console_address}")
        self.account.step(f"Started membership, the rebalancer and {agents_text(self.given.goal)}, "
                          "each in a rack of its own.")

    def fill(self):
        files = self.cluster.folder / "files"
        files.mkdir()
        dice = random.Random(1)
        for number in range(self.given.chunks):
            (files / f"file{number:05}").write_bytes(dice.randbytes(self.given.chunk_size))
        began = time.monotonic()
        self.cluster.put_tree(files)
        shutil.rmtree(files)
        self.settle("being stored")
        seconds = time.monotonic() - began
        stored = self.given.chunks * self.given.chunk_size * self.given.goal
        self.account.step(f"Put {self.given.chunks} chunks of {shown_bytes(self.given.chunk_size)}, "
                          f"{self.given.goal} replicas each: {shown_bytes(stored)} in {seconds:.1f} s.")
        self.show_servers()

    def grow(self):
        new = range(self.given.goal + 1, self.given.agents + 1)
        if not new:
            return
        names = " and ".join(f"s{server}" for server in new) if len(new) < 3 else f"s{new[0]} to s{new[-1]}"
        with self.act(f"filled {names}, which joined empty"):
            for server in new:
                self.cluster.add_agent(server).start()
            self.account.step(f"Started {names}, empty.")
            self.cluster.wait_for_alive(new)
            self.wait(f"{names} to get their share", lambda: self.evened_out(new), "filling")
        self.show_servers()

    def kill(self):
        server = self.a_full_server()
        forecast = self.forecast(server)
        with self.act(f"made up for s{server}"):
            last, killed = self.last_command(), time.monotonic()
            self.cluster.agent(server).kill()
            self.gone.add(server)
            self.account.step(f"Killed s{server} (kill -9). Membership calls it dead after 2 s of silence.")
            self.cluster.wait_for_liveness(server, "dead")
            detected = time.monotonic() - killed
            short = self.cluster.value("SELECT count(*) FROM violations")
            self.account.step(f"s{server} is dead: {short} chunks are short of a replica.")
            self.settle("healing")
        self.compare(server, forecast, last, detected)
        self.show_servers()

    def forecast(self, server):
        """What evenkeel simulate says of losing this server, on the database as it is now."""
        picture = self.cluster.folder / f"lose-s{server}.svg"
        said = self.cluster.cli(
            "simulate", f"lose server s{server}", "--detection", "2s", "--svg", picture,
            "--config", self.cluster.rebalancer.folder / "rebalancer.toml", as_json=True)
        step, rates = said["steps"][0], said["basis"]["rates"]
        self.account.step(
            f"evenkeel simulate \"lose server s{server}\" foretells {step['copied']['replicas']} copies, "
            f"{shown_bytes(step['copied']['bytes'])}, {step['last_copy_seconds'] or 0:.2f} s from its death "
            f"to the last copy.")
        self.account.say(f"          This rests on {rates['copies_at_once']} copies at once to a server, "
                         f"{1000 * rates['copy_cost_seconds']:.0f} ms each, at "
                         f"{shown_bytes(rates['network_bytes_per_second'])}/s:\n"
                         f"          {rates['rest_on']}.")
        return step

    def compare(self, server, forecast, last, detected):
        """Foretold and real, side by side. Real times are those of the database: from the first copy
        ordered after the death to the last one acknowledged."""
        real = self.cluster.sql(
            "SELECT count(*) AS copies, coalesce(sum(size_bytes), 0) AS bytes, "
            "coalesce(sum(iif(reason = 'repair', size_bytes, 0)), 0) AS repaired, "
            "(coalesce(max(closed_ms), 0) - coalesce(min(issued_ms), 0)) / 1000.0 AS seconds "
            "FROM command_history WHERE kind = 'replicate' AND state = 'done' AND command_id > ?", last)[0]
        foretold = (forecast["last_copy_seconds"] or 0) - (forecast["first_copy_seconds"] or 0)
        lines = [f"Loss of s{server:<36} {'foretold':>12} {'real':>12}"]
        for what, said, came in (
                ("copies", forecast["copied"]["replicas"], real["copies"]),
                ("bytes copied", shown_bytes(forecast["copied"]["bytes"]), shown_bytes(real["bytes"])),
                ("of them to make up for it",
                 shown_bytes(forecast["copied"]["by_reason"].get("repair", {"bytes": 0})["bytes"]),
                 shown_bytes(real["repaired"])),
                ("until it was known to be dead (given)",
                 f"{forecast['detection_seconds']:.2f} s", f"{detected:.2f} s"),
                ("from the first copy ordered to the last done",
                 f"{foretold:.2f} s", f"{real['seconds']:.2f} s")):
            lines.append(f"  {what:<45} {said:>10} {came:>12}")
        if foretold > 0 and real["seconds"] > 0:
            lines.append(f"  real time / foretold: {real['seconds'] / foretold:.2f}")
        self.foretold += lines
        for line in lines:
            self.account.say(f"          {line}")

    def corrupt(self):
        server = self.a_full_server()
        path = max(self.cluster.chunk_files(server), key=lambda path: path.stat().st_size)
        chunk = int(path.name[:16], 16)
        with self.act(f"replaced a damaged replica on s{server}"):
            last = self.last_command()
            with open(path, "r+b") as file:
                byte = file.read(1)
                file.seek(0)
                file.write(bytes([byte[0] ^ 1]))
            self.account.step(f"Flipped one bit of chunk {chunk} on s{server}. Its agent reads all it "
                              "holds, over and over, and will come upon it.")
            self.wait("the damaged replica to be replaced", lambda: self.cluster.value(
                "SELECT count(*) FROM command_history WHERE kind = 'replicate' AND state = 'done' "
                "AND chunk_id = ? AND command_id > ?", chunk, last), "looking for it")
            self.settle("healing")

    def full(self):
        server = max(self.cluster.agents) + 1
        room = 4 * self.given.chunk_size
        with self.act(f"filled s{server}, which is small"):
            self.cluster.add_agent(server, reserve=f"{self.given.capacity - room}B").start()
            self.account.step(f"Started s{server}, a disk that is nearly full: beside its reserve it has "
                              "room for four chunks.")
            self.cluster.wait_for_alive([server])
            self.small.add(server)
            self.wait(f"s{server} to be filled", lambda: self.used(server) > room - self.given.chunk_size
                      and not self.cluster.unsettled(), "filling")
        if self.used(server) > room:
            raise LocalFault(f"s{server} holds {self.used(server)} bytes, more than its {room}")
        self.account.step(f"s{server} holds {shown_bytes(self.used(server))}: filled to its reserve, and "
                          "not past it.")

    def join(self):
        server = max(self.cluster.agents) + 1
        with self.act(f"filled s{server}, which joined empty"):
            self.cluster.add_agent(server).start()
            self.account.step(f"Started s{server}, empty, on a new machine.")
            self.cluster.wait_for_alive([server])
            self.wait(f"s{server} to get its share", lambda: self.evened_out([server]), "filling")
        self.show_servers()

    def verify(self):
        argv = [PROJECT / "tools" / "verify-disks", "--quiet", "--goal", str(self.given.goal), "--exact",
                "--chunks", str(self.given.chunks)]
        for server in self.living():
            argv += ["--agent", f"s{server}={self.cluster.directory(server)}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        self.account.step("Verified the disks, without asking any service:")
        for line in (done.stdout + done.stderr).splitlines():
            self.account.say(f"          {line}")
        broken = [row["name"] for row in self.cluster.sql(
            "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'invariant_*'")
            if self.cluster.sql(f"SELECT * FROM {row['name']} LIMIT 1")]
        self.summary(done.returncode == 0 and not broken, broken)
        return 0 if done.returncode == 0 and not broken else 1

    # What acts are made of

    @contextlib.contextmanager
    def act(self, what):
        """Counts what was copied meanwhile."""
        last, began = self.last_command(), time.monotonic()
        yield
        row, seconds = self.cluster.sql(REPLICATED, last)[0], time.monotonic() - began
        self.figures.append((what, row["copies"], row["bytes"], seconds))
        self.account.step(f"Has {what}: {row['copies']} copies, {shown_bytes(row['bytes'])}, "
                          f"{seconds:.1f} s in all.")

    def wait(self, what, question, verb):
        def asked():
            left = sum(self.cluster.unsettled().values())
            copied = self.cluster.value("SELECT count(*) FROM command_history "
                                        "WHERE kind = 'replicate' AND state = 'done'")
            self.account.progress(f"{verb}: {left} chunks and commands to go, {copied} copies made")
            return question()
        self.cluster.wait(what, asked, 300, self.cluster.unsettled)

    def settle(self, verb):
        self.wait("every chunk to be healthy", lambda: not self.cluster.unsettled(), verb)

    def evened_out(self, servers):
        """Whether they hold as much as the others do, but for those that have no room for so much."""
        used = [self.used(each) for each in self.living() if each not in self.small]
        return (not self.cluster.unsettled()
                and all(abs(self.used(server) - sum(used) / len(used)) <= self.given.chunk_size
                        for server in servers))

    def last_command(self):
        return self.cluster.value("SELECT max(command_id) FROM command_history") or 0

    def living(self):
        return [server for server in self.cluster.agents if server not in self.gone]

    def used(self, server):
        return self.cluster.used_bytes(server)

    def a_full_server(self):
        return max(self.living(), key=lambda server: (self.used(server), -server))

    def show_servers(self):
        used = {server: self.used(server) for server in self.living()}
        most = max(used.values()) or 1
        for server, number in used.items():
            bar = "#" * round(30 * number / most)
            self.account.say(f"          s{server} {bar:<30} {shown_bytes(number)}")

    def summary(self, good, broken):
        used = [self.used(server) for server in self.living() if server not in self.small]
        mean = sum(used) / len(used)
        self.account.say()
        self.account.say("What was done                                   copies        bytes     time")
        for what, copies, number, seconds in self.figures:
            self.account.say(f"  {what:<45} {copies:>6} {shown_bytes(number):>12} {seconds:>6.1f} s")
        self.account.say(f"Evenness: the fullest server holds {shown_bytes(max(used))}, the emptiest "
                         f"{shown_bytes(min(used))}; {shown_bytes(mean)} would be even"
                         + (", small servers apart." if self.small else "."))
        for line in self.foretold:
            self.account.say(line)
        if broken:
            self.account.say(f"Invariants that do not hold: {', '.join(broken)}")
        self.account.say(f"Every one of {self.given.chunks} chunks has {self.given.goal} intact replicas."
                         if good else "The disks are NOT as they should be.")

    def how_to_look(self):
        cluster, say = self.cluster, self.account.say
        tool = (f"{cluster.bin}/evenkeel --cluster {cluster.name} "
                f"--control {cluster.endpoints['control']} --database {cluster.database}")
        say()
        say("The cluster runs on until Ctrl-C. To look at it, and to try what it does:")
        say(f"  {cluster.console_address} in a browser")
        for words in ("status", "servers", "chunks", "commands", "put FILE", "get FILE -o OUT"):
            say(f"  {tool} {words}")
        say("or in SQL (read only: the rebalancer alone writes):")
        for view in ("server_status", "chunk_health", "violations", "command_history"):
            say(f"  sqlite3 'file:{cluster.database}?mode=ro' 'SELECT * FROM {view} LIMIT 20'")
        say(f"The console of another cluster: {cluster.bin}/evenkeel-console --config deploy/console.toml")
        say("Endpoints:")
        for name, endpoint in cluster.endpoints.items():
            say(f"  {name:<20} {endpoint}")
        say(f"Logs: {cluster.folder}/*/*.log")


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/run-local",
        description="Exit code 0: all went well and the disks hold what they should; 1: they do not, "
                    "or something failed; 2: wrong use; 130: ended by Ctrl-C.")
    parser.add_argument("--agents", type=int, default=5, metavar="N", help="servers, before one fails (5)")
    parser.add_argument("--chunks", type=int, default=200, metavar="N", help="chunks to put (200)")
    parser.add_argument("--chunk-size", type=size_argument, default=size_argument("1MiB"),
                        metavar="SIZE", help="of each chunk, at most 64MiB (1MiB)")
    parser.add_argument("--goal", type=int, default=3, metavar="N", help="replicas of each chunk (3)")
    parser.add_argument("--fault", action="append", choices=("kill", "corrupt", "full", "none"),
                        help="what goes wrong; repeated, one after the other (kill)")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("run-local-data"),
                        metavar="DIR", help="where the chunks are kept; emptied first (run-local-data)")
    parser.add_argument("--keep", action="store_true",
                        help="leave the cluster running until Ctrl-C, and its files there after it")
    parser.add_argument("--quick", action="store_true", help="forty chunks of 64 KiB")
    parser.add_argument("--bin", type=pathlib.Path, default=PROJECT / "build" / "release" / "bin",
                        help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.fault = [fault for fault in given.fault or ["kill"] if fault != "none"]
    if given.quick:
        given.chunks, given.chunk_size = 40, size_argument("64KiB")
    given.reserve = size_argument("1MiB")
    given.capacity = 2 * given.goal * given.chunks * given.chunk_size + given.reserve
    left = given.agents - given.fault.count("kill")
    if not 1 <= given.goal <= left:
        parser.error(f"{given.goal} replicas want as many servers, and only {left} are left in the end")
    if not (0 < given.chunk_size <= size_argument("64MiB") and given.chunks > 0):
        parser.error("chunks are of 1 byte to 64 MiB, and there is at least one")
    return given


class Folder:
    """The folder of a run: emptied at its beginning and removed in its end, unless it is to be
    kept. One that is not ours, or in which another run is at work, is left alone."""

    def __init__(self, path, keep):
        self.path, self.keep = path, keep
        self._mark = None

    def __enter__(self):
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / MARK).exists():
            raise LocalFault(f"{self.path} is not empty and not of an earlier run; "
                             "name another with --dir")
        self.path.mkdir(parents=True, exist_ok=True)
        self._mark = open(self.path / MARK, "w", encoding="utf-8")
        try:
            fcntl.flock(self._mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._mark.close()
            raise LocalFault(f"another run is at work in {self.path}; name another with --dir") from None
        for old in self.path.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
            elif old.name != MARK:
                old.unlink()
        return self

    def __exit__(self, kind, *_):
        failed = kind is not None and issubclass(kind, LocalFault)
        if failed:
            print(f"tools/run-local: logs and chunks are left in {self.path}", file=sys.stderr)
        if not self.keep and not failed:
            shutil.rmtree(self.path)
        self._mark.close()


def interrupted(*_):
    raise KeyboardInterrupt


def run(given, account):
    with Folder(given.dir, given.keep), \
            LocalCluster(given.dir.resolve(), given.bin,
                         rebalancer={"default_goal": given.goal,
                                     "chunk_size": f"{given.chunk_size}B", "safe_mode_time": "2s",
                                     "patience.server": "0s"},  # to see it heal at once
                         agent={"capacity": f"{given.capacity}B", "reserve": f"{given.reserve}B",
                                "scrub_rate": "256MiB", "scrub_pause": "2s"}) as cluster:
        show = Show(given, cluster, account)
        code = show.run()
        if given.keep:
            show.how_to_look()
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    signal.pause()
        cluster.stop()
    return code


def main():
    given, account = arguments(), Account()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    try:
        return run(given, account)
    except KeyboardInterrupt:
        account.say("\nEnded, and all that was started with it.")
        return 130
    except LocalFault as fault:
        account.say()
        print(f"tools/run-local: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
