"""When a server has nothing more to do by itself, and how time passes then.

A server is still when no chain runs, no hook call waits and no thread works for it, and all tasks wait. What goes on
outside of the event loop (scripts, SQL, hashing) is waited for in real time; the clock of the event loop is moved only
while the server is still, from one deadline to the next, so that timers go off one after another and nothing expires
because this machine is slow.
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio
from attrs import frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from yummy.parts import Parts

#: Real seconds between two looks at what is done outside of the event loop.
POLL = 0.001


class StuckError(Exception):
    """Nothing happens any more, or it does not end; says what to look at."""


def run[R](
    test: Callable[..., Awaitable[R]],
    *arguments: Any,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> R:
    """Run an async function like `trio.run`, with a clock that stands still until a game advances it.

    Args:
        test: The function.
        *arguments: Its arguments.
        clock: Another clock.
        instruments: As `trio.run` takes them.

    Returns:
        What it returns.
    """
    return trio.run(test, *arguments, clock=clock or MockClock(), instruments=instruments)


def hand_clock() -> MockClock | None:
    """The clock of the event loop if only a game moves it, else None.

    Raises:
        RuntimeError: It jumps or runs ahead by itself, which would make timers expire while a script still works.
    """
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, MockClock):
        return None
    if clock.rate or clock.autojump_threshold != math.inf:
        raise RuntimeError(
            "this clock moves by itself, also while a hook runs, so that everything would time out: leave out "
            "autojump_clock, and let a test take the fixture yummy_game or the marker yummy (without pytest: "
            "yummy.testing.run)"
        )
    return clock


@frozen
class Stillness:
    """Waits for one server.

    Attributes:
        parts: The server.
        patience: Real seconds to wait at most.
    """

    parts: Parts
    patience: float

    async def wait(self) -> None:
        """Wait until the server has nothing more to do.

        Raises:
            StuckError: It still has something to do when patience is over.
        """
        give_up = time.monotonic() + self.patience
        await wait_all_tasks_blocked()
        while self._busy():
            if time.monotonic() > give_up:
                raise StuckError(self._why_busy())
            # Its timer goes by the clock of the event loop, which stands still.
            self.parts.hooks.look_at_clock()
            await wait_all_tasks_blocked(POLL)

    async def advance(self, seconds: float) -> None:
        """Let time pass, from deadline to deadline, each time waiting for what follows.

        Args:
            seconds: How much.

        Raises:
            RuntimeError: Time passes by itself.
            StuckError: As `wait` says.
        """
        clock = hand_clock()
        if clock is None:
            raise RuntimeError(
                "time passes by itself here, so it cannot be advanced: let the test take the fixture yummy_game or "
                "the marker yummy (without pytest: yummy.testing.run)"
            )
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} seconds")
        await self.wait()
        target = trio.current_time() + seconds
        while (left := target - trio.current_time()) > 0:
            due = trio.lowlevel.current_statistics().seconds_to_next_deadline
            # Never less than a clock can tell apart, or it would stand still just before a deadline.
            clock.jump(max(min(due, left), math.ulp(target)))
            await self.wait()

    async def watch(self, give_up: Callable[[StuckError], None]) -> None:
        """Tell when everything waits for nothing, until cancelled: a test that sleeps would never end.

        Args:
            give_up: Called then, once.
        """
        await wait_all_tasks_blocked(self.patience)
        give_up(
            StuckError(
                f"nothing has happened for {self.patience:g} s, and everything waits. Time stands still in a test: "
                "instead of trio.sleep, let it pass by `await game.advance(seconds)`"
            )
        )

    def _busy(self) -> bool:
        parts = self.parts
        threads = parts.store.statistics().borrowed_tokens
        return bool(parts.driver.running or threads or parts.hooks.statistics().waiting)

    def _why_busy(self) -> str:
        waiting = self.parts.hooks.statistics().waiting
        return (
            f"the server has not come to rest within {self.patience:g} s (chains running: {self.parts.driver.running}, "
            f"hook calls waiting: {waiting})"
            + (". Does a hook wait for something that never comes?" if waiting else "")
        )
