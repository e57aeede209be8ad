"""Many players in one loop: closed loops, loops with a beat, and what is due in between.

Owns when a request is sent and when its answer counts as come. Answers of one connection come in the order of its
requests, so a latency needs no id. It runs on a core of its own where there is one, and says what share of that it
used. What a player does is its own affair: the loop knows that it has a socket, can begin a request and may be free
for another one.
"""

import gc
import select
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import msgpack
from attrs import define, field, frozen

from benchmarks.frames import is_answer, is_success, stamp_of
from benchmarks.histogram import Histogram
from benchmarks.wire import PATIENCE, ConnectionLost, Wire

clock = time.perf_counter

#: What is due: told the time, it does it and says when it wants to be called again.
type Due = Callable[[float], float]
#: Makes the frame of a player's next request, told when that was due.
type Requests = Callable[[float], bytes]
#: Requests of one connection that may be in flight: as many as the server keeps unread, as it comes (``INBOX``).
IN_FLIGHT = 64
#: Seconds that one wait may take, as the system counts them in a small number.
_LONGEST = 3600.0


def in_turn(frames: Iterable[bytes]) -> Requests:
    """Frames that do not depend on when they are due, one after another."""
    following = iter(frames)
    return lambda _due: next(following)


@define(eq=False)
class Record:
    """What players did; several may share one.

    Attributes:
        latency: From when each request was due to its answer.
        heard: From when each stamped message was due to when others heard it.
        events: How many events came.
        refused: How often each error code came.
        lost: How often connections were lost, by what ended them.
        tolerant: Whether a lost connection is counted here, instead of ending everything.
    """

    latency: Histogram = field(factory=Histogram)
    heard: Histogram = field(factory=Histogram)
    events: int = 0
    refused: Counter[str] = field(factory=Counter)
    lost: Counter[str] = field(factory=Counter)
    tolerant: bool = False

    def take(self) -> "Record":
        """What there is, which is forgotten here."""
        taken = Record(self.latency, self.heard, self.events, self.refused, self.lost)
        self.latency, self.heard, self.events = Histogram(), Histogram(), 0
        self.refused, self.lost = Counter(), Counter()
        return taken

    def add(self, other: "Record") -> None:
        """Take all that another one holds."""
        self.latency.add(other.latency)
        self.heard.add(other.heard)
        self.events += other.events
        self.refused += other.refused
        self.lost += other.lost


class Player(Protocol):
    """What begins requests and may have some in flight.

    Attributes:
        repeats: Whether it begins the next one for each that has ended (a closed loop).
        freed: Called when one has ended, unless it repeats.
    """

    repeats: bool
    freed: Callable[[], None] | None

    @property
    def free(self) -> bool:
        """Whether it can begin another request now."""

    @property
    def waiting(self) -> int:
        """Requests that have not ended yet."""

    @property
    def lost(self) -> bool:
        """Whether its connection has ended, so that it plays no more."""

    def begin(self, due: float) -> None:
        """Begin a request that is due now, or was due at this time."""

    def join(self, generator: "Generator") -> None:
        """Be served by a generator from now on."""

    def close(self) -> None:
        """Hang up."""


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
    _generator: "Generator | None" = None

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._asked)

    @property
    def free(self) -> bool:
        """Whether it may send another request now."""
        return len(self._asked) < self.ahead and not self.lost

    def join(self, generator: "Generator") -> None:
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
        if not self.record.tolerant:
            raise error
        self.lost = True
        self.record.lost[error.code] += 1
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._generator is not None:
            self._generator.forget(self.wire)
        self.wire.close()


@frozen
class Sample:
    """What players did in some time.

    Attributes:
        seconds: How long it took.
        record: What they did.
        generator: The share of a core that the generator used.
    """

    seconds: float
    record: Record
    generator: float

    @property
    def latency(self) -> Histogram:
        """From when each request was due to its answer."""
        return self.record.latency

    @property
    def answers(self) -> int:
        """Requests that were answered, be it with a failure."""
        return self.record.latency.count + self.record.refused.total()

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


