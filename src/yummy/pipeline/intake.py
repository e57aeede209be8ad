"""Intake: one connection's end of the pipeline.

What comes is checked in this order: rate, format, authentication. Then a message begins at once, unless an earlier one
of this connection still runs; then it queues, and begins when that has ended. A message that has begun ends, though its
client is gone: who drives it is the server's own, not the connection's.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Protocol

import attrs
import structlog
import trio

from yummy.core.values import Session
from yummy.model import Model, identify
from yummy.pipeline.chain import Chain
from yummy.pipeline.driver import AT_ONCE_MAX, Driver
from yummy.pipeline.failures import Failures
from yummy.pipeline.message import Message, refuse
from yummy.pipeline.rate import RateLimit
from yummy.protocol.codec import Encoding
from yummy.protocol.errors import ErrorCode, Refusal, WrongFormat
from yummy.protocol.requests import WIRE, Request, parse
from yummy.settings import Settings

_log = structlog.get_logger("yummy.pipeline")

CLOSE_POLICY = 1008
CLOSE_RATE = 4004
CLOSE_ABUSE = 4005
RATE_WINDOW = 10.0
"""Seconds in which a connection may be refused for its rate only so often."""


#: Stands in a message that could not be read.
_NOTHING = Model()


class Connection(Protocol):
    """The transport's half of the connection."""

    id: int
    address: str
    subprotocol: str | None
    authenticated: bool
    working: bool

    def send(self, frame: bytes) -> None:
        """Queue a ready frame."""

    def close(self, code: int, reason: str = "") -> None:
        """Begin to close."""


@attrs.frozen
class _Refused:
    """A request that was refused before its chain, in its place in the order."""

    request: Request
    refusal: Refusal


