"""Whether hooks that go wrong, and scripts that are edited, leave anything behind in the server.

Players go through hooks that raise, fail, loop until their deadline and keep their models, while the script is edited
again and again. What the server's process holds is looked at while nothing is in flight: once the first tenth of it
all has passed, and at its end. And every call is counted, by the scripts and here.
"""

import time
from collections import Counter
from collections.abc import Iterator

import click
import msgpack
from attrs import define, field, frozen

from benchmarks import scripts
from benchmarks.figures import table, verdict
from benchmarks.frames import request_frame
from benchmarks.generator import Generator, clock, generating
from benchmarks.kernel import MIB, Usage, machine
from benchmarks.line import Line, in_turn
from benchmarks.record import Record
from benchmarks.server import Server, limits_text, serving
from benchmarks.wire import PATIENCE

#: What goes wrong in how many of 10,000 messages, half of it in pre and half in post.
SHARES = {"error": 200, "fail": 400, "late": 6, "keep": 10}
_OUT_OF = 10_000
#: The code that each is answered with.
CODES = {"error": "hook_error", "fail": "refused", "late": "hook_timeout", "keep": "hook_error"}
#: Rows of the table, and parts of the whole after the first of which the server counts as warm.
_PARTS = 10
#: Seconds for a server to come to rest in, and the share of a core that counts as rest.
_REST, _REST_SHARE = 15.0, 0.1
_PAUSE = 0.5
#: Seconds between two looks whether players have heard of an edit.
_TURN = 0.05


@frozen
class Bounds:
    """How much more the server may hold in the end than when it was warm."""

    resident: int
    threads: int = 1
    descriptors: int = 0

    def broken(self, warm: Usage | None, end: Usage | None) -> list[str]:
        """What holds more."""
        names = ("resident", "threads", "descriptors")
        return [name for name in names if getattr(end, name) - getattr(warm, name) > getattr(self, name)]

    def __str__(self) -> str:
        return f"{self.resident / MIB:g} MiB, {self.threads} thread, {self.descriptors} descriptors"


@define(eq=False)
class Plan:
    """The messages: what each shall do, in an order that is the same each time.

    Attributes:
        sent: How many of each kind were sent, by what goes wrong and where.
    """

    sent: Counter[tuple[str, str]] = field(factory=Counter)
    _number: int = 0

    def frames(self, room_id: str) -> Iterator[bytes]:
        """The messages of one player, who shares the order with all others."""
        frames = {
            (what, half): request_frame("Play", room_id=room_id, message={"do": what, "half": half})
            for what in ("", *SHARES)
            for half in ("pre", "post")
        }
        while True:
            key = kind(self._number)
            self._number += 1
            self.sent[key] += 1
            yield frames[key]

    @property
    def calls(self) -> int:
        """Calls of hooks that the messages lead to: where pre goes wrong, there is no post."""
        return sum(count * (1 if what and half == "pre" else 2) for (what, half), count in self.sent.items())

    def answers(self) -> Counter[str]:
        """How often each error code must have come."""
        expected: Counter[str] = Counter()
        for (what, _), count in self.sent.items():
            if what:
                expected[CODES[what]] += count
        return expected


def kind(number: int) -> tuple[str, str]:
    """What goes wrong with a message, and in which half; nothing, with most."""
    # A step that has no factor in common with the whole visits each place once, far from the one before.
    place = number * 7919 % _OUT_OF
    for what, share in SHARES.items():
        if place < share:
            return what, "pre" if place % 2 else "post"
        place -= share
    return "", "pre"


@define(eq=False)
class Reloads:
    """Edits the script, again as soon as players have heard of the last edit.

    Attributes:
        server: Whose scripts they are.
        heard: The revision that was heard of last.
    """

    server: Server
    heard: int = 0
    _saved: int = 0

    def hear(self, payload: bytes, _now: float) -> None:
        """Take an event."""
        message = msgpack.unpackb(payload).get("message")
        if isinstance(message, dict):
            self.heard = max(self.heard, message["revision"])

    def edit(self, wanted: int) -> None:
        """Save the next revision, if it is time and there were not so many yet."""
        if self.heard == self._saved < wanted:
            self._saved += 1
            self.server.save("game.py", scripts.TROUBLED.format(revision=self._saved))


@define(eq=False)
class Soak:
    """The whole run.

    Attributes:
        server: The server.
        generator: Its players.
        lines: The same, one by one.
        record: Where they count.
        plan: What they send.
        reloads: The edits.
        refused: How often each error code came.
    """

    server: Server
    generator: Generator
    lines: list[Line]
    record: Record
    plan: Plan
    reloads: Reloads
    room_id: str
    warm: Usage | None = None
    end: Usage | None = None
    rows: list[list[str]] = field(factory=list)
    refused: Counter[str] = field(factory=Counter)
    _began: float = field(factory=clock)

    def part(self, calls: int, reloads: int, until: float) -> bool:
        """Play until there were so many calls and reloads; whether that was in time."""
        for line in self.lines:
            line.repeats = True
            line.send()
        enough = False
        while not enough and clock() < until:
            self.generator.run(_TURN)
            self._note()
            self.reloads.edit(reloads)
            enough = self.plan.calls >= calls and self.reloads.heard >= reloads
        self.generator.drain()
        self._note()
        return enough

    def _note(self) -> None:
        self.refused += self.record.take().refused

    def look(self, *, at_rest: bool) -> None:
        """Note what the server holds, once it has come to rest or as it is now."""
        self.end = rested(self.server) if at_rest else self.server.usage()
        self.warm = self.warm or self.end
        self.rows.append(
            [
                f"{clock() - self._began:.0f} s",
                str(self.plan.calls),
                str(self.reloads.heard),
                f"{self.end.resident / MIB:.1f}",
                str(self.end.threads),
                str(self.end.descriptors),
                "at rest" if at_rest else "",
            ]
        )

    def count(self) -> int:
        """How many calls the scripts have counted."""
        wire = self.lines[0].wire
        wire.socket.settimeout(PATIENCE)
        answer = wire.ask_for_any("Play", room_id=self.room_id, message={"do": "count", "half": ""})
        return int(answer["error"])


