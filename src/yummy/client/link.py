"""One WebSocket connection to a server, from the TCP handshake to the close.

Owns the socket and the tasks that read, write and watch it. Knows frames, but not what is in them; a connection that
is lost stays lost here (`yummy.client.line` makes the next one).
"""

import ssl
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field, frozen
from h11 import ProtocolError as HttpError
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError

from yummy.client.address import Address
from yummy.client.codec import Frame
from yummy.client.errors import ClientError, ConnectFailed, ConnectionLost, Refused

#: Frames that wait for the socket; whoever sends more waits.
OUTBOX_FRAMES = 64
#: Frames that were read and wait for `Link.receive`; then the socket is not read on.
INBOX_FRAMES = 64


@frozen
class LinkOptions:
    """How to open, watch and close a connection.

    Attributes:
        ssl_context: For ``wss:`` addresses; None for the system's certificates.
        connect_timeout: Seconds for TCP, TLS and WebSocket handshake together.
        heartbeat: Seconds between pings; a server that answers none for as long is given up. 0 for no pings.
        close_timeout: Seconds for what is left to be sent and for the closing handshake.
        max_message_bytes: Larger messages from the server end the connection.
    """

    ssl_context: ssl.SSLContext | None = None
    connect_timeout: float = 10.0
    heartbeat: float = 15.0
    close_timeout: float = 2.0
    max_message_bytes: int = 16 * 1024 * 1024


