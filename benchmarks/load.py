"""A load on a running server: the processes that put it on, from their start to what they have measured.

Owns the workers. Whatever happens, none of them outlives the block of `loading`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import attrs
import msgpack
from attrs import define, field, frozen

from benchmarks.advice import POINTLESS, with_advice
from benchmarks.figures import BUSY
from benchmarks.generator import clock
from benchmarks.kernel import Usage, usage
from benchmarks.outcome import ServerUse, Sum, Timeline
from benchmarks.plan import Plan
from benchmarks.record import Record
from benchmarks.worker import record_of

#: Seconds from the order to begin until it is done, so that all processes have heard it.
_ASIDE = 0.1
_BYTES = 1 << 20
_ROOT = Path(__file__).parents[1]

type Told = dict[str, Any]


class LoadFailed(Exception):  # noqa: N818  # a sentence for whoever runs the load
    """A load could not begin, or had no point."""


@define(eq=False)
class Hand:
    """One worker as this process sees it.

    Attributes:
        process: The worker.
        told: What it has said and nobody has taken.
        ended: Whether it has said its last word.
    """

    process: "subprocess.Popen[bytes]"
    told: list[Told] = field(factory=list)
    ended: bool = False
    _unpacker: msgpack.Unpacker = field(factory=lambda: msgpack.Unpacker(max_buffer_size=0))

    @classmethod
    def start(cls) -> "Hand":
        """Start a worker."""
        return cls(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        )

    def say(self, told: Told) -> None:
        """Say something to it; if it has ended, that is noticed when it is listened to."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.write(msgpack.packb(told))
                self.process.stdin.flush()

    def listen(self) -> list[Told]:
        """What it says, at least a word.

        Raises:
            LoadFailed: It has ended without a last word.
        """
        data = os.read(self.number, _BYTES)
        if not data:
            raise LoadFailed(f"A process of the generator has ended with code {self.process.wait()}.")
        self._unpacker.feed(data)
        return list(self._unpacker)

    @property
    def number(self) -> int:
        """The descriptor at which it is heard."""
        if self.process.stdout is None:
            raise LoadFailed("A process of the generator cannot be heard.")
        return self.process.stdout.fileno()

    def end(self) -> None:
        """End it, at once if it has more to do: nobody wants it any more."""
        if not self.ended:
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self.process.wait()


@frozen
class Tick:
    """What all processes measured in one second."""

    number: int
    seconds: float
    record: Record
    cpu: list[float]
    players: int

    @property
    def generator(self) -> float:
        """The share of a core of the process that used most."""
        return max(self.cpu) / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        latency = self.record.latency
        failed = self.record.refused.total() + self.record.lost.total()
        done = f"{self.players} players"
        if latency.count and self.seconds:
            times = (f"p{share * 100:g} {latency.percentile(share) * 1000:.2f} ms" for share in (0.5, 0.99))
            done = "  ".join([f"{latency.count / self.seconds:8.0f}/s", *times])
        limit = "  THE GENERATOR IS THE BOTTLENECK" if self.generator > BUSY else ""
        return f"{self.number:5} s  {done}  errors {failed}  generator {self.generator:.0%}{limit}"


