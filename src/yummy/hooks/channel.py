"""The hook interpreter's end of the socketpair: blocking, and in the order in which frames came.

Owns the socket there. It knows the frames' bounds, not what they mean.
"""

import select
import socket
import time
from collections import deque

from attrs import define, field

from yummy.hooks.frames import FETCHED, READ_BYTES, Frame, FrameBuffer, encode

#: Replies wait for company this long, in seconds, while more calls are there to be run.
REPLY_DELAY = 0.0002


class ChannelClosed(Exception):  # noqa: N818  # the end, as planned
    """The host has nothing more to say."""


@define
class Channel:
    """Frames to and from the host.

    Attributes:
        closed: Whether the host has closed its end. Nothing else says so: a script can raise `ChannelClosed`, too.
    """

    _socket: socket.socket
    closed: bool = False
    _buffer: FrameBuffer = field(factory=FrameBuffer)
    _arrived: deque[Frame] = field(factory=deque)
    _replies: list[bytes] = field(factory=list)
    _reply_due: float = 0.0

    def next(self, patience: float | None = None) -> Frame | None:
        """The next frame.

        Args:
            patience: Seconds to wait for one; None waits for ever.

        Returns:
            The frame; None if none came in time.

        Raises:
            ChannelClosed: There will be none.
        """
        while not self._arrived:
            self.flush()
            if patience is not None and not select.select([self._socket], [], [], patience)[0]:
                return None
            self._read()
        return self._arrived.popleft()

    def fetched(self, fetch_id: int) -> Frame:
        """The answer to a fetch; frames that come before it wait in line.

        Raises:
            ChannelClosed: The host will not answer.
        """
        self.flush()
        while True:
            for place, frame in enumerate(self._arrived):
                if frame[0] == FETCHED:
                    del self._arrived[place]
                    if frame[1] == fetch_id:
                        return frame
                    break  # of a fetch that was given up
            else:
                self._read()

    def reply(self, frame: Frame) -> None:
        """Send a frame with the next ones, or before the next wait.

        Raises:
            ValueError: Something in it is no plain data; nothing was sent.
        """
        data = encode(frame)
        now = time.monotonic()
        if not self._replies:
            self._reply_due = now + REPLY_DELAY
        self._replies.append(data)
        if now >= self._reply_due:
            self.flush()

    def send(self, frame: Frame) -> None:
        """Send a frame at once."""
        self._replies.append(encode(frame))
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._replies:
            data = b"".join(self._replies)
            self._replies.clear()
            try:
                self._socket.sendall(data)
            except OSError:
                self.closed = True
                raise ChannelClosed from None

    def close(self) -> None:
        """Let go of the socket. The host hears of it from the thread, which knows why this interpreter ended."""
        self._socket.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            raise ChannelClosed
        self._arrived.extend(self._buffer.feed(data))
