"""An agent in Python, written from schema/wire/README.md and schema/disk/README.md alone.

It says heartbeats to membership, hello and inventories to the rebalancer, executes replicate, delete,
verify and report commands, stores what clients put, and serves its chunks to other agents. What it
leaves out is what one run in a test does not need: its journal lives as long as it does, and it does
not scrub.
"""
import hashlib
import hmac
import queue
import secrets
import socket
import struct
import threading
import time

import msgpack
import xxhash
import zmq

PROTOCOL = 1
BLOCK_BYTES = 262144
PAYLOAD_MAX = 1 << 20
HEADER = struct.Struct(">HBBIQQ")
MAGIC = 0x454B
OPEN, MANIFEST, READ, DATA, DONE, ERROR, STORE, STORED = range(1, 9)


# The wire

def pack(cluster, kind, body):
    return msgpack.packb([PROTOCOL, kind, cluster, body])


def unpack(cluster, message):
    """Kind and body; ValueError if it is not for us."""
    protocol, kind, named, body = msgpack.unpackb(message)
    if protocol != PROTOCOL or named != cluster:
        raise ValueError(f"protocol {protocol}, cluster {named}")
    return kind, body


def sign(key, *parts):
    return hmac.new(key, "|".join(str(part) for part in parts).encode(), hashlib.sha256).digest()


def read_exactly(connection, length):
    data = bytearray()
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ConnectionError("the other side has gone")
        data += more
    return bytes(data)


def read_frame(connection):
    magic, protocol, kind, length, transfer, offset = HEADER.unpack(
        read_exactly(connection, HEADER.size))
    if magic != MAGIC or protocol != PROTOCOL or length > PAYLOAD_MAX:
        raise ConnectionError("not a frame of ours")
    return kind, transfer, offset, read_exactly(connection, length)


def send_frame(connection, kind, transfer, payload, offset=0):
    connection.sendall(HEADER.pack(MAGIC, PROTOCOL, kind, len(payload), transfer, offset) + payload)


def domain_of(location, spread):
    """Which failure domain a location is in. One of a single part is its own rack and zone."""
    parts = location.split("/")
    return tuple({"host": parts, "rack": parts[:-1] or parts, "zone": parts[:1]}[spread])


# The disk

def blocks_of(data):
    return b"".join(xxhash.xxh3_64_digest(data[at:at + BLOCK_BYTES])
                    for at in range(0, len(data), BLOCK_BYTES))


def checksum_of(size_bytes, blocks):
    return xxhash.xxh3_128_digest(size_bytes.to_bytes(8, "big") + blocks)


def domain_of(location, spread):
    """The failure domain of a location: its host, its rack or its zone."""
    if spread == "host" or "/" not in location:
        return location
    return location.rpartition("/")[0] if spread == "rack" else location.partition("/")[0]