@define
class Link:
    """An open connection."""

    _socket: WebSocketConnection
    _outbox: trio.MemorySendChannel[Frame]
    _queued: trio.MemoryReceiveChannel[Frame]
    _serving: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _written: trio.Event = field(factory=trio.Event, init=False)
    _given_up: str | None = field(default=None, init=False)  # why, if this side did it

    async def send(self, frame: Frame) -> None:
        """Hand a frame to the writer; waits only while `OUTBOX_FRAMES` others wait.

        Args:
            frame: bytes for a binary frame, str for a text frame.

        Raises:
            ConnectionLost: If the connection is gone.
        """
        try:
            await self._outbox.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise self._loss() from None

    async def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            ConnectionLost: If there are no more.
        """
        try:
            return await self._socket.get_message()
        except ConnectionClosed:
            raise self._loss() from None

    def finish(self) -> None:
        """End the connection in good order: what was handed to `send` is still sent."""
        self._serving.cancel()

    def _loss(self) -> ConnectionLost:
        closed = self._socket.closed
        if self._given_up is not None:
            return ConnectionLost(self._given_up)
        if closed is None or closed.code == 1006:
            return ConnectionLost("the connection to the server broke")
        words = f": {closed.reason}" if closed.reason else ""
        return ConnectionLost(
            f"the server closed the connection ({closed.code}{words})", code=closed.code, reason=closed.reason or ""
        )

    async def _write(self, stream: trio.abc.AsyncResource) -> None:
        # The only task that sends messages: a send that is cancelled half-way would garble the stream, so callers,
        # whom anybody may cancel, only queue.
        with self._queued:
            async for frame in self._queued:
                try:
                    await self._socket.send_message(frame)
                except ConnectionClosed:
                    return  # `receive` tells why
                except Exception as error:  # noqa: BLE001  # whatever it is, it ends this connection and not its user
                    await self._give_up(f"a request could not be written: {error}", stream)
                    return
            self._written.set()

    async def _watch(self, heartbeat: float, stream: trio.abc.AsyncResource) -> None:
        while True:
            await trio.sleep(heartbeat)
            with trio.move_on_after(heartbeat) as scope:
                try:
                    await self._socket.ping()
                except ConnectionClosed:
                    return
            if scope.cancelled_caught:
                await self._give_up("the server fell silent", stream)
                return

    async def _give_up(self, why: str, stream: trio.abc.AsyncResource) -> None:
        self._given_up = why
        await trio.aclose_forcefully(stream)

    async def _close(self, seconds: float) -> None:
        self._outbox.close()
        with trio.move_on_after(seconds, shield=True):
            if self._socket.closed is None:
                await self._written.wait()
            await self._socket.aclose()


async def run_link(address: Address, options: LinkOptions, serve: Callable[[Link], Awaitable[None]]) -> ConnectionLost:
    """Connect, hand the connection to `serve`, and close it when that ends.

    Args:
        address: The server.
        options: Time-outs and TLS.
        serve: Uses the connection until it is lost (then it raises what `Link.receive` raised) or finished.

    Returns:
        How the connection ended.

    Raises:
        ConnectFailed: If there was no connection; `Refused` if the server did not want it.
    """
    loss = ConnectionLost("the connection was closed by this client", code=1000)
    stream: _Watched | None = None
    link: Link | None = None
    try:
        # This nursery owns all tasks of the connection. It ends when `serve` ends; a cancellation from outside ends
        # it at once and leaves a closed socket, but unsent frames unsent.
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(options.connect_timeout) as connecting:
                stream = _Watched(await _open_stream(address, options.ssl_context), connecting)
                socket = await _shake_hands(nursery, stream, address, options)
            if connecting.cancelled_caught or stream is None:
                raise _no_handshake(address, options, ended=stream is not None and stream.ended)
            link = Link(socket, *trio.open_memory_channel[Frame](OUTBOX_FRAMES))
            nursery.start_soon(link._write, stream)  # noqa: SLF001  # the link's tasks are its own, this function runs them
            if options.heartbeat:
                nursery.start_soon(link._watch, options.heartbeat, stream)  # noqa: SLF001  # the same
            try:
                with link._serving:  # noqa: SLF001  # the same
                    await serve(link)
            except ConnectionLost as lost:
                loss = lost
            await link._close(options.close_timeout)  # noqa: SLF001  # the same
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = _unwrap(group, address)
        if link is not None and isinstance(error, ConnectFailed):
            return ConnectionLost(str(error), code=1002)
        raise error from None
    finally:
        if stream is not None:
            await trio.aclose_forcefully(stream)
    return loss


@define(eq=False)
class _Watched(trio.abc.Stream):
    """A stream that tells when it ends during the handshake, for which trio-websocket would wait for ever."""

    _stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]
    _connecting: trio.CancelScope
    ended: bool = field(default=False, init=False)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            self._end()
            raise
        if not data:
            self._end()
        return data

    def _end(self) -> None:
        self.ended = True
        self._connecting.cancel()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _open_stream(
    address: Address, context: ssl.SSLContext | None
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    try:
        tcp = await trio.open_tcp_stream(address.host, address.port)
    except OSError as error:
        raise ConnectFailed(f"nobody answers at {address}: {error}") from error
    if not address.secure:
        return tcp
    stream = trio.SSLStream(
        tcp, context or ssl.create_default_context(), server_hostname=address.host, https_compatible=True
    )
    try:
        await stream.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error, trio.BrokenResourceError):
            raise ConnectFailed(f"no TLS with {address}: {error.__cause__ or error}") from error
        raise
    return stream


async def _shake_hands(
    nursery: trio.Nursery, stream: _Watched, address: Address, options: LinkOptions
) -> WebSocketConnection:
    return await wrap_client_stream(
        nursery,
        stream,  # type: ignore[arg-type]  # any Stream serves; the annotation names the two usual ones
        address.authority,
        address.resource,
        message_queue_size=INBOX_FRAMES,
        max_message_size=options.max_message_bytes,
        receive_buffer_size=None,
    )


def _no_handshake(address: Address, options: LinkOptions, *, ended: bool) -> ConnectFailed:
    if ended:
        return ConnectFailed(f"{address} hung up during the handshake; is it a Yummy server, and is TLS meant?")
    return ConnectFailed(f"{address} did not answer within {options.connect_timeout:g} seconds")


def _unwrap(group: BaseExceptionGroup[BaseException], address: Address) -> BaseException:
    """The one error that stands for a group; the group itself if it holds a cancellation or a bug."""
    errors = list(_leaves(group))
    for error in errors:
        match error:
            case ClientError() | ConnectionRejected() | ProtocolError() | HttpError():
                continue
            case _:
                return group
    match errors[0]:
        case ConnectionRejected(status_code=status, body=body):
            return Refused(status, (body or b"").decode(errors="replace").strip())
        case ProtocolError() | HttpError() as error:
            return ConnectFailed(f"{address} does not speak WebSocket: {error}")
        case error:
            return error


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
