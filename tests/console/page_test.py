#!/usr/bin/python3
"""The console's page in Chromium, at a thousand servers and two hundred thousand chunks.

Run by CTest. The database is made; a pulse stands in for the rebalancer that writes.
"""
import pathlib
import tempfile
import time
import unittest
import urllib.request

import in_browser
import made_database
from http_test import Console

QUERIES = ("/api/now", "/api/servers", "/api/commands", "/api/history?seconds=900", "/api/history?seconds=2592000",
           "/api/events?before=50", "/api/chunk?id=57", "/api/server?id=7", "/api/command?id=5")


@unittest.skipIf(in_browser.missing(), f"{in_browser.missing()}: tools/setup --tests installs them")
class Page(unittest.TestCase):
    def test_a_thousand_servers(self):
        with tempfile.TemporaryDirectory(prefix="evenkeel-page-") as name:
            folder = pathlib.Path(name)
            db = made_database.empty(folder / "rebalancer.db")
            made_database.fill(db, dead=(7, 13, 48), suspect=(20,), draining=(101, 102), maintenance=(333,))
            db.close()
            with Console(folder) as console, made_database.Pulse(folder / "rebalancer.db"):
                address = f"http://127.0.0.1:{console.port}"
                for query in QUERIES:
                    took = []
                    for _ in range(5):
                        began = time.perf_counter()
                        with urllib.request.urlopen(address + query) as answer:
                            size = len(answer.read())
                        took.append(time.perf_counter() - began)
                    print(f"{query:<32} {size:>8} bytes {1000 * min(took):>7.1f} ms")
                print(in_browser.run("large.mjs", address))


if __name__ == "__main__":
    unittest.main()
