"""Many players in one loop: closed loops, loops with a beat, and what is due in between.

Owns when a request is sent and when its answer counts as come. Answers of one connection come in the order of its
requests, so a latency needs no id. It runs in the process of the benchmark, on a core of its own where there is one,
and says what share of that it used.
"""

import gc
import itertools
import select
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgpack
from attrs import define, field, frozen

from benchmarks.wire import PATIENCE, ConnectionLost, Wire, is_answer, is_success

clock = time.perf_counter

#: What is due: told the time, it does it and says when it wants to be called again.
type Due = Callable[[float], float]


@define(eq=False)
class Line:
    """One player.

    Attributes:
        wire: Its connection.
        requests: The frames that it sends, one after another.
        repeats: Whether it sends the next one for each answer.
        hears: Gets the events that come to it, and the time.
        latencies: Seconds from each request to its answer, since `forget`.
        refused: How often each error code came, since `forget`.
    """

    wire: Wire
    requests: Iterator[bytes]
    repeats: bool = False
    hears: Callable[[bytes, float], None] | None = None
    latencies: list[float] = field(factory=list)
    refused: Counter[str] = field(factory=Counter)
    _asked: deque[float] = field(factory=deque)

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return len(self._asked)

    def send(self, count: int = 1) -> None:
        """Send the next requests.

        Raises:
            ConnectionLost: The server does not read.
        """
        data = b"".join(itertools.islice(self.requests, count))
        self._asked.extend(itertools.repeat(clock(), count))
        try:
            complete = self.wire.socket.send(data) == len(data)
        except OSError as error:
            raise ConnectionLost(str(error)) from None
        if not complete:
            raise ConnectionLost("the server does not read")

    def receive(self) -> int:
        """Take what has come; how many of it are answers.

        Raises:
            ConnectionLost: It has ended.
        """
        payloads = self.wire.receive()
        now = clock()
        answers = 0
        for payload in payloads:
            if is_answer(payload):
                answers += 1
                self.latencies.append(now - self._asked.popleft())
                if not is_success(payload):
                    self.refused[msgpack.unpackb(payload)["code"]] += 1
            elif self.hears is not None:
                self.hears(payload, now)
        return answers

    def forget(self) -> None:
        """Begin to count anew."""
        self.latencies = []
        self.refused = Counter()


@frozen
class Sample:
    """What some players did in some time.

    Attributes:
        seconds: How long it took.
        latencies: Seconds from each request to its answer.
        refused: How often each error code came.
        generator: The share of a core that the generator used.
    """

    seconds: float
    latencies: list[float]
    refused: Counter[str]
    generator: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


@define(eq=False)
class Generator:
    """Players in one loop; leave its block to hang up."""

    _lines: dict[int, Line] = field(factory=dict)
    _ready: select.epoll = field(factory=select.epoll)

    def add(self, lines: Iterable[Line]) -> None:
        """Take players over, whose connections do not block from now on."""
        for line in lines:
            line.wire.socket.settimeout(0)
            number = line.wire.socket.fileno()
            self._lines[number] = line
            self._ready.register(number, select.EPOLLIN)

    def run(self, seconds: float, due: Due | None = None) -> Sample:
        """Let players play, and measure all of them.

        Args:
            seconds: How long.
            due: What is to be done meanwhile, such as sending with a beat.

        Raises:
            ConnectionLost: One of them was.
        """
        for line in self._lines.values():
            line.forget()
        cpu, began = time.process_time(), clock()
        until = began + seconds
        self._turn(lambda: False, until, due)
        took, used = clock() - began, time.process_time() - cpu
        return measured(self._lines.values(), took, used / took)

    def drain(self, patience: float = PATIENCE) -> None:
        """Send no more, and wait for the answers to what was sent.

        Raises:
            ConnectionLost: There are some that do not come.
        """
        repeating = [line for line in self._lines.values() if line.repeats]
        for line in repeating:
            line.repeats = False
        self._turn(lambda: not self.waiting, clock() + patience, None)
        for line in repeating:
            line.repeats = True
        if self.waiting:
            raise ConnectionLost(f"{self.waiting} requests were not answered within {patience:g} s")

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return sum(line.waiting for line in self._lines.values())

    def _turn(self, enough: Callable[[], bool], until: float, due: Due | None) -> None:
        while True:
            now = clock()
            wake = until if due is None else min(until, due(now))
            if now >= until or enough():
                return
            for number, _ in self._ready.poll(max(0.0, wake - clock())):
                line = self._lines[number]
                answers = line.receive()
                if answers and line.repeats:
                    line.send(answers)

    def close(self) -> None:
        """Hang up."""
        self._ready.close()
        for line in self._lines.values():
            line.wire.close()


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


def measured(lines: Iterable[Line], seconds: float, generator: float) -> Sample:
    """What these players did."""
    lines = list(lines)
    latencies = [latency for line in lines for latency in line.latencies]
    return Sample(seconds, latencies, sum((line.refused for line in lines), Counter()), generator)


@define
class Beat:
    """Lets players send in turn, at a fixed rate, however long answers take (an open loop).

    Attributes:
        lines: The players.
        pause: Seconds between two requests.
        sent: Requests.
        late: The most seconds by which one was sent too late: the generator's own share of what it measures.
    """

    lines: Sequence[Line]
    pause: float
    sent: int = 0
    late: float = 0.0
    _next: float = 0.0

    def __call__(self, now: float) -> float:
        """Send what is due by now; when the next one is."""
        if not self._next:
            self._next = now
        while self._next <= now:
            self.late = max(self.late, now - self._next)
            self.lines[self.sent % len(self.lines)].send()
            self.sent += 1
            self._next += self.pause
        return self._next
