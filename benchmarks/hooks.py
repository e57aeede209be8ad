"""What hooks cost: messages a second through a pre and a post hook, and through none.

Each server runs for the whole time, and each round measures every one of them once in a shuffled order, so that
whatever else the machine does meets all of them alike. Ratios are those of one round.
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import click
from attrs import define, field, frozen

from benchmarks import scripts
from benchmarks.figures import BUSY, Spread, share_text, table, verdict
from benchmarks.frames import request_frame
from benchmarks.generator import Generator, generating
from benchmarks.kernel import ALL_CORES, ONE_CORE, cores, machine, placed
from benchmarks.line import Line, in_turn
from benchmarks.record import Record
from benchmarks.server import Server, limits_text, serving

RATE = 12_000
RATIO = 0.4
#: Seconds at the beginning of each round that do not count.
WARM_UP = 0.3

BARE, ADDITION, LIGHT = "no hooks", "one addition", "a light game"
SCRIPTS: Mapping[str, Mapping[str, str]] = {
    BARE: {},
    ADDITION: {"game.py": scripts.ADDITION},
    LIGHT: {"game.py": scripts.LIGHT},
}
_EXPLAINED = {
    ONE_CORE: "the server's threads share one core, the generator has another one to itself",
    ALL_CORES: "the server's threads (event loop, scripts) may use all cores, so that they run side by side; "
    "on two cores, the scripts' thread shares one with the generator",
}


@frozen
class Measured:
    """What one server did in one round.

    Attributes:
        rate: Messages a second.
        main: Microseconds of its event loop for each message.
        other: Microseconds of its other threads for each message.
        generator: The share of a core that the generator used.
        failed: Messages that were answered with a failure.
    """

    rate: float
    main: float
    other: float
    generator: float
    failed: int


@define(eq=False)
class Contestant:
    """One server, and its players.

    Attributes:
        server: The server.
        generator: Its players.
        lines: The same, one by one.
        record: Where they count.
        rounds: What was measured, by how the server was placed.
    """

    server: Server
    generator: Generator
    lines: list[Line]
    record: Record
    rounds: dict[str, list[Measured]] = field(factory=dict)

    def play(self, placement: str, seconds: float, ahead: int) -> None:
        """Measure one round."""
        for line in self.lines:
            line.repeats = True
            line.send(ahead)
        self.generator.run(WARM_UP)
        before = self.server.usage()
        sample = self.generator.run(seconds, self.record)
        after = self.server.usage()
        self.generator.drain()
        messages = sample.answers
        self.rounds.setdefault(placement, []).append(
            Measured(
                sample.rate,
                (after.main_cpu - before.main_cpu) / messages * 1e6,
                (after.other_cpu - before.other_cpu) / messages * 1e6,
                sample.generator,
                sample.record.refused.total(),
            )
        )


@click.command()
@click.option("--connections", default=64, type=click.IntRange(2, 1000), help="Players; two in each room.")
@click.option("--ahead", default=1, type=click.IntRange(1, 64), help="Messages of one player in flight.")
@click.option("--rounds", default=6, type=click.IntRange(1, 100), help="Rounds, each in another order.")
@click.option("--seconds", default=2.0, type=click.FloatRange(0.1, 60), help="Seconds for each server in each round.")
def hooks(connections: int, ahead: int, rounds: int, seconds: float) -> None:
    """Measure what a pre and a post hook cost for each message."""
    click.echo(machine())
    click.echo(limits_text())
    click.echo(
        f"load         Play, {connections // 2} rooms of 2, {connections // 2 * 2} connections, {ahead} in flight on "
        f"each, closed loop; {rounds} shuffled rounds of {seconds:g} s"
    )
    placements = [ONE_CORE, ALL_CORES] if len(cores()) > 1 else [ALL_CORES]
    with ExitStack() as stack:
        contestants = {
            name: stack.enter_context(_contestant(texts, connections // 2)) for name, texts in SCRIPTS.items()
        }
        for _ in range(rounds):
            turns = list(itertools.product(placements, contestants.values()))
            random.shuffle(turns)
            for placement, contestant in turns:
                with placed(contestant.server.process.pid, placement):
                    contestant.play(placement, seconds, ahead)
    met = False
    for placement in placements:
        click.echo(f"\n{placement}: {_EXPLAINED[placement]}")
        results = {name: contestant.rounds[placement] for name, contestant in contestants.items()}
        click.echo(report(results))
        met = met or is_met(results)
    click.echo("\n" + verdict(f"{RATE} messages/s with hooks, or {RATIO} of what is possible without", met=met))


def is_met(results: Mapping[str, list[Measured]]) -> bool:
    """Whether both scripts are quick enough, under one placement."""
    base = [one.rate for one in results[BARE]]
    return all(
        Spread.of([one.rate for one in results[name]]).middle >= RATE
        or Spread.of_ratios([one.rate for one in results[name]], base).middle >= RATIO
        for name in (ADDITION, LIGHT)
    )


def report(results: Mapping[str, list[Measured]]) -> str:
    """The figures of one placement as text."""
    base = [one.rate for one in results[BARE]]
    loop = [one.main for one in results[BARE]]
    head = [
        "hooks",
        "messages/s",
        "of no hooks",
        "by CPU time",
        "us/message",
        "event loop",
        "scripts",
        "generator",
        "failed",
    ]
    rows = []
    for name, measured in results.items():
        rates = [one.rate for one in measured]
        main, other = (Spread.of([getattr(one, part) for one in measured]).middle for part in ("main", "other"))
        share = Spread.of([one.generator for one in measured]).middle
        rows.append(
            [
                name,
                Spread.of(rates).text(0),
                Spread.of_ratios(rates, base).text(),
                Spread.of_ratios(loop, [one.main for one in measured]).text(),
                f"{main + other:.0f}",
                f"{main:.0f}",
                f"{other:.0f}",
                share_text(share).partition(" ")[0] + ("!" if share > BUSY else ""),
                str(sum(one.failed for one in measured)),
            ]
        )
    notes = (
        "by CPU time: the ratio if only the event loop's CPU time counted, as where scripts have a core of their own;\n"
        "us/message: CPU time of the server, its event loop and its other threads; generator: of a core (! where\n"
        "it was the bottleneck)"
    )
    return f"{table(head, rows)}\n{notes}"


@contextmanager
def _contestant(texts: Mapping[str, str], rooms: int) -> Iterator[Contestant]:
    with serving(texts) as server, generating() as generator:
        lines, record = [], Record()
        for number in range(rooms):
            room_id, *wires = server.pair(f"room-{number}")
            frame = request_frame("Play", room_id=room_id, message={"cell": 4})
            lines += [Line(wire, in_turn(itertools.repeat(frame)), record) for wire in wires]
        generator.add(lines)
        yield Contestant(server, generator, lines, record)
