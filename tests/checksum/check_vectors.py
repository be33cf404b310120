#!/usr/bin/env python3
"""Computes the lines of vectors.inc a second time, by python3-xxhash and another way of cutting
blocks, and fails if they differ. `--write` makes the file."""
import struct
import sys

import xxhash

BLOCK = 256 * 1024
SIZES = [0, 1, 3, 16, 17, 128, 129, 240, 241, 1024, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK,
         3 * BLOCK + 12345]


def content(size: int) -> bytes:
    """Byte i is (i * 31 + i // 256) mod 256: no block is like another."""
    return bytes((i * 31 + i // 256) & 0xFF for i in range(size))


def line(size: int) -> str:
    data = content(size)
    blocks = [xxhash.xxh3_64_intdigest(data[at:at + BLOCK]) for at in range(0, size, BLOCK)]
    summed = struct.pack(">Q", size) + b"".join(struct.pack(">Q", block) for block in blocks)
    listed = ", ".join(f"0x{block:016x}" for block in blocks)
    return f'Vector{{{size}, {{{listed}}}, "{xxhash.xxh3_128_hexdigest(summed)}"}},'


def main() -> int:
    lines = [line(size) for size in SIZES]
    if "--write" in sys.argv:
        open(sys.argv[1], "w").write("\n".join(lines) + "\n")
    differs = open(sys.argv[1]).read().splitlines() != lines
    print("vectors differ from python3-xxhash" if differs else "vectors: the same")
    return 1 if differs else 0


sys.exit(main())
