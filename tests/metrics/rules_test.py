#!/usr/bin/python3
"""What is in deploy/prometheus is good, and its alerts speak when they should and only then."""
import pathlib
import re
import shutil
import tempfile
import unittest

import prometheus


@unittest.skipIf(prometheus.MISSING, prometheus.MISSING)
class Rules(unittest.TestCase):
    def test_prometheus_takes_them(self):
        self.assertIn("SUCCESS", prometheus.promtool("check", "config", prometheus.DEPLOYED / "prometheus.yml"))

    def test_each_alert_speaks_and_is_silent(self):
        with tempfile.TemporaryDirectory() as folder:
            played = pathlib.Path(folder) / "rules_test.yml"
            shutil.copy(prometheus.DEPLOYED / "evenkeel.rules.yml", folder)
            shutil.copy(pathlib.Path(__file__).with_name("rules_test.yml"), played)
            self.assertIn("SUCCESS", prometheus.promtool("test", "rules", played))
            # It must be able to fail.
            rules = pathlib.Path(folder) / "evenkeel.rules.yml"
            rules.write_text(rules.read_text().replace('health="lost"} > 0', 'health="lost"} > 2'))
            with self.assertRaises(AssertionError):
                prometheus.promtool("test", "rules", played)

    def test_every_alert_is_played_and_says_what_to_do(self):
        rules = (prometheus.DEPLOYED / "evenkeel.rules.yml").read_text()
        played = pathlib.Path(__file__).with_name("rules_test.yml").read_text()
        alerts = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(alerts), 10)
        for alert in alerts:
            self.assertIn(alert, played)
        for word in ("summary:", "what_to_do:", "severity:"):
            self.assertEqual(rules.count(word), len(alerts))


class Dashboard(unittest.TestCase):
    def test_panels_are_told_apart_and_lie_beside_each_other(self):
        panels = prometheus.dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            self.assertLessEqual(at["x"] + at["w"], 24)
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
        for panel in panels:
            for target in panel["targets"]:
                self.assertEqual(target["expr"].count("("), target["expr"].count(")"), panel["title"])


if __name__ == "__main__":
    unittest.main()
