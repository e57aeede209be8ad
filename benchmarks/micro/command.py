"""``python -m benchmarks micro``: the rounds, and the table.

Each round measures every piece once, in a shuffled order; ratios are those of one round.
"""

import random
from contextlib import AsyncExitStack

import click
import trio

from benchmarks.kernel import machine
from benchmarks.micro.codec import codec
from benchmarks.micro.committing import broadcasts, commits
from benchmarks.micro.floors import floors
from benchmarks.micro.hooking import inside, trips
from benchmarks.micro.pieces import Piece, report
from benchmarks.micro.whole import whole
from yummy.logs import configure
from yummy.settings import LogFormat, LogLevel

_NOTES = (
    "us: microseconds for one; of what one thread does by its CPU time, of what waits for another thread or the disk\n"
    "by the clock on the wall; floor: the least that has to be done for it"
)


@click.command()
@click.option("--rounds", default=5, type=click.IntRange(1, 100), help="Rounds, each in another order.")
@click.option("--seconds", default=0.1, type=click.FloatRange(0.001, 10), help="Seconds for each piece in each round.")
def micro(rounds: int, seconds: float) -> None:
    """Measure what the parts of a message cost, in microseconds, each beside the least that it must cost."""
    configure(LogLevel.ERROR, LogFormat.CONSOLE)
    click.echo(machine())
    click.echo(f"load         {rounds} shuffled rounds of {seconds:g} s for each")
    pieces, found = trio.run(_measure, rounds, seconds)
    click.echo(f"\n{report(pieces, found)}\n{_NOTES}")


async def _measure(rounds: int, seconds: float) -> tuple[list[Piece], dict[str, list[float]]]:
    """Measure everything; what it is, and the seconds for one of each, round by round."""
    async with AsyncExitStack() as stack:
        pieces = [
            *await stack.enter_async_context(whole()),
            *codec(),
            *stack.enter_context(inside()),
            *await stack.enter_async_context(trips()),
            *stack.enter_context(commits()),
            *broadcasts(),
            *stack.enter_context(floors()),
        ]
        found: dict[str, list[float]] = {piece.name: [] for piece in pieces}
        turns = list(pieces)
        for _ in range(rounds):
            random.shuffle(turns)
            for piece in turns:
                found[piece.name].append(await piece.measure(seconds))
    return pieces, found
