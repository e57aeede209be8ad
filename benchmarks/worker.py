"""One process of a load: ``python -m benchmarks.worker``, which `benchmarks.run` starts.

It gets its plan by its input, makes its players ready, and plays from the moment that it is told. Every second it
sends what was measured, so it holds no more after an hour than after a second. Its input ending is an order to end:
no worker outlives who started it.
"""

import gc
import math
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgpack
from attrs import define, field

from benchmarks.beat import Beat
from benchmarks.generator import clock, generating
from benchmarks.histogram import Histogram
from benchmarks.plan import Plan
from benchmarks.record import Record
from benchmarks.scenarios import SCENARIOS, Stage
from benchmarks.wire import ConnectionLost

#: Seconds between two messages on what was measured.
TICK = 1.0
#: Seconds that answers have at the end.
SETTLE = 5.0
#: Seconds in a row in which connections are lost and nothing is answered, until there is no point in going on.
_SILENT = 3
#: What is overdue at the end is counted in so many steps, however much it is.
_STEPS = 1000
_BYTES = 1 << 16

type Told = dict[str, Any]


def plain_record(record: Record) -> Told:
    """What players did as plain data."""
    return {
        "latency": record.latency.plain(),
        "heard": record.heard.plain(),
        "events": record.events,
        "refused": dict(record.refused),
        "lost": dict(record.lost),
    }


def record_of(plain: Told) -> Record:
    """What `plain_record` gave."""
    return Record(
        Histogram.from_plain(plain["latency"]),
        Histogram.from_plain(plain["heard"]),
        plain["events"],
        Counter(plain["refused"]),
        Counter(plain["lost"]),
    )


@define(eq=False)
class Ear:
    """Hears what the process that started this one says.

    Attributes:
        number: The descriptor of the input.
        told: What was said and not yet taken.
        ended: Whether nothing more will come.
    """

    number: int
    told: list[Told] = field(factory=list)
    ended: bool = False
    _unpacker: msgpack.Unpacker = field(factory=msgpack.Unpacker)

    def listen(self) -> None:
        """Take what has come, or wait for it."""
        data = os.read(self.number, _BYTES)
        self.ended = not data
        self._unpacker.feed(data)
        self.told += self._unpacker

    def next(self) -> Told:
        """Wait for what is said next.

        Raises:
            EOFError: Nothing will be.
        """
        while not self.told:
            if self.ended:
                raise EOFError
            self.listen()
        return self.told.pop(0)


