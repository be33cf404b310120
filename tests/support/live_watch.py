"""Follows every appearance and disappearance of a chunk file, in the order in which they happened.

A scan of directories can miss a moment, and takes a moment itself: a replica that moves between the
scan of one directory and the next looks like two, or none. One inotify queue over all directories
has neither fault: the kernel puts everything into it in order.
"""
import ctypes
import os
import select
import struct
import threading
import time
from collections import defaultdict, namedtuple

_libc = ctypes.CDLL(None, use_errno=True)
_CREATE, _MOVED_TO = 0x100, 0x80
_DELETE, _MOVED_FROM = 0x200, 0x40
_OVERFLOW = 0x4000
_HEADER = struct.Struct("iIII")

# at_ms: when it was seen, thus at or after the time when it happened. holders: how many servers
# hold a file of that name after it.
Step = namedtuple("Step", "at_ms server name appeared holders")


class LiveWatch:
    """Use in a with statement, begun while nothing moves; then read `steps` and `shortages`."""

    def __init__(self, directories, goal):
        """directories: server -> chunk directory; goal: files that each chunk must have, always."""
        self.goal = goal
        self.steps = []
        self.shortages = []
        self.faults = []
        self._holders = defaultdict(set)
        self._servers = {}
        self._queue = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._queue < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._wake_read, self._wake_write = os.pipe()
        for server, directory in directories.items():
            live = directory / "live"
            watch = _libc.inotify_add_watch(self._queue, os.fsencode(live),
                                            _CREATE | _MOVED_TO | _DELETE | _MOVED_FROM)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify_add_watch {live}")
            self._servers[watch] = server
            for path in live.iterdir():
                if not path.name.endswith(".manifest"):
                    self._holders[path.name].add(server)
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        os.write(self._wake_write, b"!")
        self._thread.join()
        for handle in (self._queue, self._wake_read, self._wake_write):
            os.close(handle)

    def holders(self, name):
        return set(self._holders[name])

    def _follow(self):
        ending = False
        while True:
            ready, _, _ = select.select([self._queue, self._wake_read], [], [],
                                        0 if ending else None)
            if self._queue in ready:
                self._take(os.read(self._queue, 1 << 20))
            elif ending:  # and nothing is left in the queue
                return
            ending = ending or self._wake_read in ready

    def _take(self, events):
        at_ms = time.time() * 1000
        place = 0
        while place < len(events):
            watch, mask, _, length = _HEADER.unpack_from(events, place)
            place += _HEADER.size
            name = events[place:place + length].rstrip(b"\0").decode()
            place += length
            if mask & _OVERFLOW:
                self.faults.append("the kernel's queue ran over: steps were missed")
            elif name and not name.endswith(".manifest"):
                self._step(at_ms, self._servers[watch], name, bool(mask & (_CREATE | _MOVED_TO)))

    def _step(self, at_ms, server, name, appeared):
        holders = self._holders[name]
        (holders.add if appeared else holders.discard)(server)
        step = Step(at_ms, server, name, appeared, len(holders))
        self.steps.append(step)
        if not appeared and len(holders) < self.goal:
            self.shortages.append(step)
