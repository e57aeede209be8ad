"""The hook interpreter's end of the socketpair: blocking, and in the order in which frames came.

Owns the socket there. It knows the frames' bounds, not what they mean.

Nothing that a script could be interrupted in may use it: a frame half-way out would end the interpreter.
"""

import select
import socket
from collections import deque
from collections.abc import Callable

from attrs import define, field

from yummy.hooks.frames import FETCHED, PASSED, QUIET, READ_BYTES, Frame, FrameBuffer, encode, encode_made

#: Replies wait for company this long, in seconds, while more calls are there to be run.
REPLY_DELAY = 0.0002


class ChannelClosed(Exception):  # noqa: N818  # the end, as planned
    """The host has nothing more to say."""


@define
class Channel:
    """Frames to and from the host.

    Attributes:
        closed: Whether the host has closed its end. Nothing else says so: a script can raise `ChannelClosed`, too.
        arrived: The frames that were read already, in order.
    """

    _socket: socket.socket
    closed: bool = False
    arrived: deque[Frame] = field(factory=deque)
    _buffer: FrameBuffer = field(factory=FrameBuffer)
    _replies: list[bytes] = field(factory=list)
    # The calls whose replies come after these, and say no more than that they passed.
    _quiet: list[int] = field(factory=list)
    _reply_due: float = 0.0
    _asking: bool = False
    # Not `select.select`, which knows only the first thousand descriptors of a process.
    _readable: "select.poll" = field(factory=select.poll)

    def __attrs_post_init__(self) -> None:
        self._readable.register(self._socket, select.POLLIN)

    def next(self, patience: float | None = None) -> Frame | None:
        """The next frame.

        Args:
            patience: Seconds to wait for one; None waits for ever.

        Returns:
            The frame; None if none came in time.

        Raises:
            ChannelClosed: There will be none.
        """
        while not self.arrived:
            self.flush()
            if patience is not None and not self._wait(patience):
                return None
            self._read()
        return self.arrived.popleft()

    def fetched(self, fetch_id: int, left: Callable[[], float]) -> Frame | None:
        """The answer to a fetch; frames that come before it wait in line.

        Args:
            fetch_id: Which one. An answer to another is one to a fetch that was given up; it is dropped.
            left: Seconds until nobody waits for it any more.

        Returns:
            The frame; None if it did not come in time.

        Raises:
            ChannelClosed: The host will not answer.
            RuntimeError: A finalizer of a script's object asks, in the midst of another fetch.
        """
        if self._asking:
            raise RuntimeError("a finalizer cannot look up anything while its hook looks something up")
        self._asking = True
        try:
            return self._answer_to(fetch_id, left)
        finally:
            self._asking = False

    def _answer_to(self, fetch_id: int, left: Callable[[], float]) -> Frame | None:
        seen = 0
        while True:
            for place in range(seen, len(self.arrived)):
                frame = self.arrived[place]
                if frame[0] == FETCHED:
                    del self.arrived[place]
                    if frame[1] == fetch_id:
                        return frame
                    break
            else:
                seen = len(self.arrived)
                if not self._wait(left()):
                    return None
                self._read()

    def reply(self, frame: Frame, now: float) -> None:
        """Send a frame with the next ones, or before the next wait.

        Args:
            frame: What to send.
            now: Seconds of `time.monotonic`.

        Raises:
            ValueError: Something in it is no plain data; nothing was sent.
        """
        if not (self._quiet or self._replies):
            self._reply_due = now + REPLY_DELAY
        self._append(encode_made(frame) if frame[0] == PASSED else encode(frame))
        if now >= self._reply_due:
            self.flush()

    def passed(self, call_id: int, now: float) -> None:
        """Reply, with others, that a call has passed and that there is no more to say of it.

        Args:
            call_id: Which one.
            now: Seconds of `time.monotonic`.
        """
        if not (self._quiet or self._replies):
            self._reply_due = now + REPLY_DELAY
        self._quiet.append(call_id)
        if now >= self._reply_due:
            self.flush()

    def send(self, frame: Frame) -> None:
        """Send a frame at once."""
        self._append(encode(frame))
        self.flush()

    def _append(self, data: bytes) -> None:
        """Put a frame behind all that waits."""
        if self._quiet:
            # Taken in one step, as in `flush`.
            quiet, self._quiet = self._quiet, []
            self._replies.append(encode((QUIET, tuple(quiet))))
        if data:
            self._replies.append(data)

    def flush(self) -> None:
        """Send what waits."""
        self._append(b"")
        if self._replies:
            # Taken in one step: a finalizer of a script's object may print at any moment, and so come here again.
            replies, self._replies = self._replies, []
            try:
                self._socket.sendall(b"".join(replies))
            except OSError:
                self.closed = True
                raise ChannelClosed from None

    def close(self) -> None:
        """Let go of the socket. The host hears of it from the thread, which knows why this interpreter ended."""
        self._socket.close()

    def _wait(self, seconds: float) -> bool:
        """Wait for something to read; whether there is."""
        return bool(self._readable.poll(seconds * 1000))

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            raise ChannelClosed
        self.arrived.extend(self._buffer.feed(data))
