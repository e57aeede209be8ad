"""What operators change while the server runs: looked for in the store, and carried out on the live state.

Operators work on the database itself, so the server has to look. It looks for notices, which costs one small question,
and only then at accounts. What must hold at once (nobody logs in to a disabled account, no token of an ended session
works) does so without this, since every login asks the store; this is for whoever is inside already.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import attrs
import trio

from yummy.core.notices import Notice
from yummy.pipeline.steps import Steps
from yummy.protocol.errors import Refusal

INTERVAL = 1.0
"""Seconds between two looks."""


class NoticeStore(Protocol):
    """Where operators leave notices."""

    async def last_notice(self) -> int:
        """The number of the latest notice; 0 if there is none.

        Raises:
            Refusal: `storage_failed`.
        """

    async def notices(self, after: int) -> list[Notice]:
        """What operators have changed since the notice of this number, in order.

        Raises:
            Refusal: `storage_failed`.
        """


@attrs.define(eq=False)
class Operators:
    """Reads notices and has them obeyed.

    Attributes:
        store: Where they are.
        obey: Carries one out.
        launch: Begins a chain of the server's own.
    """

    store: NoticeStore
    obey: Callable[[Notice], Steps[None]]
    launch: Callable[[Steps[None]], None]

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look again and again, until cancelled. What changed before the start is no news to this server.

        Raises:
            Refusal: `storage_failed`, at the start only.
        """
        last = await self.store.last_notice()
        task_status.started()
        while True:
            await trio.sleep(INTERVAL)
            # If it fails, the store has logged why, and there is another time.
            with suppress(Refusal):
                for notice in await self.store.notices(last):
                    last = notice.number
                    self.launch(self.obey(notice))
