"""Calls of hooks: what happens inside the interpreter, and the way there and back."""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import trio

from benchmarks import scripts
from benchmarks.micro.floors import SOCKETPAIR
from benchmarks.micro.pieces import Piece, computing, seconds_for_one_awaited
from yummy import model
from yummy.hooks.calls import HookCall, HookLimits
from yummy.hooks.copies import COPIERS
from yummy.hooks.deadline import Deadline
from yummy.hooks.guard import Guard
from yummy.hooks.loader import Loaded
from yummy.hooks.opening import open_hooks
from yummy.hooks.output import Output
from yummy.hooks.runner import Runner, make_calls
from yummy.hooks.traces import ScriptTexts

_PLAY = model.Play(
    user_id="018f2f6e-0000-7000-8000-000000000001",
    session_id="018f2f6e-0000-7000-8000-000000000002",
    request_id=1 << 16,
    room_id="018f2f6e-0000-7000-8000-000000000000",
    message={"cell": 4},
)
#: Calls that are on their way at once.
_AT_ONCE = 16
#: Seconds between two looks of the watchdog, and until a hook would be late.
_LOOK, _NEVER = 0.05, 3600.0


@contextmanager
def inside() -> Iterator[list[Piece]]:
    """One call as it is run inside, but in this interpreter: all of it, and what the guard has of it."""
    texts = ScriptTexts()
    deadline = Deadline(lambda: None, lambda _where: None)
    deadline.start(_LOOK)
    guard = Guard(texts)
    runner = Runner(
        HookLimits(timeout=_NEVER),
        texts,
        Output(lambda _frame: None, texts, 1000, 10),
        deadline,
        guard,
        lambda _call, _kind, _subject: None,
        lambda _trouble, _call: None,
    )
    runner.calibrate()
    call = make_calls()["pre", "play"]
    loaded = Loaded(hooks={call.hook: (lambda _model: None,)})
    copier = COPIERS["play"]
    values = [getattr(_PLAY, field.name) for field in copier.fields]
    copy = copier.make(values)

    def look() -> bool:
        return sys.getrefcount(copy) > guard.usual

    try:
        yield [
            computing("run an empty hook, in this interpreter", lambda: runner.run(call, loaded, values, (), ())),
            computing("the guard's part of that", look),
        ]
    finally:
        deadline.close()


@asynccontextmanager
async def trips() -> AsyncIterator[list[Piece]]:
    """A call from the server's event loop to a hook and back, each of which has a GIL of its own."""
    with tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home:
        (Path(home) / "game.py").write_text(scripts.ADDITION)
        async with open_hooks(Path(home), HookLimits()) as host:
            call = partial(host.call, HookCall("pre", "play", _PLAY))
            yield [
                Piece("a hook, there and back", partial(seconds_for_one_awaited, call), SOCKETPAIR),
                Piece(f"the same, {_AT_ONCE} at once (for each)", partial(_measure_many, call), SOCKETPAIR),
                Piece(
                    "instead: a worker thread for a call", partial(seconds_for_one_awaited, _in_a_thread), SOCKETPAIR
                ),
                Piece(
                    f"a worker thread for each of {_AT_ONCE} at once", partial(_measure_many, _in_a_thread), SOCKETPAIR
                ),
            ]


async def _in_a_thread() -> None:
    """What the engine is there to avoid: a thread for each call, which gets the event loop's GIL and gives it back."""
    await trio.to_thread.run_sync(lambda: None)


async def _measure_many(call: Callable[[], Awaitable[object]], seconds: float) -> float:
    count = 0
    began = time.perf_counter()

    async def repeat() -> None:
        nonlocal count
        while True:
            await call()
            count += 1
            if time.perf_counter() - began >= seconds:
                return

    async with trio.open_nursery() as nursery:
        for _ in range(_AT_ONCE):
            nursery.start_soon(repeat)
    return (time.perf_counter() - began) / count
