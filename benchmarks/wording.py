"""An outcome, and the comparison of two, as tables for people. Pure."""

from collections.abc import Callable, Iterable

from attrs import frozen

from benchmarks.advice import with_advice
from benchmarks.figures import BUSY, table
from benchmarks.histogram import Histogram
from benchmarks.kernel import MIB
from benchmarks.outcome import Outcome, told

#: How late the generator may be itself, in seconds, before that is worth a word.
LATE = 0.02
_KIB = 1 << 10


def time_text(seconds: float) -> str:
    """A time with a unit that fits it, in three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            value = seconds / size
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"
    raise AssertionError


def round_time_text(seconds: float) -> str:
    """The same for a time that is round, without digits that say nothing."""
    number, unit = time_text(seconds).split(" ")
    return f"{float(number):g} {unit}"


def name_of(share: float) -> str:
    """What a percentile is called: p50, p99.9."""
    return f"p{share * 100:g}"


def load_text(outcome: Outcome) -> str:
    """What was asked for, in one line."""
    options = outcome.options
    parts = [f"{options['connections']} connections"]
    if options.get("room_size"):
        parts.append(f"rooms of {options['room_size']}")
    if options.get("rate"):
        parts.append(f"{options['rate']:g} requests/s (open loop, at most {options['ahead']} in flight on each)")
    elif options.get("closed_loop"):
        parts.append(f"closed loop with {options['ahead']} in flight on each")
    for name, unit in (("message_bytes", " bytes more in each message"), ("slow", " of them read nothing")):
        if options.get(name):
            value = options[name]
            parts.append((f"{value:.0%}" if name == "slow" else f"{value}") + unit)
    if options.get("by"):
        parts.append(f"by {options['by']}")
    parts.append(f"{outcome.seconds:.1f} s by {len(outcome.generator)} process{'es' * (len(outcome.generator) > 1)}")
    return ", ".join(parts)


def limits_text(outcome: Outcome) -> str:
    """What is known of the server's settings."""
    if outcome.limits is None:
        return "not known (--server-pid)"
    shown = " ".join(f"{name}={value}" for name, value in outcome.limits.items())
    return shown or "none in its environment"


def latency_text(latency: Histogram) -> str:
    """Latencies in one line."""
    if not latency.count:
        return "nothing was measured"
    values = [f"{name_of(share)} {time_text(seconds)}" for share, seconds in told(latency)]
    return ", ".join([f"mean {time_text(latency.mean)}", *values, f"max {time_text(latency.most)}"])


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def facts(outcome: Outcome) -> Iterable[tuple[str, str]]:
    """All that there is to say of a load: what, and how it was."""
    yield "load", load_text(outcome)
    yield "machine", str(outcome.machine)
    yield "settings", limits_text(outcome)
    if outcome.paced:
        yield "answered", f"{outcome.answered} requests, {outcome.rate:.0f} a second"
        yield "latency", latency_text(outcome.latency)
    if outcome.heard.count:
        yield "heard", f"{latency_text(outcome.heard)} ({outcome.heard.count} times)"
    if outcome.events:
        yield "events", f"{outcome.events} came, {outcome.events / outcome.seconds:.0f} a second"
    for name, count in outcome.notes.items():
        yield "counted", f"{count} {name}"
    yield "refused", _counted(outcome.refused) or "none"
    yield "connections", f"lost: {_counted(outcome.lost) or 'none'}"
    if outcome.server is not None:
        use = outcome.server
        each = f", {time_text(use.for_each)} for each answer" if use.for_each else ""
        yield "server CPU", f"{use.cpu:.0%} of a core, {use.event_loop:.0%} in its event loop{each}"
        before, ready, end = (f"{size / MIB:.1f} MiB" for size in (use.before, use.ready, use.end))
        each = "" if outcome.memory_each is None else f" ({outcome.memory_each / _KIB:.1f} KiB each)"
        yield "server memory", f"{before} before, {ready} with all players{each}, {end} at the end"
    shares = ", ".join(f"{share:.0%}" for share in outcome.generator)
    late = f", sent late by {time_text(outcome.late)} at most" if outcome.options.get("rate") else ""
    yield "generator", f"{shares} of a core{late}"


