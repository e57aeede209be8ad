"""Reports for authors of scripts: one value, one text, whatever went wrong.

A report reads like a good compiler's message: what happened, where, the line itself, on whose behalf, how it came
there, and what to do. Owns the layout only; who notices a trouble describes it.
"""

from collections.abc import Mapping
from typing import Any

from attrs import astuple, frozen

#: Lines of a call path that a report shows: the outermost and innermost halves of it.
PATH_LINES = 16
#: Characters of a headline or source line that a report shows.
LINE_LENGTH = 500


@frozen
class Place:
    """A line of a script.

    Attributes:
        file: Path below the scripts folder.
        line: Counted from 1; 0 where no line is to blame.
        source: The text of the line, if it is known.
        column: Where in the text the trouble begins, counted from 0.
        end: Where it ends; equal to ``column`` where that is not known.
        function: The function that the line stands in.
    """

    file: str
    line: int = 0
    source: str = ""
    column: int = 0
    end: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def to_plain(self) -> tuple[Any, ...]:
        """The place as a frame carries it."""
        return astuple(self)


@frozen
class Trouble:
    """Something that an author should know.

    Attributes:
        kind: What kind of trouble, for the log: ``error``, ``broken``, ``sandbox``, later ``timeout``, ``retained``.
        headline: What happened, in one sentence.
        place: The line to look at first, if there is one.
        path: How the program came there, outermost first.
        advice: What to do.
        hook: The function that was called, or ``import``, ``on_load``, ``on_unload``.
    """

    kind: str
    headline: str
    place: Place | None = None
    path: tuple[Place, ...] = ()
    advice: str = ""
    hook: str = ""

    def to_plain(self) -> tuple[Any, ...]:
        """The trouble as a frame carries it."""
        return astuple(self)

    @classmethod
    def from_plain(cls, plain: tuple[Any, ...]) -> "Trouble":
        """The trouble that a frame carried."""
        kind, headline, place, path, advice, hook = plain
        return cls(
            kind, headline, None if place is None else Place(*place), tuple(Place(*step) for step in path), advice, hook
        )


@frozen
class Notice:
    """Something at a line of a script that looks like a slip but stops nothing.

    Attributes:
        kind: ``misspelt`` for what only looks like a hook, ``signature`` for a hook that cannot be called with its
            arguments, ``slip`` for everything else.
    """

    file: str
    line: int
    text: str
    kind: str = "slip"


def format_report(trouble: Trouble, *, revision: str = "", about: Mapping[str, Any] | None = None) -> str:
    """The text of a report.

    Args:
        trouble: What happened.
        revision: The revision of the scripts, as text.
        about: The message on whose behalf a hook ran: its type, user, room.
    """
    lines = [f"{trouble.kind}: {_short(trouble.headline)}"]
    if trouble.place is not None:
        lines += _excerpt(trouble.place)
    if trouble.hook:
        lines.append(f"  = hook: {trouble.hook}" + (f" of revision {revision}" if revision else ""))
    elif revision:
        lines.append(f"  = revision: {revision}")
    if about:
        lines.append("  = message: " + ", ".join(f"{key} {_short(str(value))}" for key, value in about.items()))
    if len(trouble.path) > 1:
        lines.append("  = called by way of:")
        lines += _steps(trouble.path)
    if trouble.advice:
        lines.append(f"  = to do: {trouble.advice}")
    return "\n".join(lines)


def _excerpt(place: Place) -> list[str]:
    where = f" in {place.function}" if place.function else ""
    lines = [f"  --> {place}{where}"]
    source = place.source.rstrip()
    if not source:
        return lines
    margin = " " * len(str(place.line))
    lines += [f"{margin} |", f"{place.line} | {_short(source)}"]
    if place.end > place.column and place.column <= min(len(source), LINE_LENGTH):
        # Tabs stay tabs, so that the caret stands below what it points at.
        indent = "".join("\t" if sign == "\t" else " " for sign in source[: place.column])
        width = min(place.end, len(source), LINE_LENGTH) - place.column
        lines.append(f"{margin} | {indent}{'^' * max(width, 1)}")
    return lines


def _steps(path: tuple[Place, ...]) -> list[str]:
    half = PATH_LINES // 2
    shown = [f"      {step} in {step.function}: {_short(step.source.strip())}" for step in path]
    if len(shown) > PATH_LINES:
        shown[half:-half] = [f"      ... {len(shown) - PATH_LINES} more ..."]
    return shown


def _short(text: str) -> str:
    return text if len(text) <= LINE_LENGTH else text[: LINE_LENGTH - 3] + "..."
