"""The chunks that are copied: sizes, files with their names, and clusters that hold them."""
import os
import random

import xxhash

KIB, MIB = 1 << 10, 1 << 20
BLOCK_BYTES = 262144
POOL_BYTES = 8 * MIB


def lognormal(number, seed=1):
    """Median 64 KiB, mean about 0.4 MiB, at most 64 MiB."""
    dice = random.Random(seed)
    return [min(64 * MIB, int(64 * KIB * dice.lognormvariate(0, 1.9))) for _ in range(number)]


# name -> the sizes of the chunks that the server which dies holds
DATA_SETS = {
    "64MiB": lambda scale: [64 * MIB] * max(3, 26 // scale),
    "64KiB": lambda scale: [64 * KIB] * (8_000 // scale),
    "4KiB": lambda scale: [4 * KIB] * (50_000 // scale),
    "mix": lambda scale: lognormal(3_000 // scale),
}


class Master:
    """One file for each chunk, under the name that an agent gives it; their manifests apart."""

    def __init__(self, folder, sizes):
        self.chunks, self.manifests = folder / "chunks", folder / "manifests"
        self.names, self.sizes, self.bytes = [], sizes, sum(sizes)
        for path in (self.chunks, self.manifests):
            path.mkdir(parents=True)
        pool = random.Random(7).randbytes(POOL_BYTES)
        for number, size in enumerate(sizes, 1):
            self._write(number, size, pool)

    def _write(self, number, size, pool):
        """Bytes out of the pool, made to differ in each block from all others."""
        blocks, summed = [], size.to_bytes(8, "big")
        for at in range(0, size, BLOCK_BYTES):
            length = min(BLOCK_BYTES, size - at)
            start = (number * 4099 + at) % (POOL_BYTES - BLOCK_BYTES)
            mark = (number << 40 | at).to_bytes(16, "big")[:length]
            blocks.append(mark + pool[start:start + length - len(mark)])
            summed += xxhash.xxh3_64_digest(blocks[-1])
        name = f"{number:016x}.1.{xxhash.xxh3_128_hexdigest(summed)}"
        with open(self.chunks / name, "wb", buffering=0) as file:
            for block in blocks:
                file.write(block)
        if len(blocks) > 1:
            (self.manifests / f"{name}.manifest").write_bytes(b"EKM1" + summed)
        self.names.append(name)

    def link(self, name, live):
        """The chunk as a replica in `live`: another name of the same file."""
        os.link(self.chunks / name, live / name)
        manifest = self.manifests / f"{name}.manifest"
        if manifest.exists():
            os.link(manifest, live / manifest.name)

    def read(self):
        """Into the page cache, for whoever copies next."""
        buffer = bytearray(MIB)
        for name in self.names:
            with open(self.chunks / name, "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass
