"""Whether the time of a refused login tells if there is such an account: ``python -m benchmarks enumeration``.

It starts a server of its own, with hashes as dear as in production, and guesses in turn at addresses that have an
account and at addresses that have none, so that whatever else this machine does falls on both alike. What it prints:
both distributions, and two measures of how well they can be told apart.

The overlap is the share that both histograms have in common (1: the same, 0: apart). The AUC is the chance that a
guess at an account takes longer than one at none (0.5: no difference; the area under the ROC curve, which is the
Mann-Whitney statistic divided by the number of pairs). Its standard error says how far from 0.5 chance alone leads.
"""

import math
import statistics
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

import attrs
import click
import trio

from yummy.client import Client, RequestFailed, connect
from yummy.logs import configure
from yummy.server import open_server
from yummy.settings import LogFormat, LogLevel, Settings

BINS = 30
"""Of the histograms, between the 1st and the 99th percentile of all times."""

BAR = 40
"""Characters of the longest bar."""

ERRORS = 4.0
"""Standard errors that the AUC may be away from 0.5 by chance: one run in about 16,000 is further away."""


@attrs.frozen
class Comparison:
    """Two samples of times, in seconds.

    Attributes:
        known: Of guesses at accounts that are there.
        unknown: Of guesses at accounts that are not.
    """

    known: Sequence[float]
    unknown: Sequence[float]

    @property
    def auc(self) -> float:
        """The chance that one of the known takes longer than one of the unknown."""
        ordered = sorted(self.unknown)
        wins = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in self.known) / 2
        return wins / (len(self.known) * len(ordered))

    @property
    def error(self) -> float:
        """The standard error of the AUC if there is no difference."""
        first, second = len(self.known), len(self.unknown)
        return math.sqrt((first + second + 1) / (12 * first * second))

    @property
    def same(self) -> bool:
        """Whether chance alone explains the difference."""
        return abs(self.auc - 0.5) <= ERRORS * self.error

    def histograms(self) -> tuple[list[float], list[float], list[float]]:
        """Where the bins begin (in seconds), and the share of each sample in each of them."""
        both = sorted([*self.known, *self.unknown])
        low, high = both[len(both) // 100], both[len(both) * 99 // 100]
        width = (high - low) / BINS or 1.0

        def shares(times: Sequence[float]) -> list[float]:
            counts = [0] * BINS
            for one in times:
                counts[min(BINS - 1, max(0, int((one - low) / width)))] += 1
            return [count / len(times) for count in counts]

        return [low + width * number for number in range(BINS)], shares(self.known), shares(self.unknown)

    @property
    def overlap(self) -> float:
        """The share that both histograms have in common."""
        _, known, unknown = self.histograms()
        return sum(map(min, known, unknown))

    def report(self) -> str:
        """Both distributions and the measures, as text."""
        lines = [f"{'':12}  guesses   mean ms    p10    p50    p90    p99"]
        for name, times in (("account", self.known), ("no account", self.unknown)):
            cuts = statistics.quantiles(times, n=100)
            mean, *shown = (
                1000 * value for value in (statistics.mean(times), *(cuts[p - 1] for p in (10, 50, 90, 99)))
            )
            lines.append(f"{name:12}  {len(times):7}  {mean:8.2f} " + " ".join(f"{value:6.2f}" for value in shown))
        starts, known, unknown = self.histograms()
        most = max(*known, *unknown)
        lines.append("\nfrom ms  # account, o no account")
        for start, first, second in zip(starts, known, unknown, strict=True):
            lines += [
                f"{1000 * start:7.2f}  {'#' * round(BAR * first / most)}",
                f"{'':7}  {'o' * round(BAR * second / most)}",
            ]
        verdict = "no difference that chance does not explain" if self.same else "THEY CAN BE TOLD APART"
        lines.append(
            f"\noverlap {self.overlap:.3f}   AUC {self.auc:.3f} (0.5 +- {self.error:.3f} by chance): {verdict}"
        )
        return "\n".join(lines)


async def measure(guesses: int, accounts: int, metas: int) -> Comparison:
    """Guess at accounts that are there and at others, in turn.

    Args:
        guesses: How many of each kind.
        accounts: Accounts that there are.
        metas: Metadata keys of each account, of 4,000 bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            bind_port=0,
            database_path=Path(folder, "yummy.db"),
            salt_key="only-for-benchmarks-" * 3,
            default_python_files_path=Path(folder, "no-scripts"),
            auth_timeout=0,
            login_failures_per_minute=0,
            max_messages_per_second=0,
        )
        async with open_server(settings) as server, connect(server.url, api_key=settings.integration_key) as client:
            for number in range(accounts):
                await client.authenticate_email(f"known-{number}@example.org", "the right password", create=True)
                await client.update_user(metas={f"key-{key}": "x" * 4000 for key in range(metas)} or None, name="x")
            await client.logout()
            times: dict[str, list[float]] = {"known": [], "unknown": []}
            for number in range(-accounts, guesses):
                # Which of both comes first changes, so that neither always follows the other.
                for kind in ("known", "unknown") if number % 2 else ("unknown", "known"):
                    took = await _guess(client, f"{kind}-{number % accounts}@example.org")
                    if number >= 0:
                        times[kind].append(took)
    return Comparison(times["known"], times["unknown"])


async def _guess(client: Client, email: str) -> float:
    began = time.perf_counter()
    try:
        await client.authenticate_email(email, "a wrong password")
    except RequestFailed as refused:
        if refused.code != "invalid_credentials":
            raise
    return time.perf_counter() - began


@click.command()
@click.option("--guesses", default=1000, type=click.IntRange(100), help="Guesses of each kind.")
@click.option("--accounts", default=20, type=click.IntRange(1, 100), help="Accounts to guess at.")
@click.option("--metas", default=0, type=click.IntRange(0, 10), help="Metadata keys of each, of 4,000 bytes.")
@click.pass_context
def enumeration(ctx: click.Context, *, guesses: int, accounts: int, metas: int) -> None:
    """Measure whether a refused login's time tells if there is such an account; exit code 1 if it does."""
    configure(LogLevel.ERROR, LogFormat.CONSOLE)
    found = trio.run(measure, guesses, accounts, metas)
    click.echo(found.report())
    ctx.exit(0 if found.same else 1)
