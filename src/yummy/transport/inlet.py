"""What comes from one client: bytes off the socket, and out of TLS where there is TLS.

Knows nothing of what they say, nor who wants them; who closes the socket is the stream's business.
"""

import socket
import ssl
from contextlib import suppress

import attrs
import trio

from yummy.transport.limits import KIB
from yummy.transport.outbox import Outbox
from yummy.transport.tls import Tls

RECEIVE_BYTES = 16 * KIB
"""Bytes read from a socket at a time."""

BACKPRESSURE = 64 * KIB
"""Bytes in the outbox above which what a client makes a library say (pongs, TLS's new keys) waits, and its reading."""


@attrs.define(eq=False, repr=False)
class Inlet:
    """The reading side of one connection.

    Attributes:
        last_heard: When the client's last byte came, in trio's time.
        ended: Whether the client sends no more.
        crowded: Whether TLS's own answers wait to be written, so that nothing more should be read.
        bytes_received: Bytes read from the socket.
        closed: Whether the socket is closed.
    """

    _socket: socket.socket
    _outbox: Outbox
    _tls: Tls | None
    last_heard: float = attrs.field(factory=trio.current_time)
    ended: bool = False
    crowded: bool = False
    bytes_received: int = 0
    closed: bool = False

    async def secure(self) -> None:
        """Shake hands over TLS, if there is TLS. A cancellation leaves a connection that can only be ended.

        Raises:
            trio.BrokenResourceError: The client is gone, or speaks no TLS that this server takes.
        """
        tls = self._tls
        if tls is None:
            return
        while True:
            try:
                done = tls.handshake()
            except ssl.SSLError as error:
                raise trio.BrokenResourceError(f"no TLS handshake: {error.reason}") from error
            finally:
                self._outbox.push_wire(tls.to_send())
            if done:
                return
            received = await self._wait(RECEIVE_BYTES)
            if not received:
                raise trio.BrokenResourceError("the client left during the TLS handshake")
            tls.feed(received)

    async def receive(self, max_bytes: int) -> bytes:
        """Wait for some bytes as the client meant them; none when it sends no more.

        Args:
            max_bytes: Bytes to read from the socket at a time. TLS may have kept up to a record more.

        Raises:
            trio.BrokenResourceError: The connection is lost, or the client does not keep to TLS.
            trio.ClosedResourceError: It was closed from this side.
        """
        tls = self._tls
        if tls is None:
            data = await self._wait(max_bytes)
            self.ended = not data
            return data
        while not (data := self._decrypt(tls)) and not self.ended:
            await self.wait_uncrowded()
            tls.feed(await self._wait(max_bytes))
        return data

    def take(self, now: float) -> bytes:
        """Some bytes as the client meant them, without waiting; none if there are none yet, or no more.

        Args:
            now: Trio's time.

        Raises:
            trio.BrokenResourceError: As for `receive`.
        """
        data = self._read(RECEIVE_BYTES, now)
        if data is None:
            return b""
        if self._tls is None:
            self.ended = not data
            return data
        self._tls.feed(data)
        return self._decrypt(self._tls)

    async def wait_uncrowded(self) -> None:
        """Wait while TLS's own answers crowd the outbox."""
        if self.crowded:
            await self._outbox.wait_below(BACKPRESSURE)
            self.crowded = False

    def discard(self, reads: int) -> None:
        """Read what nobody wants, without waiting.

        Args:
            reads: Of `RECEIVE_BYTES`, at the most.
        """
        if not self.closed:
            with suppress(OSError):
                for _ in range(reads):
                    if not self._socket.recv(RECEIVE_BYTES):
                        break

    def _decrypt(self, tls: Tls) -> bytes:
        try:
            data = tls.read()
        except ssl.SSLError as error:
            raise trio.BrokenResourceError(f"TLS is broken: {error.reason}") from error
        if answer := tls.to_send():
            # Keys that change, and alerts, want an answer; a client could ask for it again and again, and not read it.
            self._outbox.push_wire(answer)
            self.crowded = self._outbox.queued > BACKPRESSURE
        self.ended = tls.ended
        return data

    async def _wait(self, max_bytes: int) -> bytes:
        while True:
            if self.closed:
                raise trio.ClosedResourceError("the connection was closed")
            await trio.lowlevel.wait_readable(self._socket)
            if (data := self._read(max_bytes, trio.current_time())) is not None:
                return data

    def _read(self, max_bytes: int, now: float) -> bytes | None:
        """What the kernel has, none at the end; None: nothing has come after all."""
        try:
            data = self._socket.recv(max_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            raise trio.BrokenResourceError("the connection is lost") from error
        self.last_heard = now
        self.bytes_received += len(data)
        return data
