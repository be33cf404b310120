#!/usr/bin/python3
"""The wire as another language sees it: golden files against what they should say, and messages that
are made here, whole and damaged, against the codec (the program wire_echo).

    foreign_test.py <wire_echo> <schema folder>
"""
import pathlib
import subprocess
import sys
import unittest

import msgpack

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "support")]
import evenkeel_wire as wire  # noqa: E402
from expected import CHECKSUM, EXPECTED, KEY, OPTIONAL, OTHER, STORAGE  # noqa: E402

ECHO, SCHEMA = sys.argv[1], pathlib.Path(sys.argv[2])
GOLDEN = {path.stem: bytes.fromhex(path.read_text())
          for path in (SCHEMA / "wire" / "golden").glob("*.hex")}


def echo(messages):
    """What the codec makes of each: ("ok", bytes) or ("no", reason)."""
    text = "".join(message.hex() + "\n" for message in messages)
    done = subprocess.run([ECHO], input=text, capture_output=True, text=True, check=True)
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert len(lines) == len(messages), (len(lines), len(messages))
    return [(word, bytes.fromhex(rest) if word == "ok" else rest) for word, rest in lines]


class Pairs(list):
    """A map as pairs in their order, so that a name can be there twice."""


def as_pairs(value):
    if isinstance(value, dict):
        return Pairs((name, as_pairs(of)) for name, of in value.items())
    return [as_pairs(element) for element in value] if isinstance(value, list) else value


def pack(packer, value):
    if isinstance(value, Pairs):
        return packer.pack_map_header(len(value)) + b"".join(
            packer.pack(name) + pack(packer, of) for name, of in value)
    if isinstance(value, list):
        return packer.pack_array_header(len(value)) + b"".join(pack(packer, of) for of in value)
    return packer.pack(value)


def message(kind, pairs):
    return pack(msgpack.Packer(), [wire.PROTOCOL, kind, "golden", pairs])


def changed_everywhere(value, change, path=""):
    """Each value that `value` becomes if one of the maps in it is changed: (path, value)."""
    if isinstance(value, Pairs):
        for place, pairs in change(value):
            yield f"{path}{place}", pairs
    if isinstance(value, list):
        for i, element in enumerate(value):
            inner = element[1] if isinstance(value, Pairs) else element
            below = f"{path}{element[0]}." if isinstance(value, Pairs) else f"{path}{i}."
            for place, new in changed_everywhere(inner, change, below):
                put = (element[0], new) if isinstance(value, Pairs) else new
                yield place, type(value)([*value[:i], put, *value[i + 1:]])


def without_a_field(pairs):
    for i, (name, _) in enumerate(pairs):
        yield name, Pairs(pairs[:i] + pairs[i + 1:])


def with_a_field_twice(pairs):
    for pair in pairs:
        yield pair[0], Pairs([*pairs, pair])


def with_another_type(pairs):
    for i, (name, value) in enumerate(pairs):
        for other in (None, -1, 1.5, "?", b"?", True, Pairs(), [[]]):
            if type(other) is type(value):
                continue
            yield name, Pairs(pairs[:i] + [(name, other)] + pairs[i + 1:])


def with_an_unknown_field(pairs):
    yield "", Pairs([("news", Pairs([("of", [1, "later", b"version", None])])), *pairs])


