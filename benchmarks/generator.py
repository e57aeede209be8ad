"""Many players in one loop.

It runs on a core of its own where there is one, and says what share of that it used. What a player does is its own
affair: the loop knows that it has a socket, can begin a request and may be free for another one.
"""

import gc
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from attrs import define, field, frozen

from benchmarks.histogram import Histogram
from benchmarks.record import Record
from benchmarks.wire import PATIENCE, ConnectionLost, Wire

clock = time.perf_counter

#: What is due: told the time, it does it and says when it wants to be called again.
type Due = Callable[[float], float]
#: Seconds that one wait may take, as the system counts them in a small number.
_LONGEST = 3600.0


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
            wake = until if due is None else min(until, due(min(now, until)))
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