def warnings(outcome: Outcome) -> Iterable[str]:
    """What one should know before one believes any of it."""
    if max(outcome.generator) > BUSY:
        yield "The generator was the bottleneck: it measures itself. Use more --processes, or ask for less."
    if outcome.late > LATE:
        late = time_text(outcome.late)
        yield f"The generator sent up to {late} too late, which is part of the latencies: it had too little of a core."
    if outcome.options.get("rate") and (outcome.overdue or outcome.unanswered):
        yield (
            f"The server does not bear this rate: {outcome.overdue} requests were due and could not be sent, and "
            f"{outcome.unanswered} were not answered. The former count by the time that they have waited."
        )
    elif outcome.unanswered:
        yield f"{outcome.unanswered} requests were not answered."
    if outcome.refused:
        yield with_advice(f"Requests were refused: {_counted(outcome.refused)}.", outcome.refused)
    if outcome.lost:
        yield with_advice(f"Connections were lost: {_counted(outcome.lost)}.", outcome.lost)


def report(outcome: Outcome) -> str:
    """All of an outcome as text."""
    rows = list(facts(outcome))
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {text}" for name, text in rows]
    lines += [f"\nNOTE: {warning}" for warning in warnings(outcome)]
    return "\n".join(lines)


@frozen
class Ratio:
    """One figure of two loads.

    Attributes:
        name: What it is.
        base: That of the first, as text.
        other: That of the second.
        ratio: The second to the first; None if it has none.
        better: 1 if more is better, -1 if less is.
    """

    name: str
    base: str
    other: str
    ratio: float | None
    better: int

    @property
    def text(self) -> str:
        """The ratio."""
        return "-" if self.ratio is None else f"{self.ratio:.2f}"


def ratios(base: Outcome, other: Outcome) -> list[Ratio]:
    """Every figure that both loads have."""
    found: list[Ratio] = []

    def compare(
        name: str, values: tuple[float | None, float | None], text: Callable[[float], str], better: int
    ) -> None:
        first, second = values
        if first is not None and second is not None and (first or second):
            found.append(Ratio(name, text(first), text(second), second / first if first else None, better))

    compare("answers a second", (base.rate, other.rate), lambda rate: f"{rate:.0f}", 1)
    for kind, (first, second) in (
        ("latency", (base.latency, other.latency)),
        ("heard", (base.heard, other.heard)),
    ):
        if not (first.count and second.count):
            continue
        compare(f"{kind} mean", (first.mean, second.mean), time_text, -1)
        for (share, first_time), (_, second_time) in zip(told(first), told(second), strict=False):
            compare(f"{kind} {name_of(share)}", (first_time, second_time), time_text, -1)
        compare(f"{kind} max", (first.most, second.most), time_text, -1)
    if base.server is not None and other.server is not None:
        compare("server CPU for each answer", (base.server.for_each, other.server.for_each), time_text, -1)
        sizes = (base.memory_each, other.memory_each)
        compare("server memory for each player", sizes, lambda size: f"{size / _KIB:.1f} KiB", -1)
    compare("failed", (base.failed, other.failed), lambda count: f"{count:.0f}", -1)
    return found


def differences(base: Outcome, other: Outcome) -> list[str]:
    """What makes two loads hard to compare: in what else they differ."""
    pairs = {
        "scenario": (base.scenario, other.scenario),
        "machine": (
            f"{base.machine.cores} cores, {base.machine.system}",
            f"{other.machine.cores} cores, {other.machine.system}",
        ),
        "server settings": (limits_text(base), limits_text(other)),
    }
    for name in sorted((base.options.keys() | other.options.keys()) - {"url"}):
        first, second = base.options.get(name), other.options.get(name)
        pairs[name.replace("_", " ")] = (f"{first}", f"{second}")
    return [f"{name}: {first} / {second}" for name, (first, second) in pairs.items() if first != second]


def comparison(base: Outcome, other: Outcome) -> str:
    """Two loads side by side, with ratios."""
    rows = [[ratio.name, ratio.base, ratio.other, ratio.text] for ratio in ratios(base, other)]
    lines = [table(["", "A", "B", "B/A"], rows)]
    lines += [f"A and B differ in {difference}" for difference in differences(base, other)]
    return "\n".join(lines)
