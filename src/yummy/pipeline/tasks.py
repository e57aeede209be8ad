"""The tasks of the pipeline: workers of connections, and chains of the server's own.

They belong to the server and not to connections, so that what has begun ends. They are counted, so that a drain can
wait for them, and none of them can take the server down.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import structlog
import trio

_log = structlog.get_logger("yummy.pipeline")


@attrs.define(eq=False)
class Tasks:
    """Starts tasks in a nursery. At most one for each connection, and one for each session that ends.

    Attributes:
        running: How many there are now.
    """

    _nursery: trio.Nursery
    running: int = 0
    _idle: trio.Event = attrs.field(factory=trio.Event)

    def start(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Start a task. An error of it is logged and ends it alone."""
        if not self.running:
            self._idle = trio.Event()
        self.running += 1
        self._nursery.start_soon(self._run, work, arguments)

    async def wait_idle(self) -> None:
        """Wait until there are none."""
        while self.running:
            await self._idle.wait()

    async def _run(self, work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...]) -> None:
        try:
            await work(*arguments)
        except Exception:  # noqa: BLE001  # one message's fault must not be everybody's
            _log.exception("task_failed")
        finally:
            self.running -= 1
            if not self.running:
                self._idle.set()