class ChunkDirectory:
    """Chunks in live/, by (chunk, version): path and when they were last read and matched."""

    def __init__(self, folder):
        self.folder = folder
        self._lock = threading.Lock()
        self._checked = {}
        for name in ("live", "tmp", "trash"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def find(self, chunk, version):
        return next((path for path in (self.folder / "live").glob(f"{chunk:016x}.{version}.*")
                     if not path.name.endswith(".manifest")), None)

    def store(self, chunk, version, checksum, data):
        name = f"{chunk:016x}.{version}.{checksum.hex()}"
        with self._lock:
            if len(data) > BLOCK_BYTES:
                (self.folder / "live" / f"{name}.manifest").write_bytes(
                    b"EKM1" + len(data).to_bytes(8, "big") + blocks_of(data))
            aside = self.folder / "tmp" / name
            aside.write_bytes(data)
            aside.rename(self.folder / "live" / name)
            self._checked[chunk, version] = time.monotonic()

    def remove(self, chunk, version):
        path = self.find(chunk, version)
        path.rename(self.folder / "trash" / f"{path.name}.{int(time.time() * 1000)}")
        path.with_name(path.name + ".manifest").unlink(missing_ok=True)

    def verify(self, chunk, version):
        """The bytes, if they are what the name says."""
        path = self.find(chunk, version)
        if path is None:
            return None
        data = path.read_bytes()
        if checksum_of(len(data), blocks_of(data)).hex() != path.name.split(".")[2]:
            return None
        self._checked[chunk, version] = time.monotonic()
        return data

    def rows(self):
        """As an inventory has them."""
        for path in sorted((self.folder / "live").iterdir()):
            if path.name.endswith(".manifest"):
                continue
            chunk, version, checksum = path.name.split(".")
            key = int(chunk, 16), int(version)
            checked = self._checked.get(key)
            age_ms = None if checked is None else int((time.monotonic() - checked) * 1000)
            yield [*key, path.stat().st_size, bytes.fromhex(checksum), "ok", age_ms]


# The agent

class Later(ConnectionError):
    """The source is not to blame, and may be asked again."""


class ForeignAgent:
    """Use in a with statement. `executed`: command id -> result, in order; `served`: (mode, chunk)
    of each transfer that others opened here."""

    def __init__(self, cluster, server, folder, membership, commands, agents, capacity_bytes=1 << 30,
                 location=None):
        self.cluster, self.server = cluster, server
        self.storage = secrets.token_hex(16)
        self.location = location or f"zone1/rack{server}/host{server}"
        self.capacity_bytes = capacity_bytes
        self.directory = ChunkDirectory(folder)
        self.executed, self.served = {}, []
        self.faults = []
        self._endpoints = membership, commands, agents
        self._incarnation, self._epoch, self._journal, self._inventories = 1, 0, 0, 0
        self._key, self._welcomed = None, False
        self._unconfirmed, self._last_seen = {}, 0
        self._open = {}  # commands without a result, by id
        self._named = {}  # command id -> the last epoch in which it was named; None: it is over
        self._sweep = None  # after which command all that is open is being asked for
        self._results, self._orders = queue.Queue(), queue.Queue()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True)
                         for work in (self._talk, self._execute, self._listen)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._orders.put(None)
        with socket.create_connection(self._listener.getsockname()):
            pass  # wakes the listener up
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _guarded(self, work):
        try:
            work()
        except Exception as fault:  # the test is to hear of it
            self.faults.append(f"{work.__name__}: {fault!r}")

    # Control messages, all from one thread

    def _talk(self):
        context = zmq.Context()
        membership, rebalancer = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
        commands = context.socket(zmq.SUB)
        membership.connect(self._endpoints[0])
        commands.connect(self._endpoints[1])
        rebalancer.connect(self._endpoints[2])
        commands.subscribe(f"command.{self.server}.".encode())
        poller = zmq.Poller()
        for channel in (membership, rebalancer, commands):
            poller.register(channel, zmq.POLLIN)
        send = self._sender(rebalancer)
        next_heartbeat = next_repeat = 0.0
        try:
            while not self._ending.is_set():
                now = time.monotonic()
                if now >= next_heartbeat:
                    next_heartbeat = now + 0.25
                    membership.send(pack(self.cluster, "heartbeat", self._member()))
                while not self._results.empty():
                    result = self._results.get()
                    self._unconfirmed[result["command"]] = result
                    next_repeat = 0.0
                if now >= next_repeat:
                    next_repeat = now + 0.5
                    if not self._welcomed:
                        send("hello", journal=self._journal, last_command=self._last_seen)
                    elif self._unconfirmed:
                        send("ack", results=list(self._unconfirmed.values())[:1000])
                    if self._welcomed and self._sweep is not None:
                        send("pull", after=self._sweep)
                ready = dict(poller.poll(50))
                if membership in ready:
                    self._on_heartbeat_reply(*unpack(self.cluster, membership.recv()))
                if rebalancer in ready:
                    self._on_answer(send, *unpack(self.cluster, rebalancer.recv()))
                if commands in ready:
                    _, message = commands.recv_multipart()
                    self._on_publication(send, *unpack(self.cluster, message))
        finally:
            context.destroy(0)

    def _sender(self, channel):
        def send(kind, **fields):
            channel.send(pack(self.cluster, kind, {
                "server": self.server, "incarnation": self._incarnation, "storage": self.storage,
                "epoch": self._epoch, **fields}))
        return send

    def _member(self):
        used = sum(row[2] for row in self.directory.rows())
        host, port = self._listener.getsockname()
        return {"server": self.server, "incarnation": self._incarnation, "storage": self.storage,
                "location": self.location, "address": f"{host}:{port}",
                "capacity_bytes": self.capacity_bytes, "reserve_bytes": 0,
                "free_bytes": self.capacity_bytes - used, "used_bytes": used}

    def _on_heartbeat_reply(self, kind, body):
        if kind == "heartbeat_reply" and body["status"] == "stale":
            self._incarnation = body["incarnation"] + 1

    def _on_answer(self, send, kind, body):
        if kind == "welcome":
            self._epoch = max(self._epoch, body["epoch"])
            self._key, self._welcomed = body["copy_key"], True
            if body["inventory"]:
                self._report(send)
            self._sweep = 0
            send("pull", after=0)
        elif kind == "retry":
            self._welcomed = False
        elif kind == "inventory_reply" and body["status"] == "again":
            self._report(send)
        elif kind == "ack_reply":
            for command in body["commands"]:
                self._unconfirmed.pop(command, None)
        elif kind == "commands":
            self._on_publication(send, kind, body)
            if self._welcomed and body["epoch"] == self._epoch and body["previous"] == self._sweep:
                self._swept(send, body)

    def _swept(self, send, body):
        """A part of all that is open has come. What no part names is over."""
        if body["more"]:
            self._sweep = body["items"][-1]["command"]
            send("pull", after=self._sweep)
            return
        self._sweep = None
        for command, epoch in self._named.items():
            if command in self._open and epoch != self._epoch:
                self._named[command] = None

    def _on_publication(self, send, kind, body):
        if body["epoch"] > self._epoch:
            self._epoch, self._welcomed = body["epoch"], False  # and so the next we say is hello
        if not self._welcomed or body["epoch"] < self._epoch:
            return
        if kind == "beacon" and body["last"] > self._last_seen:
            send("pull", after=self._last_seen)
        if kind == "commands":
            if body["previous"] > self._last_seen:
                send("pull", after=self._last_seen)
            for command in body["items"]:
                self._accept(send, command)

    def _accept(self, send, command):
        self._last_seen = max(self._last_seen, command["command"])
        if command["command"] in self.executed:  # said before; say it again
            self._unconfirmed[command["command"]] = self.executed[command["command"]]
            return
        known = self._open.get(command["command"])
        if known is not None:  # the same one, with fresh sources and evidence
            if self._named[command["command"]] not in (None, self._epoch):
                known.update(command)
                self._named[command["command"]] = self._epoch
            return
        self._open[command["command"]] = command
        self._named[command["command"]] = self._epoch
        if command["kind"] == "report":
            self._report(send)
            self._finish(command, "done")
        else:
            self._orders.put(command)

    def _report(self, send):
        with self._lock:
            self._inventories += 1
            send("inventory", number=self._inventories, basis=0, journal=self._journal, part=1,
                 parts=1, rows=list(self.directory.rows()), gone=[])

    # Commands, one after the other

    def _execute(self):
        while (command := self._orders.get()) is not None:
            if command["storage"] != self.storage:
                self._finish(command, "refused", "wrong_storage")
            elif command["kind"] == "replicate":
                self._replicate(command)
            elif command["kind"] == "delete":
                self._delete(command)
            elif command["kind"] == "verify":
                self._verify(command)
            else:
                self._finish(command, "refused", "unknown")

    def _finish(self, command, outcome, reason=None, blamed=(), bytes_done=0):
        with self._lock:
            self._journal += 1
            result = {"command": command["command"], "outcome": outcome, "journal": self._journal,
                      "blamed": [list(blame) for blame in blamed], "bytes_done": bytes_done,
                      "free_bytes": self._member()["free_bytes"], "detail": ""}
            if reason:
                result["reason"] = reason
            self.executed[command["command"]] = result
            self._open.pop(command["command"], None)
        self._results.put(result)

    def _is_wanted(self, command):
        """Waits until it is named in the epoch of now. False: it is over, and has its result."""
        while not self._ending.is_set():
            named = self._named[command["command"]]
            if named == self._epoch:
                return True
            if named is None:
                self._finish(command, "failed", "stale_epoch")
                return False
            self._ending.wait(0.02)
        return False

    def _replicate(self, command):
        if self.directory.find(command["chunk"], command["version"]):
            self._finish(command, "done")
            return
        blamed = {}
        while self._is_wanted(command):
            left = [source for source in command["sources"] if source[0] not in blamed]
            if not left:
                self._finish(command, "failed", "no_source", blamed.items())
                return
            server, storage, address, token = left[0]
            try:
                data = self._fetch(command, storage, address, token)
            except Later:
                self._ending.wait(0.1)
                continue
            except (OSError, ValueError) as fault:
                blamed[server] = "corrupt" if isinstance(fault, ValueError) else "unreachable"
                continue
            if self._is_wanted(command):
                self.directory.store(command["chunk"], command["version"], command["checksum"], data)
                self._finish(command, "done", blamed=blamed.items(), bytes_done=len(data))
            return

    def _fetch(self, command, storage, address, token):
        """All bytes of the chunk from one source, each block checked; ValueError if it lies."""
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            transfer = 1
            send_frame(connection, OPEN, transfer, pack(self.cluster, "transfer.open", {
                "mode": "copy", "epoch": self._epoch, "command": command["command"],
                "chunk": command["chunk"], "version": command["version"], "source": storage,
                "target": self.server, "token": token, "offset": 0, "length": 0}))
            manifest = self._expect(connection, MANIFEST)
            size_bytes, blocks = manifest["size_bytes"], manifest["blocks"]
            if (size_bytes != command["size_bytes"]
                    or checksum_of(size_bytes, blocks) != command["checksum"]):
                raise ValueError("its manifest is another chunk's")
            data = bytearray()
            while len(data) < size_bytes:
                length = min(PAYLOAD_MAX, size_bytes - len(data))
                send_frame(connection, READ, transfer, pack(
                    self.cluster, "transfer.read", {"offset": len(data), "length": length}))
                data += self._read_range(connection, len(data), length)
            if blocks_of(bytes(data)) != blocks:
                raise ValueError("its bytes do not match its manifest")
            send_frame(connection, DONE, transfer, pack(self.cluster, "transfer.done", {}))
            return bytes(data)

    def _expect(self, connection, wanted):
        kind, _, _, payload = read_frame(connection)
        if kind == ERROR:
            code = unpack(self.cluster, payload)[1]["code"]
            raise (Later if code in ("busy", "epoch") else ConnectionError)(code)
        if kind != wanted:
            raise ConnectionError(f"frame {kind}, not {wanted}")
        return unpack(self.cluster, payload)[1]

    def _read_range(self, connection, offset, length):
        """The answer to one read may come in several frames."""
        data = b""
        while len(data) < length:
            kind, _, at, payload = read_frame(connection)
            if kind != DATA or at != offset + len(data):
                raise ConnectionError(f"frame {kind} at {at}")
            data += payload
        return data

    def _delete(self, command):
        path = self.directory.find(command["chunk"], command["version"])
        if path is None:
            self._finish(command, "done")
            return
        if not self._is_wanted(command):
            return
        if not command["retired"]:
            holders = [holder for holder in command["evidence"]
                       if holder["storage"] != self.storage
                       and holder["checksum"] == command["checksum"]
                       and holder["presence_age_ms"] <= 600000]
            if (len({holder["storage"] for holder in holders}) < command["goal"]
                    or len({domain_of(holder["location"], command["spread"])
                            for holder in holders}) < command["domains"]):
                self._finish(command, "refused", "evidence")
                return
        self.directory.remove(command["chunk"], command["version"])
        self._finish(command, "done")

    def _verify(self, command):
        path = self.directory.find(command["chunk"], command["version"])
        if path is None:
            self._finish(command, "failed", "missing")
        elif command["level"] == "content":
            data = self.directory.verify(command["chunk"], command["version"])
            if data is None:
                self._finish(command, "failed", "corrupt")
            else:
                self._finish(command, "done", bytes_done=len(data))
        elif path.stat().st_size == command["size_bytes"]:
            self._finish(command, "done")
        else:
            self._finish(command, "failed", "corrupt")

    # The data port, a thread for each connection

    def _listen(self):
        while not self._ending.is_set():
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        transfers = {}
        try:
            with connection:
                while True:
                    kind, transfer, offset, payload = read_frame(connection)
                    if kind == OPEN:
                        self._serve_open(connection, transfers, transfer, payload)
                    elif kind == READ:
                        body = unpack(self.cluster, payload)[1]
                        self._send_range(connection, transfer, transfers.get(transfer),
                                         body["offset"], body["length"])
                    elif kind == DONE:
                        transfers.pop(transfer, None)
                    elif kind == STORE:
                        transfers[transfer] = [unpack(self.cluster, payload)[1], bytearray()]
                        self._try_stored(connection, transfers, transfer)
                    elif kind == DATA and transfer in transfers:
                        if offset != len(transfers[transfer][1]):
                            raise ConnectionError("data out of order")
                        transfers[transfer][1].extend(payload)
                        self._try_stored(connection, transfers, transfer)
                    elif kind != ERROR:
                        raise ConnectionError(f"frame {kind} here")
        except (ConnectionError, ValueError, OSError):
            pass  # theirs to explain

    def _refuse(self, connection, transfer, code, what):
        send_frame(connection, ERROR, transfer,
                   pack(self.cluster, "transfer.error", {"code": code, "what": what}))

    def _serve_open(self, connection, transfers, transfer, payload):
        asked = unpack(self.cluster, payload)[1]
        common = (self.cluster, asked["epoch"])
        if asked["mode"] == "copy":
            good = sign(self._key, "copy", *common, asked["command"], asked["chunk"],
                        asked["version"], self.storage, asked["target"])
        else:
            good = sign(self._key, "get", *common, asked["chunk"], asked["version"], self.storage)
        if not self._is_good(connection, transfer, good, asked):
            return
        data = self.directory.verify(asked["chunk"], asked["version"])
        if data is None:
            self._refuse(connection, transfer, "missing", "no such replica")
            return
        blocks = blocks_of(data)
        transfers[transfer] = data
        self.served.append((asked["mode"], asked["chunk"]))
        send_frame(connection, MANIFEST, transfer, pack(self.cluster, "transfer.manifest", {
            "size_bytes": len(data), "checksum": checksum_of(len(data), blocks),
            "block_bytes": BLOCK_BYTES, "blocks": blocks}))
        self._send_range(connection, transfer, data, asked["offset"], asked["length"])

    def _is_good(self, connection, transfer, good, asked):
        if not hmac.compare_digest(good, asked["token"]):
            self._refuse(connection, transfer, "token", "not a token of ours")
            return False
        if asked["epoch"] > self._epoch:  # news of it, as only the rebalancer can sign
            self._epoch, self._welcomed = asked["epoch"], False
        if asked["epoch"] < self._epoch:
            self._refuse(connection, transfer, "epoch", f"the epoch is {self._epoch} here")
            return False
        return True

    def _send_range(self, connection, transfer, data, offset, length):
        if data is None or offset + length > len(data):
            self._refuse(connection, transfer, "malformed", "no such transfer or range")
            return
        for at in range(offset, offset + length, PAYLOAD_MAX):
            end = min(at + PAYLOAD_MAX, offset + length)
            send_frame(connection, DATA, transfer, data[at:end], at)

    def _try_stored(self, connection, transfers, transfer):
        """Acknowledges what a client stores here, once all of it has come."""
        asked, data = transfers[transfer]
        if len(data) < asked["size_bytes"]:
            return
        del transfers[transfer]
        chunk, version, checksum = asked["chunk"], asked["version"], asked["checksum"]
        good = sign(self._key, "put", self.cluster, asked["epoch"], chunk, version,
                    asked["size_bytes"], checksum.hex(), self.storage)
        if not self._is_good(connection, transfer, good, asked):
            return
        if checksum_of(len(data), blocks_of(bytes(data))) != checksum:
            self._refuse(connection, transfer, "corrupt", "not the bytes that were announced")
            return
        self.directory.store(chunk, version, checksum, bytes(data))
        with self._lock:
            self._journal += 1
            journal = self._journal
        receipt = sign(self._key, "stored", self.cluster, chunk, version, checksum.hex(),
                       self.storage, journal)
        send_frame(connection, STORED, transfer, pack(self.cluster, "transfer.stored", {
            "chunk": chunk, "version": version, "server": self.server, "storage": self.storage,
            "journal": journal, "receipt": receipt}))
