"""Whether players who come and go leave anything behind in the server.

Pairs of players log in, open rooms, play through hooks, lose their connections, take their sessions up again and go,
while the script is edited again and again. What the server holds is compared between two moments of rest, with nobody
there: once it is warm, and at the end; a third, half-way, shows in longer runs whether it still grows. Sessions are
counted by the scripts, rooms by the server's own list.
"""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import click
from attrs import define, field, frozen

from benchmarks import scripts
from benchmarks.churn import WINDOW, Pair
from benchmarks.figures import table, verdict
from benchmarks.generator import clock
from benchmarks.kernel import MIB, Usage, machine
from benchmarks.server import KEY, Server, limits_text, serving
from benchmarks.soak_hooks import Bounds, rested
from benchmarks.wire import Where, Wire
from yummy.store.database import POOL

#: Rows of the table, and parts of the whole; after the first the server counts as warm.
_PARTS = 10
#: Parts after which all go, and the server comes to rest.
_RESTS = {1, _PARTS // 2, _PARTS}
#: Pages of the database that SQLite keeps for each connection to it, about 2 MiB (`PRAGMA cache_size`), in all.
_CACHES = 2 * MIB * POOL
#: Seconds for the last sessions and rooms to end in, on top of the window.
REST = 15.0
#: Seconds between two looks whether an edit has had its effect, or whether all have gone.
_TURN = 0.1
SETTINGS = {
    "CONNECTION_RESTORE_WAIT_TIMEOUT": f"{WINDOW:g}",
    # A row for each login stays until its token expires: on disk, where it is no part of what memory is looked at for.
    "DATABASE_PATH": "yummy.db",
    # The same few accounts log in all the time, and those that vanish keep their sessions for the window.
    "MAX_SESSIONS_PER_USER": "0",
    # No hook here takes long: only a machine that stands still for a while would run into the usual deadline.
    "HOOK_TIMEOUT": "10",
}


@frozen
class Census:
    """Who is there, besides the one that asks.

    Attributes:
        revision: Of the scripts.
        begun: Sessions that have begun so far.
        sessions: Sessions that have not ended.
        rooms: Rooms.
    """

    revision: int
    begun: int
    sessions: int
    rooms: int

    def remains(self, saved: int) -> list[str]:
        """What there should not be once all have gone, and the revision that was saved last serves."""
        problems = [] if self.revision == saved else [f"revision {self.revision} serves, not {saved}"]
        if self.sessions > 0:
            problems.append(f"{self.sessions} sessions have not ended")
        elif self.sessions < 0:
            problems.append(f"{-self.sessions} sessions ended twice")
        if self.rooms:
            problems.append(f"{self.rooms} rooms are left")
        return problems


@define(eq=False)
class Soak:
    """The whole run.

    Attributes:
        server: The server.
        probe: A player who is there all the time, and asks.
        pairs: All others.
        every: Seconds between two edits, at least.
        warm: What the server held at the first moment of rest.
        end: What it held at the last look.
        census: Who was there at the last look.
        rows: Of the table.
        saved: The revision of the scripts that was saved last.
    """

    server: Server
    probe: Wire
    pairs: list[Pair]
    every: float
    warm: Usage | None = None
    end: Usage | None = None
    census: Census = Census(0, 0, 0, 0)
    rows: list[list[str]] = field(factory=list)
    saved: int = 0
    _began: float = field(factory=clock)
    _due: float = 0.0

    def part(self, until: float) -> None:
        """Let all pairs live until then, and look while they are at it."""
        with ThreadPoolExecutor(len(self.pairs)) as threads:
            running = [threads.submit(pair.live, until) for pair in self.pairs]
            while clock() < until - _TURN:
                self._edit()
                time.sleep(_TURN)
            self._look("busy", self.server.usage())
        for one in running:
            one.result()

    def rest(self) -> None:
        """Look once all have gone, or do not go."""
        deadline = clock() + WINDOW + REST
        while self.count().remains(self.saved) and clock() < deadline:
            time.sleep(_TURN)
        usage = rested(self.server)
        self.warm = self.warm or usage
        self._look("at rest", usage)

    def count(self) -> Census:
        """Who is there now."""
        told = self.probe.ask_for_any("Play", room_id="none", message={"do": "tell"})["error"]
        revision, begun, ended = map(int, told.split())
        # The probe's own session is none of those that are counted.
        return Census(revision, begun - 1, begun - 1 - ended, len(self.probe.ask("RoomList")["rooms"]))

    def _edit(self) -> None:
        """Save the next revision, if it is time and the last one has had its effect."""
        if clock() >= self._due and self.count().revision == self.saved:
            self.saved += 1
            self._due = clock() + self.every
            self.server.save("game.py", scripts.CHURNED.format(revision=self.saved))

    def _look(self, when: str, usage: Usage) -> None:
        self.end, self.census = usage, self.count()
        self.rows.append(
            [
                f"{clock() - self._began:.0f} s",
                when,
                str(self.census.begun),
                str(self.census.revision),
                str(self.census.sessions),
                str(self.census.rooms),
                f"{usage.resident / MIB:.1f}",
                str(usage.threads),
                str(usage.descriptors),
            ]
        )

    def ghosts(self) -> int:
        """How many sessions of players who have gone for good can still be taken up."""
        found = 0
        for token in [token for pair in self.pairs for token in pair.left]:
            with closing(Wire.connect(Where.local(self.server.port, KEY))) as wire:
                found += wire.ask("RestoreToken", token=token)["restored"]
                wire.ask("Logout")
        return found


def _sum(counts: Iterable[Counter[str]]) -> Counter[str]:
    return sum(counts, Counter())


@click.command("soak")
@click.option("--duration", default=60.0, type=click.FloatRange(1), help="Seconds of coming and going.")
@click.option("--pairs", default=8, type=click.IntRange(1, 200), help="Pairs of players at a time.")
@click.option("--reload", "every", default=1.0, type=click.FloatRange(0), help="Seconds between two edits, at least.")
@click.option("--memory", default=16.0, type=click.FloatRange(0), help="MiB that the server may grow by, once warm.")
@click.pass_context
def soak(ctx: click.Context, *, duration: float, pairs: int, every: float, memory: float) -> None:
    """Let players come and go in every way, and see that nothing is left of them."""
    bounds = Bounds(round(memory * MIB))
    click.echo(machine())
    click.echo(limits_text(**SETTINGS))
    click.echo(f"load         {pairs} pairs of players for {duration:g} s, an edit every {every:g} s")
    click.echo(f"bounds       from the first moment of rest to the last: {bounds}; no session, no room")
    click.echo(f"caches       {_CACHES / MIB:g} MiB of that may be what SQLite keeps of the database's pages\n")
    with (
        serving({"game.py": scripts.CHURNED.format(revision=0)}, **SETTINGS) as server,
        closing(server.player("probe")) as probe,
    ):
        run = Soak(server, probe, [Pair.of(server, number) for number in range(pairs)], every)
        for number in range(1, _PARTS + 1):
            run.part(clock() + duration / _PARTS)
            if number in _RESTS:
                run.rest()
        ghosts = run.ghosts()
        complaints = server.complaints()
    head = ["time", "", "logins", "reloads", "sessions", "rooms", "MiB", "threads", "descriptors"]
    click.echo(table(head, run.rows))
    done, problems = _sum(pair.done for pair in run.pairs), _sum(pair.problems for pair in run.pairs)
    click.echo("\ndone         " + ", ".join(f"{count} {what}" for what, count in done.items()))
    for what, count in complaints.most_common(12):
        click.echo(f"logged       {count} x {what}")
    found = [f"the server holds more {name} than when it was warm" for name in bounds.broken(run.warm, run.end)]
    found += run.census.remains(run.saved)
    if ghosts:
        found.append(f"{ghosts} sessions could be taken up after their window")
    found += [f"{count} x {what}" for what, count in problems.items()]
    for problem in found:
        click.echo(f"problem      {problem}")
    click.echo("\n" + verdict("nothing is left of players who came and went", met=not found))
    if found:
        ctx.exit(1)
