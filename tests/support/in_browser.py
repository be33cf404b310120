"""Runs a script of tests/console/browser with Node in Debian's Chromium."""
import os
import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "console" / "browser"


def missing():
    """What tools/setup --tests would install and is not there; empty if all is."""
    found = {"node": shutil.which("node"), "chromium": shutil.which("chromium"),
             "playwright-core": pathlib.Path(os.environ["EVENKEEL_NODE_MODULES"], "node_modules/playwright-core").is_dir()}
    return ", ".join(name for name, there in found.items() if not there)


def run(script, address, seconds=500, **environment):
    """Every test of the script against the console at `address`; an AssertionError shows what failed."""
    done = subprocess.run(
        ["node", "--test", "--test-concurrency=1", "--test-reporter=spec", FOLDER / script],
        env={**os.environ, "EVENKEEL_CONSOLE": address, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=seconds * float(os.environ.get("EVENKEEL_PATIENCE", "1")), check=False)
    if done.returncode != 0:
        raise AssertionError(f"{script} failed:\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
    return done.stdout
