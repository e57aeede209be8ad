"""What is measured, how long that takes for one, and how it is told."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import repeat

from attrs import frozen

from benchmarks.figures import Spread, table

#: Measures for so many seconds; gives the seconds that one takes.
type Measure = Callable[[float], Awaitable[float]]
#: Times that something is done before its clock is looked at for the first time.
_FIRST = 8


@frozen
class Piece:
    """Something that is done for a message.

    Attributes:
        name: What is done.
        measure: Measures it.
        floor: The name of the piece that does the least that this one must do; "" if there is none.
    """

    name: str
    measure: Measure
    floor: str = ""


def computing(name: str, does: Callable[[], object], floor: str = "") -> Piece:
    """What one thread does without waiting, by its own CPU time, which hardly depends on what else the machine does."""

    async def measure(seconds: float) -> float:
        return seconds_for_one(does, seconds, time.thread_time)

    return Piece(name, measure, floor)


def waiting(name: str, does: Callable[[], object], floor: str = "") -> Piece:
    """What has to wait for another thread or for the disk, by the clock on the wall."""

    async def measure(seconds: float) -> float:
        return seconds_for_one(does, seconds, time.perf_counter)

    return Piece(name, measure, floor)


def seconds_for_one(does: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """Do something again and again, and see how long one takes.

    Args:
        does: What is done.
        seconds: How long, at least.
        clock: Seconds.
    """
    count, at_once = 0, _FIRST
    began = clock()
    while True:
        for _ in repeat(None, at_once):
            does()
        count += at_once
        took = clock() - began
        if took >= seconds:
            return took / count
        at_once = min(count, max(1, round((seconds - took) / took * count))) if took else count


async def seconds_for_one_awaited(does: Callable[[], Awaitable[object]], seconds: float) -> float:
    """The same for what has to be awaited, by the clock on the wall."""
    count = 0
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds or not count:
        await does()
        count += 1
    return took / count


def report(pieces: Sequence[Piece], rounds: Mapping[str, Sequence[float]]) -> str:
    """The figures as text.

    Args:
        pieces: What was measured.
        rounds: The seconds for one of each piece, by its name, round by round.
    """
    rows = []
    for piece in pieces:
        cells = [piece.name, _microseconds(rounds[piece.name]).text()]
        if piece.floor:
            floor = rounds[piece.floor]
            cells += [
                f"{_microseconds(floor).middle:.2f}",
                Spread.of_ratios(rounds[piece.name], floor).text(1),
                piece.floor,
            ]
        rows.append([*cells, *[""] * (5 - len(cells))])
    return table(["", "us", "floor us", "times the floor", "floor"], rows)


def _microseconds(seconds: Sequence[float]) -> Spread:
    return Spread.of([one * 1e6 for one in seconds])
