"""Prometheus' own judge of rules and metrics, and what our files ask of the services."""
import json
import pathlib
import re
import shutil
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DEPLOYED = PROJECT / "deploy" / "prometheus"
PROMTOOL = shutil.which("promtool") or shutil.which(PROJECT / "build/promtool/usr/bin/promtool")
MISSING = "" if PROMTOOL else "promtool: tools/setup --tests fetches it"


def promtool(*words, text=None, cwd=None):
    """What it said; an AssertionError if it found fault."""
    done = subprocess.run([PROMTOOL, *words], input=text, capture_output=True, text=True, timeout=50, check=False, cwd=cwd)
    if done.returncode != 0:
        raise AssertionError(f"promtool {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def dashboard():
    return json.loads((DEPLOYED / "grafana-dashboard.json").read_text())


def names_asked_for():
    """The metrics that alerts and panels are made of, as they are told: a histogram by its base."""
    text = (DEPLOYED / "evenkeel.rules.yml").read_text()
    text += " ".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    return {re.sub(r"_bucket$", "", name) for name in re.findall(r"\bevenkeel_[a-z_]+", text)}
