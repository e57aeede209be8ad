"""What players without hooks notice of a hook that spins: the latency of their messages, meanwhile and else.

One server; the players ask for things that no hook looks at, at a fixed rate, while another one's hook does this or
that. Each round goes through all of it in a shuffled order, and ratios are those of one round.
"""

import itertools
import random
import time
from collections.abc import Mapping

import click
from attrs import frozen

from benchmarks import scripts
from benchmarks.beat import Beat
from benchmarks.figures import Latency, Spread, table, verdict
from benchmarks.frames import request_frame
from benchmarks.generator import Generator, generating
from benchmarks.kernel import machine
from benchmarks.line import Line, Requests, in_turn
from benchmarks.record import Record
from benchmarks.server import Server, limits_text, serving

#: What the median of the rounds' p99 may be, as a multiple of that of an idle server.
TARGET = 2.0
#: How many steps a C call is made of whose time is measured.
_STEPS = 2_000_000
#: Seconds of the server's settings.
HOOK_TIMEOUT, HOOK_ABANDON_AFTER = 1.0, 1.0
#: Share of the deadline that a C call takes which ends in time, and one during which its interpreter is given up.
_IN_TIME, _TOO_LONG = 0.8, 2.6

IDLE, LOOP, C_CALL, REPLACED = "idle", "a loop", "a C call", "given up"
_EXPLAINED: Mapping[str, str] = {
    IDLE: "no hook runs",
    LOOP: f"a hook loops until it is interrupted after {HOOK_TIMEOUT:g} s, again and again",
    C_CALL: f"a hook sits in one C call of about {_IN_TIME * HOOK_TIMEOUT:g} s that holds its interpreter's GIL, again "
    "and again",
    REPLACED: f"a hook sits in one C call of about {_TOO_LONG * HOOK_TIMEOUT:g} s: after "
    f"{HOOK_TIMEOUT + HOOK_ABANDON_AFTER:g} s its interpreter is given up and replaced, again and again",
}


@frozen
class Round:
    """What was measured while hooks did one thing.

    Attributes:
        latency: Of the messages without hooks.
        refused: How many of them failed.
        loop: The share of a core that the server's event loop used.
        generator: The share that the generator used.
        late: The most seconds by which a message was sent too late.
    """

    latency: Latency
    refused: int
    loop: float
    generator: float
    late: float


@click.command()
@click.option("--connections", default=16, type=click.IntRange(1, 1000), help="Players without hooks.")
@click.option("--rate", default=500, type=click.IntRange(1, 20_000), help="Their requests a second, in all.")
@click.option("--rounds", default=4, type=click.IntRange(1, 100), help="Rounds, each in another order.")
@click.option("--seconds", default=8.0, type=click.FloatRange(0.1, 600), help="Seconds of each kind in each round.")
def spin(connections: int, rate: int, rounds: int, seconds: float) -> None:
    """Measure the latency of messages without hooks while a hook spins."""
    settings = {"HOOK_TIMEOUT": f"{HOOK_TIMEOUT:g}", "HOOK_ABANDON_AFTER": f"{HOOK_ABANDON_AFTER:g}"}
    click.echo(machine())
    click.echo(limits_text(**settings))
    click.echo(
        f"load         Me and GetRoom, {connections} connections, {rate} a second (open loop); one more player plays; "
        f"{rounds} shuffled rounds of {seconds:g} s each; nothing is pinned"
    )
    results: dict[str, list[Round]] = {name: [] for name in _EXPLAINED}
    with serving({"game.py": scripts.SPINNING}, **settings) as server, generating() as generator:
        others, quiet, spinner = _players(server, generator, connections)
        for _ in range(rounds):
            for name in random.sample(list(results), len(results)):
                results[name].append(_measure(server, generator, Beat(others, 1 / rate), quiet, spinner, name, seconds))
        replacements = sum("was given up" in str(line.get("event")) for line in server.log())
    click.echo(f"\n{report(results)}\n")
    for name, text in _EXPLAINED.items():
        click.echo(f"{name}: {text}")
    click.echo(f"interpreters given up: {replacements}\n")
    worst = {name: Spread.of_ratios(_p99(results[name]), _p99(results[IDLE])).middle for name in (LOOP, C_CALL)}
    click.echo(verdict(f"p99 while a hook spins within {TARGET:g} times of idle", met=max(worst.values()) <= TARGET))


