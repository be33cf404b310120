#!/usr/bin/python3
"""The systemd units: systemd finds no fault with them, and they start programs and settings that there are.

Run by CTest. EVENKEEL_BIN names the folder of the programs.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
UNITS = PROJECT / "deploy" / "systemd"
BIN = pathlib.Path(os.environ["EVENKEEL_BIN"])


def verify(folder):
    """What systemd-analyze says of the units in `folder`, line by line."""
    names = [f"{path.stem}1.service" if path.stem.endswith("@") else path.name for path in sorted(folder.glob("*.service"))]
    for name in names:
        if not (folder / name).exists():  # an instance of a template
            shutil.copy(folder / re.sub(r"@1", "@", name), folder / name)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(folder / name for name in names)],
                          capture_output=True, text=True, timeout=50, check=False,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
    return [line for line in (done.stdout + done.stderr).splitlines() if "evenkeel" in line]


@unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze here")
class Units(unittest.TestCase):
    def copied(self, change=lambda text: text):
        """The units, with the programs where they are now."""
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        for unit in UNITS.glob("*.service"):
            text = unit.read_text().replace("/usr/bin/", f"{BIN.resolve()}/")
            pathlib.Path(held.name, unit.name).write_text(change(text))
        return pathlib.Path(held.name)

    def test_systemd_finds_no_fault(self):
        self.assertEqual(verify(self.copied()), [])

    def test_it_would_find_one(self):
        self.assertNotEqual(verify(self.copied(lambda text: text.replace("Restart=always", "Restart=never"))), [])

    def test_settings_that_they_name_are_deployed(self):
        for unit in UNITS.glob("*.service"):
            program, settings = re.search(r"^ExecStart=/usr/bin/(\S+) --config /etc/evenkeel/(\S+)$", unit.read_text(), re.M).groups()
            self.assertTrue((BIN / program).exists(), program)
            self.assertTrue((PROJECT / "deploy" / settings.replace("-%i", "")).exists(), settings)


if __name__ == "__main__":
    unittest.main()
