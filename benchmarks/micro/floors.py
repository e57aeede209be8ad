"""The least that some things cost: what no server in Python can go below."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.micro.pieces import Piece, waiting

#: Bytes that go there and back: about what a frame of a call has.
_BYTES = 128

SOCKETPAIR, LOOPBACK = "socketpair, there and back", "TCP on loopback, there and back"


@contextmanager
def floors() -> Iterator[list[Piece]]:
    """What it takes to reach another thread of this process, and to be answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with _echoed(*socket.socketpair()) as pair, _echoed(near, far) as loopback:
        yield [_trip(SOCKETPAIR, pair), _trip(LOOPBACK, loopback)]


def _trip(name: str, end: socket.socket) -> Piece:
    data = bytes(_BYTES)

    def trip() -> None:
        end.sendall(data)
        end.recv(_BYTES, socket.MSG_WAITALL)

    return waiting(name, trip)


@contextmanager
def _echoed(near: socket.socket, far: socket.socket) -> Iterator[socket.socket]:
    """Have a thread send back what comes at the far end, until the near one is closed."""

    def echo() -> None:
        while data := far.recv(_BYTES):
            far.sendall(data)

    thread = threading.Thread(target=echo)
    thread.start()
    try:
        yield near
    finally:
        near.close()
        thread.join()
        far.close()
