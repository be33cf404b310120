"""What the golden messages say: the same as samples.cc, written from schema/wire/README.md."""

STORAGE = "00112233445566778899aabbccddeeff"
OTHER = "ffeeddccbbaa99887766554433221100"
STREAM = "0123456789abcdef0123456789abcdef"
CHECKSUM = bytes(range(16))
TOKEN = b"\x5a" * 32
KEY = b"\x6b" * 32
AT = {"at_ms": 1700000000123}

AGENT = {"server": 7, "incarnation": 5, "storage": STORAGE, "epoch": 9}
SOURCE = [8, OTHER, "10.0.0.8:7420", TOKEN]
CONTENT = {"chunk": 42, "version": 3, "size_bytes": 67108864, "checksum": CHECKSUM}
TWO_BLOCKS = {"size_bytes": 262149, "checksum": CHECKSUM}
BLOCKS = {"block_bytes": 262144, "blocks": bytes.fromhex("0102030405060708f1f2f3f4f5f6f7f8")}
HEARTBEAT = {
    "server": 7, "incarnation": 5, "storage": STORAGE, "location": "zone1/rack3/host7",
    "address": "10.0.0.7:7420", "capacity_bytes": 10**12, "reserve_bytes": 5 * 10**10,
    "free_bytes": 4 * 10**11, "used_bytes": 6 * 10**11,
    "labels": [["disk", "ssd"], ["tier", "hot"]]}


def member(liveness="alive", planned=False):
    return {**HEARTBEAT, "liveness": liveness, "planned": planned}


def membership(*state):
    return {"stream": STREAM, "number": 118, "member": member(*state), **AT}


def event(kind, subject):
    return {"number": 77, **AT, "kind": kind, "subject": subject, "text": "said for people"}


HOLDER = {
    "server": 8, "storage": OTHER, "location": "zone1/rack4/host8", "version": 3,
    "checksum": CHECKSUM, "presence_age_ms": 1500, "content_age_ms": 86400000, "vouched": 17,
    "vouched_by": "inventory"}
COMMANDS = [
    {"command": 1001, "kind": "replicate", "reason": "repair", "storage": STORAGE, **CONTENT,
     "allowed_ms": 600000, "sources": [SOURCE], "rate_bytes": 50000000},
    {"command": 1002, "kind": "delete", "reason": "trim", "storage": STORAGE, **CONTENT, "goal": 1,
     "domains": 1, "spread": "rack", "retired": False, "evidence": [HOLDER]},
    {"command": 1003, "kind": "verify", "reason": "verify", "storage": STORAGE, **CONTENT,
     "allowed_ms": 60000, "level": "content"},
    {"command": 1004, "kind": "report", "reason": "report", "storage": STORAGE,
     "allowed_ms": 60000}]
RESULTS = [
    {"command": 1001, "outcome": "done", "detail": "", "journal": 312,
     "blamed": [[9, "unreachable"]], "bytes_done": 67108864, "free_bytes": 399932891136},
    {"command": 1002, "outcome": "refused", "reason": "evidence", "detail": "one holder of two",
     "journal": 313, "blamed": [], "bytes_done": 0, "free_bytes": 399932891136}]

ESTIMATE = {"feasible": False, "chunks": 3000, "bytes": 201326592000, "duration_ms": 700000,
            "rules": ["rack: 2 racks are left for a goal of 3"]}
NINE = {"server": 9, "refusals": ["same host", "too full"], "use_ppm": 612000}

