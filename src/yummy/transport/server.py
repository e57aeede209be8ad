"""Accepting connections, and ending them all. Owns every task of the transport."""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from socket import socket

import attrs
import structlog
import trio

from yummy.transport.connection import Connection, Peer
from yummy.transport.conversation import CLOSE_GOING_AWAY, Conversation, Ending
from yummy.transport.gate import Gate
from yummy.transport.hub import Hub
from yummy.transport.limits import TransportLimits
from yummy.transport.listener import Listener
from yummy.transport.poller import Poller
from yummy.transport.registry import Registry
from yummy.transport.stream import Stream
from yummy.transport.tls import Tls
from yummy.transport.watch import watch

_log = structlog.get_logger("yummy.transport")


@attrs.frozen
class TransportStatistics:
    """Figures of a transport.

    Attributes:
        connections: Connections past the upgrade.
        handshakes: Connections before it.
        accepted: Connections accepted since the start.
        refused: Requests refused since the start, by HTTP status.
        endings: Connections ended since the start, by the reason.
        closings: Connections that this server has closed since the start, by the close code.
        late: Connections that did not end their handshake within ``HANDSHAKE_TIMEOUT``, since the start.
        displaced: Connections that had to go before that, for ``MAX_HANDSHAKES``, since the start.
        bytes_queued: Bytes that wait in all outboxes together.
        rounds: Rounds in which the hub wrote outboxes.
        flushes: Outboxes that it wrote.
    """

    connections: int
    handshakes: int
    accepted: int
    refused: Mapping[HTTPStatus, int]
    endings: Mapping[Ending, int]
    closings: Mapping[int, int]
    late: int
    displaced: int
    bytes_queued: int
    rounds: int
    flushes: int


@attrs.define(eq=False)
class Transport:
    """A running transport.

    Attributes:
        limits: Its bounds.
    """

    _listeners: Sequence[Listener]
    limits: TransportLimits
    _gate: Gate
    _make_peer: Callable[[Connection], Peer]
    _tls: ssl.SSLContext | None
    addresses: Sequence[tuple[str, int]] = attrs.field(init=False)
    _registry: Registry = attrs.field(init=False)
    _hub: Hub = attrs.field(factory=Hub)
    _poller: Poller = attrs.field(init=False)
    _accepting: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _connecting: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    # Shielded: connections that end because everything is cancelled still have something to write.
    _writing: trio.CancelScope = attrs.field(factory=lambda: trio.CancelScope(shield=True))

    def __attrs_post_init__(self) -> None:
        self.addresses = [listener.address for listener in self._listeners]
        self._registry = Registry(self.limits)
        self._poller = Poller(hub=self._hub)

    @property
    def connections(self) -> Iterator[Connection]:
        """The connections past the upgrade, as they are now."""
        return (one.connection for one in tuple(self._registry.conversations.values()) if one.connection is not None)

    def statistics(self) -> TransportStatistics:
        """What has passed so far, and what is."""
        registry = self._registry
        return TransportStatistics(
            connections=len(registry.conversations),
            handshakes=len(registry.greetings),
            accepted=registry.accepted,
            refused=dict(registry.refused),
            endings=dict(registry.endings),
            closings=dict(registry.closings),
            late=registry.late,
            displaced=registry.displaced,
            bytes_queued=sum(one.stream.outbox.queued for one in registry.conversations.values()),
            rounds=self._hub.rounds,
            flushes=self._hub.flushes,
        )

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109  # what is left then is cancelled, not given up
        """Stop accepting, let every connection end what it has received, and close it (1001).

        Args:
            timeout: Seconds to wait for their ends; those that are left then are cancelled.
        """
        self._accepting.cancel()
        for listener in self._listeners:
            listener.close()
        for greeting in tuple(self._registry.greetings):
            greeting.stream.reset()
        for conversation in tuple(self._registry.conversations.values()):
            conversation.retire(CLOSE_GOING_AWAY, "the server stops")
        with trio.move_on_after(timeout):
            await self._registry.wait_empty()
        if self._registry.conversations:
            _log.warning("connections_cancelled", connections=len(self._registry.conversations))
        self._connecting.cancel()

    async def run(self, *, task_status: trio.TaskStatus["Transport"] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled or drained.

        The inner nursery owns the accepting tasks and one task for each connection; it is empty after `drain`. The
        outer one owns the hub, the poller and the watch, which serve the connections and therefore end after them.
        """
        try:
            async with trio.open_nursery() as services:
                try:
                    await services.start(self._write)
                    await services.start(self._poller.run)
                    services.start_soon(watch, self._registry, self.limits)
                    with self._connecting:
                        async with trio.open_nursery() as connections:
                            connections.start_soon(self._accept_all, connections)
                            task_status.started(self)
                finally:
                    self._writing.cancel()
                    services.cancel_scope.cancel()
        finally:
            for listener in self._listeners:
                listener.close()

    async def _write(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with self._writing:
            await self._hub.run(task_status=task_status)

    async def _accept_all(self, connections: trio.Nursery) -> None:
        with self._accepting:
            async with trio.open_nursery() as nursery:
                for listener in self._listeners:
                    nursery.start_soon(self._accept, listener, connections)

    async def _accept(self, listener: Listener, connections: trio.Nursery) -> None:
        try:
            while True:
                # In this order, so that nobody has to make room unless somebody waits for it.
                await listener.wait_ready()
                await self._registry.wait_room()
                self._begin(*await listener.accept(), connections)
        except trio.ClosedResourceError:
            # Drained.
            pass

    def _begin(self, accepted: socket, address: str, connections: trio.Nursery) -> None:
        tls = None if self._tls is None else Tls.begin(self._tls)
        stream = Stream(accepted, self._hub, self._poller, self.limits, tls)
        conversation = Conversation(self.limits, self._gate, self._registry, self._make_peer, stream, address)
        self._registry.greet(conversation)
        connections.start_soon(conversation.run)


async def serve(
    *,
    listeners: Sequence[Listener],
    limits: TransportLimits,
    gate: Gate,
    make_peer: Callable[[Connection], Peer],
    tls: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[Transport] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled, or until `Transport.drain`.

    Args:
        listeners: From `open_listeners`; closed at the end.
        limits: The bounds.
        gate: Who may connect.
        make_peer: Makes the application's half of a connection that was upgraded.
        tls: From `load_certificate`; None: no TLS.
        task_status: Gets the transport once it accepts.
    """
    await Transport(listeners, limits, gate, make_peer, tls).run(task_status=task_status)
