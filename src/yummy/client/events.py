"""What a client hears without having asked, and the bounded buffer in which it waits to be read.

The server's events and the connection's own news (lost, restored) share one buffer, so that the application sees
them in the order in which they happened.
"""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import trio
from attrs import define, field, frozen

from yummy.client.errors import ConnectionLost, RequestFailed


@frozen
class Event:
    """Something that the server said: ``Play``, ``MessageFromRoom``, ``JoinToRoom``...

    Attributes:
        type: The event's type.
        fields: Its other fields; ``event["room_id"]`` and ``event.get("user_id")`` read them too.
    """

    type: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Read a field that may be missing.

        Args:
            name: The field's name.
            default: What to answer if there is none.
        """
        return self.fields.get(name, default)


@frozen
class Lost:
    """The connection is lost, and the client tries to get it back.

    Attributes:
        code: The WebSocket close code, 1006 when the connection broke without one.
        reason: The server's words, often empty.
    """

    code: int
    reason: str


@frozen
class Restored:
    """The connection is back.

    Attributes:
        restored: Whether the session went on with its rooms; if not, a new session began that is in no room.
        rooms: Ids of the rooms that the session is in.
        error: Why the server did not believe the token, in which case the client has to authenticate again.
    """

    restored: bool
    rooms: tuple[str, ...]
    error: RequestFailed | None = None


@frozen
class SendFailed:
    """A request that nobody waits for (sent by `send`, or timed out) was answered with an error.

    Attributes:
        error: The server's answer, as `call` would have raised it.
    """

    error: RequestFailed


@frozen
class EventsDropped:
    """The application read too slowly, and events that would have stood here are gone.

    Attributes:
        count: How many.
    """

    count: int


type AnyEvent = Event | Lost | Restored | SendFailed | EventsDropped


class OnOverflow(StrEnum):
    """What happens to events that the buffer has no room for."""

    #: The oldest are forgotten; an `EventsDropped` stands in their place.
    DROP_OLDEST = "drop_oldest"
    #: The client closes: a game that must see every event should rather know at once.
    CLOSE = "close"


class BufferFullError(Exception):
    """An event came for which there is no room, and dropping is not allowed."""


@define
class EventBuffer:
    """Events that wait to be read, in the order in which they came.

    Attributes:
        size: How many events may wait.
        on_overflow: What to do when there is one more.
        dropped: How many have been dropped since the application was last told.
    """

    size: int
    on_overflow: OnOverflow
    dropped: int = 0
    _waiting: deque[AnyEvent] = field(factory=deque, init=False)
    _readers: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)
    _closed: bool = field(default=False, init=False)
    _loss: ConnectionLost | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: AnyEvent) -> None:
        """Add an event and wake whoever waits for it.

        Args:
            event: The newest one.

        Raises:
            BufferFullError: If there is no room and the policy is `OnOverflow.CLOSE`.
        """
        if len(self._waiting) >= self.size:
            if self.on_overflow is OnOverflow.CLOSE:
                raise BufferFullError
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(event)
        self._readers.unpark_all()

    def close(self, loss: ConnectionLost | None) -> None:
        """Let readers have what is left, then the end.

        Args:
            loss: What they get at the end; None for the quiet end of a client that was closed on purpose.
        """
        self._closed = True
        self._loss = loss
        self._readers.unpark_all()

    async def take(self, kind: str | type | None) -> AnyEvent | None:
        """Remove and return the oldest event of a kind; events of other kinds keep waiting.

        Args:
            kind: The `Event.type` or the class to wait for; None for any.

        Returns:
            The event, or None when the client was closed on purpose.

        Raises:
            ConnectionLost: When everything has been read and the connection is gone for good.
        """
        # The checkpoint comes first, so that a cancellation loses no event.
        await trio.lowlevel.checkpoint()
        while (event := self._pop(kind)) is None:
            if self._closed:
                if self._loss is not None:
                    raise ConnectionLost(str(self._loss), code=self._loss.code, reason=self._loss.reason)
                return None
            await self._readers.park()
        return event

    def _pop(self, kind: str | type | None) -> AnyEvent | None:
        if self.dropped and kind in (None, EventsDropped):
            count, self.dropped = self.dropped, 0
            return EventsDropped(count)
        if kind is None:
            return self._waiting.popleft() if self._waiting else None
        for index, event in enumerate(self._waiting):
            if (isinstance(event, Event) and event.type == kind) if isinstance(kind, str) else isinstance(event, kind):
                del self._waiting[index]
                return event
        return None
