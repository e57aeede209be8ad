"""One client's bytes: what comes by the inlet, what leaves by the outbox, and when either has ended.

It stands under trio-websocket as its stream. Whole messages pass that by: those that come by the tap, the application's
ready frames by the outbox. Knows frames only by their borders, and nothing of what they say.
"""

import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs
import trio

from yummy.transport.frames import frame_close
from yummy.transport.hub import Hub
from yummy.transport.inbound import Inbound, Violation
from yummy.transport.inlet import BACKPRESSURE, RECEIVE_BYTES, Inlet
from yummy.transport.limits import TransportLimits, bound
from yummy.transport.outbox import Outbox
from yummy.transport.poller import Poller
from yummy.transport.tap import Tap
from yummy.transport.tls import Tls

_DISCARDS = 64
"""Reads of `RECEIVE_BYTES` that a closing connection is worth."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: closing drops what is unsent and tells the client so."""

_CLOSE_FRAME = 0x88
"""What a close frame begins with, and no HTTP response."""


@attrs.frozen
class StreamStatistics:
    """Figures of one stream.

    Attributes:
        bytes_received: Bytes read from the socket.
        bytes_sent: Bytes that the kernel took.
        bytes_queued: Bytes that wait for the kernel.
        frames_received: Frames whose beginning was read.
    """

    bytes_received: int
    bytes_sent: int
    bytes_queued: int
    frames_received: int


def ignore_end() -> None:
    """What a stream calls when it ends and nobody is interested."""


def _ignore_violation(_: Violation) -> None:
    pass


