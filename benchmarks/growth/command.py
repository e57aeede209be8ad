"""``python -m benchmarks growth``: what is asked for, the rounds, and what is told.

Each size has a server of its own that runs for the whole time, and each round measures every size once in a shuffled
order, so that whatever else the machine does meets all alike. One dimension comes after the other.
"""

import json
import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs
import click

from benchmarks.descriptors import allow
from benchmarks.figures import verdict
from benchmarks.growth.curve import Curve, Found
from benchmarks.growth.dimensions import DIMENSIONS, LIMITS, Dimension, logging_in
from benchmarks.growth.fit import MARGIN
from benchmarks.growth.logins import KINDS, Logins, seconds_for_a_hash
from benchmarks.growth.page import page
from benchmarks.kernel import ALL_CORES, Machine, cores
from benchmarks.outcome import NoOutcome, make_folder
from benchmarks.server import ServerFailed, limits_text
from benchmarks.wire import ConnectionLost

_LOGINS = "logins"
_NAMES = [*(dimension.name for dimension in DIMENSIONS), _LOGINS]
#: Players who log in at a time.
_AT_ONCE, _FEW = 16, 2
#: Seconds of each measurement for who only wants to see that it works.
_SHORT = 0.1
_NOTES = (
    "us: microseconds of CPU that all threads of the server used (median, least and most of the rounds);\n"
    "exponent: 0 if it stays as it is, 1 if it doubles with what grows"
)
_TARGET = f"nothing grows faster than what it must touch (an exponent above that by more than {MARGIN:g})"


@click.command()
@click.option("--curve", "names", multiple=True, type=click.Choice(_NAMES), help="Only this one; repeatable.")
@click.option("--rounds", default=3, type=click.IntRange(1, 100), help="Rounds, each in another order.")
@click.option("--seconds", default=1.0, type=click.FloatRange(0.1, 60), help="Seconds for each measurement.")
@click.option("--short", is_flag=True, help="A few small points, once and shortly: it works, but says nothing.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for growth.json and index.html.")
def growth(*, names: tuple[str, ...], rounds: int, seconds: float, short: bool, out: Path | None) -> None:
    """Measure what a message costs the server as there is more of something.

    One thing grows and all else stays: connections, rooms, who hears a message in a room, accounts, sessions. For each
    there is a table with the exponent of the growth; then how many logins there can be. Server and generator have a
    core each, the first and the last that this process may use; for the number of logins they share all.

    Ends with code 1 if something grows faster than what it must touch.
    """
    if short:
        seconds, rounds = _SHORT, 1
    dimensions = [one for one in DIMENSIONS if not names or one.name in names]
    allow(
        max((sum(map(one.connections, one.short if short else one.sizes)) for one in dimensions), default=_AT_ONCE),
        "choose others by --curve",
    )
    machine = Machine.now()
    facts = [
        f"machine      {machine}",
        limits_text(**LIMITS),
        f"load         {rounds} shuffled rounds of {seconds:g} s for each",
    ]
    click.echo("\n".join(facts))
    try:
        if out is not None:
            make_folder(out)
        curves = [_curve(one, one.short if short else one.sizes, rounds, seconds) for one in dimensions]
        logins = _logins(_FEW if short else _AT_ONCE, rounds, seconds) if not names or _LOGINS in names else None
    except (ServerFailed, ConnectionLost, NoOutcome) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{_NOTES}")
    if out is not None:
        told = {
            "machine": attrs.asdict(machine),
            "server": limits_text(**LIMITS),
            "seconds": seconds,
            "curves": {curve.name: curve.plain() for curve in curves},
            "logins": None if logins is None else logins.plain(),
        }
        (out / "growth.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        (out / "index.html").write_text(page(facts, curves, logins), encoding="utf-8")
        click.echo(f"\n{out / 'growth.json'} and {out / 'index.html'} are written.")
    if not short:
        judge(curves)


def _curve(dimension: Dimension, sizes: Sequence[int], rounds: int, seconds: float) -> Curve:
    """Measure all sizes of one dimension, each at a server of its own."""
    found: dict[int, list[Found]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        turns = []
        for size in sizes:
            click.echo(f"Making {dimension.along} ready: {size}", err=True)
            turns.append((found[size], stack.enter_context(dimension.begin(size))))
        for _ in range(rounds):
            random.shuffle(turns)
            for rows, play in turns:
                rows.append(play(seconds))
    curve = Curve(dimension.name, dimension.along, dimension.summary, dimension.figures, found)
    click.echo(f"\n{curve.text()}")
    return curve


def _logins(at_once: int, rounds: int, seconds: float) -> Logins:
    """Measure how many logins there can be, with server and generator on all cores."""
    with ExitStack() as stack:
        turns = {kind: stack.enter_context(logging_in(kind, at_once)) for kind in KINDS}
        shuffled = [random.sample(list(turns), len(turns)) for _ in range(rounds)]
        measured = [{kind: turns[kind].play(seconds, ALL_CORES) for kind in kinds} for kinds in shuffled]
    found = {kind: [one[kind] for one in measured] for kind in KINDS}
    logins = Logins(at_once, len(cores()), seconds_for_a_hash(seconds), found)
    click.echo(f"\n{logins.text()}")
    return logins


def judge(curves: Sequence[Curve]) -> None:
    """Say whether anything grows too fast.

    Raises:
        click.exceptions.Exit: Something does.
    """
    worse = [one for curve in curves for one in curve.worse()]
    click.echo("\n" + verdict(_TARGET, met=not worse))
    for one in worse:
        click.echo(f"             grows too fast: {one}")
    if worse:
        raise click.exceptions.Exit(1)
