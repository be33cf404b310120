#!/usr/bin/python3
"""What the console answers over HTTP: what it tells, and what it refuses.

Run by CTest. EVENKEEL_BIN names the folder of the programs. A made database, and no rebalancer.
"""
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

import made_database

BIN = pathlib.Path(os.environ["EVENKEEL_BIN"])
JSON = {"Content-Type": "application/json"}


class Console:
    """A console that runs, and what it said."""

    def __init__(self, folder, *settings, program=None, database=None):
        self.database = database or folder / "rebalancer.db"
        self.log = open(folder / "console.log", "w+b")
        self._process = subprocess.Popen(
            [program or BIN / "evenkeel-console", "--set", f"database={self.database}", "--set", "cluster=test",
             "--set", "listen=127.0.0.1:0", "--set", f"control_endpoint=ipc://{folder}/nobody",
             *(word for setting in settings for word in ("--set", setting))],
            stdin=subprocess.DEVNULL, stderr=self.log)
        end = time.monotonic() + 20
        while not (found := re.search(r"address=http://127\.0\.0\.1:(\d+)", self.said())):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError(f"the console did not start: {self.said()}")
            time.sleep(0.02)
        self.port = int(found[1])

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        self._process.terminate()
        code = self._process.wait(20)
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.stop()

    def ask(self, method, path, body=None, headers=None, host=None):
        """Status, headers, body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as wire:
            wire.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if host != "":
                wire.putheader("Host", host or f"127.0.0.1:{self.port}")
            for key, value in (headers or {}).items():
                wire.putheader(key, value)
            if body is not None:
                wire.putheader("Content-Length", str(len(body)))
            wire.endheaders(body)
            answer = wire.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path, **options):
        status, _, body = self.ask("GET", path, **options)
        return status, json.loads(body)

    def token(self):
        page = self.ask("GET", "/")[2].decode()
        return re.search(r'name="evenkeel-token" content="([0-9a-f]{64})"', page)[1]

    def own(self, **changed):
        """The headers that its own page sends."""
        return {"Origin": f"http://127.0.0.1:{self.port}", "Sec-Fetch-Site": "same-origin",
                "X-Evenkeel-Token": self.token(), **JSON, **changed}

    def post(self, name, fields, **options):
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        status, _, answer = self.ask("POST", f"/api/ask/{name}", body, options.pop("headers", None) or self.own(), **options)
        return status, json.loads(answer)


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="evenkeel-console-")
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.db = made_database.empty(self.folder / "rebalancer.db")
        self.addCleanup(self.db.close)

    def filled(self):
        made_database.fill(self.db, servers=30, chunks=900, servers_a_rack=5, dead=(3, 9), suspect=(4,), draining=(7,), maintenance=(8,))


class WhatItTells(ConsoleTest):
    def test_the_page_is_whole_and_wants_nothing_from_elsewhere(self):
        with Console(self.folder) as console:
            status, headers, page = console.ask("GET", "/")
            self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertNotIn(b"@TOKEN@", page)
            for path in re.findall(rb'(?:src|href)="([^"#][^"]*)"', page):
                status, headers, body = console.ask("GET", path.decode())
                self.assertEqual(status, 200, path)
                self.assertTrue(body)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                outside = [url for url in re.findall(rb"(?:https?:)?//[\w.]+\.\w+", body) if b"www.w3.org" not in url]
                self.assertEqual(outside, [], path)
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)

    def test_numbers_are_those_of_the_rows(self):
        self.filled()
        with Console(self.folder) as console:
            status, now = console.get("/api/now")
            self.assertEqual(status, 200)
            health = dict(self.db.execute("SELECT health, count(*) FROM chunk_health GROUP BY 1"))
            self.assertGreater(health["under_replicated"], 50)
            for word in ("healthy", "at_risk", "under_replicated"):
                self.assertEqual(now["state"][word], health.get(word, 0), word)
            self.assertEqual(now["state"]["replicas"], self.db.execute("SELECT count(*) FROM replica").fetchone()[0])
            self.assertEqual((now["cluster"], now["allow_changes"]), ("test", False))
            self.assertEqual([row["server_id"] for row in now["drains"]], [7])
            self.assertLess(abs(now["now_ms"] - time.time() * 1000), 60_000)

            servers = console.get("/api/servers")[1]
            rows = [dict(zip(servers["columns"], row)) for row in servers["rows"]]
            self.assertEqual(len(rows), 30)
            self.assertEqual({row["server_id"] for row in rows if row["liveness"] == "dead"}, {3, 9})
            self.assertEqual(sum(row["replicas"] for row in rows), now["state"]["replicas"])

            chunk = now["state"]["under_some"][0]
            told = console.get(f"/api/chunk?id={chunk}")[1]
            self.assertEqual([row["server_id"] for row in told["replicas"]], [
                server for server, in self.db.execute("SELECT server_id FROM replica WHERE chunk_id = ? ORDER BY 1", (chunk,))])
            self.assertEqual(sum(row["counts"] for row in told["replicas"]), 2)
            server = console.get("/api/server?id=7")[1]
            self.assertEqual(server["server"]["admin"], "draining")
            self.assertEqual(server["drain"][0]["chunks_left"], now["drains"][0]["chunks_left"])
            commands = console.get("/api/commands")[1]
            self.assertEqual([row["command_id"] for row in commands], [
                command for command, in self.db.execute("SELECT command_id FROM outbox ORDER BY 1 DESC LIMIT 100")])
            self.assertEqual(console.get(f"/api/command?id={commands[0]['command_id']}")[1]["command"], commands[0])

    def test_events_come_once_and_older_ones_on_demand(self):
        self.filled()
        with Console(self.folder) as console:
            first = console.get("/api/now")[1]
            last = first["last_event"]
            self.assertEqual(first["events"][0]["event_number"], last)
            self.assertEqual(console.get(f"/api/now?after={last}")[1]["events"], [])
            self.db.execute("INSERT INTO event (at_ms, kind, subject, text) VALUES (1, 'server', 's1', '\u00fcber \"quoted\" <b>')")
            self.db.commit()
            fresh = console.get(f"/api/now?after={last}")[1]["events"]
            self.assertEqual([row["text"] for row in fresh], ['\u00fcber "quoted" <b>'])
            older = console.get("/api/events?before=11")[1]
            self.assertEqual([row["event_number"] for row in older], list(range(10, 0, -1)))

    def test_peaks_are_kept_in_a_long_look_back(self):
        self.filled()
        with Console(self.folder) as console:
            worst = self.db.execute("SELECT max(lost + at_risk + under_replicated) FROM sample").fetchone()[0]
            for seconds in (7200, 86_400, 2_592_000):
                told = console.get(f"/api/history?seconds={seconds}")[1]
                below = [row[told["columns"].index("below_goal")] for row in told["rows"]]
                self.assertEqual(max(below), worst)
                self.assertLessEqual(len(below), 245 if seconds > 7200 else 721)

    def test_what_is_large_is_packed_in_a_way_that_is_quick(self):
        self.filled()
        with Console(self.folder) as console:
            plain = console.ask("GET", "/api/servers")[2]
            for offered, taken in (("gzip, deflate, br", "gzip"), ("br", None), ("identity", None)):
                status, headers, body = console.ask("GET", "/api/servers", headers={"Accept-Encoding": offered})
                self.assertEqual((status, headers.get("Content-Encoding")), (200, taken))
                self.assertEqual(gzip.decompress(body) if taken else body, plain)

    def test_an_empty_database_is_told_of_too(self):
        with Console(self.folder) as console:
            status, now = console.get("/api/now")
            self.assertEqual((status, now["state"]["chunks"], now["events"]), (200, 0, []))
            for path in ("/api/servers", "/api/commands", "/api/history?seconds=900", "/api/events?before=5"):
                self.assertEqual(console.get(path)[0], 200, path)

    def test_what_is_not_there_is_named(self):
        with Console(self.folder) as console:
            for path, what in (("/api/chunk?id=77", "c77"), ("/api/server?id=5", "s5"), ("/api/command?id=6", "k6")):
                status, answer = console.get(path)
                self.assertEqual(status, 404)
                self.assertIn(what, answer["error"])

    def test_the_database_need_not_be_there_yet_and_may_be_replaced(self):
        database = self.folder / "later.db"
        with Console(self.folder, database=database) as console:
            status, answer = console.get("/api/now")
            self.assertEqual(status, 404)
            self.assertIn("later.db: no such file", answer["error"])
            made_database.empty(database).close()
            self.assertEqual(console.get("/api/now")[0], 200)
            other = made_database.empty(self.folder / "other.db")
            other.execute("UPDATE gauge SET replicas = 12")
            other.commit()
            other.close()
            os.replace(self.folder / "other.db", database)
            self.assertEqual(console.get("/api/now")[1]["state"]["replicas"], 12)

    def test_a_database_of_others_is_refused(self):
        for name, make, what in (
                ("text.db", lambda path: path.write_text("x" * 5000), "not a database"),
                ("foreign.db", lambda path: made_database.empty(path, "prod").close(), "of the cluster 'prod' and not of 'test'"),
                ("else.db", lambda path: sqlite3.connect(path).execute("CREATE TABLE t (a)"), "not the database of a rebalancer")):
            make(self.folder / name)
            with Console(self.folder, database=self.folder / name) as console:
                status, answer = console.get("/api/now")
                self.assertGreaterEqual(status, 400)
                self.assertIn(what, answer["error"])

    def test_it_never_writes(self):
        self.filled()
        before = self.db.execute("PRAGMA data_version").fetchone()
        with Console(self.folder) as console:
            for path in ("/api/now", "/api/servers", "/api/chunk?id=1", "/api/history?seconds=900"):
                console.get(path)
        self.assertEqual(self.db.execute("PRAGMA data_version").fetchone(), before)


class WhatItRefuses(ConsoleTest):
    def test_other_names_of_this_machine(self):
        with Console(self.folder) as console:
            for host in ("evil.example", f"evil.example:{console.port}", "", "127.0.0.1", f"127.0.0.1:{console.port + 1}",
                         f"127.0.0.1:{console.port}.evil.example"):
                for path in ("/", "/api/now"):
                    status, _, body = console.ask("GET", path, host=host)
                    self.assertIn(status, (400, 421), (host, path))
                    self.assertNotIn(b"evenkeel-token", body)
            self.assertEqual(console.ask("GET", "/api/now", host=f"LOCALHOST:{console.port}")[0], 200)

    def test_a_name_that_was_allowed(self):
        with Console(self.folder, "hosts=console.example") as console:
            self.assertEqual(console.ask("GET", "/api/now", host="console.example")[0], 200)
            headers = console.own(Origin="https://console.example")
            self.assertNotIn(console.post("explain", {"kind": "chunk", "id": 1}, headers=headers, host="console.example")[0], (403, 421))

    def test_forged_requests(self):
        """What somebody else's page can make a browser send, and what it cannot."""
        with Console(self.folder, "allow_changes=true") as console:
            good = console.own()
            forged = {
                "another origin": {"Origin": "http://evil.example"},
                "an origin on another port": {"Origin": f"http://127.0.0.1:{console.port + 1}"},
                "no origin": {"Origin": None},
                "a null origin": {"Origin": "null"},
                "another site, as the browser says": {"Sec-Fetch-Site": "cross-site"},
                "the same site only": {"Sec-Fetch-Site": "same-site"},
                "no token": {"X-Evenkeel-Token": None},
                "another token": {"X-Evenkeel-Token": "0" * 64},
                "a part of the token": {"X-Evenkeel-Token": good["X-Evenkeel-Token"][:-1]},
                "more than the token": {"X-Evenkeel-Token": good["X-Evenkeel-Token"] + "0"},
            }
            for how, changed in forged.items():
                headers = {key: value for key, value in {**good, **changed}.items() if value is not None}
                for name, fields in (("drain", {"server": 1}), ("explain", {"kind": "chunk", "id": 1}), ("simulate", {"steps": []})):
                    status, answer = console.post(name, fields, headers=headers)
                    self.assertEqual(status, 403, how)
                    self.assertIn(answer["code"], ("origin", "token"), how)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
                headers = {**good, "Content-Type": kind}
                self.assertIn(console.post("drain", {"server": 1}, headers=headers)[0], (400, 415), kind)
            self.assertNotIn("asked what=", console.said())

    def test_tokens_are_of_one_run(self):
        with Console(self.folder) as console:
            old = console.token()
        with Console(self.folder) as console:
            self.assertNotEqual(console.token(), old)
            status, answer = console.post("explain", {"kind": "chunk", "id": 1}, headers=console.own(**{"X-Evenkeel-Token": old}))
            self.assertEqual((status, answer["code"]), (403, "token"))

    def test_changes_unless_they_are_allowed(self):
        changes = [("drain", {"server": 1}), ("drain", {"server": 1, "forget": True, "force": True}), ("undrain", {"server": 1}),
                   ("maintenance", {"server": 1, "minutes": 5}), ("maintenance", {"server": 1, "end": True}), ("pause", {"pass": "all"}),
                   ("resume", {"pass": "brake"}), ("cancel", {"command": 3}), ("approve", {"proposal": 1}), ("reject", {"proposal": 1})]
        with Console(self.folder) as console:
            for name, fields in changes:
                status, answer = console.post(name, fields)
                self.assertEqual((status, answer["code"]), (403, "read_only"), name)
            self.assertNotIn("asked what=", console.said())
            self.assertNotEqual(console.post("drain", {"server": 1, "dry_run": True})[0], 403)

    def test_changes_where_anybody_could_ask(self):
        done = subprocess.run([BIN / "evenkeel-console", "--set", "database=x", "--set", "listen=0.0.0.0:0", "--set", "allow_changes=true"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("allow_changes", done.stderr)

    def test_paths_that_lead_elsewhere(self):
        with Console(self.folder) as console:
            for path in ("/../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./app.js/..", "/app.js%00.html",
                         "/api/../../etc/passwd", "/api/", "/api/nothing", "/index.html", "/api/now/", "/\\..\\..\\etc\\passwd"):
                status, _, body = console.ask("GET", path)
                self.assertIn(status, (400, 404), path)
                self.assertNotIn(b"root:", body)

    def test_numbers_that_are_none(self):
        with Console(self.folder) as console:
            for path in ("/api/chunk", "/api/chunk?id=", "/api/chunk?id=-1", "/api/chunk?id=1.5", "/api/chunk?id=1%20OR%201", "/api/chunk?id=0x1",
                         "/api/chunk?id=99999999999999999999", "/api/now?after=x", "/api/history?seconds=1", "/api/history?seconds=99999999",
                         "/api/events?before=';--"):
                status, answer = console.get(path)
                self.assertEqual((status, answer["code"]), (400, "malformed"), path)

    def test_bodies_that_are_not_as_they_should_be(self):
        bad = [("drain", b""), ("drain", b"{"), ("drain", b"[]"), ("drain", b"null"), ("drain", {}), ("drain", {"server": "s1"}),
               ("drain", {"server": -1}), ("drain", {"server": 0}), ("drain", {"server": 1.5}), ("drain", {"server": 2 ** 64}),
               ("drain", {"server": 1, "dry_run": "yes"}), ("drain", {"server": 1, "more": 1}), ("drain", b'{"server": 1' + b"0" * 400 + b"}"),
               ("drain", b"[" * 20000), ("explain", {"kind": "--help", "id": 1}), ("explain", {"kind": "chunk"}),
               ("maintenance", {"server": 1}), ("maintenance", {"server": 1, "minutes": 10 ** 9}), ("pause", {"pass": "verify"}),
               ("simulate", {}), ("simulate", {"steps": "lose s1"}), ("simulate", {"steps": [1]}), ("simulate", {"steps": [""]}),
               ("simulate", {"steps": ["x" * 201]}), ("simulate", {"steps": ["a\nb"]}), ("simulate", {"steps": ["lose s1"] * 11})]
        with Console(self.folder, "allow_changes=true") as console:
            for name, body in bad:
                status, answer = console.post(name, body)
                self.assertEqual((status, answer["code"]), (400, "malformed"), (name, body[:60] if isinstance(body, bytes) else body))
            self.assertEqual(console.post("format", {})[0], 404)
            self.assertEqual(console.post("drain/../x", {})[0], 404)
            self.assertNotIn("asked what=", console.said())

    def test_options_in_the_words_of_a_step(self):
        """What is meant as a step is never taken for an option of the tool."""
        with Console(self.folder) as console:
            trap = self.folder / "written.svg"
            for words in (["--svg", str(trap)], [f"--svg={trap}"], ["--set", "x=1"]):
                status, answer = console.post("simulate", {"steps": words})
                self.assertEqual((status, answer["code"]), (422, "refused"), answer)
            self.assertFalse(trap.exists())

    def test_bodies_that_are_too_large(self):
        with Console(self.folder) as console:
            headers = console.own()
            try:
                status = console.ask("POST", "/api/ask/simulate", b" " * (65 << 10), headers)[0]
                self.assertEqual(status, 413)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it did not wait for the end of it
            huge = (f"POST /api/ask/drain HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\nContent-Length: 99999999999999\r\n\r\n").encode()
            with socket.create_connection(("127.0.0.1", console.port), 10) as wire:
                wire.sendall(huge)
                self.assertIn(wire.recv(100).split()[1:2], ([b"413"], []))
            self.assertEqual(console.get("/api/now")[0], 200)

    def test_other_methods(self):
        with Console(self.folder) as console:
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
                self.assertEqual(console.ask(method, "/api/now", b"")[0], 405, method)
            self.assertGreaterEqual(console.ask("TRACE", "/api/now")[0], 400)
            self.assertEqual(console.ask("POST", "/api/now", b"{}", console.own())[0], 404)
            self.assertEqual(console.ask("HEAD", "/")[0], 200)

    def test_garbage_and_slow_ones_do_not_keep_others_out(self):
        with Console(self.folder) as console:
            with contextlib.ExitStack() as held:
                for words in (b"", b"GET ", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nHost: " + b"a" * 20000, os.urandom(3000)):
                    wire = held.enter_context(socket.create_connection(("127.0.0.1", console.port), 10))
                    wire.sendall(words)
                self.assertEqual(console.get("/api/now")[0], 200)


class HowItEnds(ConsoleTest):
    def tool_of(self, script):
        """A console beside which another tool lies."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        program = bin_folder / "evenkeel-console"
        program.write_bytes((BIN / "evenkeel-console").read_bytes())
        tool = bin_folder / "evenkeel"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        for file in (program, tool):
            file.chmod(0o755)
        return program

    def test_in_good_order(self):
        console = Console(self.folder)
        self.assertEqual(console.stop(), 0)
        self.assertIn("info console stopped", console.said() if not console.log.closed else pathlib.Path(console.log.name).read_text())

    def test_the_tool_is_given_the_words_and_nothing_else(self):
        program = self.tool_of("""printf '{"words":"'; printf '%s|' "$@"; printf '","open":"'; ls /proc/self/fd | tr '\\n' ' '; printf '"}'""")
        with Console(self.folder, "allow_changes=true", program=program) as console:
            for name, fields, words in (
                    ("drain", {"server": 7}, "drain|s7|"), ("drain", {"server": 7, "dry_run": True}, "drain|s7|--dry-run|"),
                    ("drain", {"server": 7, "forget": True, "force": True}, "decommission|s7|--force|--yes|"), ("undrain", {"server": 7}, "undrain|s7|"),
                    ("maintenance", {"server": 7, "minutes": 30}, "maintenance|s7|--for|30min|"),
                    ("maintenance", {"server": 7, "end": True}, "maintenance|s7|--end|"), ("pause", {"pass": "trim"}, "pause|trim|"),
                    ("resume", {"pass": "brake"}, "resume|brake|--yes|"), ("approve", {"proposal": 3}, "approve|a3|--yes|"),
                    ("reject", {"proposal": 3}, "reject|a3|"), ("cancel", {"command": 12}, "cancel|k12|"),
                    ("explain", {"kind": "chunk", "id": 0}, "explain|chunk|0|"),
                    ("simulate", {"steps": ["lose s1", "drain $(reboot); `x`"]}, "simulate|--|lose s1|drain $(reboot); `x`|")):
                status, answer = console.post(name, fields)
                self.assertEqual(status, 200, answer)
                own, _, rest = answer["answer"]["words"].partition("rebalancer.db|")
                self.assertEqual(rest, words)
                self.assertIn("--json|--cluster|test|--control|ipc://", own)
                self.assertEqual(answer["answer"]["open"].split()[:3], ["0", "1", "2"])
                self.assertLessEqual(len(answer["answer"]["open"].split()), 4, "nothing of the console's is open in it")

    def test_who_asks_is_told_the_tool_alone(self):
        program = self.tool_of("""printf '{"token":"%s","file":"%s","words":"%s"}' "$EVENKEEL_TOKEN" "$EVENKEEL_TOKEN_FILE" "$*" """)
        token = "5a" * 32
        for name in ("EVENKEEL_TOKEN", "EVENKEEL_TOKEN_FILE"):  # of whoever has started the console: he has not clicked
            os.environ[name] = "6b" * 32
            self.addCleanup(os.environ.pop, name)
        with Console(self.folder, "allow_changes=true", program=program) as console:
            def ask(**headers):
                status, answer = console.post("approve", {"proposal": 3}, headers=console.own(**headers))
                return status, answer.get("answer", answer)
            status, answer = ask(**{"X-Evenkeel-Operator": token})
            self.assertEqual((status, answer["token"], answer["file"]), (200, token, ""))
            self.assertNotIn(token, answer["words"])
            self.assertEqual(ask()[1]["token"], "", "nobody has said who he is")
            for wrong in ("5a", "5a" * 33, "x" * 64, "5a" * 31 + "5="):
                status, answer = ask(**{"X-Evenkeel-Operator": wrong})
                self.assertEqual((status, answer["code"]), (400, "malformed"), wrong)
            self.assertNotIn(token, console.said(), "not in the log either")

    def test_a_tool_that_says_no(self):
        program = self.tool_of("echo 'evenkeel: drain s7: there is no s7' >&2; exit 2")
        with Console(self.folder, program=program) as console:
            self.assertEqual(console.post("drain", {"server": 7, "dry_run": True}), (422, {"code": "refused", "error": "drain s7: there is no s7"}))

    def test_what_takes_too_long_is_ended_and_one_at_a_time(self):
        program = self.tool_of(f"echo $$ >> {self.folder}/pids; exec sleep 1000")
        with Console(self.folder, "simulate_allowed=1s", program=program) as console:
            status, answer = console.post("simulate", {"steps": []})
            self.assertEqual((status, answer["code"]), (504, "timeout"))
            pid = int((self.folder / "pids").read_text())
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_what_is_at_work_does_not_hold_up_the_end(self):
        program = self.tool_of(f"echo $$ > {self.folder}/pid.new; mv {self.folder}/pid.new {self.folder}/pid; exec sleep 1000")
        console = Console(self.folder, program=program)
        headers = console.own()
        body = b'{"steps":[]}'
        with socket.create_connection(("127.0.0.1", console.port), 30) as wire:
            lines = [f"POST /api/ask/simulate HTTP/1.1", f"Host: 127.0.0.1:{console.port}", f"Content-Length: {len(body)}",
                     *(f"{key}: {value}" for key, value in headers.items())]
            wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            end = time.monotonic() + 20
            while not (self.folder / "pid").exists():
                self.assertLess(time.monotonic(), end, "the tool was not started")
                time.sleep(0.02)
            status, answer = console.post("simulate", {"steps": []})
            self.assertEqual((status, answer["code"]), (429, "busy"))
            self.assertEqual(console.stop(), 0)
            self.assertIn(b"503", wire.recv(100))
        self.assertFalse(pathlib.Path(f"/proc/{int((self.folder / 'pid').read_text())}").exists())

    def test_two_on_one_port(self):
        with Console(self.folder) as console:
            done = subprocess.run([BIN / "evenkeel-console", "--set", "database=x", "--set", f"listen=127.0.0.1:{console.port}"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"cannot listen on 127.0.0.1:{console.port}", done.stderr)


if __name__ == "__main__":
    unittest.main()
