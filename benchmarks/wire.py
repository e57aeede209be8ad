"""Connections with as little work as possible, by the standard library's sockets.

Pings are answered. Fragments and text end the connection: Yummy sends neither to who speaks MessagePack.
"""

import base64
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Generator
from functools import cache
from typing import Any, Self

import msgpack
from attrs import define, field, frozen

from benchmarks.frames import Kind, frame, is_answer, request_frame, split_frames

_RECEIVE_BYTES = 1 << 16
#: Seconds that a server may take to answer while players are made ready.
PATIENCE = 30.0

#: What a socket says when there is nothing to read, or no room to write, right now.
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(Exception):  # noqa: N818  # the server has closed it, or sent what no such server sends
    """A connection has ended that should not have, or could not begin.

    Attributes:
        code: What ended it, for programs: an error code of Yummy, ``http 503`` for a refused handshake, ``closed 4004``
            for a close frame, ``lost`` for everything else.
    """

    def __init__(self, text: str, code: str = "lost") -> None:
        super().__init__(text)
        self.code = code


@frozen
class Where:
    """Where a server listens.

    Attributes:
        host: Name or IP address.
        port: TCP port.
        secure: Whether TLS is spoken.
        resource: Path and query, with the API key.
    """

    host: str
    port: int
    secure: bool
    resource: str

    @classmethod
    def local(cls, port: int, key: str) -> Self:
        """A server on loopback."""
        return cls("127.0.0.1", port, secure=False, resource=f"/v1/socket?x-yummy-api={key}")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def address(self) -> tuple[socket.AddressFamily, Any]:
        """The family and the address for a socket.

        Raises:
            ConnectionLost: There is no such host.
        """
        return _resolve(self.host, self.port)


@cache
def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConnectionLost(f"{host} could not be found: {error.strerror}") from None
    return family, address


@define(eq=False)
class Wire:
    """One connection.

    Attributes:
        socket: Its socket; blocking, until a generator takes it over.
    """

    socket: socket.socket
    # What has come behind the answer to the handshake.
    _early: bytes = b""
    # The beginning of a frame.
    _rest: bytes = b""
    _unsent: bytearray = field(factory=bytearray)

    @classmethod
    def connect(cls, where: Where, patience: float = PATIENCE) -> "Wire":
        """Connect to a server, and shake hands.

        Args:
            where: The server.
            patience: Seconds that this, and each request and answer after it, may take.

        Raises:
            ConnectionLost: It is not there, or refused.
        """
        dialling, until = dial(where), time.monotonic() + patience
        ready = select.poll()
        end = None
        try:
            while True:
                end, events = next(dialling)
                ready.register(end, events)
                if not ready.poll(max(0.0, until - time.monotonic()) * 1000):
                    dialling.close()
                    raise ConnectionLost(f"the server did not answer within {patience:g} s")
                ready.unregister(end)
        except StopIteration as stop:
            wire: Wire = stop.value
            wire.socket.settimeout(patience)
            return wire

    def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer; events that come before it are dropped.

        Raises:
            ConnectionLost: It ended meanwhile, or the answer is a failure.
        """
        answer = self.ask_for_any(type_, **fields)
        if answer["status"] is not True:
            raise ConnectionLost(f"{type_} failed: {answer['error']} ({answer['code']})", answer["code"])
        return answer

    def ask_for_any(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer, be it a success or a failure.

        Raises:
            ConnectionLost: It ended meanwhile.
        """
        try:
            self.socket.sendall(request_frame(type_, **fields))
        except OSError as error:
            raise ConnectionLost(str(error)) from None
        while True:
            for payload in self.receive():
                if is_answer(payload):
                    answer: dict[str, Any] = msgpack.unpackb(payload)
                    return answer

    def send(self, data: bytes) -> bool:
        """Send as much as there is room for, and keep the rest for `flush`; whether nothing is kept.

        Raises:
            ConnectionLost: It has ended.
        """
        if self._unsent:
            self._unsent += data
            return False
        try:
            sent = self.socket.send(data)
        except _NOT_NOW:
            sent = 0
        except OSError as error:
            raise ConnectionLost(str(error)) from None
        if sent < len(data):
            self._unsent += data[sent:]
        return not self._unsent

    def flush(self) -> bool:
        """Send what was kept; whether nothing is kept any more.

        Raises:
            ConnectionLost: It has ended.
        """
        kept, self._unsent = bytes(self._unsent), bytearray()
        return self.send(kept)

    def receive(self) -> list[bytes]:
        """The payloads that have come; pings are answered.

        Raises:
            ConnectionLost: It has ended.
        """
        received, self._early = self._early or self._receive(), b""
        if not received:
            return []
        payloads, others, self._rest = split_frames(self._rest + received)
        for head, payload in others:
            self._take_other(head, payload)
        return payloads

    def read(self) -> bytes:
        """What has come, frames and all, for who makes something of it that `receive` does not; b"" if nothing has.

        Raises:
            ConnectionLost: It has ended.
        """
        kept, self._early, self._rest = self._early + self._rest, b"", b""
        return kept or self._receive()

    def _receive(self) -> bytes:
        try:
            received = self.socket.recv(_RECEIVE_BYTES)
            if isinstance(self.socket, ssl.SSLSocket):
                # What it has decrypted no longer shows at the socket below.
                while self.socket.pending():
                    received += self.socket.recv(_RECEIVE_BYTES)
        except _NOT_NOW:
            return b""
        except OSError as error:
            raise ConnectionLost(str(error) or "the connection was lost") from None
        if not received:
            raise ConnectionLost("the server has closed the connection")
        return received

    def _take_other(self, head: int, payload: bytes) -> None:
        match head:
            case Kind.PING:
                self.send(frame(Kind.PONG, payload, os.urandom(4)))
            case Kind.PONG:
                pass
            case Kind.CLOSE:
                code = int.from_bytes(payload[:2], "big")
                reason = payload[2:].decode(errors="replace")
                text = f"the server has closed the connection with code {code}" + (f": {reason}" if reason else "")
                raise ConnectionLost(text, f"closed {code}")
            case _:
                raise ConnectionLost(f"the server sent a frame of kind {head:#x}: {payload[:80]!r}")

    def close(self) -> None:
        """Let go of the connection, without a word."""
        self.socket.close()


