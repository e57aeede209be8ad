"""What players notice of scripts that are edited while they play: nothing, but that the new ones run.

Messages go through a pre and a post hook at a fixed rate, in alternating spells with and without edits. Each message
tells its room the revision that ran, so that the time from a save to its effect is seen where players see it.
"""

import itertools
import math
from collections import Counter

import click
import msgpack
from attrs import define, field

from benchmarks import scripts
from benchmarks.beat import Beat
from benchmarks.figures import Latency, Spread, percentile, share_text, verdict
from benchmarks.frames import request_frame
from benchmarks.generator import Generator, clock, generating
from benchmarks.histogram import Histogram
from benchmarks.kernel import machine
from benchmarks.line import Line, in_turn
from benchmarks.record import Record
from benchmarks.server import Server, limits_text, serving
from benchmarks.wire import ConnectionLost

#: Seconds within which a saved script takes effect.
EFFECT = 0.5


@define(eq=False)
class Editor:
    """Saves one revision after another, and notes which of them players hear of.

    Attributes:
        server: Whose scripts they are.
        pause: Seconds between two saves.
        saved: When each revision was saved, by its number.
        heard: When each was heard of first.
        newest: The newest that was heard of from each player. Two players of a room hear one another by different
            connections, whose order is not known here.
        problems: What should not have happened.
    """

    server: Server
    pause: float
    saved: list[float] = field(factory=lambda: [0.0])
    heard: dict[int, float] = field(factory=lambda: {0: 0.0})
    newest: dict[str, int] = field(factory=dict)
    problems: Counter[str] = field(factory=Counter)
    _next: float = 0.0
    _until: float = 0.0

    def edit(self, now: float) -> float:
        """Save the next revision if it is time; when it will be."""
        if self._next <= now < self._until:
            number = len(self.saved)
            # In place every other time, as some editors do; then a reader may find half a file.
            self.server.save("game.py", scripts.EDITED.format(revision=number), rename=number % 2 == 0)
            self.saved.append(clock())
            self._next = max(now, self._next + self.pause)
        return self._next if self._next < self._until else math.inf

    def hear(self, payload: bytes, now: float) -> None:
        """Take an event."""
        event = msgpack.unpackb(payload)
        if event["type"] != "Play":
            return
        message = event.get("message")
        revision = message.get("revision") if isinstance(message, dict) else None
        if revision is None:
            self.problems["messages without their hooks"] += 1
            return
        sender = event["user_id"]
        if revision < self.newest.get(sender, 0):
            self.problems["messages with an older revision than the one before"] += 1
        self.newest[sender] = revision
        self.heard.setdefault(revision, now)

    def begin(self, seconds: float) -> None:
        """Edit from now on, for this long."""
        self._next = clock()
        self._until = self._next + seconds

    def effects(self) -> list[float]:
        """Seconds from each save until it, or a later one, was heard of; in rising order, without those never heard of.

        An edit that is saved while the one before it is being read takes effect together with it.
        """
        effects, soonest = [], math.inf
        for number in range(len(self.saved) - 1, 0, -1):
            soonest = min(soonest, self.heard.get(number, math.inf))
            effects.append(soonest - self.saved[number])
        return sorted(effect for effect in effects if effect < math.inf)


@click.command()
@click.option("--rooms", default=16, type=click.IntRange(1, 500), help="Rooms of two players.")
@click.option("--rate", default=1000, type=click.IntRange(1, 20_000), help="Messages a second, in all.")
@click.option("--every", default=0.2, type=click.FloatRange(0.02, 10), help="Seconds between two edits.")
@click.option("--spells", default=3, type=click.IntRange(1, 100), help="Spells with edits, and as many without.")
@click.option("--seconds", default=10.0, type=click.FloatRange(0.1, 600), help="Seconds of one spell.")
@click.pass_context
def edits(ctx: click.Context, *, rooms: int, rate: int, every: float, spells: int, seconds: float) -> None:
    """Edit scripts under load: no message is lost, none fails, and the edits take effect."""
    click.echo(machine())
    click.echo(limits_text())
    click.echo(
        f"load         Play, {rooms} rooms of 2, {rate} messages/s (open loop) through a pre and a post hook; {spells} "
        f"spells of {seconds:g} s with an edit every {every:g} s, and {spells} without"
    )
    with serving({"game.py": scripts.EDITED.format(revision=0)}) as server, generating() as generator:
        editor = Editor(server, every)
        found = _play(generator, *_players(server, generator, rooms, editor), editor, rate, spells, seconds)
        loads = [line for line in server.log() if line.get("event") == "scripts loaded"]
        complaints = server.complaints()
    found.accepted = len(loads) - 1
    click.echo(f"\n{report(found, editor, complaints)}")
    failed = found.refused.total() + found.lost + editor.problems.total() + bool(found.broken)
    effects = editor.effects()
    click.echo("\n" + verdict("no error, no lost message, no lost connection, revisions only rise", met=not failed))
    late = not effects or effects[-1] > EFFECT
    click.echo(verdict(f"an edit takes effect within {EFFECT:g} s", met=not late))
    if failed:
        ctx.exit(1)