def report(results: Mapping[str, list[Round]]) -> str:
    """The figures as text."""
    head = [
        "meanwhile",
        "p50 ms",
        "p99 ms",
        "max ms",
        "p50 of idle",
        "p99 of idle",
        "event loop",
        "generator",
        "sent late",
        "failed",
    ]
    idle = results[IDLE]
    rows = []
    for name, found in results.items():
        middle = {part: Spread.of([getattr(one.latency, part) * 1000 for one in found]) for part in ("p50", "p99")}
        rows.append(
            [
                name,
                middle["p50"].text(),
                middle["p99"].text(),
                f"{max(one.latency.most for one in found) * 1000:.2f}",
                Spread.of_ratios([one.latency.p50 for one in found], [one.latency.p50 for one in idle]).text(),
                Spread.of_ratios(_p99(found), _p99(idle)).text(),
                f"{Spread.of([one.loop for one in found]).middle:.0%}",
                f"{Spread.of([one.generator for one in found]).middle:.0%}",
                f"{max(one.late for one in found) * 1000:.1f} ms",
                str(sum(one.refused for one in found)),
            ]
        )
    notes = (
        "event loop, generator: of a core; sent late: by the generator, at most; failed: of the messages without hooks"
    )
    return f"{table(head, rows)}\n{notes}"


def _p99(found: list[Round]) -> list[float]:
    return [one.latency.p99 for one in found]


def _players(server: Server, generator: Generator, connections: int) -> tuple[list[Line], Record, Line]:
    """The players without hooks, who ask for themselves and for their room in turn, and the one who plays."""
    others, quiet = [], Record()
    for number in range(connections):
        wire = server.player(f"asks-{number}")
        room_id = wire.ask("CreateRoom", name="asks")["room_id"]
        frames = (request_frame("Me"), request_frame("GetRoom", room_id=room_id))
        others.append(Line(wire, in_turn(itertools.cycle(frames)), quiet))
    wire = server.player("plays")
    spinner = Line(wire, in_turn(()))
    generator.add([*others, spinner])
    return others, quiet, spinner


def _measure(  # one argument for each part
    server: Server, generator: Generator, beat: Beat, record: Record, spinner: Line, name: str, seconds: float
) -> Round:
    if name != IDLE:
        spinner.wire.socket.settimeout(10)
        room_id = spinner.wire.ask("CreateRoom", name="plays")["room_id"]
        spinner.wire.socket.settimeout(0)
        spinner.requests = _moves(room_id, name)
        spinner.repeats = True
        spinner.send()
    before = server.usage()
    sample = generator.run(seconds, record, beat)
    after = server.usage()
    generator.drain()
    # What was answered late counts, too.
    sample.record.add(record.take())
    return Round(
        Latency.of(sample.latency),
        sample.record.refused.total(),
        (after.main_cpu - before.main_cpu) / sample.seconds,
        sample.generator,
        beat.late,
    )


def _moves(room_id: str, name: str) -> Requests:
    steps = 0
    if name != LOOP:
        steps = round(_steps_a_second() * HOOK_TIMEOUT * (_IN_TIME if name == C_CALL else _TOO_LONG))
    return in_turn(itertools.repeat(request_frame("Play", room_id=room_id, message={"steps": steps})))


def _steps_a_second() -> float:
    """How fast this machine is in the C call; the quickest of some tries, as others may be at work."""

    def once() -> float:
        began = time.perf_counter()
        sum(range(_STEPS))
        return time.perf_counter() - began

    return _STEPS / min(once() for _ in range(5))
