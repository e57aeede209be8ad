"""Interrupts at any moment of all that hooks do, in a real hook interpreter: none escapes, and no call is lost.

Run longer with other seeds by hand, under ``python -X dev``, when something below the hooks has changed.
"""

import collections
import random

import trio

from yummy import model
from yummy.hooks.calls import Crashed, HookCall, HookLimits, RoomSnapshot

#: Seconds.
TIMEOUT = 0.002
CALLS = 260

SCRIPT = """
import time
from yummy import HookTimeout, fail, room, state
kept = []

class Noisy:
    def __init__(self):
        self.me = self
    def __del__(self):
        print("gone")

def dive(depth):
    return depth and dive(depth - 1)

def swallow(end):
    try:
        while time.monotonic() < end: pass
    except HookTimeout:
        pass

def step(what, model, end):
    if what == "prints": print("a line")
    elif what == "fetches": room.get_room(f"r{time.monotonic()}")
    elif what == "keeps": kept[:] = [model]
    elif what == "leaves garbage": Noisy()
    elif what == "writes state": state["x"] = list(range(100))
    elif what == "dives": dive(200)
    elif what == "swallows": swallow(end)
    elif what == "sleeps": time.sleep(0.0005)

def pre_play(model):
    what, seconds = model.message
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end: step(what, model, end)
    except BaseException as error:
        if what == "translates": raise ValueError from error
        raise
    finally:
        if what == "prints": print("cleaning up")
    if what == "raises": raise ValueError
    if what == "fails": fail("no")
    if what == "yields": return (x for x in [1])
"""

#: What a hook does until its end.
WHAT = (
    "prints",
    "fetches",
    "keeps",
    "swallows",
    "dives",
    "sleeps",
    "translates",
    "raises",
    "fails",
    "yields",
    "computes",
    "leaves garbage",
    "writes state",
)


async def test_interrupts_at_any_moment_escape_nowhere_and_lose_no_call(serve_scripts):
    chance = random.Random(5)  # noqa: S311  # to be repeated, not secret
    seen = collections.Counter()
    together = trio.CapacityLimiter(8)

    async def fetch(_kind, subject_id):
        # Some answers come too late.
        if chance.random() < 0.3:
            await trio.sleep(chance.random() * TIMEOUT)
        return RoomSnapshot(subject_id, None, None, 0, join_request=False, max_user=0)

    async def play(host, number):
        what = WHAT[number % len(WHAT)]
        seconds = TIMEOUT * chance.uniform(0, 1.5)
        play = model.Play(user_id="u", room_id="r", message=[what, seconds])
        async with together:
            result = await host.call(HookCall("pre", "play", play, fetch=fetch))
        late = isinstance(result, Crashed) and "hook_timeout" == result.code
        seen["late" if late else "in time"] += 1
        if isinstance(result, Crashed) and not late:
            assert what in {"keeps", "translates", "raises", "yields"}, result.text
            assert "own fault" not in result.text

    # What an interrupted script does afterwards is interrupted again, but nothing is given up.
    limits = HookLimits(timeout=TIMEOUT, abandon_after=60.0, debug=True)
    async with serve_scripts(SCRIPT, limits=limits) as host:
        async with trio.open_nursery() as nursery:
            for number in range(CALLS):
                nursery.start_soon(play, host, number)
        counts = host.statistics()
    assert CALLS == sum(seen.values()) == counts.passed + counts.failed + counts.crashed
    assert seen["late"] == counts.timeouts
    assert seen["late"] > CALLS / 20
    assert seen["in time"] > CALLS / 20
    assert (0, 0) == (counts.given_up, counts.waiting)
    assert not host.stuck
