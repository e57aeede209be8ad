"""What waits to be written to one client: whole frames, and the rest of what the kernel took a part of.

Knows frames as bytes, and the socket as something to write to; who closes it is the stream's business.
"""

import socket
from collections.abc import Callable
from contextlib import suppress

import attrs
import trio

from yummy.transport.hub import Hub
from yummy.transport.limits import TransportLimits, bound
from yummy.transport.tls import Tls


def _ignore() -> None:
    pass


@attrs.define(eq=False, repr=False)
class Outbox:
    """The writing side of one connection.

    A frame is queued whole or not at all, and once the kernel has taken a part of a frame it gets the rest before
    anything else; so no cancellation leaves half of one behind.

    Attributes:
        sealed: Whether nothing more can be queued.
        crowded_since: Since when more than `outbox_bytes` wait, in trio's time; None while they do not.
        queued: Bytes that wait for the kernel.
        bytes_sent: Bytes that the kernel took.
        on_overflow: Called when so much waits that no grace applies; shall `cut` or `reset` the stream.
        on_failure: Called when writing failed in a way that should not be; shall `reset` the stream.
    """

    _socket: socket.socket
    _hub: Hub
    _limits: TransportLimits
    _tls: Tls | None = None
    sealed: bool = False
    crowded_since: float | None = None
    queued: int = 0
    bytes_sent: int = 0
    on_overflow: Callable[[], None] = _ignore
    on_failure: Callable[[], None] = _ignore
    _frames: list[bytes] = attrs.field(factory=list)
    _wire: bytes | memoryview = b""
    _crowd: int = attrs.field(init=False)
    _burst: int = attrs.field(init=False)
    _scheduled: bool = False  # the hub, or a task of its, will write
    _progress: trio.Event | None = None

    def __attrs_post_init__(self) -> None:
        self._crowd = bound(self._limits.outbox_bytes)
        self._burst = bound(self._limits.outbox_bytes * self._limits.outbox_burst)

    def push(self, frame: bytes) -> None:
        """Queue a frame for the hub's next round. Never waits and never raises; dropped once the outbox is sealed.

        Args:
            frame: One or more whole frames.
        """
        if self.sealed:
            return
        self._frames.append(frame)
        self.queued = queued = self.queued + len(frame)
        if not self._scheduled:
            self._scheduled = True
            self._hub.mark(self)
        if queued > self._crowd:
            self._note_crowd()

    def cut(self, last: bytes) -> None:
        """Drop the frames of which nothing has left, and queue one in their place, the last.

        Args:
            last: One whole frame.
        """
        if self.sealed:
            return
        self.queued += len(last) - sum(map(len, self._frames))
        self._frames[:] = [last]
        self.sealed = True
        self.write_soon()

    def push_wire(self, data: bytes) -> None:
        """Queue what goes to the wire as it is: what TLS itself has to say, even when the outbox is sealed.

        Args:
            data: Bytes that belong behind everything that TLS has encrypted so far.
        """
        if data:
            self._wire = bytes(self._wire) + data
            self.queued += len(data)
            self.write_soon()

    def write_soon(self) -> None:
        """Have the hub write what is queued."""
        if not self._scheduled:
            self._scheduled = True
            self._hub.mark(self)

    def write(self) -> bool:
        """Give the kernel what it takes, at once.

        Returns:
            Whether nothing is left. If the connection is lost nothing is, either.
        """
        scheduled = self._scheduled
        done = self.flush()
        self._scheduled = scheduled  # whoever was to write comes all the same, and shall not be told twice
        return done

    def forget(self) -> None:
        """Drop everything: writing has no sense any more. What was received before may still be read."""
        self.sealed = True
        self._frames.clear()
        self._wire = b""
        self.queued = 0
        self.crowded_since = None
        self._tell_progress()

    async def wait_below(self, limit: int) -> None:
        """Wait until no more than so many bytes wait. A cancellation changes nothing.

        Args:
            limit: Bytes.
        """
        while self.queued > limit:
            if self._progress is None:
                self._progress = trio.Event()
            await self._progress.wait()

    # What the hub asks of it.

    def flush(self) -> bool:
        """Write what the kernel takes; see `yummy.transport.hub`."""
        while self._wire or self._frames:
            data = self._wire
            try:
                if not data:
                    data = b"".join(self._frames)  # which copies nothing if there is only one
                    self._frames.clear()
                    if self._tls is not None:
                        data = self._encrypt(data, self._tls)
                sent = self._socket.send(data)
            except BlockingIOError:
                self._wire = data
                return False
            except OSError:  # of the socket, or of TLS
                self.forget()
                break
            self.bytes_sent += sent
            self.queued = left = self.queued - sent
            if not left:
                break
            # An empty rest of a view would still hold all of it.
            self._wire = memoryview(data)[sent:] if sent < len(data) else b""
            if self.crowded_since is not None and left <= self._crowd:
                self.crowded_since = None
        self._wire = b""
        self.crowded_since = None
        if self._progress is not None:
            self._tell_progress()
        self._scheduled = False
        return True

    async def drain(self) -> None:
        """Write the rest. Runs in a task of the hub, at most one for an outbox; ends with the connection."""
        try:
            while not self.write():
                with suppress(trio.ClosedResourceError):  # woken up by the end of reading, or by its own end
                    await trio.lowlevel.wait_writable(self._socket)
                self._tell_progress()
        finally:
            self._scheduled = False

    def fail(self) -> None:
        """Writing failed in a way that should not be."""
        self.on_failure()

    # Its own.

    def _encrypt(self, plain: bytes, tls: Tls) -> bytes:
        data = tls.encrypt(plain)
        self.queued += len(data) - len(plain)
        return data

    def _note_crowd(self) -> None:
        if self.crowded_since is None:
            self.crowded_since = trio.current_time()
        if self.queued > self._burst:
            # Perhaps it is only that the hub has not come round.
            self.write()
            if self.queued > self._burst:
                self.on_overflow()

    def _tell_progress(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None
