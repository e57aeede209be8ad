"""``python -m benchmarks peers``: who takes part, the rounds, and what is told.

Each server runs for the whole time, and each round measures all of them at everything once, in a shuffled order, so
that whatever else the machine does meets all alike. Ratios are those of one round.
"""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import click

from benchmarks.descriptors import allow
from benchmarks.generator import generating
from benchmarks.kernel import Machine, cores
from benchmarks.outcome import NoOutcome, make_folder
from benchmarks.peers import programs
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.crowd import Crowd, Measured
from benchmarks.peers.standing import Results, plain, report
from benchmarks.peers.workloads import WORKLOADS, Workload
from benchmarks.server import ServerFailed, limits_text
from benchmarks.wire import ConnectionLost

_NAMES = [workload.name for workload in WORKLOADS]
_KEYS = [one.key for one in CONTESTANTS]


@click.command()
@click.option("--rounds", default=5, type=click.IntRange(1, 100), help="Rounds, each in another order.")
@click.option("--seconds", default=2.0, type=click.FloatRange(0.1, 60), help="Seconds for each measurement.")
@click.option("--workload", "workloads", multiple=True, type=click.Choice(_NAMES), help="Only this one; repeatable.")
@click.option("--peer", "peers_", multiple=True, type=click.Choice(_KEYS), help="Only this one; repeatable.")
@click.option("--install", is_flag=True, help="Install Colyseus from npm, into a cache folder, before all else.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for peers.json.")
def peers(
    *,
    rounds: int,
    seconds: float,
    workloads: tuple[str, ...],
    peers_: tuple[str, ...],
    install: bool,
    out: Path | None,
) -> None:
    """Compare Yummy with other servers at the same work, for each second of server CPU.

    Three workloads: W1 and W3 ask and are answered, with one and with 16 requests in flight, W2 relays within rooms of
    four. Yummy is the whole server: accounts, sessions, rooms, strict validation. The others do as little as their
    libraries let them. The bare trio-websocket is always there; who is not installed is left out.

    Server and generator have a core each, the first and the last that this process may use.
    """
    try:
        if install:
            programs.install_colyseus()
        if out is not None:
            make_folder(out)
        told, results = _compare(
            [one for one in CONTESTANTS if not peers_ or one.key in peers_],
            [workload for workload in WORKLOADS if not workloads or workload.name in workloads],
            rounds,
            seconds,
        )
    except (ServerFailed, ConnectionLost, NoOutcome) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{report(results)}")
    if out is not None:
        (out / "peers.json").write_text(json.dumps({**told, **plain(results)}, indent=1), encoding="utf-8")
        click.echo(f"\n{out / 'peers.json'} is written.")


def _compare(
    contestants: list[Contestant], workloads: list[Workload], rounds: int, seconds: float
) -> tuple[dict[str, Any], Results]:
    """Run everything; what it was run with, and the figures."""
    machine = Machine.now()
    missing = {one.name: one.missing() for one in contestants if one.missing()}
    versions = {one.name: one.version() for one in contestants if one.name not in missing}
    click.echo(f"machine      {machine}")
    if len(cores()) == 1:
        click.echo("             (server and generator share it: each slows the other down)")
    click.echo(limits_text())
    for name, version in versions.items():
        click.echo(f"with         {name}: {version}")
    for name, why in missing.items():
        click.echo(f"without      {name}: {why}")
    click.echo(
        f"load         closed loop; {rounds} shuffled rounds of {seconds:g} s each, after one that does not count"
    )
    taking_part = [one for one in contestants if one.name in versions]
    allow(
        sum(workload.connections for one in taking_part for workload in one.workloads if workload in workloads),
        "compare fewer by --peer and --workload",
    )
    with _crowds(taking_part, workloads) as crowds:
        results = _play(crowds, rounds, seconds)
    told = {
        "machine": attrs.asdict(machine),
        "server": limits_text(),
        "versions": versions,
        "missing": missing,
        "seconds": seconds,
    }
    return told, results


type _Crowds = Mapping[Workload, Mapping[str, Crowd]]


@contextmanager
def _crowds(contestants: list[Contestant], workloads: list[Workload]) -> Iterator[_Crowds]:
    """Run all servers, with all their players."""
    crowds: dict[Workload, dict[str, Crowd]] = {workload: {} for workload in workloads}
    with ExitStack() as stack:
        for one in contestants:
            server = stack.enter_context(one.begin())
            for workload in one.workloads:
                if workload in crowds:
                    crowds[workload][one.name] = Crowd.gather(server, workload, stack.enter_context(generating()))
        yield crowds


def _play(crowds: _Crowds, rounds: int, seconds: float) -> Results:
    results: dict[Workload, dict[str, list[Measured]]] = {
        workload: {name: [] for name in found} for workload, found in crowds.items()
    }
    turns = [(workload, name, crowd) for workload, found in crowds.items() for name, crowd in found.items()]
    # The first round is for those that become quicker while they run.
    for number in range(rounds + 1):
        random.shuffle(turns)
        for workload, name, crowd in turns:
            measured = crowd.play(seconds)
            if number:
                results[workload][name].append(measured)
    return results
