"""The command from end to end; what it measures is of no interest here."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PARTS = (
    "all of a MessageToRoom, in a room of 4",
    "read and check a Play",
    "write an event",
    "the guard's part",
    "a hook, there and back",
    "commit a change of an account",
    "tell 3 others",
    "TCP on loopback",
)


def test_each_part_of_a_message_is_measured():
    # In a process of its own, since it sets up the log.
    command = [sys.executable, "-m", "benchmarks", "micro", "--rounds", "2", "--seconds", "0.001"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for part in PARTS:
        assert f"\n{part}" in done.stdout
