"""TLS over memory: bytes in, bytes out. Knows no socket; `yummy.transport.stream` carries the bytes."""

import ssl
from contextlib import suppress
from pathlib import Path

import attrs

_RECORD_BYTES = 16 * 1024
"""Bytes that one TLS record carries at the most."""


def load_certificate(certificate: Path, key: Path) -> ssl.SSLContext:
    """Prepare TLS for a listener.

    Args:
        certificate: File with the certificate chain (PEM), the server's own certificate first.
        key: File with its private key (PEM), without a password.

    Raises:
        OSError: A file cannot be read, or (as `ssl.SSLError`) is no PEM, or the two do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Renegotiation is the one thing that would make a write wait for a read.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # An empty password, or OpenSSL asks for one at the terminal.
    context.load_cert_chain(certificate, key, password="")
    return context


@attrs.define(eq=False)
class Tls:
    """The TLS half of one connection.

    Attributes:
        ended: Whether the client has said that it sends no more.
    """

    _object: ssl.SSLObject
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    ended: bool = False

    @classmethod
    def begin(cls, context: ssl.SSLContext) -> "Tls":
        """Wait for a client's first word.

        Args:
            context: From `load_certificate`.
        """
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(context.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)

    def handshake(self) -> bool:
        """Go as far as what was received allows.

        Returns:
            Whether the handshake is complete. In any case `to_send` has something for the client.

        Raises:
            ssl.SSLError: The client does not speak TLS, or none that this server takes.
        """
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def feed(self, received: bytes) -> None:
        """Take bytes from the network; none at all mean that there will be no more."""
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()

    def read(self) -> bytes:
        """Everything that is complete among what was fed.

        Raises:
            ssl.SSLError: The bytes are not what this connection's keys make of anything.
        """
        parts = []
        try:
            while part := self._object.read(_RECORD_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        return b"".join(parts)

    def encrypt(self, plain: bytes) -> bytes:
        """Bytes for the network, those of `to_send` included.

        Raises:
            ssl.SSLError: The connection is broken.
        """
        rest = memoryview(plain)
        while rest:
            # A write takes one record at a time.
            rest = rest[self._object.write(rest) :]
        return self._outgoing.read()

    def to_send(self) -> bytes:
        """What TLS itself has to say: handshake, alerts, new keys."""
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """The alert that says that nothing follows."""
        with suppress(ssl.SSLError):  # it wants to read the client's own alert, which need not come
            self._object.unwrap()
        return self._outgoing.read()