EXPECTED = {
    "heartbeat": HEARTBEAT,
    "leave": {"server": 7, "incarnation": 5, "storage": STORAGE},
    "heartbeat_reply": {"server": 7, "status": "stale", "incarnation": 6, "number": 118},
    "snapshot_request": {"request": 21},
    "snapshot": {"request": 21, "stream": STREAM, "number": 118, "part": 1, "parts": 1,
                 "members": [member()]},
    "membership.joined": membership(),
    "membership.suspect": membership("suspect"),
    "membership.failed": membership("dead"),
    "membership.recovered": membership(),
    "membership.left": membership("dead", True),
    "membership.updated": membership(),
    "membership.beacon": {"stream": STREAM, "number": 118, **AT},

    "hello": {**AGENT, "journal": 310, "last_command": 999},
    "welcome": {"epoch": 9, "server": 7, "storage": STORAGE, "copy_key": KEY, "inventory": True},
    "retry": {"reason": "membership has not told of s7 yet", "after_ms": 500},
    "inventory": {**AGENT, "number": 18, "basis": 17, "journal": 311, "part": 1, "parts": 2,
                  "rows": [[42, 3, 67108864, CHECKSUM, "ok", 3600000],
                           [43, 1, 1000, CHECKSUM, "short", None]],
                  "gone": [[44, 2]]},
    "inventory_reply": {"number": 18, "part": 1, "status": "ok"},
    "ack": {**AGENT, "results": RESULTS},
    "ack_reply": {"commands": [1001, 1002]},
    "progress": {**AGENT, "items": [[1001, 1048576]]},
    "pull": {**AGENT, "after": 999},
    "commands": {"epoch": 9, "server": 7, "previous": 1000, "more": True, "items": COMMANDS},
    "beacon": {"epoch": 9, "server": 7, "last": 1004, "open": 4},
    "withdraw": {"epoch": 9, "server": 7, "commands": [1001, 1003]},

    "ping": {"request": 31},
    "put_open": {"request": 32, "name": "photos/cat.jpg", "goal": 3, "size_bytes": 134217733,
                 "policy": "fast"},
    "put_place": {"request": 33, "file": 12,
                  "items": [{"index": 0, "size_bytes": 67108864, "checksum": CHECKSUM,
                             "avoid": [9]}]},
    "put_close": {"request": 34, "file": 12, "done": True,
                  "stored": [{"chunk": 42, "server": 8, "storage": OTHER, "journal": 55,
                              "receipt": TOKEN}]},
    "locate": {"request": 35, "name": "photos/cat.jpg", "first": 0},
    "delete": {"request": 36, "name": "photos/cat.jpg"},
    "pong": {"request": 31, "version": "0.1.0", "epoch": 9, "mode": "safe_mode",
             "why": "2 of 9 servers are gone", "uptime_ms": 61000},
    "put_opened": {"request": 32, "file": 12, "chunk_bytes": 67108864, "goal": 3},
    "put_placed": {"request": 33, "file": 12, "epoch": 9,
                   "items": [{"index": 0, "chunk": 42, "version": 3, "targets": [SOURCE]}]},
    "put_closed": {"request": 34, "file": 12, "chunks": 1},
    "located": {"request": 35, "name": "photos/cat.jpg", "size_bytes": 67108864, "total": 1,
                "first": 0, "epoch": 9, "chunks": [{**CONTENT, "holders": [SOURCE]}]},
    "deleted": {"request": 36, "chunks": 1},
    "brake_release": {"request": 46},
    "brake_released": {"request": 46, "servers": 12},
    "explain": {"request": 60, "chunk": 42},
    "explained": {"request": 60, "chunk": 42, "verdict": "waits: no server can take it",
                  "facts": [{"label": "goal", "value": "3"}],
                  "causes": [{"kind": "no_target", "text": "no server can take it"}],
                  "candidates": [NINE], "candidates_total": 12,
                  "decisions": [{
                      "command": 1001, "kind": "replicate", "reason": "balance", "chunk": 42,
                      "server": 7, "source": 8, "drop": 11, "state": "done", "why": "",
                      "because": "s11 is at 80 %, s7 at 61 %", "issued_ms": 1700000000123,
                      "closed_ms": 1700000000123, "others": [NINE]}]},
    "error": {"request": 37, "code": "not_found", "what": 'no file "photos/dog.jpg"'},
    "drain": {"request": 38, "server": 7, "dry_run": True},
    "decommission": {"request": 39, "server": 7, "force": True},
    "undrain": {"request": 40, "server": 7},
    "maintenance": {"request": 41, "server": 7, "length_ms": 1800000, "dry_run": True,
                    "force": True},
    "pause": {"request": 42, "pass": "balance"},
    "resume": {"request": 43, "pass": "all"},
    "cancel": {"request": 44, "command": 1001},
    "goal": {"request": 45, "name": "photos/cat.jpg", "goal": 2, "first": 2048, "dry_run": True,
             "force": True},
    "server_admin": {"request": 38, "server": 7, "admin": "maintenance", "done": True,
                     "forget": True, "maintenance_left_ms": 1799000, **ESTIMATE},
    "passes": {"request": 42, "paused": ["repair", "balance"]},
    "cancelled": {"request": 44, "command": 1001},
    "goal_set": {"request": 45, "done": True, "total": 4000, "next": 2048, "changed": 2047,
                 **ESTIMATE},
    "policy_set": {"request": 46, "name": "fast", "goal": 3, "spread": "rack",
                   "require": "disk = ssd", "prefer": "tier = hot"},
    "policy_remove": {"request": 47, "name": "fast"},
    "policy_apply": {"request": 48, "name": "photos/cat.jpg", "policy": "fast", "first": 4096},
    "policy": {"request": 46, "name": "fast", "goal": 3, "spread": "rack",
               "require": "disk = ssd", "prefer": "tier = hot"},
    "policy_applied": {"request": 48, "total": 5000, "next": 5000, "changed": 904},
    "approve": {"request": 49, "proposal": 3, "dry_run": True, "operator_token": TOKEN},
    "reject": {"request": 50, "proposal": 3, "operator_token": TOKEN},
    "proposal": {"request": 49, "proposal": 3, "state": "pending", "what": "drain s7", "proposed_by": "ann",
                 "decided_by": "bob", "expires_ms": 3599000, "at_risk": 17, **ESTIMATE},
    "event.server": event("server", "s7"),
    "event.chunk": event("chunk", "c42"),
    "event.command": event("command", "k1001"),
    "event.mode": event("mode", "running"),
    "event.file": event("file", "photos/cat.jpg"),

    "transfer.open": {"mode": "copy", "epoch": 9, "command": 1001, "chunk": 42, "version": 3,
                      "source": OTHER, "target": 7, "token": TOKEN, "offset": 0,
                      "length": 1048576},
    "transfer.manifest": {**TWO_BLOCKS, **BLOCKS},
    "transfer.read": {"offset": 1048576, "length": 1048576},
    "transfer.done": {},
    "transfer.error": {"code": "token", "what": "not signed for this chunk"},
    "transfer.store": {"chunk": 42, "version": 3, **TWO_BLOCKS, "storage": STORAGE, "epoch": 9,
                       "token": TOKEN, **BLOCKS},
    "transfer.stored": {"chunk": 42, "version": 3, "server": 7, "storage": STORAGE, "journal": 314,
                        "receipt": TOKEN},
}

