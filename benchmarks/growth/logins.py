"""Players who come, log in and go: what that costs, how many a second there can be, and the hash that bounds them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
from attrs import define

from benchmarks.figures import Spread, share_text, table
from benchmarks.generator import clock, generating
from benchmarks.kernel import placed, usage
from benchmarks.micro.pieces import seconds_for_one
from benchmarks.peers.crowd import WARM_UP, Measured
from benchmarks.plan import Plan
from benchmarks.scenarios import SCENARIOS, Stage
from benchmarks.server import KEY, Server
from benchmarks.wire import ConnectionLost, Where
from yummy.passwords import standard_hasher

_SCENARIO = "login"
#: What players log in by, and what that is called.
KINDS: Mapping[str, str] = {"device": "device id", "email": "e-mail and password"}


@define(eq=False)
class Comers:
    """Players of the scenario ``login``.

    Attributes:
        pid: The server's process.
        stage: The players.
    """

    pid: int
    stage: Stage

    def play(self, seconds: float, placement: str) -> Measured:
        """Measure one round.

        Args:
            seconds: How long.
            placement: How server and generator are placed.

        Raises:
            ConnectionLost: A connection was, or a login was refused.
        """
        generator, record = self.stage.generator, self.stage.record
        with placed(self.pid, placement):
            for player in self.stage.players:
                player.repeats = True
                player.begin(clock())
            generator.run(WARM_UP, record)
            cpu = usage(self.pid).cpu
            sample = generator.run(seconds, record)
            cpu = usage(self.pid).cpu - cpu
            generator.drain()
        failed = sample.record.refused + sample.record.lost
        if failed or not sample.answers:
            raise ConnectionLost(f"{sample.answers} players could log in, and others could not: {dict(failed)}")
        return Measured(sample.answers, sample.seconds, cpu, sample.generator)


@contextmanager
def coming(server: Server, count: int, by: str) -> Iterator[Comers]:
    """Have players who log in again and again, each with an account of its own.

    Args:
        server: Where.
        count: How many.
        by: What they log in by: "email" or "device".
    """
    plan = Plan(_SCENARIO, Where.local(server.port, KEY), 0, count, rate=None, ahead=1, warm_up=0, duration=0, by=by)
    with generating() as generator:
        stage = Stage(plan, generator)
        try:
            SCENARIOS[_SCENARIO].prepare(stage)
            yield Comers(server.process.pid, stage)
        finally:
            stage.close()


def seconds_for_a_hash(seconds: float) -> float:
    """Seconds of a core that checking one password takes, with the parameters that the server has.

    Args:
        seconds: How long to measure, at least.
    """
    hasher, password = standard_hasher(), "only for benchmarks"
    return seconds_for_one(partial(hasher.verify, hasher.hash(password), password), seconds, time.thread_time)


@attrs.frozen
class Logins:
    """How many logins there can be.

    Attributes:
        at_once: Players who log in.
        cores: Those that the server, and the generator beside it, may use.
        hash: Seconds of a core for one hash.
        rounds: What each round gave, by kind.
    """

    at_once: int
    cores: int
    hash: float
    rounds: Mapping[str, Sequence[Measured]]

    def rows(self) -> list[list[str]]:
        """The table, its headings first."""
        rows = [["log in by", "logins/s", "us of server CPU each", "bound by the hash", "of the bound", "generator"]]
        for kind, measured in self.rounds.items():
            rate = Spread.of([one.rate for one in measured])
            cpu = Spread.of([one.cpu / one.count * 1e6 for one in measured])
            hashed = kind == "email"
            rows.append(
                [
                    KINDS[kind],
                    rate.text(0),
                    cpu.text(0),
                    f"{self.bound:.0f} a second" if hashed else "-",
                    f"{rate.middle / self.bound:.0%}" if hashed else "-",
                    share_text(max(one.generator for one in measured)).partition(" ")[0],
                ]
            )
        return rows

    @property
    def bound(self) -> float:
        """Logins by password a second that the hash alone lets happen."""
        return self.cores / self.hash

    def words(self) -> str:
        """What bounds logins, in one sentence."""
        return (
            f"one argon2 hash takes {self.hash * 1000:.1f} ms of a core, so that {self.cores} cores bear at most "
            f"{self.bound:.0f} logins by password a second, however fast all else is"
        )

    def text(self) -> str:
        """All figures as text."""
        head, *rows = self.rows()
        return f"logins: {self.at_once} players connect, log in and log out, again and again\n{table(head, rows)}\n" + (
            self.words()
        )

    def plain(self) -> dict[str, Any]:
        """All figures as plain data."""
        return {**attrs.asdict(self), "bound": self.bound}
