"""Real processes, killed, stopped, cut off, filled up and lied to, by tools/chaos; an hour of it is
the same with other numbers."""
import os
import subprocess
import sys
import tempfile
import unittest

from cluster import BIN, PATIENCE, PROJECT, Scenario

CANNOT = 77


class Chaos(Scenario):
    def test_two_draws_of_faults_lose_nothing_and_end_in_rest(self):
        keep = os.environ.get("EVENKEEL_KEEP", tempfile.gettempdir())
        done = subprocess.run(
            [PROJECT / "tools" / "chaos", "--bin", BIN, "--seconds", str(40 * PATIENCE),
             "--seed", "2", "--runs", "2",  # between them nearly every kind
             "--rest", str(150 * PATIENCE), "--keep", os.path.join(keep, "chaos")],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode == CANNOT:
            raise unittest.SkipTest(done.stderr.strip())
        print(done.stdout, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
