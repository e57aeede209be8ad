"""An outcome as one HTML page, alone or beside another: no script, nothing from elsewhere, light and dark. Pure."""

import math
from collections.abc import Iterable, Iterator
from html import escape

from benchmarks.figures import BUSY
from benchmarks.histogram import Histogram
from benchmarks.outcome import Outcome, Point, told
from benchmarks.plots import Line, Plot, time_marks
from benchmarks.scenarios import SCENARIOS
from benchmarks.wording import differences, facts, name_of, ratios, round_time_text, time_text, warnings

#: Nines that the plot of percentiles shows at most: 99.9999 %.
_NINES = 6
#: Points of that plot for each of them.
_FINE = 20
#: Percentiles that stand above everything.
_TILES = (0.5, 0.99, 0.999)
#: A ratio that is so far from 1 is worth a colour.
_WORTH = 0.05

STYLE = """
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --text: #1d2126; --soft: #5b636d; --rule: #e3e5e8;
  --c1: #2563c9; --c2: #d0611b; --c3: #8b3fb5; --good: #187a43; --bad: #b3261e; --note: #fff4dc; --note-rule: #e2b64c; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --card: #1c2024; --text: #e6e9ec; --soft: #9aa3ad;
  --rule: #31373d; --c1: #7aa9f7; --c2: #f0a065; --c3: #c99ae6; --good: #6fcf97; --bad: #f2877f; --note: #33290f;
  --note-rule: #8a6d1e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 17px; margin: 34px 0 8px; } p { margin: 4px 0 0; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 10px; margin-top: 22px; }
.tile, figure { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
.tile { padding: 10px 14px; } .tile b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.note { background: var(--note); border-left: 4px solid var(--note-rule); border-radius: 4px; padding: 10px 14px;
  margin-top: 14px; white-space: pre-line; }
figure { margin: 0; padding: 12px 14px 8px; } svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--rule); } .axis, .tick { stroke: var(--soft); } .hint { fill: transparent; }
.hint:hover { fill: var(--soft); fill-opacity: .14; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; opacity: .75; }
path.c1 { stroke: var(--c1); } path.c2 { stroke: var(--c2); } path.c3 { stroke: var(--c3); }
circle.c1 { fill: var(--c1); } circle.c2 { fill: var(--c2); } circle.c3 { fill: var(--c3); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 0 0 6px; padding: 0; font-size: 13px;
  color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 7px; } .key { width: 26px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); }
th { font-weight: 500; color: var(--soft); white-space: nowrap; } td.n, th.n { text-align: right; padding-right: 14px; }
td.n { white-space: nowrap; } td { overflow-wrap: anywhere; }
@media (max-width: 600px) { th { white-space: normal; } td.n, th.n { padding-right: 0; } svg text { font-size: 18px; } }
.good { color: var(--good); } .bad { color: var(--bad); }
"""


def page(outcome: Outcome, base: Outcome | None = None) -> str:
    """The page of a load.

    Args:
        outcome: The load.
        base: An earlier one, to compare it with.
    """
    title = f"{outcome.scenario}: {outcome.options['connections']} connections, {outcome.made}"
    return document(
        title,
        [
            *_head(outcome, base),
            *(f'<p class="note">{escape(warning)}</p>' for warning in warnings(outcome)),
            *(_comparison(outcome, base) if base is not None else ()),
            *_plots(outcome, base),
            "<h2>All figures</h2>",
            '<div class="wide"><table>',
            *(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts(outcome)),
            "</table></div>",
        ],
    )


def document(title: str, body: Iterable[str]) -> str:
    """A page of this style.

    Args:
        title: Its title, as text.
        body: What is on it, as HTML.
    """
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
            *body,
            "</main></body></html>",
            "",
        ]
    )


def figure(plot: Plot) -> str:
    """A plot with its legend."""
    return f"<figure>{plot.legend()}{plot.svg()}</figure>"


def _head(outcome: Outcome, base: Outcome | None) -> Iterator[str]:
    scenario = SCENARIOS.get(outcome.scenario)
    yield f"<h1>{escape(outcome.scenario)}</h1>"
    yield f"<p>{escape(scenario.summary if scenario is not None else '')}</p>"
    compared = "" if base is None else f", compared with {base.scenario} of {base.made} (A, dashed)"
    yield f'<p class="soft">{escape(str(outcome.options["url"]))}, {escape(outcome.made + compared)}</p>'
    tiles = [(f"{outcome.rate:.0f}", "answers a second")] if outcome.paced else []
    if outcome.latency.count:
        tiles += [(time_text(seconds), name_of(share)) for share, seconds in told(outcome.latency) if share in _TILES]
    if outcome.memory_each is not None:
        tiles.append((f"{outcome.memory_each / 1024:.1f} KiB", "of the server for each player"))
    tiles.append((str(outcome.failed), "refused or lost"))
    busiest = max(outcome.generator)
    tiles.append((f"{busiest:.0%}", "of a core: the generator" + (" (too much)" if busiest > BUSY else "")))
    items = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in tiles
    )
    yield f'<div class="tiles">{items}</div>'