@attrs.define(eq=False, repr=False)
class Intake:
    """One connection's messages, in order.

    Attributes:
        connection: The transport's half.
        chain: Runs messages.
        driver: Drives the messages.
        detached: Called when the connection is gone and its session may come back.
        clock: Seconds of a steady clock.
        session_id: The session that the connection speaks for.
        number: The connection's number.
        send: Queues a ready frame.
        address: The client's address, None if it is exempt from limits.
        encoding: How events are written: as the last frame was read, or as the sub-protocol says.
    """

    connection: Connection
    chain: Chain
    driver: Driver
    detached: Callable[[Session], None]
    clock: Callable[[], float]
    session_id: str | None = None
    number: int = attrs.field(init=False)
    send: Callable[[bytes], None] = attrs.field(init=False)
    address: str | None = attrs.field(init=False)
    encoding: Encoding = Encoding.MSGPACK
    _settings: Settings = attrs.field(init=False)
    _fixed: Encoding | None = None
    # A list, as most connections never need it, and an empty deque takes 700 bytes. It is as short as the inbox.
    _queue: list[Request | _Refused] = attrs.field(factory=list)
    _running: Message | None = None
    _working: bool = False
    # How many have asked it to give way, and not told it to go on: several may want its session at once.
    _gives_way: int = 0
    _hung_up: bool = False
    # There only while somebody waits for a change.
    _changed: trio.Event | None = None
    _rate: RateLimit = attrs.field(init=False)
    _refused_at: list[float] = attrs.field(factory=list)
    _wrong_in_a_row: int = 0

    def __attrs_post_init__(self) -> None:
        self._settings = self.chain.common.settings
        self._fixed = next((one for one in Encoding if one.subprotocol == self.connection.subprotocol), None)
        if self._fixed is not None:
            self.encoding = self._fixed
        self._rate = RateLimit(self._settings.max_messages_per_second, self.clock())
        address = self.connection.address
        self.address = None if is_loopback(address) else address
        self.number = self.connection.id
        self.send = self.connection.send
        self.chain.switchboard.connect(self.number, self)

    # What the transport asks of it.

    def receive(self, payload: bytes | str) -> None:
        """Take one whole message; see `yummy.transport`."""
        if self._hung_up:
            return
        wait = self._rate.spend(self.clock()) if self._rate.per_second else 0.0
        item = self._read(payload)
        if wait > 0 or type(item) is _Refused:
            item = self._watch(item, wait)
        else:
            self._wrong_in_a_row = 0
        if self._working or self._gives_way:
            self._queue.append(item)
        elif not self._handle(item):
            self._work(on=True)

    @property
    def full(self) -> bool:
        """Whether the reader has to wait."""
        return 0 < self._settings.inbox <= len(self._queue)

    async def wait_room(self) -> None:
        """Until the inbox is not full."""
        while self.full:
            await self._change()

    async def finish(self, reason: str) -> None:
        """Reading has ended: end what was received, and let the session wait for its client to come back."""
        while (self._working or (self._queue and not self._hung_up)) and not self.driver.over:
            await self._change()
        self.chain.switchboard.disconnect(self.number)
        session = self._session()
        if session is not None and session.connection == self.number:
            detached = attrs.evolve(session, connection=None)
            self.chain.world.put_session(session.id, detached)
            self.detached(detached)
        _log.debug("connection_ended", connection=self.connection.id, why=reason)

    # What the switchboard asks of it.

    @property
    def failures(self) -> Failures:
        """Counts what the client is answered with."""
        return self.chain.failures

    def bind(self, session_id: str | None) -> None:
        """Speak for this session from now on, or for none."""
        self.session_id = session_id
        self.connection.authenticated = session_id is not None

    def hang_up(self, code: int, reason: str) -> None:
        """Close the connection; what it has not begun is dropped."""
        self._hung_up = True
        self._queue.clear()
        self.connection.close(code, reason)
        self._wake()

    @property
    def gives_way(self) -> bool:
        """Whether it was told to begin nothing more."""
        return self._gives_way > 0 or self._hung_up

    async def give_way(self) -> None:
        """Begin nothing more, and wait for what has begun."""
        self._gives_way += 1
        if self._running is not None:
            self._running.interrupt()
        while self._working:
            await self._change()

    def go_on(self) -> None:
        """Who asked to give way has gone, or wants it no longer: begin again where it stopped, but not within this."""
        self._gives_way -= 1
        self._wake()
        if self._queue and not self._working and not self.gives_way:
            self._work(on=True)
            self.driver.soon(self._handle_queue)

    # Its own.

    def _read(self, payload: bytes | str) -> Request | _Refused:
        encoding = Encoding.MSGPACK if type(payload) is bytes else Encoding.JSON
        if encoding is not self.encoding:
            if self._fixed is not None:
                wrong = WrongFormat(f"the sub-protocol of this connection is {self._fixed.subprotocol}")
                return _Refused(Request("", _NOTHING, None, self._fixed), wrong)
            self.encoding = encoding
        try:
            return parse(payload, max_depth=self._settings.max_depth)
        except WrongFormat as wrong:
            return _Refused(Request(wrong.type, _NOTHING, wrong.request_id, encoding), wrong)

    def _watch(self, item: Request | _Refused, wait: float) -> Request | _Refused:
        """Refuse what came too soon, and close the connection of who does not stop with that, or with what is wrong.

        Args:
            item: Read all the same if it came too soon, so that the answer can name the request.
            wait: Seconds until another message may come; 0: it came in time.
        """
        settings = self._settings
        wrong = isinstance(item, _Refused)
        self._wrong_in_a_row = self._wrong_in_a_row + 1 if wrong else 0
        if settings.max_wrong_format and self._wrong_in_a_row >= settings.max_wrong_format:
            self.connection.close(CLOSE_ABUSE, "too many messages of wrong format")
        if wait == 0:
            return item
        if settings.max_rate_limited:
            now = self.clock()
            self._refused_at.append(now)
            while self._refused_at[0] <= now - RATE_WINDOW:
                del self._refused_at[0]
            if len(self._refused_at) >= settings.max_rate_limited:
                self.connection.close(CLOSE_RATE, "too many messages")
        request = item.request if isinstance(item, _Refused) else item
        return _Refused(request, Refusal(ErrorCode.RATE_LIMITED, retry_after=wait))

    def _handle_queue(self) -> None:
        """Handle the queue in order, until it is empty or a message waits; called again then."""
        for _ in range(AT_ONCE_MAX):
            if not self._queue or self.gives_way:
                self._work(on=False)
                return
            item = self._queue.pop(0)
            self._wake()
            try:
                ended = self._handle(item)
            except Exception:  # noqa: BLE001  # what is wrong with one message must not keep those behind it
                _log.exception("message_failed", connection=self.connection.id)
                self._running, ended = None, True
            if not ended:
                self._work(on=True)
                return
        self._work(on=True)
        self.driver.soon(self._handle_queue)

    def _handle(self, item: Request | _Refused) -> bool:
        """Handle one item as far as it goes; whether that is to its end."""
        if isinstance(item, _Refused):
            refuse(self, item.request, item.refusal)
            return True
        session = self._session()
        if session is not None:
            identify(item.model, session.user_id, session.id)
        elif not WIRE[item.type].anonymous:
            refuse(self, item, Refusal(ErrorCode.NOT_AUTHENTICATED))
            return True
        return self.chain.run_at_once(item, self, session) or self._begin(Message(item, self, session))

    def _begin(self, message: Message) -> bool:
        """Begin a message that may have to wait; whether it has ended already."""
        self._running = message
        if not self.driver.begin(self.chain.run(message), self._ended):
            return False
        self._running = None
        return True

    def _ended(self, begun: bool | None) -> None:
        """The message that waited has ended: with what its chain returned, or None if that failed."""
        message, self._running = self._running, None
        if begun is False and message is not None:
            # It had not begun. If this connection goes on after all, so does the message.
            self._queue.insert(0, message.request)
        if self._queue:
            self._handle_queue()
        else:
            self._work(on=False)

    def _work(self, *, on: bool) -> None:
        """Note whether a message is under way, or about to be."""
        if on is not self._working:
            self._working = self.connection.working = on
            if not on:
                self._wake()

    def _session(self) -> Session | None:
        return None if self.session_id is None else self.chain.world.sessions.get(self.session_id)

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def _change(self) -> None:
        """Wait until something has changed."""
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, and so exempt from limits by address."""
    return ip_address(address).is_loopback
