"""The life of one connection, from its acceptance to its end, as one task.

Every connection is a sealed room: whatever a client sends, and whatever goes wrong in its connection, ends here. Knows
no messages; they go to the `Peer`.
"""

from collections.abc import Callable
from enum import StrEnum

import attrs
import structlog
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, wrap_server_stream

from yummy.transport.connection import Connection, Peer
from yummy.transport.gate import BAD_REQUEST, Gate, choose_subprotocol
from yummy.transport.inbound import CLOSE_POLICY, CLOSE_TOO_BIG, Violation
from yummy.transport.inlet import RECEIVE_BYTES
from yummy.transport.limits import TransportLimits, bound, seconds
from yummy.transport.registry import Registry
from yummy.transport.stream import Stream, ignore_end

_log = structlog.get_logger("yummy.transport")

CLOSE_GOING_AWAY = 1001
CLOSE_PROTOCOL = 1002
CLOSE_ABNORMAL = 1006
CLOSE_BAD_TEXT = 1007
CLOSE_INTERNAL = 1011
CLOSE_SLOW = 4000
CLOSE_UNAUTHENTICATED = 4001
CLOSE_HEARTBEAT = 4002

_MESSAGES_AHEAD = 16
"""Messages that trio-websocket decodes ahead of the reader."""


class Ending(StrEnum):
    """Why a connection ended."""

    CLOSED = "closed"  # the client closed it
    LOST = "lost"  # the client is gone without a word
    SLOW = "slow"
    UNAUTHENTICATED = "unauthenticated"
    HEARTBEAT = "heartbeat"
    VIOLATION = "violation"  # the client broke the protocol of WebSocket, or a limit
    SERVER = "server"  # the application closed it
    DRAIN = "drain"
    ERROR = "error"  # something is wrong in this server


_ENDINGS = {
    CLOSE_GOING_AWAY: Ending.DRAIN,
    CLOSE_PROTOCOL: Ending.VIOLATION,
    CLOSE_BAD_TEXT: Ending.VIOLATION,
    CLOSE_POLICY: Ending.VIOLATION,
    CLOSE_TOO_BIG: Ending.VIOLATION,
    CLOSE_INTERNAL: Ending.ERROR,
    CLOSE_UNAUTHENTICATED: Ending.UNAUTHENTICATED,
    CLOSE_HEARTBEAT: Ending.HEARTBEAT,
}

_WHAT_IT_SENT = (CLOSE_PROTOCOL, CLOSE_BAD_TEXT)
"""Codes that trio-websocket gives to frames that it cannot decode, without telling the client."""


