"""What was acknowledged survives `kill -9`, at whatever moment it comes, under load.

Longer, some hundred kills: LONG_TESTS=60 python3 -m uv run pytest --timeout 0 -s tests/durability/test_kill.py
"""

# ruff: noqa: S311, T201  # random draws cases here, and a long run tells its seed and its figures
from random import Random

import trio
from bounds import FACTOR
from durability.kill import live_and_die, look_back
from durability.ledger import Ledger

KILLS = 5


def test_what_was_acknowledged_survives_being_killed_at_any_moment(tmp_path):
    seed = Random().randrange(2**32) if FACTOR > 1 else 0
    print(f"seed {seed}")
    ledger, random = Ledger(), Random(seed)
    for life in range(KILLS * FACTOR):
        trio.run(live_and_die, tmp_path, ledger, random, life)
    trio.run(look_back, tmp_path, ledger, random)
    print(f"{KILLS * FACTOR} kills, {ledger.answers} acknowledged requests, {len(ledger.subjects)} accounts")
    assert len(ledger.subjects) > 10 * KILLS
