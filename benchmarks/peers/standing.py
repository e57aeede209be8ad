"""What came of it: tables, the ratios that are expected of Yummy, and the same as plain data. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from benchmarks.figures import BUSY, Spread, share_text, table
from benchmarks.peers.contestants import BARE, COLYSEUS, HOOKED, YUMMY
from benchmarks.peers.crowd import Measured
from benchmarks.peers.workloads import W1, W2, W3, Workload

#: What was measured, round by round, by workload and contestant.
type Results = Mapping[Workload, Mapping[str, Sequence[Measured]]]


@frozen
class Floor:
    """The least that is expected, as a ratio of what is done for each second of server CPU.

    Attributes:
        contestant: Of whom.
        workload: What is done.
        base: Compared with whom.
        ratio: How many times as much.
    """

    contestant: str
    workload: Workload
    base: str
    ratio: float

    def found(self, results: Results) -> Spread | None:
        """The ratio in each round; None if one of both did not take part."""
        measured = results.get(self.workload, {})
        return ratios(measured, self.contestant, self.base)


FLOORS = (
    Floor(YUMMY, W1, BARE, 3.0),
    Floor(YUMMY, W2, BARE, 8.0),
    Floor(YUMMY, W3, BARE, 9.0),
    Floor(HOOKED, W1, BARE, 1.0),
    Floor(YUMMY, W1, COLYSEUS, 0.9),
    Floor(YUMMY, W2, COLYSEUS, 1.5),
    Floor(YUMMY, W3, COLYSEUS, 2.0),
)


def ratios(measured: Mapping[str, Sequence[Measured]], name: str, base: str) -> Spread | None:
    """What one does of what another does for each second of server CPU; None if one of both did not take part."""
    if name not in measured or base not in measured:
        return None
    return Spread.of_ratios([one.per_cpu for one in measured[name]], [one.per_cpu for one in measured[base]])


def report(results: Results) -> str:
    """All figures as text."""
    parts = [f"{workload.name}: {workload.summary}\n{_table(measured)}" for workload, measured in results.items()]
    parts.append(
        "for 1 s CPU: for each second of a core that the server used, all of its threads together; ratios are of\n"
        "that, round by round; generator: of a core, at most (! where it was the bottleneck)"
    )
    floors = list(_floors(results))
    if floors:
        parts.append(table(["expected of", "in", "against", "at least", "found", ""], floors))
    return "\n\n".join(parts)


def _table(measured: Mapping[str, Sequence[Measured]]) -> str:
    head = ["", "for 1 s CPU", f"of {BARE}", f"of {COLYSEUS}", "us each", "a second", "server", "generator"]
    rows = []
    for name, rounds in measured.items():
        cpu = Spread.of([one.per_cpu for one in rounds])
        generator = max(one.generator for one in rounds)
        rows.append(
            [
                name,
                cpu.text(0),
                _text(ratios(measured, name, BARE)),
                _text(ratios(measured, name, COLYSEUS)),
                f"{1e6 / cpu.middle:.1f}",
                f"{Spread.of([one.rate for one in rounds]).middle:.0f}",
                share_text(Spread.of([one.cpu / one.seconds for one in rounds]).middle).partition(" ")[0],
                share_text(generator).partition(" ")[0] + ("!" if generator > BUSY else ""),
            ]
        )
    return table(head, rows)


def _text(spread: Spread | None) -> str:
    return "-" if spread is None else spread.text()


def _floors(results: Results) -> Iterator[list[str]]:
    for floor in FLOORS:
        found = floor.found(results)
        if found is not None:
            met = "met" if found.middle >= floor.ratio else "MISSED"
            yield [floor.contestant, floor.workload.name, floor.base, f"{floor.ratio:.1f}", found.text(), met]


def plain(results: Results) -> dict[str, Any]:
    """All figures as plain data: each round, and the ratios that are expected."""
    return {
        "workloads": {workload.name: workload.summary for workload in results},
        "rounds": {
            workload.name: {
                name: [{**attrs.asdict(one), "per_cpu": one.per_cpu} for one in rounds]
                for name, rounds in measured.items()
            }
            for workload, measured in results.items()
        },
        "floors": [
            {
                "of": floor.contestant,
                "workload": floor.workload.name,
                "against": floor.base,
                "at_least": floor.ratio,
                "found": attrs.asdict(found),
                "met": found.middle >= floor.ratio,
            }
            for floor in FLOORS
            if (found := floor.found(results)) is not None
        ],
    }