class Foreign(unittest.TestCase):
    def test_golden_files_say_what_is_expected(self):
        self.assertEqual(GOLDEN.keys(), EXPECTED.keys())
        for kind, bytes_ in GOLDEN.items():
            with self.subTest(kind):
                self.assertEqual(msgpack.unpackb(bytes_), [1, kind, "golden", EXPECTED[kind]])
                self.assertEqual(wire.decode("golden", bytes_), (kind, EXPECTED[kind]))

    def test_messages_made_here_are_understood(self):
        kinds = list(EXPECTED)
        made = [wire.encode("golden", kind, dict(reversed(EXPECTED[kind].items())))
                for kind in kinds]
        for kind, result in zip(kinds, echo(made)):
            with self.subTest(kind):
                self.assertEqual(result, ("ok", GOLDEN[kind]))

    def changed(self, change):
        """(kind, path, result) for every message that one `change` to the golden ones makes."""
        cases = [(kind, path, message(kind, pairs))
                 for kind, body in EXPECTED.items()
                 for path, pairs in changed_everywhere(as_pairs(body), change)]
        results = echo([bytes_ for _, _, bytes_ in cases])
        return [(kind, path, result) for (kind, path, _), result in zip(cases, results)]

    def test_a_missing_field_is_refused(self):
        for kind, path, (word, reason) in self.changed(without_a_field):
            with self.subTest(kind=kind, path=path):
                self.assertEqual(word, "ok" if (kind, path) in OPTIONAL else "no", reason)

    def test_a_field_there_twice_is_refused(self):
        for kind, path, (word, reason) in self.changed(with_a_field_twice):
            with self.subTest(kind=kind, path=path):
                self.assertEqual(word, "no")
                self.assertIn("there twice", reason)
                self.assertIn(path.rpartition(".")[2], reason)

    def test_another_type_is_refused(self):
        for kind, path, (word, reason) in self.changed(with_another_type):
            with self.subTest(kind=kind, path=path):
                self.assertEqual(word, "no")

    def test_unknown_fields_are_passed_over(self):
        for kind, path, result in self.changed(with_an_unknown_field):
            with self.subTest(kind=kind, path=path):
                self.assertEqual(result, ("ok", GOLDEN[kind]))

    def test_limits_hold(self):
        hello = EXPECTED["hello"]
        row = EXPECTED["inventory"]["rows"][0]
        heartbeat = EXPECTED["heartbeat"]
        cases = [
            ("hello", {**hello, "server": 0}, "less than 1"),
            ("hello", {**hello, "server": 2**63}, "more than"),
            ("hello", {**hello, "storage": STORAGE.upper()}, "lower-case"),
            ("hello", {**hello, "journal": 2**64 - 1}, "more than"),
            ("heartbeat", {**heartbeat, "labels": [["Disk", "ssd"]]}, "the key must be"),
            ("heartbeat", {**heartbeat, "labels": [["disk", ""]]}, "the value must be"),
            ("heartbeat", {**heartbeat, "labels": [["disk", "s=d"]]}, "the value must be"),
            ("heartbeat", {**heartbeat, "labels": [["disk", "x" * 64]]}, "longer than 63"),
            ("heartbeat", {**heartbeat, "labels": [["a", "1"], ["a", "2"]]}, "there twice"),
            ("heartbeat", {**heartbeat, "labels": [["a"]]}, "not 2 elements"),
            ("heartbeat", {**heartbeat, "labels": [[f"a{i}", "1"] for i in range(33)]}, "more than 32"),
            ("inventory", {**EXPECTED["inventory"], "rows": [row] * 4097}, "size overflow"),
            ("inventory", {**EXPECTED["inventory"], "rows": [row[:5]]}, "not 6 elements"),
            ("inventory", {**EXPECTED["inventory"], "rows": [row + [1]]}, "more than 6 elements"),
            ("inventory", {**EXPECTED["inventory"], "part": 3}, "part is more than parts"),
            ("inventory", {**EXPECTED["inventory"], "basis": 0}, "gone in a full inventory"),
            ("heartbeat", {**heartbeat, "address": "10.0.0.7"}, "host:port"),
            ("heartbeat", {**heartbeat, "address": "10.0.0.7:70000"}, "host:port"),
            ("heartbeat", {**heartbeat, "location": "/rack"}, "location"),
            ("heartbeat", {**heartbeat, "location": "x" * 256}, "longer than 255"),
            ("heartbeat", {**heartbeat, "free_bytes": 2**53 + 1}, "more than"),
            ("heartbeat", {**heartbeat, "reserve_bytes": 2 * 10**12}, "more than capacity"),
            ("put_open", {**EXPECTED["put_open"], "name": "x" * 1025}, "longer than 1024"),
            ("transfer.open", {**EXPECTED["transfer.open"], "mode": "get"}, "more than 0"),
            ("transfer.open", {**EXPECTED["transfer.open"], "token": b"x" * 31}, "32 bytes"),
            ("transfer.manifest", {**EXPECTED["transfer.manifest"], "blocks": b"x" * 8},
             "do not make up"),
            ("transfer.manifest", {**EXPECTED["transfer.manifest"], "blocks": b"x" * 15},
             "8 bytes a block"),
        ]
        results = echo([wire.encode("golden", kind, body) for kind, body, _ in cases])
        for (kind, _, expected), (word, reason) in zip(cases, results):
            with self.subTest(kind=kind, expected=expected):
                self.assertEqual(word, "no")
                self.assertIn(expected, reason)

    def test_tokens_are_signed_as_the_examples_are(self):
        texts = [
            wire.copy_token_text("golden", 9, 1001, 42, 3, OTHER, 7),
            wire.get_token_text("golden", 9, 42, 3, OTHER),
            wire.put_token_text("golden", 9, 42, 3, 67108864, CHECKSUM, STORAGE),
            wire.receipt_text("golden", 42, 3, CHECKSUM, STORAGE, 314),
        ]
        examples = (SCHEMA / "wire" / "golden" / "tokens.txt").read_text().splitlines()
        self.assertEqual([f"{text} {wire.sign(KEY, text).hex()}" for text in texts], examples)

    def test_frames(self):
        frame = wire.encode_frame(wire.DATA, 2**64 - 1, b"abc", 262144)
        self.assertEqual(frame.hex(),
                         "454b0104" "00000003" "ffffffffffffffff" "0000000000040000" "616263")
        self.assertEqual(wire.decode_frame_header(frame[:24]), (wire.DATA, 3, 2**64 - 1, 262144))

    def test_chunk_checksums(self):
        self.assertEqual(len(wire.block_sums(bytes(wire.BLOCK_BYTES + 1))), 16)
        self.assertEqual(wire.block_sums(b""), b"")
        self.assertNotEqual(wire.chunk_checksum(b""), wire.chunk_checksum(b"\0"))


unittest.main(argv=sys.argv[:1])
