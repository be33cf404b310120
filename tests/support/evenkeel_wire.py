"""Evenkeel's wire and checksums, written from schema/wire/README.md and schema/disk/README.md alone.

For tests that play agents and membership publishers: what the C++ side has misread in the READMEs
must not be misread here too.
"""
import hashlib
import hmac
import struct

import msgpack
import xxhash

PROTOCOL = 1
MESSAGE_BYTES_MAX = 1 << 20
BLOCK_BYTES = 262144


# Messages

def encode(cluster, kind, body):
    message = msgpack.packb([PROTOCOL, kind, cluster, body])
    if len(message) > MESSAGE_BYTES_MAX:
        raise ValueError(f"{kind}: {len(message)} bytes")
    return message


def decode(cluster, message):
    """Kind and body; ValueError if it is none of ours."""
    if len(message) > MESSAGE_BYTES_MAX:
        raise ValueError(f"{len(message)} bytes")
    envelope = msgpack.unpackb(message, max_array_len=4096, max_map_len=4096)
    if not isinstance(envelope, list) or len(envelope) != 4:
        raise ValueError("not an envelope of four")
    protocol, kind, of, body = envelope
    if (protocol, of) != (PROTOCOL, cluster) or not isinstance(body, dict):
        raise ValueError(f"protocol {protocol}, cluster {of}, body {type(body).__name__}")
    return kind, body


# Frames of the data port

FRAME = struct.Struct(">HBBIQQ")
MAGIC = 0x454B
PAYLOAD_MAX = 1 << 20
OPEN, MANIFEST, READ, DATA, DONE, ERROR, STORE, STORED = range(1, 9)


def encode_frame(kind, transfer, payload, offset=0):
    return FRAME.pack(MAGIC, PROTOCOL, kind, len(payload), transfer, offset) + payload


def decode_frame_header(header):
    """Type, length of the payload, transfer, offset."""
    magic, protocol, kind, length, transfer, offset = FRAME.unpack(header)
    if (magic, protocol) != (MAGIC, PROTOCOL) or not OPEN <= kind <= STORED:
        raise ValueError(f"magic {magic:#x}, protocol {protocol}, type {kind}")
    if length > PAYLOAD_MAX or (offset and kind != DATA):
        raise ValueError(f"type {kind}, length {length}, offset {offset}")
    return kind, length, transfer, offset


# Tokens

def _joined(*parts):
    return "|".join(str(part) for part in parts)


def copy_token_text(cluster, epoch, command, chunk, version, source, target):
    return _joined("copy", cluster, epoch, command, chunk, version, source, target)


def get_token_text(cluster, epoch, chunk, version, source):
    return _joined("get", cluster, epoch, chunk, version, source)


def put_token_text(cluster, epoch, chunk, version, size_bytes, checksum, target):
    return _joined("put", cluster, epoch, chunk, version, size_bytes, checksum.hex(), target)


def receipt_text(cluster, chunk, version, checksum, target, journal):
    return _joined("stored", cluster, chunk, version, checksum.hex(), target, journal)


def sign(copy_key, text):
    return hmac.new(copy_key, text.encode(), hashlib.sha256).digest()


# Checksums

def block_sums(data):
    """8 bytes a block, as in a manifest."""
    return b"".join(xxhash.xxh3_64_digest(data[at:at + BLOCK_BYTES])
                    for at in range(0, len(data), BLOCK_BYTES))


def manifest_checksum(size_bytes, blocks):
    return xxhash.xxh3_128_digest(size_bytes.to_bytes(8, "big") + blocks)


def chunk_checksum(data):
    return manifest_checksum(len(data), block_sums(data))
