"""Restore windows: how long a session outlives its connection.

All windows are equally long, so those that end first stand first, and one task serves them all.
"""

from collections import deque
from collections.abc import Callable

import attrs
import trio

from yummy.core.values import Session
from yummy.store.world import World


@attrs.define(eq=False)
class Windows:
    """The sessions without a connection, by the end of their window.

    Attributes:
        world: Where sessions stand.
        length: Seconds; 0 ends a session with its connection.
        end: Starts to end a session that nobody came back for.
    """

    world: World
    length: float
    end: Callable[[str], None]
    _waiting: deque[tuple[float, Session]] = attrs.field(factory=deque)
    _opened: trio.Event = attrs.field(factory=trio.Event)

    def open(self, session: Session) -> None:
        """A session has lost its connection: its window begins."""
        self._waiting.append((trio.current_time() + self.length, session))
        self._opened.set()

    async def run(self) -> None:
        """End sessions whose windows are over, until cancelled."""
        while True:
            while not self._waiting:
                self._opened = trio.Event()
                await self._opened.wait()
            deadline, session = self._waiting[0]
            await trio.sleep_until(deadline)
            self._waiting.popleft()
            # A session that came back and was lost again is another value, with a window of its own.
            if self.world.sessions.get(session.id) is session:
                self.end(session.id)
