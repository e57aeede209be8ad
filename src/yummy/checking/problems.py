"""What a check has found: problems, how bad they are, and both as people and as programs read them.

Owns the wording of the summary and the layout of the JSON. It knows nothing of how problems are found.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import evolve, field, frozen

from yummy.hooks.report import Place, Trouble, format_report


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@frozen
class Problem:
    """Something that an author should know.

    Attributes:
        severity: How bad it is.
        trouble: What it is, and where.
        about: The sample that a hook was called with; empty where none was.
    """

    severity: Severity
    trouble: Trouble
    about: Mapping[str, Any] = field(factory=dict)

    @property
    def where(self) -> tuple[str, int]:
        """The file and the line; empty and 0 where there is none."""
        place = self.trouble.place
        return ("", 0) if place is None else (place.file, place.line)

    @property
    def text(self) -> str:
        """The problem as people read it."""
        kind = self.trouble.kind
        heading = self.severity.value if kind == self.severity else f"{self.severity}[{kind}]"
        return format_report(evolve(self.trouble, kind=heading), about=self.about)

    def to_plain(self) -> dict[str, Any]:
        """The problem as programs read it. Lines and columns are counted from 1, and null where none is known."""
        trouble = self.trouble
        return {
            "severity": self.severity.value,
            "kind": trouble.kind,
            "message": trouble.headline,
            **_plain_place(trouble.place or Place("")),
            "hook": trouble.hook or None,
            "advice": trouble.advice or None,
            "path": [{**_plain_place(step), "function": step.function or None} for step in trouble.path],
        }


def _plain_place(place: Place) -> dict[str, Any]:
    known = place.end > place.column
    return {
        "file": place.file or None,
        "line": place.line or None,
        "column": place.column + 1 if known else None,
        "end_column": place.end + 1 if known else None,
        "source": place.source or None,
    }


@frozen
class Findings:
    """What a check has come to.

    Attributes:
        scripts: The file names of the scripts, in the order in which their hooks run.
        hooks: The hooks that do something, in that of the protocol; None where the scripts could not be loaded.
        problems: What was found, by file and line.
        strict: Whether warnings count as errors do.
        stuck: Whether a script still runs, so that only `os._exit` ends the process.
    """

    scripts: tuple[str, ...]
    hooks: tuple[str, ...] | None
    problems: tuple[Problem, ...]
    strict: bool = False
    stuck: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        wrong = {Severity.ERROR, Severity.WARNING} if self.strict else {Severity.ERROR}
        return not any(problem.severity in wrong for problem in self.problems)

    @property
    def summary(self) -> str:
        """All of it in a line."""
        found = Counter(problem.severity for problem in self.problems)
        counts = [_count(found[kind], kind.value) for kind in (Severity.ERROR, Severity.WARNING) if found[kind]]
        hooks = "not loaded" if self.hooks is None else _count(len(self.hooks), "hook")
        return f"{_count(len(self.scripts), 'script')}, {hooks}: {', '.join(counts) or 'nothing wrong'}"

    def to_plain(self) -> dict[str, Any]:
        """All of it, as programs read it."""
        return {
            "ok": self.ok,
            "scripts": list(self.scripts),
            "hooks": list(self.hooks or ()),
            "problems": [problem.to_plain() for problem in self.problems],
        }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