@click.command("soak-hooks")
@click.option("--calls", default=200_000, type=click.IntRange(1), help="Calls of hooks, at least.")
@click.option("--reloads", default=200, type=click.IntRange(0), help="Edits of the script that take effect.")
@click.option("--rooms", default=8, type=click.IntRange(1, 500), help="Rooms of two players.")
@click.option("--timeout", default=0.1, type=click.FloatRange(0.01, 10), help="HOOK_TIMEOUT, in seconds.")
@click.option("--memory", default=16.0, type=click.FloatRange(0), help="MiB that the server may grow by, once warm.")
@click.option("--limit", default=600.0, type=click.FloatRange(1), help="Seconds after which it is given up.")
@click.pass_context
def soak_hooks(  # one argument for each option
    ctx: click.Context, *, calls: int, reloads: int, rooms: int, timeout: float, memory: float, limit: float
) -> None:
    """Let hooks go wrong in every way, and see that nothing is left of it."""
    bounds = Bounds(round(memory * MIB))
    settings = {"HOOK_TIMEOUT": f"{timeout:g}"}
    shares = ", ".join(f"{share} {what}" for what, share in SHARES.items())
    click.echo(machine())
    click.echo(limits_text(**settings))
    click.echo(
        f"load         Play, {rooms} rooms of 2, closed loop, at least {calls} hook calls and {reloads} reloads; "
        f"of {_OUT_OF} messages: {shares}"
    )
    click.echo(f"bounds       from the first tenth to the end, at rest: {bounds}\n")
    with serving({"game.py": scripts.TROUBLED.format(revision=0)}, **settings) as server, generating() as generator:
        soak = _begin(server, generator, rooms)
        until = clock() + limit
        for number in range(1, _PARTS + 1):
            enough = soak.part(calls * number // _PARTS, reloads * number // _PARTS, until)
            soak.look(at_rest=number in {1, _PARTS} or not enough)
            if not enough:
                break
        counted = soak.count()
        complaints = server.complaints()
    click.echo(table(["time", "calls", "reloads", "MiB", "threads", "descriptors", ""], soak.rows))
    problems = _problems(soak, counted, bounds, enough=enough)
    click.echo(f"\ncalls        {counted} counted by the scripts, {soak.plan.calls} expected")
    click.echo("answers      " + (", ".join(f"{count} {code}" for code, count in soak.refused.items()) or "all well"))
    for what, count in complaints.most_common(12):
        click.echo(f"logged       {count} x {what}")
    for problem in problems:
        click.echo(f"problem      {problem}")
    click.echo("\n" + verdict("nothing is left of hooks that went wrong, and no call was lost", met=not problems))
    if problems:
        ctx.exit(1)


def _problems(soak: Soak, counted: int, bounds: Bounds, *, enough: bool) -> list[str]:
    problems = [] if enough else ["it did not end in time (--limit)"]
    problems += [f"the server holds more {name} than when it was warm" for name in bounds.broken(soak.warm, soak.end)]
    expected = soak.plan.answers()
    # On a machine that is busy with other things, the clock of a hook that does nothing wrong may run out.
    innocent = max(0, soak.refused["hook_timeout"] - expected["hook_timeout"])
    if innocent:
        problems.append(f"{innocent} hooks ran out of time that did nothing (is the machine busy?)")
    elif counted != soak.plan.calls:
        problems.append("calls were lost, or made twice")
    for code, count in expected.items():
        if soak.refused[code] != count and not innocent:
            problems.append(f"{count} answers should have been {code}")
    return problems


def _begin(server: Server, generator: Generator, rooms: int) -> Soak:
    plan, editor = Plan(), Reloads(server)
    lines: list[Line] = []
    record = Record()
    rooms_made = []
    for number in range(rooms):
        room_id, *wires = server.pair(f"room-{number}")
        rooms_made.append(room_id)
        lines += [Line(wire, in_turn(plan.frames(room_id)), record, hears=editor.hear) for wire in wires]
    generator.add(lines)
    return Soak(server, generator, lines, record, plan, editor, rooms_made[0])


def rested(server: Server) -> Usage:
    """What a server holds once it has nothing to do, or does not come to rest."""
    deadline = time.monotonic() + _REST
    while True:
        before = server.usage()
        time.sleep(_PAUSE)
        after = server.usage()
        if after.cpu - before.cpu < _REST_SHARE * _PAUSE or time.monotonic() > deadline:
            return after