@define(eq=False)
class Load:
    """A load at work.

    Attributes:
        hands: Its workers.
        plans: What each of them is to do.
        pid: The server's process, if it is on this machine.
        progress: Gets a line for people every second.
        total: What was measured so far.
        timeline: The course of it.
    """

    plans: Sequence[Plan]
    pid: int | None
    progress: Callable[[str], None]
    hands: list[Hand] = field(factory=list)
    total: Sum = field(init=False)
    timeline: Timeline = field(init=False)
    _usages: dict[str, Usage] = field(factory=dict)
    _looked_at: dict[str, float] = field(factory=dict)
    _ticks: dict[int, list[Told]] = field(factory=dict)
    _counts: list[int] = field(factory=list)
    _stopping: bool = False

    def __attrs_post_init__(self) -> None:
        self.total = Sum([0.0] * len(self.plans))
        self.timeline = Timeline.of(self.plans[0].duration)

    def prepare(self) -> None:
        """Start the workers, and wait until their players are there.

        Raises:
            LoadFailed: One of them could not make them ready.
        """
        self._look("before")
        shared: dict[str, Any] = {}
        # The first one makes what all share.
        for group in (self.plans[:1], self.plans[1:]):
            new = []
            for plan in group:
                hand = Hand.start()
                self.hands.append(hand)
                new.append(hand)
                hand.say(attrs.evolve(plan, shared=shared).plain())
            for hand in new:
                while not hand.told:
                    hand.told += self._heard(hand)
                ready = hand.told.pop(0)
                shared = shared or ready["shared"]
        self._look("ready")

    def play(self) -> None:
        """Let all of them play at the same time, and take in what they measure.

        Ctrl-C ends the load before its time; what was measured until then counts.

        Raises:
            LoadFailed: There was no point in going on.
        """
        begin = clock() + _ASIDE
        for hand in self.hands:
            hand.say({"begin": begin})
        self._counts = [0] * len(self.hands)
        start = begin + self.plans[0].warm_up
        with DefaultSelector() as ready:
            for number, hand in enumerate(self.hands):
                ready.register(hand.number, EVENT_READ, number)
            while not all(hand.ended for hand in self.hands):
                try:
                    self._turn(ready, None if "start" in self._looked_at else start)
                except KeyboardInterrupt:
                    if self._stopping:
                        raise
                    self._stopping = True
                    self.progress("Stopping; once more Ctrl-C ends it without a report.")
                    for hand in self.hands:
                        hand.say({"end": True})
        for number in sorted(self._ticks):  # of an end before its time, which not all heard in the same second
            self._close(number, self._ticks.pop(number))
        self.timeline.close()

    def _turn(self, ready: DefaultSelector, start: float | None) -> None:
        for key, _ in ready.select(None if start is None else max(0.0, start - clock())):
            hand = self.hands[key.data]
            for told in self._heard(hand):
                self._take(key.data, told)
            if hand.ended:
                ready.unregister(key.fileobj)
        if start is not None and clock() >= start:
            self._look("start")

    def _heard(self, hand: Hand) -> list[Told]:
        told = hand.listen()
        for one in told:
            if one["kind"] == "trouble":
                raise LoadFailed(with_advice(one["text"], [one["code"]]))
        return told

    def _take(self, number: int, told: Told) -> None:
        self.total.late = max(self.total.late, told["late"])
        if told["kind"] == "end":
            self.hands[number].ended = True
            self.total.record.add(record_of(told))
            self.total.overdue += told["overdue"]
            self.total.unanswered += told["unanswered"]
            self.total.notes.update(told["notes"])
            return
        self._counts[number] += 1
        told["worker"] = number
        self._ticks.setdefault(self._counts[number], []).append(told)
        if len(self._ticks[self._counts[number]]) == len(self.hands):
            self._close(self._counts[number], self._ticks.pop(self._counts[number]))

    def _close(self, number: int, told: list[Told]) -> None:
        """Take a second that all workers have told of."""
        record = Record()
        cpu = [0.0] * len(self.hands)
        for one in told:
            record.add(record_of(one))
            cpu[one["worker"]] = one["cpu"]
        seconds = max(one["seconds"] for one in told)
        total = self.total
        total.record.add(record)
        total.seconds += seconds
        total.answered += record.latency.count
        total.cpu = [before + new for before, new in zip(total.cpu, cpu, strict=True)]
        self.timeline.add(seconds, record)
        self.progress(str(Tick(number, seconds, record, cpu, sum(plan.connections for plan in self.plans))))
        self._look("end")
        if pointless := POINTLESS & (record.refused.keys() | record.lost.keys()):
            raise LoadFailed(with_advice("The server answers that there are too many requests.", pointless))

    def _look(self, moment: str) -> None:
        self._looked_at[moment] = clock()
        if self.pid is not None:
            try:
                self._usages[moment] = usage(self.pid)
            except OSError as error:
                raise LoadFailed(f"The server's process {self.pid} cannot be looked at: {error.strerror}") from None

    @property
    def server(self) -> ServerUse | None:
        """What the server used while it was measured."""
        if self.pid is None or "end" not in self._usages:
            return None
        before, ready, start, end = (self._usages[name] for name in ("before", "ready", "start", "end"))
        seconds = self._looked_at["end"] - self._looked_at["start"]
        cpu = end.cpu - start.cpu
        answers = self.total.answered + self.total.record.refused.total()
        return ServerUse(
            cpu=cpu / seconds,
            event_loop=(end.main_cpu - start.main_cpu) / seconds,
            for_each=cpu / answers if answers else 0.0,
            before=before.resident,
            ready=ready.resident,
            end=end.resident,
        )


@contextmanager
def loading(plans: Sequence[Plan], pid: int | None, progress: Callable[[str], None]) -> Iterator[Load]:
    """A load, whose workers are ended at the end of the block."""
    load = Load(plans, pid, progress)
    try:
        yield load
    finally:
        for hand in load.hands:
            hand.end()
