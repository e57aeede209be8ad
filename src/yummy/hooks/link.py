"""The host's end of the socketpair, on trio: frames out without waiting, frames in by one reader.

Owns the socket there. It knows the frames' bounds, not what they mean.
"""

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import trio
from attrs import define, field

from yummy.hooks.frames import READ_BYTES, Frame, FrameBuffer, encode


@define(eq=False)
class Link:
    """Frames to and from the hook interpreter. What is queued here is bounded by the calls that the host admits."""

    _socket: socket.socket
    _buffer: FrameBuffer = field(factory=FrameBuffer)
    _outgoing: deque[bytes] = field(factory=deque)
    _writer: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    _closed: bool = False

    def send(self, frame: Frame, *, soon: bool = False) -> None:
        """Send a frame, or queue it if the socket is full; once closed, drop it.

        Args:
            frame: What to send.
            soon: Leave it to the writer, which joins what was queued meanwhile; for when the other end is busy.

        Raises:
            ValueError: Something in it is no plain data; nothing was sent.
        """
        data = encode(frame)
        if self._closed:
            return
        if self._outgoing:
            self._outgoing.append(data)  # the writer was woken already
            return
        if not soon:
            data = data[self._send_now(data) :]
        if data:
            self._outgoing.append(data)
            self._writer.unpark()

    async def write(self) -> None:
        """Send what is queued, until closed or cancelled; a frame may then have been sent in part."""
        while not self._closed:
            if not self._outgoing:
                await self._writer.park()
                continue
            data = b"".join(self._outgoing)
            # The rest stays in front of what is queued meanwhile, so that `send` keeps the order.
            self._outgoing.clear()
            rest = data[self._send_now(data) :]
            while rest:
                self._outgoing.appendleft(rest)
                try:
                    await trio.lowlevel.wait_writable(self._socket)
                except trio.ClosedResourceError:
                    return
                del self._outgoing[0]
                rest = rest[self._send_now(rest) :]

    async def read(self, handle: Callable[[Frame], None]) -> None:
        """Hand over each frame that comes, until either end is closed."""
        while not self._closed:  # trio must not be asked to wait for a closed socket, which it would remember
            try:
                await trio.lowlevel.wait_readable(self._socket)
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                continue
            except (trio.ClosedResourceError, OSError):
                return
            if not data:
                return
            for frame in self._buffer.feed(data):
                handle(frame)

    def drain(self, handle: Callable[[Frame], None]) -> None:
        """Hand over each frame that has come already, without waiting."""
        with suppress(OSError):  # nothing more is there, or the other end is gone
            while data := self._socket.recv(READ_BYTES):
                for frame in self._buffer.feed(data):
                    handle(frame)

    def finish(self) -> None:
        """Say that nothing more comes; the other end ends, and what it says meanwhile can still be read."""
        with suppress(OSError):  # the other end was faster
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the socket; reader and writer end. Doing it again changes nothing."""
        if self._closed:
            return
        self._closed = True
        self._writer.unpark_all()
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()

    def _send_now(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # the other end is gone, which the reader will see