@attrs.define(eq=False, repr=False)
class Stream(trio.abc.Stream):
    """The bytes of one connection.

    Nothing follows a close frame. The socket is closed by its owner alone, with `finish` or `reset`: `aclose`, which
    trio-websocket calls, only ends the reading, so that what is queued still leaves.

    Attributes:
        outbox: What waits to be written.
        inlet: What has come.
        spoken: Whether the client was told anything that is worth waiting for it to read.
        on_end: Called when nothing more will be read.
        on_violation: Called when the client broke a limit; shall end the connection.
    """

    _socket: socket.socket
    _hub: Hub
    _poller: Poller
    _limits: TransportLimits
    _tls: Tls | None = None
    outbox: Outbox = attrs.field(init=False)
    inlet: Inlet = attrs.field(init=False)
    spoken: bool = False
    on_end: Callable[[], None] = ignore_end
    on_violation: Callable[[Violation], None] = _ignore_violation
    _inbound: Inbound = attrs.field(init=False)
    _pause: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    # There only while the reader waits for the upgrade.
    _upgraded: trio.Event | None = None
    _early: bytes = b""  # frames that came together with the request
    _taken: bytes = b""  # what has come, and nobody has looked at
    _left: bytes = b""  # what the tap has left for the decoder
    _reading_over: bool = False

    def __attrs_post_init__(self) -> None:
        limits = self._limits
        self._inbound = Inbound(limits.max_message_bytes, limits.max_fragments, limits.max_control_frames)
        self.outbox = Outbox(self._socket, self._hub, limits, self._tls, on_failure=self.reset)
        self.inlet = Inlet(self._socket, self.outbox, self._tls)

    def statistics(self) -> StreamStatistics:
        """What has passed so far, and what waits."""
        return StreamStatistics(
            self.inlet.bytes_received, self.outbox.bytes_sent, self.outbox.queued, self._inbound.frames
        )

    # Reading

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for some bytes for the decoder.

        Args:
            max_bytes: Bytes to read from the socket at a time. TLS may have kept up to a record more.

        Raises:
            trio.BrokenResourceError: The connection is lost, or the client does not keep to TLS.
            trio.ClosedResourceError: It was closed from this side.
        """
        try:
            while True:
                await self._await_leave_to_read()
                if self._inbound.paused:
                    await self._pause()
                    data = self._feed(b"")
                elif self._early:
                    early, self._early = self._early, b""
                    data = self._feed(early)
                elif self.inlet.ended:
                    self._end_reading()
                    return b""
                elif self._inbound.tap is not None:
                    data = await self._tap_more()
                else:
                    data = self._feed(await self.inlet.receive(max_bytes or RECEIVE_BYTES))
                if data:
                    return data
        except trio.BrokenResourceError:
            self._end_reading()
            raise

    async def _await_leave_to_read(self) -> None:
        """Wait for the upgrade behind a request's head; refuse when nothing more shall be read."""
        if self._inbound.violation is not None:
            self.on_violation(self._inbound.violation)
            self._end_reading()
        if self._reading_over:
            raise trio.ClosedResourceError("reading has ended")
        if self._inbound.head_complete and not self._inbound.upgraded:
            self._upgraded = trio.Event()
            await self._upgraded.wait()
            self._upgraded = None

    def _feed(self, data: bytes) -> bytes:
        return self._inbound.feed(data, self.inlet.last_heard)

    async def _tap_more(self) -> bytes:
        """Let the tap have what comes, until it leaves something for the decoder, or the reading task is needed."""
        await self.inlet.wait_uncrowded()
        await self._poller.watch(self._socket, self._take, self._tap_taken)
        left, self._left = self._left, b""
        return left

    def _take(self, now: float) -> None:
        self._taken = self.inlet.take(now)

    def _tap_taken(self) -> bool:
        """Let the tap have what has come; whether the reading task is needed."""
        inlet, inbound = self.inlet, self._inbound
        data, self._taken = self._taken, b""
        if data:
            self._left = inbound.feed(data, inlet.last_heard)
        if inbound.straight:
            return inlet.ended or inlet.crowded
        return bool(self._left) or inbound.paused or inlet.ended or inlet.crowded or inbound.violation is not None

    def tap(self, on_message: Callable[[bytes | str], bool], pause: Callable[[], Awaitable[None]]) -> None:
        """Hand on whole messages directly from now on, past trio-websocket.

        Args:
            on_message: Gets each of them, in order; returns whether there may be another one at once.
            pause: Awaited before the next one, where there may not, or where there have been many.
        """
        self._inbound.tap = Tap(on_message, bound(self._limits.max_message_bytes))
        self._pause = pause

    def delivered(self) -> None:
        """A message that came from trio-websocket is where it shall be."""
        self._inbound.delivered()

    def upgrade(self) -> None:
        """Expect frames from now on; to be called right before the request is accepted."""
        self._early = self._inbound.upgrade()
        if self._upgraded is not None:
            self._upgraded.set()

    async def secure(self) -> None:
        """Shake hands over TLS, if the stream has it; see `Inlet.secure`."""
        try:
            await self.inlet.secure()
        except trio.BrokenResourceError as error:
            self.spoken = isinstance(error.__cause__, ssl.SSLError)  # TLS has an alert to say
            raise

    def _end_reading(self) -> None:
        if not self._reading_over:
            self._reading_over = True
            self._inbound.untap()
            self.on_end()

    # Writing

    def answer(self, data: bytes) -> None:
        """Queue what is no frame of the application, such as an HTTP response.

        Args:
            data: All of it.
        """
        self.spoken = True
        self.outbox.push(data)

    def seal(self, code: int, reason: str = "") -> None:
        """Queue a close frame; nothing follows it.

        Args:
            code: Why, as a number.
            reason: Why, for people.
        """
        self.outbox.push(frame_close(code, reason))
        self.outbox.sealed = True

    def cut(self, code: int, reason: str = "") -> None:
        """Drop what has not begun to leave, and queue a close frame in its place.

        Args:
            code: Why, as a number.
            reason: Why, for people.
        """
        self.outbox.cut(frame_close(code, reason))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Queue what trio-websocket says: a response, a pong, a close frame. Waits only while very much is queued.

        A cancellation changes nothing: the data is queued whole, before the first wait.

        Raises:
            trio.BrokenResourceError: Nothing can be sent any more.
        """
        if self.outbox.sealed:
            raise trio.BrokenResourceError("nothing follows a close frame")
        if data:
            self.answer(bytes(data))
            if data[0] == _CLOSE_FRAME:
                self.outbox.sealed = True
        await trio.lowlevel.checkpoint()
        await self.outbox.wait_below(BACKPRESSURE)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until `send_all` would not."""
        await trio.lowlevel.checkpoint()
        await self.outbox.wait_below(BACKPRESSURE)

    # The end

    async def finish(self, patience: float) -> None:
        """Let the client take what is queued and close its side, then close the socket. For the owner.

        Nobody else may be reading any more. A cancellation ends the waiting, not the closing: what the kernel took
        already is still delivered.

        Args:
            patience: Seconds to wait at the most; what is queued then is dropped, and the connection reset.
        """
        self.outbox.sealed = True
        self._inbound.untap()
        if self._inbound.upgraded:
            # A close frame may be held behind messages that the tap has left, or have come and not been looked at.
            self._inbound.feed(self._taken, self.inlet.last_heard)
        try:
            with trio.move_on_after(patience):
                if not self.outbox.write():
                    self.outbox.write_soon()
                    await self.outbox.wait_below(0)
                self._end_writing()
                while not self._inbound.closed and await self._discard():
                    pass
        finally:
            if self.outbox.queued:
                self.reset()
            # Closing over bytes that were never read would reset the connection, and what is on its way with it.
            self.inlet.discard(_DISCARDS)
            self._close()

    def reset(self) -> None:
        """Close the socket at once: drop what is queued, and let the client's side fail. Idempotent, never raises."""
        if not self.inlet.closed:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._close()

    async def aclose(self) -> None:
        """End the reading. The socket stays open until `finish` or `reset`."""
        self._end_reading()
        if not self.inlet.closed:
            self._poller.release(self._socket)
        await trio.lowlevel.checkpoint()

    def _end_writing(self) -> None:
        """Say that nothing follows."""
        if self.inlet.closed:
            return
        if self._tls is not None:
            self.outbox.push_wire(self._tls.farewell())
            self.outbox.write()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    async def _discard(self) -> bool:
        """Read something that nobody wants any more, but a close frame; whether there may be more of it."""
        if self.inlet.closed:
            return False
        try:
            data = await self.inlet.receive(RECEIVE_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        if self._inbound.upgraded:
            self._inbound.feed(data, self.inlet.last_heard)
        return bool(data)

    def _close(self) -> None:
        if self.inlet.closed:
            return
        self.inlet.closed = True
        self.outbox.forget()
        self._poller.release(self._socket)
        self._socket.close()
        self._end_reading()
