"""The client's line to the server: requests matched with their answers, over one connection after another.

Owns request ids, the requests that wait for an answer, and getting a lost connection back with its session. Knows of
the protocol only the envelope and ``RestoreToken``; `yummy.client.session` knows the other answers that matter here.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import trio
from attrs import define, field

from yummy.client.address import Address
from yummy.client.codec import Format, UndecodableError, decode, encode
from yummy.client.errors import (
    ClientError,
    ConnectFailed,
    ConnectionLost,
    Refused,
    RequestFailed,
    RequestTimeout,
)
from yummy.client.events import AnyEvent, BufferFullError, Event, EventBuffer, Lost, Restored, SendFailed
from yummy.client.link import Link, LinkOptions, run_link
from yummy.client.reconnect import BUSY_STATUSES, FINAL_CODES, Reconnect
from yummy.client.session import Session, rooms_of, text

#: The token is no good; with other errors (busy, rate limited...) it may be good a moment later.
_TOKEN_REFUSED = frozenset({"invalid_token", "not_authenticated"})


@define
class _Waiting:
    """A request that waits for its answer."""

    answered: trio.Event = field(factory=trio.Event, init=False)
    outcome: dict[str, Any] | ConnectionLost | None = field(default=None, init=False)

    def settle(self, outcome: dict[str, Any] | ConnectionLost) -> None:
        self.outcome = outcome
        self.answered.set()


@define
class Line:
    """A connection that comes back, as long as its `Reconnect` policy allows.

    Attributes:
        events: What the server said unasked, and news of the connection.
        session: Who is logged in.
        up: Set while requests can be sent, and for good once the line has ended; a new one after each loss.
        fate: Why the line has ended, if it did so by itself.
    """

    address: Address
    options: LinkOptions
    format: Format
    policy: Reconnect | None
    timeout: float
    events: EventBuffer
    session: Session = field(factory=Session, init=False)
    up: trio.Event = field(factory=trio.Event, init=False)
    fate: ClientError | None = field(default=None, init=False)
    _link: Link | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    _running: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _waiting: dict[int, _Waiting] = field(factory=dict, init=False)
    _ids: Iterator[int] = field(factory=lambda: count(1), init=False)
    _established: int = field(default=0, init=False)

    # Requests

    async def call(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ASYNC109  # public unit
        """Send a request and wait for its answer.

        While a lost connection is being restored, the request waits for that; nothing of it has been sent then.

        Args:
            request: ``type`` and fields.
            timeout: Seconds until the answer has to be there.

        Returns:
            The whole answer.

        Raises:
            RequestFailed: If the answer is an error.
            RequestTimeout: If it did not come in time.
            ConnectionLost: If the connection went meanwhile, or is gone for good.
        """
        request_id = next(self._ids)
        frame = encode({**request, "request_id": request_id}, self.format)
        with trio.move_on_after(timeout) as scope:
            link = await self._connected()
            waiting = self._waiting[request_id] = _Waiting()
            try:
                await link.send(frame)
                await waiting.answered.wait()
            finally:
                # Also after a cancellation: an answer that comes later finds nobody and is forgotten.
                del self._waiting[request_id]
        if scope.cancelled_caught:
            raise RequestTimeout(f"{request['type']} was not answered within {timeout:g} seconds; it may still happen")
        match waiting.outcome:
            case ConnectionLost() as loss:
                raise ConnectionLost(
                    f"{request['type']} was on its way and may or may not have happened: {loss}",
                    code=loss.code,
                    reason=loss.reason,
                )
            case dict() as reply if reply["status"]:
                return reply
            case reply:
                raise RequestFailed(reply or {})

    async def send(self, request: dict[str, Any]) -> None:
        """Send a request and do not wait for its answer; a failure becomes a `SendFailed` event.

        Args:
            request: ``type`` and fields.

        Raises:
            ConnectionLost: If the connection is gone for good.
        """
        frame = encode({**request, "request_id": next(self._ids)}, self.format)
        await (await self._connected()).send(frame)

    async def _connected(self) -> Link:
        while self._link is None:
            if self._ended:
                raise self.loss()
            await self.up.wait()
        return self._link

    # The life of the line

    async def run(self) -> None:
        """Keep the line up until it is finished, or lost beyond repair.

        `yummy.client.connect` owns this task. A cancellation leaves a closed socket and every waiting call answered
        with `ConnectionLost`.
        """
        try:
            with self._running:
                await self._keep_up()
        except ClientError as error:
            self.fate = error
        finally:
            self._ended = True
            self._drop_link(self.loss())
            self.events.close(self.loss() if self.fate else None)
            self.up.set()

    def finish(self) -> None:
        """End the line in good order; what was handed to `send` is still sent."""
        self._ended = True
        if self._link is None:
            self._running.cancel()
        else:
            self._link.finish()

    def loss(self) -> ConnectionLost:
        """What a request hears after the end."""
        if self.fate is None:
            return ConnectionLost("the client is closed", code=1000)
        if isinstance(self.fate, ConnectionLost):
            return ConnectionLost(str(self.fate), code=self.fate.code, reason=self.fate.reason)
        return ConnectionLost(str(self.fate))

    async def _keep_up(self) -> None:
        # What makes the very first attempt fail is the caller's to know: no second one.
        loss = await run_link(self.address, self.options, self._serve)
        while not self._ended:
            if self.policy is None or loss.code in FINAL_CODES:
                raise loss
            self._tell(Lost(loss.code, loss.reason))
            loss = await self._bring_back(self.policy, loss)

    async def _bring_back(self, policy: Reconnect, loss: ConnectionLost) -> ConnectionLost:
        """Try until a connection serves again, and return how that one ended."""
        established = self._established
        why: ClientError = loss
        for pause in policy.pauses():
            await trio.sleep(pause)
            try:
                loss = await run_link(self.address, self.options, self._serve)
            except ConnectFailed as error:
                if isinstance(error, Refused) and error.status not in BUSY_STATUSES:
                    raise
                why = error
            else:
                if self._ended or self._established > established or loss.code in FINAL_CODES:
                    return loss
                why = loss
        raise ConnectionLost(f"gave up after {policy.attempts} attempts to reconnect: {why}", code=loss.code) from why

    async def _serve(self, link: Link) -> None:
        """Use one connection until it is lost (which raises ConnectionLost) or finished."""
        lost = self.loss()
        try:
            if self._established:
                restored = await self._restore(link)
                self._tell(restored)
            self._established += 1
            self._link = link
            self.up.set()
            while True:
                self._hear(decode(await link.receive()))
        except ConnectionLost as loss:
            lost = loss
            raise
        except UndecodableError as error:
            lost = ConnectionLost(f"the server sent something that is no message: {error}", code=1002)
            raise lost from error
        finally:
            self._drop_link(lost)

    def _drop_link(self, loss: ConnectionLost) -> None:
        if self._link is not None:
            self._link = None
            self.up = trio.Event()
        for waiting in self._waiting.values():
            waiting.settle(loss)

    async def _restore(self, link: Link) -> Restored:
        """Put the session onto a new connection before anything else is sent on it."""
        if self.session.token is None:
            return Restored(restored=False, rooms=())
        request_id = next(self._ids)
        request = {"type": "RestoreToken", "token": self.session.token, "request_id": request_id}
        with trio.move_on_after(self.timeout):
            await link.send(encode(request, self.format))
            while (reply := decode(await link.receive())).get("request_id") != request_id:
                self._hear(reply)
            if reply.get("status") is True:
                self.session = self.session.after(reply)
                return Restored(reply.get("restored") is True, rooms_of(reply))
            error = RequestFailed(reply)
            if error.code in _TOKEN_REFUSED:
                self.session = Session()
                return Restored(restored=False, rooms=(), error=error)
            raise ConnectionLost(f"the session could not be restored: {error}")
        raise ConnectionLost("the server did not answer RestoreToken in time")

    # What comes in

    def _hear(self, message: dict[str, Any]) -> None:
        request_id = message.get("request_id")
        if not isinstance(message.get("status"), bool) or request_id is None:
            kind = text(message, "type") or ""
            self._tell(Event(kind, {name: value for name, value in message.items() if name != "type"}))
            return
        if type(request_id) is not int:
            raise UndecodableError(f"request_id is a {type(request_id).__name__} instead of an int")
        if message["status"]:
            # Here rather than where the call returns, so that a login whose caller was cancelled is known all the same.
            self.session = self.session.after(message)
        if (waiting := self._waiting.get(request_id)) is not None:
            waiting.settle(message)
        elif not message["status"]:
            self._tell(SendFailed(RequestFailed(message)))

    def _tell(self, event: AnyEvent) -> None:
        try:
            self.events.put(event)
        except BufferFullError:
            self._ended = True
            self.fate = ConnectionLost(
                f"closed by this client: more than {self.events.size} events waited to be read", code=1000
            )
            raise self.fate from None
