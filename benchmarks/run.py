"""``python -m benchmarks run SCENARIO``: put load on a server that runs, and say what it bore.

One command for each scenario, with the options that it has. Owns what is asked for and what is told; the load itself is
of `benchmarks.load`.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import click

from benchmarks.descriptors import allow
from benchmarks.kernel import Machine
from benchmarks.load import Load, LoadFailed, loading
from benchmarks.outcome import NoOutcome, Outcome, make_folder
from benchmarks.page import page
from benchmarks.plan import Plan, split
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.wire import Where
from benchmarks.wording import comparison, report
from yummy.client.address import parse_address
from yummy.setting import SECRET
from yummy.settings import Settings

_LIMITS = (
    "Start the server with MAX_MESSAGES_PER_SECOND=0, or its rate limit is what you measure; the load ends then, and "
    "says so. Latency counts from the time at which a request was due: with --rate, one that has to wait because the "
    "server is slow is a slow request, and not a later one."
)


@click.group("run", subcommand_metavar="SCENARIO [OPTIONS]")
def run() -> None:
    """Put load on a server that runs already.

    Each scenario is a command; --help of each says what it does, and what it needs. Every second a line on stderr says
    how it goes. At the end a table stands on stdout, and report.json and index.html in the folder of --out.

    Ends with code 1 if a request was refused, a connection was lost, or there was no server to measure.
    """


def _option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    return click.option(*names, **settings)


_ALWAYS = (
    _option("--url", default="ws://127.0.0.1:9090", help="The server's address."),
    _option("--key", default="YummyYummy", help="The server's API key (INTEGRATION_KEY)."),
    _option("--connections", default=64, type=click.IntRange(1, 100_000), help="Players, in all."),
    _option("--duration", default=10.0, type=click.FloatRange(0.1), help="Seconds that are measured."),
    _option("--warm-up", default=1.0, type=click.FloatRange(0), help="Seconds before these."),
    _option("--processes", default=1, type=click.IntRange(1, 64), help="Processes of the generator."),
    _option("--server-pid", type=click.IntRange(1), help="The server's process on this machine: its CPU and memory."),
    _option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for report.json and index.html."),
    _option(
        "--compare",
        type=click.Path(exists=True, path_type=Path),
        help="What --out has written of an earlier load, for ratios.",
    ),
)
_PACE = (
    _option("--rate", type=click.FloatRange(0, min_open=True), help="Requests a second, in all (open loop)."),
    _option("--closed-loop", is_flag=True, help="Each answer is followed by the next request."),
)
_FURTHER = {
    "room_size": _option("--room-size", default=4, type=click.IntRange(1, 100_000), help="Players in each room."),
    "message_bytes": _option(
        "--message-bytes", default=0, type=click.IntRange(0, 60_000), help="How much longer messages are."
    ),
    "slow": _option(
        "--slow", default=0.25, type=click.FloatRange(0, 1), help="Share of each room's members who read nothing."
    ),
    "by": _option("--by", default="email", type=click.Choice(["email", "device"]), help="What players log in by."),
}


def _command(name: str, scenario: Scenario) -> click.Command:
    """The command that runs one scenario."""

    def command(**options: Any) -> None:
        _run(name, scenario, options)

    options = list(_ALWAYS)
    if scenario.paced:
        help_ahead = "Requests in flight on each connection (with --rate: at most)."
        shown = f"{scenario.ahead} in a closed loop, 64 with --rate"
        options += [*_PACE, _option("--ahead", type=click.IntRange(1, 1000), show_default=shown, help=help_ahead)]
    options += [
        _FURTHER[further] for further in sorted(scenario.options | ({"room_size"} if scenario.in_rooms else set()))
    ]
    for option in reversed(options):
        command = option(command)
    text = "\n\n".join(part for part in (scenario.summary, scenario.details, scenario.needs, _LIMITS) if part)
    return click.command(name, help=text, short_help=scenario.summary)(command)


for _name, _scenario in SCENARIOS.items():
    run.add_command(_command(_name, _scenario))


def _run(name: str, scenario: Scenario, options: dict[str, Any]) -> None:
    compare: Path | None = options.pop("compare")
    out: Path | None = options.pop("out")
    try:
        earlier = None if compare is None else Outcome.read(compare)
        if out is not None:
            make_folder(out)
    except NoOutcome as error:
        raise click.ClickException(str(error)) from None
    pid: int | None = options.pop("server_pid")
    plans = _plans(name, scenario, options)
    machine, limits = Machine.now(), None if pid is None else _limits(pid)
    try:
        with loading(plans, pid, lambda line: click.echo(line, err=True)) as load:
            click.echo(f"Making {options['connections']} players ready.", err=True)
            load.prepare()
            load.play()
    except LoadFailed as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise click.ClickException("Stopped.") from None
    outcome = _outcome(name, load, machine, limits, options)
    click.echo(f"\n{name}: {scenario.summary}\n\n{report(outcome)}")
    if earlier is not None:
        click.echo(f"\nA is {earlier.made}, B is this load.\n{comparison(earlier, outcome)}")
    if out is not None:
        outcome.write(out / "report.json")
        (out / "index.html").write_text(page(outcome, earlier), encoding="utf-8")
        click.echo(f"\n{out / 'report.json'} and {out / 'index.html'} are written.")
    if outcome.failed:
        raise click.exceptions.Exit(1)


def _plans(name: str, scenario: Scenario, options: dict[str, Any]) -> list[Plan]:
    """What each process is to do.

    Raises:
        click.UsageError: The options do not go together.
    """
    key = options.pop("key")
    try:
        address = parse_address(options["url"], key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    # Without the key.
    options["url"] = str(address)
    if scenario.paced and bool(options["rate"]) == options["closed_loop"]:
        raise click.UsageError("Say either --rate or --closed-loop.")
    if options["connections"] % scenario.together:
        raise click.UsageError(f"--connections has to be a multiple of {scenario.together}.")
    if scenario.paced:
        options["ahead"] = options["ahead"] or (64 if options["rate"] else scenario.ahead)
    further = {further: options[further] for further in ("room_size", *scenario.options) if further in options}
    whole = Plan(
        scenario=name,
        where=Where(address.host, address.port, address.secure, address.resource),
        first=0,
        connections=options["connections"],
        rate=options.get("rate"),
        ahead=options.get("ahead", 1),
        warm_up=options["warm_up"],
        duration=options["duration"],
        **further,
    )
    plans = split(whole, options["processes"], whole.room_size if scenario.in_rooms else scenario.together)
    allow(max(plan.connections for plan in plans), "use more --processes")
    return plans


def _limits(pid: int) -> dict[str, str]:
    """The settings in the environment of the server, without its secrets.

    Raises:
        click.UsageError: There is no such process, or it is another user's.
    """
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError as error:
        raise click.UsageError(f"--server-pid: process {pid} cannot be looked at: {error.strerror}") from None
    shown = {field.name.upper() for field in attrs.fields(Settings) if not field.metadata.get(SECRET)}
    pairs = (line.partition("=") for line in environment)
    return {name: value for name, _, value in sorted(pairs) if name in shown}


def _outcome(
    name: str, load: Load, machine: Machine, limits: dict[str, str] | None, options: dict[str, Any]
) -> Outcome:
    total = load.total
    record = total.record
    return Outcome(
        scenario=name,
        made=time.strftime("%Y-%m-%d %H:%M:%S%z"),
        machine=machine,
        options=options,
        limits=limits,
        seconds=total.seconds,
        latency=record.latency,
        heard=record.heard,
        answered=total.answered,
        events=record.events,
        refused=dict(record.refused),
        lost=dict(record.lost),
        overdue=total.overdue,
        unanswered=total.unanswered,
        late=total.late,
        generator=[cpu / total.seconds if total.seconds else 0.0 for cpu in total.cpu],
        server=load.server,
        notes=dict(total.notes),
        points=load.timeline.points,
    )