@define(eq=False)
class Work:
    """A load at work.

    Attributes:
        stage: Its players.
        tell: Sends what was measured.
        over: Whether it shall end before its time.
    """

    stage: Stage
    tell: Callable[[Told], None]
    over: Callable[[], bool]
    _marked: tuple[float, float] = (0.0, 0.0)
    _last_loss: str = ""
    _silent: int = 0

    def play(self, begin: float) -> None:
        """Play from a moment on for as long as planned, and tell what was measured.

        Args:
            begin: On the clock of the generator, which all processes of a machine share.
        """
        stage, plan = self.stage, self.stage.plan
        stage.generator.turn(self.over, begin)
        stage.record.take()
        beat = self._start(begin)
        if plan.warm_up and not self._until(begin + plan.warm_up, beat):
            begin = clock() - plan.warm_up
        stage.record.take()
        self._mark()
        start, number = begin + plan.warm_up, 0
        end = start + plan.duration
        going = True
        while going and start + number * TICK < end:
            number += 1
            going = self._until(min(end, start + number * TICK), beat)
            self._tell("tick", beat)
            self._object()
        self._finish(beat)

    def _object(self) -> None:
        """See that there is a point in going on.

        Raises:
            ConnectionLost: There is none.
        """
        if objection := self.stage.objection():
            raise ConnectionLost(objection, "objection")
        if all(player.lost for player in self.stage.generator.players):
            raise ConnectionLost("The server has closed all connections.", self._last_loss)
        if self._silent >= _SILENT:
            raise ConnectionLost("Nothing is answered any more, and connections are lost or refused.", self._last_loss)

    def _start(self, begin: float) -> Beat | None:
        stage, plan = self.stage, self.stage.plan
        for line in stage.beside:
            line.repeats = True
            line.send()
        if not stage.players:
            return None
        if plan.rate is not None:
            return Beat(stage.players, 1 / plan.rate, begin)
        for player in stage.players:
            player.repeats = True
            for _ in range(plan.ahead):
                if player.free:
                    player.begin(clock())
        return None

    def _until(self, when: float, beat: Beat | None) -> bool:
        """Play until then; whether there was no order to end."""
        self.stage.generator.turn(self.over, when, beat)
        return not self.over()

    def _finish(self, beat: Beat | None) -> None:
        """Wait for the answers that are still to come, and count what has none, and what was never sent.

        What was due and never sent was slow, too: it counts by how long it has waited.
        """
        stage, now = self.stage, clock()
        overdue = list(beat.overdue(now)) if beat is not None else []
        for does in stage.finish:
            does()
        stage.generator.settle(SETTLE)
        self._object()
        for oldest, newest, count in overdue:
            steps = min(count, _STEPS)
            for step in range(steps):
                waited = newest + (oldest - newest) * step / max(1, steps - 1)
                stage.record.latency.record(waited, count // steps + (step < count % steps))
        unanswered = sum(player.waiting for player in stage.players)
        self._tell("end", beat, overdue=sum(count for *_, count in overdue), unanswered=unanswered)

    def _mark(self) -> tuple[float, float]:
        """Seconds since it was called last, without a gap, and seconds of a core that were used in them."""
        now, cpu = clock(), time.process_time()
        passed = now - self._marked[0], cpu - self._marked[1]
        self._marked = now, cpu
        return passed

    def _tell(self, kind: str, beat: Beat | None, **more: Any) -> None:
        seconds, cpu = self._mark()
        record = self.stage.record.take()
        self._last_loss = next(iter(record.lost), self._last_loss)
        silent = record.lost and not record.latency.count and not record.refused
        self._silent = self._silent + 1 if silent else 0
        self.tell(
            {
                "kind": kind,
                "seconds": seconds,
                "cpu": cpu,
                "late": beat.late if beat is not None else 0.0,
                "notes": dict(self.stage.notes),
                **plain_record(record),
                **more,
            }
        )


def work(ear: Ear, tell: Callable[[Told], None]) -> None:
    """Do what a plan says that is heard first, from the moment on that is heard then."""
    plan = Plan.from_plain(ear.next())
    with generating() as generator, closing(Stage(plan, generator)) as stage:
        try:
            SCENARIOS[plan.scenario].prepare(stage)
            _all_there(stage.record.take())
            # What is there by now stays and has been looked through; so that nothing new piles up in a long load:
            gc.collect()
            gc.enable()
            tell({"kind": "ready", "shared": stage.shared})
            generator.wait(ear.number, select.EPOLLIN, ear.listen)
            generator.turn(lambda: bool(ear.told) or ear.ended, math.inf)
            if ear.told:
                Work(stage, tell, lambda: bool(ear.told) or ear.ended).play(ear.told.pop(0)["begin"])
        except ConnectionLost as error:
            tell({"kind": "trouble", "text": str(error), "code": error.code})


def _all_there(record: Record) -> None:
    """See that nobody was lost who waited for the others.

    Raises:
        ConnectionLost: Somebody was.
    """
    for code in record.lost:
        raise ConnectionLost(f"The server has closed the connection of a player who waited: {code}", code)


def main() -> None:
    """Speak with the process that started this one."""
    # Who presses Ctrl-C means that one, which will say what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = sys.stdout.buffer

    def tell(told: Told) -> None:
        output.write(msgpack.packb(told))
        output.flush()

    try:
        work(Ear(sys.stdin.fileno()), tell)
    except (EOFError, BrokenPipeError):
        # Who started this process has ended: nobody is left to be told.
        os._exit(1)


if __name__ == "__main__":
    main()