def dial(where: Where) -> Generator[tuple[socket.socket, int], None, Wire]:
    """Connect and shake hands without blocking.

    Yields:
        The socket, and the events of `select.poll` that it waits for.

    Returns:
        The connection, whose socket does not block.

    Raises:
        ConnectionLost: It could not begin; its socket is closed then.
    """
    family, address = where.address
    try:
        end = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # too many are open
        raise ConnectionLost(f"no connection to {where}: {error.strerror}") from None
    try:
        end.settimeout(0)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.connect_ex(address)
        yield end, select.POLLOUT
        if code := end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code))  # noqa: TRY301  # what connect() would have raised
        if where.secure:
            end = _tls().wrap_socket(end, server_hostname=where.host, do_handshake_on_connect=False)
            yield from _shake_tls(end)
        rest = yield from _upgrade(end, where)
    except OSError as error:
        end.close()
        raise ConnectionLost(f"no connection to {where}: {error.strerror or error}") from None
    except BaseException:
        end.close()
        raise
    return Wire(end, rest)


def _upgrade(end: socket.socket, where: Where) -> Generator[tuple[socket.socket, int], None, bytes]:
    """Shake hands, and return what has come behind the answer."""
    nonce = base64.b64encode(os.urandom(16)).decode()
    end.send(
        f"GET {where.resource} HTTP/1.1\r\nHost: {where}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        yield end, select.POLLIN
        try:
            received = end.recv(_RECEIVE_BYTES)
        except _NOT_NOW:
            continue
        if not received:
            raise ConnectionLost(f"{where} ended the handshake: {answer[:200]!r}")
        answer += received
        if len(answer) > _RECEIVE_BYTES:
            raise ConnectionLost(f"{where} is no WebSocket server: {answer[:80]!r}")
    head, _, rest = answer.partition(b"\r\n\r\n")
    first = head.partition(b"\r\n")[0].decode(errors="replace")
    if not first.startswith("HTTP/1.1 101"):
        status = re.match(r"HTTP/1\.\d (\d{3})", first)
        raise ConnectionLost(f"{where} refused the handshake: {first[:80]}", f"http {status[1]}" if status else "lost")
    return rest


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shake_tls(end: ssl.SSLSocket) -> Generator[tuple[socket.socket, int]]:
    while True:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            yield end, select.POLLIN
        except ssl.SSLWantWriteError:
            yield end, select.POLLOUT
        else:
            return