@define
class Found:
    """What was measured.

    Attributes:
        quiet: Latencies without edits.
        edited: Those with edits.
        ratios: Each spell's p99 with edits, as a multiple of that without.
        refused: How often each error code came.
        sent: Messages.
        lost: Messages without an answer.
        broken: Why a connection was lost, if one was.
        accepted: Revisions that the server loaded after the first.
        late: The most seconds by which a message was sent too late.
        generator: The most that the generator used of a core.
    """

    quiet: Histogram = field(factory=Histogram)
    edited: Histogram = field(factory=Histogram)
    ratios: list[float] = field(factory=list)
    refused: Counter[str] = field(factory=Counter)
    sent: int = 0
    lost: int = 0
    broken: str = ""
    accepted: int = 0
    late: float = 0.0
    generator: float = 0.0


def report(found: Found, editor: Editor, complaints: Counter[str]) -> str:
    """The figures as text."""
    effects = editor.effects()
    saves = len(editor.saved) - 1
    heard = len(editor.heard) - 1
    lines = [
        f"messages     {found.sent} sent, {found.refused.total()} failed, {found.lost} not answered",
        f"connections  {found.broken or 'none lost'}",
        f"edits        {saves} saved, {found.accepted} revisions accepted, {heard} of them heard of by players",
    ]
    if effects:
        p50, p99, most = (round(1000 * percentile(effects, share)) for share in (0.5, 0.99, 1))
        lines.append(f"effect       after a save: median {p50} ms   p99 {p99} ms   max {most} ms")
        lines.append(f"             {len(effects)} of {saves} saves had one; two saves may have one together")
    for name, latencies in (("without edits", found.quiet), ("with edits", found.edited)):
        if latencies.count:
            lines.append(f"{name:<13}  {Latency.of(latencies)}")
    if found.ratios:
        lines.append(f"p99 with edits, of that without: {Spread.of(found.ratios).text()}")
    lines.append(f"generator    {share_text(found.generator)} of a core, late by {found.late * 1000:.1f} ms at most")
    lines += [f"problem      {count} {what}" for what, count in editor.problems.items()]
    lines += [f"refused      {count} {code}" for code, count in found.refused.items()]
    lines += [f"logged       {count} x {what}" for what, count in complaints.items()]
    return "\n".join(lines)


def _players(server: Server, generator: Generator, rooms: int, editor: Editor) -> tuple[list[Line], Record]:
    lines, record = [], Record()
    for number in range(rooms):
        room_id, *wires = server.pair(f"room-{number}")
        frame = request_frame("Play", room_id=room_id, message={"cell": 4})
        lines += [Line(wire, in_turn(itertools.repeat(frame)), record, hears=editor.hear) for wire in wires]
    generator.add(lines)
    return lines, record


def _play(  # one argument for each part
    generator: Generator, lines: list[Line], record: Record, editor: Editor, rate: int, spells: int, seconds: float
) -> Found:
    found = Found()
    try:
        for _ in range(spells):
            quiet = _spell(generator, record, Beat(lines, 1 / rate), None, seconds, found)
            found.quiet.add(quiet)
            editor.begin(seconds)
            # And a while longer, for the last edit to take effect.
            edited = _spell(generator, record, Beat(lines, 1 / rate), editor, seconds + 2 * EFFECT, found)
            found.edited.add(edited)
            found.ratios.append(Latency.of(edited).p99 / Latency.of(quiet).p99)
    except ConnectionLost as lost:
        found.broken = str(lost)
        found.lost = generator.waiting
    return found


def _spell(
    generator: Generator, record: Record, beat: Beat, editor: Editor | None, seconds: float, found: Found
) -> Histogram:
    def due(now: float) -> float:
        return beat(now) if editor is None else min(beat(now), editor.edit(now))

    try:
        sample = generator.run(seconds, record, due)
        generator.drain()
    finally:
        found.sent += beat.sent
        found.late = max(found.late, beat.late)
        rest = record.take()
        found.refused += rest.refused
    found.refused += sample.record.refused
    found.generator = max(found.generator, sample.generator)
    rest.latency.add(sample.latency)
    return rest.latency
