"""One task that writes what all connections have queued, once for each batch of the scheduler.

Everything that one batch of tasks says to a connection leaves in one write. So does what is said to all the messages
that the poller reads at once, but without waking that task. Knows outboxes, not what is in them.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Protocol

import attrs
import structlog
import trio

_log = structlog.get_logger("yummy.transport")

_FLUSHES_AT_A_TIME = 256
"""Outboxes written before other tasks get their turn."""


class Flushable(Protocol):
    """Something that waits to be written; see `yummy.transport.outbox`."""

    def flush(self) -> bool:
        """Write what the kernel takes.

        Returns:
            Whether nothing is left; if something is, `drain` shall run.
        """

    async def drain(self) -> None:
        """Write the rest, whenever the kernel takes more of it."""

    def fail(self) -> None:
        """Give up, since writing failed."""


@attrs.define(eq=False)
class Hub:
    """Who has something to write.

    Attributes:
        rounds: How often some outboxes were written.
        flushes: How many outboxes were written in all.
    """

    rounds: int = 0
    flushes: int = 0
    _marked: list[Flushable] = attrs.field(factory=list)
    _parked: trio.lowlevel.Task | None = None
    _gathering: bool = False
    _drains: trio.Nursery | None = None  # open while the task is parked

    def mark(self, outbox: Flushable) -> None:
        """Have an outbox written in the next batch. It must not be marked already."""
        self._marked.append(outbox)
        if not self._gathering and self._parked is not None:
            self._wake(self._parked)

    def gather(self) -> None:
        """Wake no task for what is marked from now on: who calls this calls `write`, before anybody else runs."""
        self._gathering = True

    def write(self) -> None:
        """Write what was marked since `gather`, which saves the task a turn of the scheduler.

        Where there is very much, it is left to the task, which lets others run in between.
        """
        self._gathering = False
        marked = self._marked
        if self._parked is None or self._drains is None or not marked:
            return
        if len(marked) > _FLUSHES_AT_A_TIME:
            self._wake(self._parked)
            return
        self._marked = []
        self.rounds += 1
        self._flush(marked, self._drains)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled.

        The nursery owns one task for each outbox whose kernel buffer is full; such a task ends when everything is
        written or the connection is gone. A cancellation leaves frames unwritten, but none half taken from an outbox.
        """
        async with trio.open_nursery() as drains:
            self._drains = drains
            task_status.started()
            while True:
                if not self._marked:
                    await self._park()
                await self._round(drains)

    async def _round(self, drains: trio.Nursery) -> None:
        """Write all that are marked. A function of its own, so that a resting hub keeps none of them alive."""
        marked, self._marked = self._marked, []
        self.rounds += 1
        for some in batched(marked, _FLUSHES_AT_A_TIME, strict=False):
            self._flush(some, drains)
            if len(some) == _FLUSHES_AT_A_TIME:
                await trio.lowlevel.checkpoint()

    async def _park(self) -> None:
        self._parked = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._parked = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self, task: trio.lowlevel.Task) -> None:
        self._parked = None
        trio.lowlevel.reschedule(task)

    # Nothing that goes wrong in one outbox may end the task that all of them depend on.

    def _flush(self, outboxes: Sequence[Flushable], drains: trio.Nursery) -> None:
        self.flushes += len(outboxes)
        for outbox in outboxes:
            try:
                done = outbox.flush()
            except Exception:  # noqa: BLE001  # see above
                _log.exception("write_failed")
                outbox.fail()
                continue
            if not done:
                drains.start_soon(self._drain, outbox)

    async def _drain(self, outbox: Flushable) -> None:
        try:
            await outbox.drain()
        except Exception:  # noqa: BLE001  # see above
            _log.exception("write_failed")
            outbox.fail()
