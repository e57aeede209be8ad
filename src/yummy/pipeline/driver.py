"""The driver: lets chains go on, one step after another, and starts the tasks that some of them need.

Chains and tasks belong to the server and not to connections, so that what has begun ends. They are counted, so that a
drain can wait for them, and none of them can take the server down.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import structlog
import trio

from yummy.pipeline.steps import Steps

AT_ONCE_MAX = 32
"""Steps that are done without letting others run."""

TURN = 0.01
"""Seconds after which others get their turn, though there were fewer steps."""

_LOOK = 4
"""Steps after which the time is looked at, which takes a while itself."""

_log = structlog.get_logger("yummy.pipeline")


def _nothing(_result: Any) -> None:
    pass


@attrs.define(eq=False, repr=False)
class _Chain:
    """A chain under way; a `yummy.pipeline.steps.Waiter`."""

    steps: Steps[Any]
    ended: Callable[[Any], None]
    driver: "Driver"

    def resume(self, value: Any = None) -> None:
        self.driver.soon(self.go_on, value)

    def throw(self, error: Exception) -> None:
        self.driver.soon(self.go_on, None, error)

    def go_on(self, value: Any = None, error: Exception | None = None) -> bool:
        """Go on until it waits or ends; whether it has ended."""
        while True:
            try:
                wait = self.steps.send(value) if error is None else self.steps.throw(error)
            except StopIteration as stop:
                result = stop.value
                break
            except Exception:  # noqa: BLE001  # one chain's fault must not be everybody's
                _log.exception("chain_failed")
                result = None
                break
            error = None  # its traceback holds this frame
            try:
                wait(self)
            except Exception as refused:  # noqa: BLE001  # whatever it is, the chain knows what it means
                error = refused
            else:
                return False
        if self.driver.forget(self):
            self.ended(result)
        return True


@attrs.define(eq=False, repr=False)
class Driver:
    """Drives chains. There are at most one chain and one task for each connection, and one for each session that ends.

    Attributes:
        running: How many chains and tasks there are now.
        over: Whether the server ends: nothing is driven any more, and what has not begun never does.
    """

    _nursery: trio.Nursery
    running: int = 0
    over: bool = False
    _ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = attrs.field(factory=deque)
    _chains: set[_Chain] = attrs.field(factory=set)
    _lot: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    # There only while somebody waits for it.
    _idle: trio.Event | None = None

    def begin(self, steps: Steps[Any], ended: Callable[[Any], None] = _nothing) -> bool:
        """Run a chain up to where it waits.

        Args:
            steps: The chain.
            ended: Called with what it returns, if it does not end at once; with None if it failed.

        Returns:
            Whether it has ended already.
        """
        if self.over:
            steps.close()
            return True
        chain = _Chain(steps, ended, self)
        if chain.go_on():
            return True
        self._chains.add(chain)
        self.running += 1
        return False

    def launch(self, steps: Steps[Any]) -> None:
        """Begin a chain soon, not within this call."""
        if self.over:
            steps.close()
            return
        chain = _Chain(steps, _nothing, self)
        self._chains.add(chain)
        self.running += 1
        chain.resume()

    def start(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Start a task. An error of it is logged and ends it alone."""
        self.running += 1
        self._nursery.start_soon(self._work, work, arguments)

    def soon(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function soon, not within this call, after those that were given before."""
        if self.over:
            return
        if not self._ready:
            self._lot.unpark()
        self._ready.append((function, arguments))

    async def run(self) -> None:
        """Let chains go on, until cancelled; then those that wait are closed, and who waits for their end is told."""
        try:
            while True:
                self._do_ready(AT_ONCE_MAX)
                if self._ready:
                    await trio.lowlevel.checkpoint()
                else:
                    await self._lot.park()
        finally:
            self.over = True
            self._do_ready(len(self._ready))
            for chain in list(self._chains):
                self.forget(chain)
                self._ready.extend(((chain.steps.close, ()), (chain.ended, (None,))))
            self._do_ready(len(self._ready))

    def _do_ready(self, most: int) -> None:
        ready = self._ready
        began = trio.current_time()
        left = min(most, len(ready))
        while left > 0:
            for _ in range(min(left, _LOOK)):
                function, arguments = ready.popleft()
                try:
                    function(*arguments)
                except Exception:  # noqa: BLE001  # one chain's fault must not be everybody's
                    _log.exception("step_failed")
            left -= _LOOK
            if left > 0 and trio.current_time() - began > TURN and not self.over:
                break

    async def wait_idle(self) -> None:
        """Wait until no chain and no task is left."""
        while self.running:
            if self._idle is None:
                self._idle = trio.Event()
            await self._idle.wait()

    def forget(self, chain: _Chain) -> bool:
        """A chain has ended; whether it was under way, and did not end at once."""
        if chain not in self._chains:
            return False
        self._chains.remove(chain)
        self._discount()
        return True

    async def _work(self, work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...]) -> None:
        try:
            await work(*arguments)
        except Exception:  # noqa: BLE001  # one task's fault must not be everybody's
            _log.exception("task_failed")
        finally:
            self._discount()

    def _discount(self) -> None:
        self.running -= 1
        if self._idle is not None and not self.running:
            self._idle.set()
            self._idle = None