# Fields that a receiver does without, by kind of message and path in it.
MEMBER_KINDS = ("joined", "suspect", "failed", "recovered", "left", "updated")
OPTIONAL = ({("locate", "first"), ("goal", "first"), ("put_open", "policy"), ("policy_apply", "first"),
             *(("policy_set", field) for field in ("goal", "spread", "require", "prefer")),
             ("server_admin", "maintenance_left_ms"), ("approve", "dry_run"),
             *((kind, "operator_token") for kind in ("approve", "reject")),
             ("proposal", "decided_by"), ("proposal", "expires_ms"),
             ("heartbeat", "labels"), ("snapshot", "members.0.labels")}
            | {(kind, field) for kind in ("drain", "decommission", "maintenance", "goal")
               for field in ("dry_run", "force")}
            | {(kind, field) for kind in ("server_admin", "goal_set", "proposal") for field in ESTIMATE}
            | {("explained", field)
               for field in ("candidates.0.use_ppm", "decisions.0.chunk",
                             "decisions.0.closed_ms", "decisions.0.others.0.use_ppm")}
            | {(f"membership.{kind}", "at_ms") for kind in (*MEMBER_KINDS, "beacon")}
            | {(f"membership.{kind}", "member.labels") for kind in MEMBER_KINDS})