def _comparison(outcome: Outcome, base: Outcome) -> Iterator[str]:
    yield "<h2>Compared</h2>"
    yield '<div class="wide"><table><tr><th></th><th class="n">A</th><th class="n">B, this load</th>'
    yield '<th class="n">B/A</th></tr>'
    for ratio in ratios(base, outcome):
        kind = ""
        if ratio.ratio is not None and abs(ratio.ratio - 1) > _WORTH:
            kind = " good" if (ratio.ratio > 1) == (ratio.better > 0) else " bad"
        yield (
            f'<tr><th>{escape(ratio.name)}</th><td class="n">{escape(ratio.base)}</td>'
            f'<td class="n">{escape(ratio.other)}</td><td class="n{kind}">{ratio.text}</td></tr>'
        )
    yield "</table></div>"
    for difference in differences(base, outcome):
        yield f'<p class="soft">A and B differ in {escape(difference)}</p>'


def _plots(outcome: Outcome, base: Outcome | None) -> Iterator[str]:
    if outcome.latency.count:
        yield from _figure("Latency by percentile", percentile_plot(outcome, base))
    if outcome.points and outcome.paced:
        yield from _figure("Answers a second over time", _rate_plot(outcome, base))
        yield from _figure("Latency over time", _latency_plot(outcome, base))


def _figure(title: str, plot: Plot) -> Iterator[str]:
    yield f"<h2>{title}</h2>{figure(plot)}"


def percentile_plot(outcome: Outcome, base: Outcome | None) -> Plot:
    """Latency up to each percentile, on an axis where each further nine takes the same room."""
    lines = [Line("answer", nines(outcome.latency), 1)]
    if outcome.heard.count:
        lines.append(Line("heard by others", nines(outcome.heard), 2))
    if base is not None and base.latency.count:
        lines.append(Line("answer, A", nines(base.latency), 1, dashed=True))
    if base is not None and base.heard.count:
        lines.append(Line("heard by others, A", nines(base.heard), 2, dashed=True))
    right = max(line.points[-1][0] for line in lines)
    marks = [(0.0, "0 %"), (-math.log10(0.5), "50 %")]
    marks += [(float(nine), f"{100 * (1 - 10**-nine):.10g} %") for nine in range(1, math.floor(right + 1e-9) + 1)]
    hints = []
    for start, end in zip(marks, [*marks[1:], (right, "")], strict=True):
        share = 1 - 10 ** -start[0]
        values = (f"{line.name} {time_text(_at(line, start[0]))}" for line in lines)
        hints.append((start[0], end[0], f"{share:.10%}".rstrip("0%").rstrip(".") + " %\n" + "\n".join(values)))
    return Plot("Latency by percentile", lines, right, marks, round_time_text, logarithmic=True, hints=hints)


def _at(line: Line, place: float) -> float:
    return next((value for x, value in line.points if x >= place - 1e-9), line.points[-1][1])


def nines(latency: Histogram) -> list[tuple[float, float]]:
    """Latencies by their percentile, which is given as a number of nines: 0.3 is 50 %, 1 is 90 %, 2 is 99 %."""
    most = min(float(_NINES), math.log10(max(10, latency.count)))
    places = [*(number / _FINE for number in range(math.ceil(most * _FINE))), most]
    return list(zip(places, latency.percentiles(1 - 10**-place for place in places), strict=True))


def _rate_plot(outcome: Outcome, base: Outcome | None) -> Plot:
    lines = [Line("answers a second", _over_time(outcome, "rate"), 1)]
    if base is not None:
        lines.append(Line("answers a second, A", _over_time(base, "rate"), 1, dashed=True))
    return _time_plot("Answers a second over time", outcome, base, lines)


def _latency_plot(outcome: Outcome, base: Outcome | None) -> Plot:
    lines = [
        Line("p50", _over_time(outcome, "p50"), 1),
        Line("p99", _over_time(outcome, "p99"), 2),
        Line("max", _over_time(outcome, "most"), 3),
    ]
    if base is not None:
        lines += [Line("p50, A", _over_time(base, "p50"), 1, dashed=True)]
        lines += [Line("p99, A", _over_time(base, "p99"), 2, dashed=True)]
    return _time_plot("Latency over time", outcome, base, lines)


def _time_plot(title: str, outcome: Outcome, base: Outcome | None, lines: list[Line]) -> Plot:
    right = max(point.at + point.seconds for one in (outcome, base) if one is not None for point in one.points)
    hints = [(point.at, point.at + point.seconds, _hint(point)) for point in outcome.points]
    latency = title.startswith("Latency")
    text = round_time_text if latency else lambda rate: f"{rate:g}"
    return Plot(title, lines, right, time_marks(right), text, logarithmic=latency, hints=hints)


def _hint(point: Point) -> str:
    rate = f"{point.at:.0f} s\n{point.rate:.0f} answers a second\n"
    times = f"p50 {time_text(point.p50)}\np99 {time_text(point.p99)}\nmax {time_text(point.most)}\n"
    return f"{rate}{times}failed {point.failed}"


def _over_time(outcome: Outcome, what: str) -> list[tuple[float, float]]:
    """One figure over time; what was not measured is left out, each value stands in the middle of its stretch."""
    values = ((point.at + point.seconds / 2, float(getattr(point, what))) for point in outcome.points)
    return [(at, value) for at, value in values if value > 0 or what == "rate"]
