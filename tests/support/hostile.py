"""What a port may meet that is not meant for it: noise, halves of protocols, and claims."""
import contextlib
import random
import socket
import struct

# A greeting of ZMTP 3.0, NULL mechanism, and the READY of a DEALER after it.
ZMTP_GREETING = (b"\xff" + b"\x00" * 7 + b"\x01" + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\x00")
                 + b"\x00" + b"\x00" * 31)
ZMTP_READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
FRAME = struct.Struct(">HBBIQQ")


def raw_attacks(seed):
    """Bytes to send after connecting, one connection each."""
    dice = random.Random(seed)
    yield b""
    yield b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(500)
    yield b"\x00" * 4096
    yield b"\xff" * 4096
    for length in (1, 7, 24, 64, 1000, 70000):
        yield dice.randbytes(length)
    # ZMTP: cut off at several places, and frames that claim more than there may be.
    for length in (1, 10, 11, 12, 33, len(ZMTP_GREETING) - 1):
        yield ZMTP_GREETING[:length]
    yield ZMTP_GREETING
    yield ZMTP_GREETING + ZMTP_READY[:9]
    yield ZMTP_GREETING + b"\x06" + struct.pack(">Q", 1 << 62)
    yield ZMTP_GREETING + ZMTP_READY + b"\x02" + struct.pack(">Q", 1 << 40) + b"x" * 100
    yield ZMTP_GREETING + ZMTP_READY + b"\x02" + struct.pack(">Q", (1 << 63) - 1)
    yield ZMTP_GREETING + ZMTP_READY + b"\x00\xff" + dice.randbytes(10)
    # The data port: each header field wrong in its turn, payloads short, absent and too long.
    good = (0x454B, 1, 1, 5, 1, 0)
    for place, value in ((0, 0x4542), (1, 2), (2, 0), (2, 99), (3, (1 << 20) + 1), (3, 0xffffffff)):
        wrong = list(good)
        wrong[place] = value
        yield FRAME.pack(*wrong) + dice.randbytes(64)
    yield FRAME.pack(*good)[:13]
    yield FRAME.pack(*good) + b"\x94\x01"
    yield FRAME.pack(*good) + b"\xdd\xff\xff\xff\xff"      # an array of four billion
    yield FRAME.pack(0x454B, 1, 4, 64, 7, 1 << 62) + b"d" * 64   # data that nobody asked for
    yield FRAME.pack(0x454B, 1, 3, 5, 7, 0) + b"\x94\x01\x01\x01\x01"
    yield FRAME.pack(0x454B, 1, 7, 1 << 20, 7, 0) + b"\xc1" * (1 << 20)
    for _ in range(20):
        yield FRAME.pack(0x454B, 1, dice.randint(1, 8), 40, dice.getrandbits(64), 0) + dice.randbytes(40)


def messages(cluster, seed):
    """Messages for a ROUTER: not msgpack, not an envelope, and well-formed ones that lie."""
    import msgpack
    dice = random.Random(seed)
    yield [b""]
    yield [b"\xc1"]
    yield [dice.randbytes(100)]
    yield [b"\x91" * 2000]                                   # too deep
    yield [b"\xdd\xff\xff\xff\xff"]                          # claims more than there is
    yield [b"x" * ((1 << 20) + 1)]                           # more than a message may be
    yield [b"one", b"two", b"three"]
    for envelope in ([], [1], [1, "hello"], [2, "hello", cluster, {}], [1, 5, cluster, {}],
                     [1, "hello", "another", {}], [1, "hello", cluster, []], ["1", "hello", cluster, {}],
                     [1, "no-such-kind", cluster, {}], [1, "hello", cluster, {}],
                     [1, "heartbeat", cluster, {"server": -1}],
                     [1, "heartbeat", cluster, {"server": 1, "incarnation": 1, "storage": "zz"}],
                     [1, "ping", cluster, {"request": "one"}],
                     [1, "locate", cluster, {"request": 1, "name": "x" * 5000}],
                     [1, "put_open", cluster, {"request": 1, "name": "", "goal": 3, "size_bytes": 1}],
                     [1, "put_place", cluster, {"request": 2, "file": 1 << 60, "items": []}],
                     [1, "put_close", cluster, {"request": 3, "file": 1, "stored": [], "done": True}],
                     [1, "ack", cluster, {"server": 1, "incarnation": 1, "storage": "0" * 32,
                                          "epoch": 1, "results": [{}]}],
                     [1, "inventory", cluster, {"server": 1, "incarnation": 1, "storage": "0" * 32,
                                                "epoch": 1, "number": 1, "basis": 0, "journal": 0,
                                                "part": 2, "parts": 1, "rows": [], "gone": []}],
                     [1, "pull", cluster, {"server": 99, "incarnation": 1, "storage": "0" * 32,
                                           "epoch": 1 << 50, "after": 0}],
                     [1, "snapshot_request", cluster, {"request": [1]}]):
        packed = msgpack.packb(envelope)
        yield [packed]
        yield [packed[:-1]]
        yield [packed + b"\x00"]
    for _ in range(50):
        packed = bytearray(msgpack.packb([1, "hello", cluster, {"server": 1, "epoch": 3}]))
        packed[dice.randrange(len(packed))] ^= 1 << dice.randrange(8)
        yield [bytes(packed)]


def send_raw(host, port, data):
    """Connects, sends, and goes without a word; returns once the port has had its chance to read."""
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.settimeout(0.3)
        with contextlib.suppress(OSError):  # it may well close the door
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


class HeldOpen:
    """Connections that were opened and never say another word."""

    def __init__(self, places, number, first=b""):
        self._sockets = []
        for host, port in places:
            for _ in range(number):
                connection = socket.create_connection((host, port), timeout=10)
                with contextlib.suppress(OSError):
                    connection.sendall(first)
                self._sockets.append(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._sockets:
            connection.close()
