"""Where connections come from: listening sockets.

A listener survives whatever `accept` may fail with; running out of descriptors makes it wait, not end.
"""

import errno
import socket
from collections.abc import Sequence

import attrs
import structlog
import trio

_log = structlog.get_logger("yummy.transport")

BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted."""

_PORT_TRIES = 10
"""Ports tried until one is free on all addresses of a host, when any port will do."""

_PAUSE = 0.1
"""Seconds to wait when the machine has no room for another connection."""

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_GONE = (errno.EBADF, errno.ENOTSOCK, errno.EINVAL)


@attrs.define(eq=False)
class Listener:
    """One listening socket."""

    _socket: socket.socket
    _short_of_room: bool = False

    @property
    def address(self) -> tuple[str, int]:
        """IP address and port."""
        host, port, *_ = self._socket.getsockname()
        return host, port

    async def wait_ready(self) -> None:
        """Wait until there is, most probably, a connection to accept.

        Raises:
            trio.ClosedResourceError: The listener was closed.
        """
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError("the listener was closed")
        await trio.lowlevel.wait_readable(self._socket)

    async def accept(self) -> tuple[socket.socket, str]:
        """Wait for a connection. A cancellation loses none.

        Returns:
            A non-blocking socket and the client's IP address.

        Raises:
            trio.ClosedResourceError: The listener was closed.
        """
        while True:
            try:
                accepted, address = self._socket.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
            except OSError as error:
                if error.errno in _GONE:
                    raise trio.ClosedResourceError("the listener was closed") from None
                await self._survive(error)
            else:
                self._short_of_room = False
                accepted.settimeout(0)
                try:
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError:  # reset before it was accepted
                    accepted.close()
                    continue
                return accepted, plain_address(address[0])

    def close(self) -> None:
        """Stop listening; who waits in the backlog is reset. Idempotent."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    async def _survive(self, error: OSError) -> None:
        """Any other error is that of one connection which is gone before it began."""
        if error.errno in _NO_ROOM:
            if not self._short_of_room:
                self._short_of_room = True
                _log.error("no_room_for_connections", why=error.strerror, advice="raise the limit of open files")
            await trio.sleep(_PAUSE)
        else:
            await trio.lowlevel.checkpoint()


def plain_address(address: str) -> str:
    """An IP address without a scope; one of IPv4, if it is one in IPv6's clothes."""
    return address.partition("%")[0].removeprefix("::ffff:") if "." in address else address.partition("%")[0]


async def open_listeners(host: str | None, port: int, *, backlog: int = BACKLOG) -> list[Listener]:
    """Listen on all addresses of a host, on the same port.

    Args:
        host: An IP address or a name; None: every address of this machine.
        port: A TCP port; 0 picks a free one.
        backlog: Connections that the kernel keeps until they are accepted.

    Raises:
        OSError: The host is not known (`socket.gaierror`), or the port is taken or not allowed.
    """
    found = await trio.socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )
    addresses = list(dict.fromkeys((family, sockaddr) for family, _, _, _, sockaddr in found))
    for tries_left in reversed(range(_PORT_TRIES)):
        try:
            return _listen(addresses, port, backlog)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


type _Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


def _listen(addresses: Sequence[tuple[socket.AddressFamily, _Address]], port: int, backlog: int) -> list[Listener]:
    listeners: list[Listener] = []
    try:
        for family, address in addresses:
            try:
                bound = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if error.errno == errno.EAFNOSUPPORT and len(addresses) > 1:  # a kernel without IPv6
                    continue
                raise
            listeners.append(Listener(bound))
            bound.settimeout(0)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port, *address[2:]))
            port = bound.getsockname()[1]
            bound.listen(backlog)
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners
