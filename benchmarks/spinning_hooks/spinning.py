"""Hooks that keep their interpreter busy: `python -m benchmarks spin`, and `run spin` against a server of yours.

Every `Play` spins: with the message {"steps": 0} in a loop that is interrupted after `HOOK_TIMEOUT`, with another
number in one C call of so many steps, which nothing interrupts.
"""
# ruff: noqa: INP001  # a folder of scripts is no package

from yummy.model import Play


def pre_play(model: Play) -> None:
    """Spin."""
    steps = model.message["steps"]
    if steps:
        sum(range(steps))
    else:
        while True:
            pass
