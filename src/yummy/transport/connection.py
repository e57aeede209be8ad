"""The two halves of one connection, as each sees the other: the transport's `Connection`, the application's `Peer`."""

from collections.abc import Callable
from typing import Protocol

import attrs
import trio

from yummy.transport.outbox import Outbox


class Peer(Protocol):
    """The application's half of one connection, made when the upgrade has succeeded."""

    def receive(self, payload: bytes | str) -> None:
        """Take one whole message. Never blocks; an error of it ends the connection (1011).

        Args:
            payload: Bytes of a binary frame, text of a text frame.
        """

    @property
    def full(self) -> bool:
        """Whether there is no room for another message, so that the reader has to wait."""

    async def wait_room(self) -> None:
        """Wait until there is. May be cancelled."""

    async def finish(self, reason: str) -> None:
        """End what was received, for there will be nothing more. Called once, and not cancelled with the connection.

        Args:
            reason: Why reading has ended, one of `yummy.transport.conversation.Ending`.
        """


@attrs.define(eq=False)
class Connection:
    """The transport's half of one connection, for the application.

    Attributes:
        id: Unique among the connections of this server's life.
        address: The client's IP address.
        subprotocol: ``yummy.msgpack``, ``yummy.json``, or None.
        authenticated: To be set by the application; while it is not, the clock of `auth_timeout` runs.
        working: To be set by the application, while it works on what the client has sent: that clock stands still.
        send: Queues one or more whole frames, as `yummy.transport.frames` makes them. Never blocks, never raises;
            drops them silently once the connection closes.
    """

    id: int
    address: str
    subprotocol: str | None
    _outbox: Outbox = attrs.field(repr=False)
    _hang_up: Callable[[int, str], None] = attrs.field(repr=False)
    authenticated: bool = False
    working: bool = False
    # The outbox's own method: a call less for each frame.
    send: Callable[[bytes], None] = attrs.field(init=False, repr=False)
    _gone: bool = False
    # There only while somebody waits.
    _ended: trio.Event | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        self.send = self._outbox.push

    def close(self, code: int, reason: str = "") -> None:
        """Close behind what is queued. Returns at once; the connection's own task does the rest. Idempotent.

        Args:
            code: The close code.
            reason: Why, for people.
        """
        self._hang_up(code, reason)

    @property
    def closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._outbox.sealed

    async def wait_closed(self) -> None:
        """Wait until the connection is gone, and what was received of it has ended."""
        while not self._gone:
            if self._ended is None:
                self._ended = trio.Event()
            await self._ended.wait()

    def mark_ended(self) -> None:
        """For the transport alone: the connection is gone."""
        self._gone = True
        if self._ended is not None:
            self._ended.set()
