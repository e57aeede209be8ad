"""What an application uses: `connect`, and the requests and events of a `Client`."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, overload

import trio
from attrs import define, evolve, frozen

from yummy.client.address import DEFAULT_KEY, KEY_NAME, parse_address
from yummy.client.codec import Format
from yummy.client.errors import RequestTimeout
from yummy.client.events import AnyEvent, Event, EventBuffer, OnOverflow
from yummy.client.line import Line
from yummy.client.link import LinkOptions
from yummy.client.reconnect import Reconnect

type Reply = Mapping[str, Any]

_RECONNECT = Reconnect()
_LINK_OPTIONS = LinkOptions()


@define(eq=False)
class Client:
    """A connection to a Yummy server; made by `connect`.

    Every request method raises `RequestFailed`, `RequestTimeout` and `ConnectionLost` as `call` does. Optional fields
    that are None are not sent.
    """

    _line: Line

    @property
    def user_id(self) -> str | None:
        """The account that is logged in."""
        return self._line.session.user_id

    @property
    def session_id(self) -> str | None:
        """This login of the account."""
        return self._line.session.session_id

    @property
    def token(self) -> str | None:
        """What `restore` needs to take the session up again, perhaps in another process."""
        return self._line.session.token

    async def call(self, type: str, /, *, timeout: float | None = None, **fields: Any) -> Reply:  # noqa: A002, ASYNC109  # the wire's word; seconds, translated to an error of ours
        """Send a request and wait for its answer.

        Args:
            type: The request's type, such as ``GetRoom``.
            timeout: Seconds to wait; None for the client's default.
            **fields: The request's other fields.

        Returns:
            The whole answer.

        Raises:
            RequestFailed: If the answer is an error.
            RequestTimeout: If it did not come in time; it may still be carried out.
            ConnectionLost: If the connection was lost while the request was on its way, or is gone for good.
        """
        return await self._line.call({"type": type, **fields}, self._line.timeout if timeout is None else timeout)

    async def send(self, type: str, /, **fields: Any) -> None:  # noqa: A002  # the wire's word
        """Send a request without waiting for its answer; a failure becomes a `SendFailed` event.

        Args:
            type: The request's type.
            **fields: Its other fields.

        Raises:
            ConnectionLost: If the connection is gone for good.
        """
        await self._line.send({"type": type, **fields})

    # Events

    def events(self) -> AsyncIterator[AnyEvent]:
        """Everything that happens, in order, until the client is closed.

        Several loops, also one after another, share the events: each event goes to one of them.

        Raises:
            ConnectionLost: While iterating, when the connection is gone for good.
        """
        return _Events(self._line.events)

    @overload
    async def next_event(self, type: str, *, timeout: float | None = None) -> Event: ...  # noqa: ASYNC109  # as in `call`

    @overload
    async def next_event[T](self, type: type[T], *, timeout: float | None = None) -> T: ...  # noqa: ASYNC109  # as in `call`

    @overload
    async def next_event(self, type: None = None, *, timeout: float | None = None) -> AnyEvent: ...  # noqa: ASYNC109  # as in `call`

    async def next_event(self, type: Any = None, *, timeout: float | None = None) -> Any:  # noqa: A002, ASYNC109  # as in `call`
        """Wait for the next event, or for the next one of a kind; others keep waiting to be read.

        Args:
            type: An event's type (``"Play"``) or class (`Lost`, `Restored`...); None for any.
            timeout: Seconds to wait; None for the client's default.

        Raises:
            RequestTimeout: If there was none in time.
            ConnectionLost: When the connection is gone for good, or the client is closed.
        """
        seconds = self._line.timeout if timeout is None else timeout
        with trio.move_on_after(seconds):
            event = await self._line.events.take(type)
            if event is None:
                raise self._line.loss()
            return event
        raise RequestTimeout(f"no event{'' if type is None else f' {type}'} within {seconds:g} seconds")

    # Sessions

    async def authenticate_email(self, email: str, password: str, create: bool = False) -> Reply:  # noqa: FBT002  # a field of the request
        """Log in by e-mail address.

        Args:
            email: The address.
            password: 8 to 128 characters.
            create: Whether to make the account if there is none.
        """
        return await self.call("AuthEmail", email=email, password=password, create=create)

    async def authenticate_device(self, device_id: str) -> Reply:
        """Log in by a device's id (8 to 128 characters); makes the account on first sight."""
        return await self.call("AuthDeviceId", id=device_id)

    async def authenticate_custom(self, custom_id: str) -> Reply:
        """Log in by an id of the game's own (8 to 128 characters); makes the account on first sight."""
        return await self.call("AuthCustomId", id=custom_id)

    async def restore(self, token: str) -> Reply:
        """Take up a session by its token; ``restored`` and ``rooms`` of the answer tell what is left of it."""
        return await self.call("RestoreToken", token=token)

    async def refresh_token(self) -> Reply:
        """Get a token of the same session that is valid for longer."""
        return await self.call("RefreshToken", token=self.token)

    async def logout(self) -> Reply:
        """End the session."""
        return await self.call("Logout")

    # Users

    async def me(self) -> Reply:
        """Read one's own account."""
        return await self.call("Me")

    async def get_user(self, user_id: str) -> Reply:
        """Read another user's account."""
        return await self.call("GetUser", user_id=user_id)

    async def update_user(self, **fields: Any) -> Reply:
        """Change the account: ``name``, ``email``, ``password``, ``metas``, ``meta_action``..."""
        return await self.call("UpdateUser", **fields)

    # Rooms

    async def create_room(
        self,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        max_user: int | None = None,
        metas: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Reply:
        """Make a room and join it as its owner.

        Args:
            name: What others see.
            tags: What `rooms` can look for.
            max_user: How many members it takes; 0 or None for no limit.
            metas: The room's metadata.
            **fields: ``description``, ``access_type``, ``join_request``.
        """
        given = {"name": name, "tags": tags and list(tags), "max_user": max_user, "metas": metas and dict(metas)}
        return await self.call("CreateRoom", **_without_none(given), **fields)

    async def join(self, room_id: str, *, password: str | None = None, rank: int | None = None) -> Reply:
        """Join a room.

        Args:
            room_id: The room.
            password: For a private room.
            rank: A ``room_user_type``; more than user is for global moderators and admins.
        """
        return await self.call(
            "JoinToRoom", room_id=room_id, **_without_none({"password": password, "room_user_type": rank})
        )

    async def leave(self, room_id: str) -> Reply:
        """Leave a room."""
        return await self.call("RoomDisconnect", room_id=room_id)

    async def play(self, room_id: str, message: Any) -> Reply:
        """Make a move: the other members hear the event ``Play``."""
        return await self.call("Play", room_id=room_id, message=message)

    async def message(self, room_id: str, message: Any) -> Reply:
        """Say something: the other members hear the event ``MessageFromRoom``."""
        return await self.call("MessageToRoom", room_id=room_id, message=message)

    async def rooms(self, *, tag: str | None = None, members: Sequence[int] | None = None, **fields: Any) -> Reply:
        """List public rooms, newest first.

        Args:
            tag: Only rooms with this tag.
            members: Room info numbers to tell of each; None for all.
            **fields: ``limit``, ``cursor``.
        """
        given = {"tag": tag, "members": None if members is None else list(members)}
        return await self.call("RoomList", **_without_none(given), **fields)

    async def get_room(self, room_id: str, members: Sequence[int] | None = None) -> Reply:
        """Read a room.

        Args:
            room_id: The room.
            members: Room info numbers to tell; None for all.
        """
        given = {"members": None if members is None else list(members)}
        return await self.call("GetRoom", room_id=room_id, **_without_none(given))

    async def update_room(self, room_id: str, **fields: Any) -> Reply:
        """Change a room: ``name``, ``max_user``, ``tags``, ``metas``, ``meta_action``, ``user_permission``..."""
        return await self.call("UpdateRoom", room_id=room_id, **fields)

    async def kick(self, room_id: str, user_id: str, *, ban: bool = False) -> Reply:
        """Put a member out of a room.

        Args:
            room_id: The room.
            user_id: The member.
            ban: Whether to keep them out for good.
        """
        return await self.call("BanUserFromRoom" if ban else "KickUserFromRoom", room_id=room_id, user_id=user_id)


@frozen
class _Events:
    # No generator: one that a loop leaves early has to be closed by hand.
    _buffer: EventBuffer

    def __aiter__(self) -> "_Events":
        return self

    async def __anext__(self) -> AnyEvent:
        event = await self._buffer.take(None)
        if event is None:
            raise StopAsyncIteration
        return event


@asynccontextmanager
async def connect(  # noqa: PLR0913  # all but the first have defaults and are named by the caller
    url: str,
    *,
    api_key: str | None = DEFAULT_KEY,
    key_name: str = KEY_NAME,
    format: Format | str = Format.MSGPACK,  # noqa: A002  # the usual word
    ssl_context: ssl.SSLContext | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109  # the default of requests, not a limit to this block
    reconnect: Reconnect | None = _RECONNECT,
    event_buffer: int = 1024,
    on_overflow: OnOverflow = OnOverflow.DROP_OLDEST,
    options: LinkOptions = _LINK_OPTIONS,
) -> AsyncGenerator[Client]:
    """Connect to a server for the time of an ``async with`` block; nothing outlives the block.

    Args:
        url: ``ws://127.0.0.1:9090`` is enough; path and key are added.
        api_key: The server's ``INTEGRATION_KEY``; None to add no key.
        key_name: The server's ``API_KEY_NAME``.
        format: ``"msgpack"`` or ``"json"``.
        ssl_context: For ``wss:`` addresses; None for the system's certificates.
        timeout: Seconds that a request, or `Client.next_event`, waits by default.
        reconnect: How to get a lost connection back; None to let it be lost.
        event_buffer: How many events may wait to be read.
        on_overflow: What happens to more.
        options: Time-outs of the connection itself.

    Yields:
        The client, connected.

    Raises:
        ConnectFailed: If there was no connection; `Refused` if the server did not want it.
        ValueError: If the URL is none.
    """
    line = Line(
        address=parse_address(url, api_key, key_name),
        options=options if ssl_context is None else evolve(options, ssl_context=ssl_context),
        format=Format(format),
        policy=reconnect,
        timeout=timeout,
        events=EventBuffer(event_buffer, on_overflow),
    )
    failure: BaseException | None = None
    # This nursery owns the client's tasks. It ends when the block does: in good order if the block returned or raised,
    # at once if it was cancelled. `Line.run` keeps its errors as values, so the group that a nursery makes of errors
    # could only hold the block's own; that is carried around the nursery and leaves as it came.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.run)
        await line.up.wait()
        if line.fate is None:
            try:
                yield Client(line)
            except BaseException as error:  # noqa: BLE001  # raised again below
                failure = error
        else:
            failure = line.fate
        line.finish()
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # it holds this frame, which would hold it


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
