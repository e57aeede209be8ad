"""Who is connected: the live connections, how many there are of each address, and those still before the upgrade."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import ip_address
from itertools import count
from typing import TYPE_CHECKING

import attrs
import trio

from yummy.transport.gate import Crowd
from yummy.transport.limits import TransportLimits, bound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http import HTTPStatus

    from yummy.transport.conversation import Conversation, Ending

_PATIENCE = 1.0
"""Seconds that a connection before the upgrade keeps its place when others wait for it."""


@attrs.define(eq=False)
class Registry:
    """Connections, by how far they are.

    Attributes:
        conversations: Those past the upgrade, by id.
        greetings: Those before it, oldest first, and since when (trio's time).
        accepted: Connections accepted in all.
        refused: Requests refused in all, by HTTP status.
        endings: Connections that ended after the upgrade, by the reason.
        closings: Close frames of this server's own accord, by the code.
        late: Connections that did not end their handshake in time.
        displaced: Connections that had to go before that, as there were too many handshakes.
    """

    _limits: TransportLimits
    conversations: dict[int, Conversation] = attrs.field(factory=dict)
    greetings: dict[Conversation, float] = attrs.field(factory=dict)
    accepted: int = 0
    refused: Counter[HTTPStatus] = attrs.field(factory=Counter)
    endings: Counter[Ending] = attrs.field(factory=Counter)
    closings: Counter[int] = attrs.field(factory=Counter)
    late: int = 0
    displaced: int = 0
    _ids: Iterator[int] = attrs.field(factory=lambda: count(1))
    _of_address: Counter[str] = attrs.field(factory=Counter)
    _changed: trio.Event = attrs.field(factory=trio.Event)

    def next_id(self) -> int:
        """An id that no other connection has or had."""
        return next(self._ids)

    def greet(self, conversation: Conversation) -> None:
        """Note a connection that was accepted, and begins."""
        self.accepted += 1
        self.greetings[conversation] = trio.current_time()

    def crowd(self, address: str) -> Crowd:
        """Whether there is room for one more of this address, past the upgrade."""
        return Crowd(
            full=len(self.conversations) >= bound(self._limits.max_connections),
            full_of_address=not _is_loopback(address)
            and self._of_address[address] >= bound(self._limits.max_connections_per_ip),
        )

    def join(self, identity: int, conversation: Conversation) -> None:
        """Note a connection that was upgraded."""
        self.greetings.pop(conversation, None)
        self.conversations[identity] = conversation
        self._of_address[conversation.address] += 1
        self._tell()

    def leave(self, conversation: Conversation) -> None:
        """Forget a connection, however far it was."""
        self.greetings.pop(conversation, None)
        connection = conversation.connection
        if connection is not None and self.conversations.pop(connection.id, None) is not None:
            self._of_address[conversation.address] -= 1
            if not self._of_address[conversation.address]:
                del self._of_address[conversation.address]
        self._tell()

    async def wait_room(self) -> None:
        """Wait until one more may begin.

        Who does not end its handshake must not keep others from beginning theirs, so the oldest has to go; but not
        at once, or of many honest clients that come at the same time some would be turned away.
        """
        await trio.lowlevel.checkpoint()
        while len(self.greetings) >= bound(self._limits.max_handshakes):
            oldest, since = next(iter(self.greetings.items()))
            patience = since + _PATIENCE - trio.current_time()
            if patience > 0:
                with trio.move_on_after(patience):
                    await self._changed.wait()
            else:
                del self.greetings[oldest]
                oldest.stream.reset()
                self.displaced += 1

    async def wait_empty(self) -> None:
        """Wait until nobody is connected."""
        while self.conversations or self.greetings:
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback
