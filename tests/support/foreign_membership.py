"""A membership service in Python: what schema/wire/README.md asks of one, and no more."""
import secrets
import threading
import time

import zmq

from foreign_agent import pack, unpack

HEARTBEAT_ONLY = ("incarnation", "storage", "location", "address", "capacity_bytes", "reserve_bytes",
                  "free_bytes", "used_bytes")


class ForeignMembership:
    """Joins whoever says a heartbeat; says dead when told to. With `losing`, every event of those
    numbers is made but never sent, as a lossy network would have it."""

    def __init__(self, cluster, events, requests, losing=()):
        self.cluster, self.losing = cluster, set(losing)
        self.stream, self.number, self.members = secrets.token_hex(16), 0, {}
        self.lost, self.snapshots, self.faults = [], 0, []
        self._endpoints = events, requests
        self._ending, self._wanted = threading.Event(), []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join(10)

    def say(self, kind, server, **changed):
        """Publishes membership.<kind> about a server, soon."""
        self._wanted.append((kind, server, changed))

    def _run(self):
        context = zmq.Context()
        try:
            events, requests = context.socket(zmq.PUB), context.socket(zmq.ROUTER)
            events.bind(self._endpoints[0])
            requests.bind(self._endpoints[1])
            next_beacon = 0.0
            while not self._ending.is_set():
                while self._wanted:
                    kind, server, changed = self._wanted.pop(0)
                    self.members[server].update(changed)
                    self._publish(events, kind, self.members[server])
                if time.monotonic() >= next_beacon:
                    next_beacon = time.monotonic() + 1
                    self._send(events, "beacon", {"stream": self.stream, "number": self.number})
                if requests.poll(50):
                    sender, message = requests.recv_multipart()
                    kind, body = unpack(self.cluster, message)
                    answer = (self._heard(events, body) if kind == "heartbeat"
                              else self._snapshot(body) if kind == "snapshot_request" else None)
                    if answer:
                        requests.send_multipart([sender, pack(self.cluster, *answer)])
        except Exception as fault:  # the test is to hear of it
            self.faults.append(repr(fault))
        finally:
            context.destroy(0)

    def _send(self, events, kind, body):
        kind = f"membership.{kind}"
        events.send_multipart([kind.encode(), pack(self.cluster, kind, body)])

    def _publish(self, events, kind, member):
        self.number += 1
        if self.number in self.losing:
            self.lost.append((self.number, kind))
            return
        self._send(events, kind, {"stream": self.stream, "number": self.number, "member": member})

    def _heard(self, events, body):
        server = body["server"]
        if self.members.get(server, {}).get("incarnation") != body["incarnation"]:
            self.members[server] = {"server": server, "liveness": "alive", "planned": False,
                                    **{key: body[key] for key in HEARTBEAT_ONLY}}
            self._publish(events, "joined", self.members[server])
        return "heartbeat_reply", {"server": server, "status": "ok", "number": self.number,
                                   "incarnation": body["incarnation"]}

    def _snapshot(self, body):
        self.snapshots += 1
        return "snapshot", {"request": body["request"], "stream": self.stream, "number": self.number,
                            "part": 1, "parts": 1, "members": list(self.members.values())}