@attrs.define(eq=False, repr=False)
class Conversation:
    """One connection, from the inside.

    Attributes:
        stream: Its bytes.
        address: The client's IP address.
        connection: The half that the application sees, after the upgrade.
        ending: Why it ends, once it does.
        anonymous_since: Since when it is not authenticated, in trio's time.
        checked_at: When the watch last looked at it, in trio's time.
        pinged_at: When the last ping was queued, in trio's time.
        paused_since: Since when the reader waits for room, in trio's time; None while it reads.
    """

    _limits: TransportLimits
    _gate: Gate
    _registry: Registry
    _make_peer: Callable[[Connection], Peer]
    stream: Stream
    address: str
    connection: Connection | None = None
    ending: Ending | None = None
    anonymous_since: float = 0.0
    checked_at: float = 0.0
    pinged_at: float = 0.0
    paused_since: float | None = None
    _peer: Peer | None = None
    _secured: bool = False
    _reading: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _last_words: tuple[int, str] | None = None

    async def run(self) -> None:
        """Serve the connection until it ends. Raises nothing but cancellation.

        Two nurseries, one after the other: the first one owns trio-websocket's reader, and is cancelled as soon as
        nothing more shall be read; the second one owns the peer's `finish`, which is shielded and may outlive the
        socket. A cancellation still queues a close frame and hands it to the kernel, but waits for no answer.
        """
        try:
            try:
                await self._talk()
            finally:
                async with trio.open_nursery() as endings:
                    await self._end(endings)
        except* Exception:  # noqa: BLE001  # nothing is known to get here; if something does, it ends here
            _log.exception("connection_failed", address=self.address)
        finally:
            self.stream.reset()
            self._registry.leave(self)
            if self.connection is not None:
                self._registry.endings[self.ending or Ending.LOST] += 1
                self.connection.mark_ended()

    def close(self, code: int, reason: str = "") -> None:
        """Close behind what is queued; see `Connection.close`."""
        if self.ending is None:
            self.ending = _ENDINGS.get(code, Ending.SERVER)
            self.stream.seal(code, reason)
            self._registry.closings[code] += 1
            self._reading.cancel()

    def retire(self, code: int, reason: str = "") -> None:
        """Read nothing more, but close only when what was received has ended and its answers are queued."""
        if self.ending is None:
            self.ending = Ending.DRAIN
            self._last_words = (code, reason)
            self._reading.cancel()

    def drop_slow(self) -> None:
        """End the connection of a client that does not take what is sent to it.

        What has not begun to leave is dropped, or the close frame would wait behind all of it. If it does not take
        that either, the connection is reset after `close_timeout`.
        """
        statistics = self.stream.statistics()
        self.ending = Ending.SLOW
        self._last_words = None
        self.stream.cut(CLOSE_SLOW, "too slow a reader")
        self._registry.closings[CLOSE_SLOW] += 1
        self._reading.cancel()
        _log.warning(
            "slow_reader_dropped",
            connection=None if self.connection is None else self.connection.id,
            address=self.address,
            queued_bytes=statistics.bytes_queued,
            sent_bytes=statistics.bytes_sent,
        )

    async def _talk(self) -> None:
        """Greet the client and read what it says; returns when nothing more shall be read, for whatever reason."""
        try:
            async with trio.open_nursery() as nursery:
                websocket = await self._greet(nursery)
                if websocket is not None and self.connection is not None:
                    await self._read(websocket, self.connection)
                nursery.cancel_scope.cancel()
        except* Exception as failures:  # noqa: BLE001  # see `_contain`
            self._contain(failures)

    async def _greet(self, nursery: trio.Nursery) -> WebSocketConnection | None:
        """Shake hands over TLS and WebSocket; None when the client left, dawdled, or was refused."""
        with trio.CancelScope() as greeting:
            self.stream.on_end = greeting.cancel
            greeting.deadline = trio.current_time() + seconds(self._limits.handshake_timeout)
            await self.stream.secure()
            self._secured = True
            greeting.deadline = trio.current_time() + seconds(self._limits.handshake_timeout)
            request = await wrap_server_stream(
                nursery,
                self.stream,
                message_queue_size=_MESSAGES_AHEAD,
                max_message_size=bound(self._limits.max_message_bytes),
                receive_buffer_size=RECEIVE_BYTES,
            )
            websocket = await self._admit(request)
            self.stream.on_end = ignore_end
            return websocket
        if trio.current_time() >= greeting.deadline:
            self._registry.late += 1
        return None

    async def _admit(self, request: WebSocketRequest) -> WebSocketConnection | None:
        refusal = self._gate.refuse(request.path, request.headers, self._registry.crowd(self.address))
        if refusal is not None:
            self._registry.refused[refusal.status] += 1
            _log.debug("request_refused", address=self.address, status=refusal.status.value)
            await request.reject(
                refusal.status,
                extra_headers=[(b"Content-Type", b"text/plain; charset=utf-8"), (b"Connection", b"close")],
                body=f"{refusal.text}\n".encode(),
            )
            return None
        subprotocol = choose_subprotocol(request.proposed_subprotocols)
        self.connection = Connection(
            self._registry.next_id(), self.address, subprotocol, outbox=self.stream.outbox, hang_up=self.close
        )
        self._registry.join(self.connection.id, self)
        self.anonymous_since = self.checked_at = self.pinged_at = trio.current_time()
        self.stream.on_violation = self._refuse_violation
        self.stream.outbox.on_overflow = self.drop_slow
        self.stream.upgrade()
        return await request.accept(subprotocol=subprotocol)

    async def _read(self, websocket: WebSocketConnection, connection: Connection) -> None:
        """Hand on message after message; returns when there are no more, or none are wanted."""
        _log.debug("connection_opened", connection=connection.id, address=self.address)
        try:
            with self._reading:
                self._peer = self._make_peer(connection)
                self.stream.tap(self._hand_on, self._pause)
                while True:
                    if not self._hand_on(await websocket.get_message()):
                        await self._pause()
                    self.stream.delivered()
        except ConnectionClosed as closed:
            self._note_closed(closed)
        except Exception:  # noqa: BLE001  # see `_fail_peer`
            self._fail_peer()

    def _hand_on(self, message: bytes | str) -> bool:
        """Give the application a message; whether another one may follow at once."""
        peer = self._peer
        if self.ending is not None or peer is None:
            return False
        try:
            peer.receive(message)
            full = peer.full
        except Exception:  # noqa: BLE001  # see `_fail_peer`
            self._fail_peer()
            return False
        return not full

    async def _pause(self) -> None:
        """Let others run, and wait for room."""
        await trio.lowlevel.checkpoint()
        try:
            if self._peer is not None and self._peer.full:
                await self._wait_room(self._peer)
        except Exception:  # noqa: BLE001  # see `_fail_peer`
            self._fail_peer()

    def _fail_peer(self) -> None:
        """Whatever is wrong with the application, it costs this connection only."""
        _log.exception("peer_failed", connection=None if self.connection is None else self.connection.id)
        self.close(CLOSE_INTERNAL, "internal error")

    async def _wait_room(self, peer: Peer) -> None:
        """Wait for the peer; the heartbeat's clock stands still meanwhile."""
        self.paused_since = trio.current_time()
        try:
            await peer.wait_room()
        finally:
            now = trio.current_time()
            self.stream.inlet.last_heard = min(now, self.stream.inlet.last_heard + now - self.paused_since)
            self.paused_since = None

    def _note_closed(self, closed: ConnectionClosed) -> None:
        """The client has closed, is gone, or has sent what cannot be decoded: the last it shall be told."""
        if self.ending is not None:
            return
        why = closed.reason
        if why is None or why.code == CLOSE_ABNORMAL:
            self.ending = Ending.LOST
        elif why.code in _WHAT_IT_SENT and not self.stream.outbox.sealed:
            self.close(why.code, why.reason or "")
        else:
            self.ending = Ending.CLOSED

    def _refuse_violation(self, violation: Violation) -> None:
        self.close(violation.code, violation.reason)

    def _contain(self, failures: BaseExceptionGroup[Exception]) -> None:
        """Something failed below: in trio-websocket's reader, or in the handshake."""
        if self.connection is None:
            _log.debug("handshake_failed", address=self.address, why=[repr(one) for one in failures.exceptions])
            if self._secured:
                self.stream.answer(BAD_REQUEST)
        elif self.ending is None:
            _log.warning("connection_failed", connection=self.connection.id, exc_info=failures)
            self.close(CLOSE_INTERNAL, "internal error")

    async def _end(self, endings: trio.Nursery) -> None:
        """Let the peer end what was received, and say goodbye."""
        if self.ending is None and self._peer is not None:
            # The whole server is being cancelled.
            self.close(CLOSE_GOING_AWAY, "the server stops")
        if self._peer is not None:
            if self._last_words is None:
                endings.start_soon(self._finish, self._peer)
            else:
                await self._finish(self._peer)
        if self._last_words is not None:
            code, reason = self._last_words
            self.stream.seal(code, reason)
            self._registry.closings[code] += 1
        if self.stream.spoken:
            await self.stream.finish(self._limits.close_timeout)

    async def _finish(self, peer: Peer) -> None:
        """Shielded: what the application has begun ends, though this connection is cancelled."""
        with trio.CancelScope(shield=True):
            try:
                await peer.finish(str(self.ending))
            except Exception:  # noqa: BLE001  # as when it receives
                _log.exception("peer_failed", address=self.address)