@define(eq=False)
class Generator:
    """Players in one loop; leave its block to hang up.

    Attributes:
        players: All of them.
    """

    players: list[Player] = field(factory=list)
    _served: dict[int, tuple[Wire | None, Callable[[], object]]] = field(factory=dict)
    _ready: select.epoll = field(factory=select.epoll)

    def add(self, players: Iterable[Player]) -> None:
        """Take players over, whose connections do not block from now on."""
        for player in players:
            self.players.append(player)
            player.join(self)

    def serve(self, wire: Wire, does: Callable[[], object], *, unsent: bool = False) -> None:
        """Have something done whenever something can be read from a connection.

        Args:
            wire: The connection.
            does: What is to be done.
            unsent: Whether it keeps something to be sent, which is done as soon as there is room.
        """
        self.wait(wire.socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if unsent else 0), does, wire)

    def wait(self, number: int, events: int, does: Callable[[], object], wire: Wire | None = None) -> None:
        """Have something done whenever one of these events comes at a descriptor."""
        if number in self._served:
            self._ready.modify(number, events)
        else:
            self._ready.register(number, events)
        self._served[number] = wire, does

    def forget(self, wire: Wire) -> None:
        """Serve a connection no longer."""
        self.wait_no_more(wire.socket.fileno())

    def wait_no_more(self, number: int) -> None:
        """Have nothing done any more at a descriptor, which is still open."""
        if self._served.pop(number, None) is not None:
            self._ready.unregister(number)

    def run(self, seconds: float, record: Record | None = None, due: Due | None = None) -> Sample:
        """Let players play.

        Args:
            seconds: How long.
            record: Where those count that are measured.
            due: What is to be done meanwhile, such as sending with a beat.

        Raises:
            ConnectionLost: One of them was, and its record does not count that.
        """
        record = record or Record()
        record.take()
        cpu, began = time.process_time(), clock()
        self.turn(lambda: False, began + seconds, due)
        took, used = clock() - began, time.process_time() - cpu
        return Sample(took, record.take(), used / took)

    def drain(self, patience: float = PATIENCE) -> None:
        """Send no more, and wait for the answers to what was sent.

        Raises:
            ConnectionLost: There are some that do not come.
        """
        self.settle(patience)
        if self.waiting:
            raise ConnectionLost(f"{self.waiting} requests were not answered within {patience:g} s")

    def settle(self, patience: float) -> None:
        """Send no more, and wait for answers as long as there are some to come, but not for ever."""
        for player in self.players:
            player.repeats, player.freed = False, None
        self.turn(lambda: not self.waiting, clock() + patience)

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet, and still can be."""
        return sum(player.waiting for player in self.players if not player.lost)

    def turn(self, enough: Callable[[], bool], until: float, due: Due | None = None) -> None:
        """Serve players until it is enough, or time."""
        served = self._served
        while True:
            now = clock()
            wake = until if due is None else min(until, due(now))
            if now >= until or enough():
                return
            for number, events in self._ready.poll(min(_LONGEST, max(0.0, wake - clock()))):
                found = served.get(number)
                if found is None:  # hung up since
                    continue
                wire, does = found
                if wire is not None and events & select.EPOLLOUT and wire.flush():
                    self.serve(wire, does)
                if wire is None or events & ~select.EPOLLOUT:
                    does()

    def close(self) -> None:
        """Hang up."""
        for player in self.players:
            player.close()
        self._ready.close()


@contextmanager
def generating() -> Iterator[Generator]:
    """A generator; its own garbage collector does not get in between."""
    generator = Generator()
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield generator
    finally:
        generator.close()
        if was_enabled:
            gc.enable()


@define
class Beat:
    """Lets players send in turn, at a fixed rate, however long answers take (an open loop).

    A player that has as much in flight as it may sends what is due as soon as it can. A request counts from when it was
    due in any case: one that has to wait because the server is slow is a slow request, not a later one.

    Attributes:
        players: Who sends.
        pause: Seconds between two requests.
        sent: Requests.
        late: The most seconds by which one was sent too late that did not wait for its player: the generator's own
            share of what it measures.
    """

    players: Sequence[Player]
    pause: float
    sent: int = 0
    late: float = 0.0
    _began: float = 0.0
    _due: int = 0
    _owed: list[int] = field(init=False)
    _begun: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._owed = [0] * len(self.players)
        self._begun = [0] * len(self.players)

    def __call__(self, now: float) -> float:
        """Send what is due by now; when the next one is."""
        if not self._began:
            self._began = now
            for number, player in enumerate(self.players):
                player.freed = partial(self._catch_up, number)
        while (due := self._began + self._due * self.pause) <= now:
            number = self._due % len(self.players)
            self._due += 1
            self._owed[number] += 1
            if self._owed[number] == 1 and self.players[number].free:
                self.late = max(self.late, now - due)
                self._send(number)
        return due

    def _catch_up(self, number: int) -> None:
        while self._owed[number] and self.players[number].free:
            self._send(number)

    def _send(self, number: int) -> None:
        due = self._due_of(number)
        self._owed[number] -= 1
        self._begun[number] += 1
        self.sent += 1
        self.players[number].begin(due)

    def _due_of(self, number: int) -> float:
        """When the next request of a player is, or was, due."""
        return self._began + (self._begun[number] * len(self.players) + number) * self.pause

    def overdue(self, now: float) -> Iterator[tuple[float, float, int]]:
        """What was due and has not been sent: of each player, for how long the oldest and the newest is, and how many.

        Args:
            now: The time, at which nothing more becomes due.
        """
        for number, owed in enumerate(self._owed):
            if owed:
                oldest = now - self._due_of(number)
                yield oldest, oldest - (owed - 1) * len(self.players) * self.pause, owed
