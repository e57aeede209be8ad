"""Players: clients without a socket, which push requests and expect replies and events.

Every expectation first waits until the server is still: what has not come by then does not come. So nothing here
depends on how fast a machine is.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Generator
from itertools import count
from typing import Any

from attrs import define, field

from yummy.client.codec import Format, encode
from yummy.client.session import Session
from yummy.parts import Parts
from yummy.pipeline.intake import Intake
from yummy.testing.connection import Closed, MemoryConnection
from yummy.testing.messages import Message, differences

#: Replies and events that a failed expectation shows.
SHOWN_MESSAGES = 20


@define(eq=False, repr=False)
class Request:
    """A request that was pushed; awaited, it gives its reply, which must be a success.

    Attributes:
        player: Who sent it.
        type: What is asked for.
        reply: The reply, once it has come.
    """

    player: "Player"
    type: str
    reply: Message | None = None

    def __repr__(self) -> str:
        return f"<{self.type} of {self.player.name}>"

    def __await__(self) -> Generator[Any, Any, Message]:
        """Wait for a reply that says that it was done."""
        __tracebackhide__ = True
        return self.expect_reply().__await__()

    async def expect_reply(self, **fields: Any) -> Message:
        """Wait for the reply; see `Player.expect_reply`."""
        __tracebackhide__ = True
        return await self.player._expect_reply(self, {"status": True, **fields})  # noqa: SLF001  # one thing in two classes

    async def expect_failure(self, code: str | None = None, /, **fields: Any) -> Message:
        """Wait for a reply that refuses; see `Player.expect_failure`."""
        __tracebackhide__ = True
        expected = {"status": False, **({} if code is None else {"code": code}), **fields}
        return await self.player._expect_reply(self, expected)  # noqa: SLF001  # as above


@define(eq=False)
class _Heard:
    """Something that a player heard, and whether the test has looked at it."""

    message: Message
    is_reply: bool
    looked_at: bool = False


@define(eq=False, repr=False)
class Player:
    """A client of the game; `Game.player` and `Game.guest` make one.

    Attributes:
        name: What failures call the player.
        format: How requests are written, and so how the server answers.
    """

    name: str
    format: Format
    _parts: Parts
    _still: Callable[[], Awaitable[None]]
    _explain: Callable[[str], str]
    _session: Session = field(factory=Session)
    _ids: "count[int]" = field(factory=lambda: count(1))
    _requests: dict[int, Request] = field(factory=dict)
    _last: Request | None = None
    _heard: list[_Heard] = field(factory=list)
    _events: deque[_Heard] = field(factory=deque)
    _connection: MemoryConnection = field(init=False)
    _intake: Intake = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._connect()

    def __repr__(self) -> str:
        return f"<player {self.name}>"

    @property
    def user_id(self) -> str:
        """The account that the player is logged in to; "" while it is none."""
        return self._session.user_id or ""

    @property
    def session_id(self) -> str:
        """This login of the account; "" while there is none."""
        return self._session.session_id or ""

    @property
    def token(self) -> str:
        """What takes the session up again; "" while there is none."""
        return self._session.token or ""

    @property
    def closed(self) -> Closed | None:
        """How the server has closed the connection; None while it has not."""
        return self._connection.closed

    def push(self, type_: str, /, **fields: Any) -> Request:
        """Send a request, as the bytes that a client sends.

        Args:
            type_: The request's type: ``Play``, ``CreateRoom``...
            **fields: Its other fields.

        Returns:
            The request: await it for a reply that must be a success, or go on and look at the reply later, by
            `expect_reply` or `expect_failure`.

        Raises:
            RuntimeError: The player is not connected.
            TypeError, ValueError: The fields cannot be written in this format.
        """
        if self._connection.lost or self._connection.closed:
            how = f"was closed by the server ({self.closed})" if self.closed else "is lost"
            raise RuntimeError(f"{self.name} cannot push {type_}: the connection {how}; await restore() first")
        number = next(self._ids)
        payload = encode({**fields, "type": type_, "request_id": number}, self.format)
        self._last = self._requests[number] = Request(self, type_)
        self._intake.receive(payload)
        return self._last

    async def expect_reply(self, **fields: Any) -> Message:
        """Wait for the reply to the last request; by default it must be a success.

        Args:
            **fields: What must stand in it; of a map only the keys that are given here, at every depth.

        Returns:
            The whole reply.

        Raises:
            AssertionError: It is another one.
        """
        __tracebackhide__ = True
        return await self._last_request().expect_reply(**fields)

    async def expect_failure(self, code: str | None = None, /, **fields: Any) -> Message:
        """Wait for the reply to the last request, which must be a refusal.

        Args:
            code: Its code; None for any.
            **fields: What else must stand in it, as for `expect_reply`.

        Returns:
            The whole reply.

        Raises:
            AssertionError: It is another one.
        """
        __tracebackhide__ = True
        return await self._last_request().expect_failure(code, **fields)

    async def expect_event(self, type_: str | None = None, /, **fields: Any) -> Message:
        """Take the next event. None is skipped: `events` takes those that a test does not care for.

        Args:
            type_: Its type; None for any.
            **fields: What must stand in it, as for `expect_reply`.

        Returns:
            The whole event.

        Raises:
            AssertionError: It is another one, or there is none.
        """
        __tracebackhide__ = True
        await self._still()
        expected = {**({} if type_ is None else {"type": type_}), **fields}
        wanted = f"the event {Message(expected)}" if expected else "an event"
        if not self._events:
            raise self._failure(f"{self.name} expected {wanted}, but heard no more events")
        heard = self._events[0]
        wrong = list(differences(expected, heard.message))
        if wrong:
            raise self._failure(f"{self.name} expected {wanted}, but the next event is {heard.message}", wrong)
        self._events.popleft()
        heard.looked_at = True
        return heard.message

    async def expect_no_event(self) -> None:
        """Everything that this player has heard was looked at, and nothing more comes by itself.

        Raises:
            AssertionError: There are more events.
        """
        __tracebackhide__ = True
        await self._still()
        if self._events:
            more = [str(heard.message) for heard in self._events]
            raise self._failure(f"{self.name} expected no more events, but heard", more)

    async def events(self) -> list[Message]:
        """Take all events that have not been taken yet, oldest first."""
        await self._still()
        for heard in self._events:
            heard.looked_at = True
        taken = [heard.message for heard in self._events]
        self._events.clear()
        return taken

    async def drop(self) -> None:
        """Lose the connection without a word. What the server has received ends; then it waits for `restore`."""
        if not self._connection.lost and self._connection.closed is None:
            self._connection.lost = True
            self._end("lost")
        await self._still()

    async def restore(self) -> Message:
        """Connect again and take the session up, as a client does whose connection was lost.

        Returns:
            The reply to ``RestoreToken``: ``restored`` says whether the session went on, ``rooms`` where it is.

        Raises:
            AssertionError: The server refuses it.
            RuntimeError: The player was not logged in.
        """
        __tracebackhide__ = True
        if not self.token:
            raise RuntimeError(f"{self.name} was not logged in, so there is no session to restore")
        await self.drop()
        self._connect()
        return await self.push("RestoreToken", token=self.token)

    def _connect(self) -> None:
        self._connection = MemoryConnection(self._hear, lambda: self._end("closed"))
        self._intake = self._parts.make_peer(self._connection)

    def _end(self, why: str) -> None:
        # As a transport does, which lets what was received end, whatever becomes of the connection.
        self._parts.driver.start(self._intake.finish, why)

    def _hear(self, document: dict[str, Any]) -> None:
        message = Message(document)
        request = self._asked(message)
        heard = _Heard(message, is_reply=request is not None)
        self._heard.append(heard)
        if request is None:
            self._events.append(heard)
            return
        request.reply = message
        if message["status"]:
            self._session = self._session.after(message)

    def _asked(self, message: Message) -> Request | None:
        """The request that a message answers. A script can send anything, also what only looks like an answer."""
        number = message.get("request_id")
        request = self._requests.get(number) if isinstance(number, int) and "status" in message else None
        return request if request is not None and request.reply is None else None

    def _last_request(self) -> Request:
        if self._last is None:
            raise RuntimeError(f"{self.name} has pushed nothing yet, so there is no reply to expect")
        return self._last

    async def _expect_reply(self, request: Request, expected: dict[str, Any]) -> Message:
        __tracebackhide__ = True
        await self._still()
        wanted = f"{self.name} expected that {request.type} {'succeeds' if expected['status'] else 'is refused'}"
        if request.reply is None:
            raise self._failure(f"{wanted}, but there was no reply")
        for heard in self._heard:
            heard.looked_at = heard.looked_at or heard.message is request.reply
        wrong = list(differences(expected, request.reply))
        if wrong:
            raise self._failure(f"{wanted}, but the reply is {request.reply}", wrong)
        return request.reply

    def _failure(self, headline: str, details: list[str] | None = None) -> AssertionError:
        lines = [headline, *(f"  - {detail}" for detail in details or ())]
        if self._heard:
            last = f" last ({len(self._heard)} in all)" if len(self._heard) > SHOWN_MESSAGES else ""
            lines.append(f"what {self.name} heard{last}, oldest first (* not looked at):")
        for heard in self._heard[-SHOWN_MESSAGES:]:
            mark = " " if heard.looked_at else "*"
            lines.append(f"  {mark} {'reply' if heard.is_reply else 'event'} {heard.message}")
        if self.closed is not None:
            lines.append(f"  and the server closed the connection: {self.closed}")
        return AssertionError(self._explain("\n".join(lines)))
