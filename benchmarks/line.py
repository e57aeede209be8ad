"""A player on one connection, who sends requests and takes what comes.

Owns when an answer counts as come. Answers of one connection come in the order of its requests, so a latency needs no
id.
"""

from collections import deque
from collections.abc import Callable, Iterable

import msgpack
from attrs import define, field

from benchmarks.frames import is_answer, is_success, stamp_of
from benchmarks.generator import Generator, clock
from benchmarks.record import Record
from benchmarks.wire import ConnectionLost, Wire

#: Makes the frame of a player's next request, told when that was due.
type Requests = Callable[[float], bytes]
#: Requests of one connection that may be in flight: as many as the server keeps unread, as it comes (``INBOX``).
IN_FLIGHT = 64


def in_turn(frames: Iterable[bytes]) -> Requests:
    """Frames that do not depend on when they are due, one after another."""
    following = iter(frames)
    return lambda _due: next(following)


@define(eq=False)
class Line:
    """A player on one connection.

    Attributes:
        wire: Its connection.
        requests: What it sends.
        record: Where it counts.
        hears: Gets the events that come to it, and the time.
        ahead: Requests that it may have in flight.
    """

    wire: Wire
    requests: Requests
    record: Record = field(factory=Record)
    repeats: bool = False
    hears: Callable[[bytes, float], None] | None = None
    ahead: int = IN_FLIGHT
    freed: Callable[[], None] | None = None
    lost: bool = False
    _asked: deque[float] = field(factory=deque)
    _generator: Generator | None = None

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._asked)

    @property
    def free(self) -> bool:
        """Whether it may send another request now."""
        return len(self._asked) < self.ahead and not self.lost

    def join(self, generator: Generator) -> None:
        """Be served by a generator, so that the connection no longer blocks."""
        self._generator = generator
        self.wire.socket.settimeout(0)
        generator.serve(self.wire, self.receive)

    def begin(self, due: float) -> None:
        """Send the next request.

        Args:
            due: When it is, or was, due.

        Raises:
            ConnectionLost: The connection has ended, and its record does not count that.
        """
        if not self.lost:
            self._asked.append(due)
            self._write(self.requests(due))

    def send(self, count: int = 1) -> None:
        """Send the next requests, which are due now, at once.

        Raises:
            ConnectionLost: The connection has ended, and its record does not count that.
        """
        if not self.lost:
            due, requests = clock(), self.requests
            self._asked.extend([due] * count)
            self._write(b"".join([requests(due) for _ in range(count)]))

    def _write(self, data: bytes) -> None:
        try:
            if not self.wire.send(data) and self._generator is not None:
                self._generator.serve(self.wire, self.receive, unsent=True)
        except ConnectionLost as error:
            self._lose(error)

    def receive(self) -> int:
        """Take what has come; how many of it are answers.

        Raises:
            ConnectionLost: The connection has ended, and its record does not count that.
        """
        try:
            payloads = self.wire.receive()
        except ConnectionLost as error:
            self._lose(error)
            return 0
        now = clock()
        answers = 0
        record, asked, hears = self.record, self._asked, self.hears
        for payload in payloads:
            if is_answer(payload):
                answers += 1
                if is_success(payload):
                    record.latency.record(now - asked.popleft())
                else:
                    asked.popleft()
                    record.refused[msgpack.unpackb(payload)["code"]] += 1
            else:
                record.events += 1
                if hears is not None:
                    hears(payload, now)
        if answers:
            if self.repeats:
                self.send(answers)
            elif self.freed is not None:
                self.freed()
        return answers

    def hear_stamp(self, payload: bytes, now: float) -> None:
        """Take an event that may be stamped: how long it was on its way."""
        due = stamp_of(payload)
        if due is not None:
            self.record.heard.record(now - due)

    def _lose(self, error: ConnectionLost) -> None:
        self.record.lose(error)
        self.lost = True
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._generator is not None:
            self._generator.forget(self.wire)
        self.wire.close()
