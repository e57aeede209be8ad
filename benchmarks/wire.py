"""WebSocket and MessagePack with as little work as possible, by the standard library's sockets.

Requests are built and masked once and sent again and again. Of what comes back only the frames' headers are read, and
of an answer whether it is a success. That is enough for servers that a benchmark starts itself: they send no pings
(``HEARTBEAT_INTERVAL=0``), no fragments and no text.
"""

import base64
import itertools
import os
import socket
from typing import Any, Self

import msgpack
from attrs import define

_BINARY = 0x82
_MASKED = 0x80
_RECEIVE_BYTES = 1 << 16
#: Seconds that a server may take to answer while players are made ready.
PATIENCE = 30.0

#: How an answer begins, after the byte of its map: requests carry no ``request_id``, so ``status`` comes first.
_STATUS = b"\xa6status"
_TRUE = 0xC3


class ConnectionLost(Exception):  # noqa: N818  # the server has closed it, or sent what no such server sends
    """A connection has ended that should not have."""


def request_frame(type_: str, **fields: Any) -> bytes:
    """The frame of a request, masked and ready to be sent as often as one likes."""
    payload = msgpack.packb({"type": type_, **fields})
    size = len(payload)
    if size < 126:
        head = bytes((_BINARY, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_BINARY, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_BINARY, _MASKED | 127)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    masked = bytes(byte ^ key for byte, key in zip(payload, itertools.cycle(mask), strict=False))
    return head + mask + masked


def split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The payloads of the whole frames in what was received, and the rest.

    Raises:
        ConnectionLost: There is another frame than a binary message.
    """
    payloads = []
    start, end = 0, len(data)
    while end - start >= 2:
        head, size = start + 2, data[start + 1]
        if size >= 126:
            width = 2 if size == 126 else 8
            head += width
            # Beyond the end it is too small, but then so is what there is.
            size = int.from_bytes(data[start + 2 : head], "big")
        stop = head + size
        if stop > end:
            break
        if data[start] != _BINARY:
            raise ConnectionLost(f"the server sent a frame of kind {data[start]:#x}: {data[head:stop]!r}")
        payloads.append(data[head:stop])
        start = stop
    return payloads, data[start:]


def is_answer(payload: bytes) -> bool:
    """Whether a message answers a request; else it is an event."""
    return payload[1:8] == _STATUS


def is_success(payload: bytes) -> bool:
    """Whether an answer is a success."""
    return payload[8] == _TRUE


@define(eq=False)
class Wire:
    """One connection.

    Attributes:
        socket: Its socket; blocking, until a generator takes it over.
    """

    socket: socket.socket
    _rest: bytes = b""

    @classmethod
    def connect(cls, port: int, key: str) -> Self:
        """Connect to a server on loopback, and shake hands.

        Raises:
            ConnectionLost: It refused.
        """
        end = socket.create_connection(("127.0.0.1", port), PATIENCE)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        nonce = base64.b64encode(os.urandom(16)).decode()
        end.sendall(
            f"GET /v1/socket?x-yummy-api={key} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = end.recv(_RECEIVE_BYTES)
            if not received:
                raise ConnectionLost(f"the server ended the handshake: {answer!r}")
            answer += received
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionLost(f"the server refused the handshake: {head!r}")
        return cls(end, rest)

    def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer; events that come before it are dropped.

        Raises:
            ConnectionLost: It ended meanwhile, or the answer is a failure.
        """
        answer = self.ask_for_any(type_, **fields)
        if answer["status"] is not True:
            raise ConnectionLost(f"{type_} failed: {answer['error']} ({answer['code']})")
        return answer

    def ask_for_any(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer, be it a success or a failure.

        Raises:
            ConnectionLost: It ended meanwhile.
        """
        self.socket.sendall(request_frame(type_, **fields))
        while True:
            for payload in self.receive():
                if is_answer(payload):
                    answer: dict[str, Any] = msgpack.unpackb(payload)
                    return answer

    def receive(self) -> list[bytes]:
        """The payloads that have come.

        Raises:
            ConnectionLost: It has ended.
        """
        received = self.socket.recv(_RECEIVE_BYTES)
        if not received:
            raise ConnectionLost("the server has closed the connection")
        payloads, self._rest = split_frames(self._rest + received)
        return payloads

    def close(self) -> None:
        """Let go of the connection, without a word."""
        self.socket.close()
