"""The whole check of a scripts folder: read, load, try, and say what was found.

Owns how the parts fit together: a line that two of them object to is told of once, and what a load has shown to work
is not called wrong for how it reads.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from attrs import define, evolve, field

from yummy.checking.hearing import PRINTED, hearing
from yummy.checking.imports import KIND as IMPORT
from yummy.checking.imports import unknown_imports
from yummy.checking.modules import Modules
from yummy.checking.problems import Findings, Problem, Severity
from yummy.checking.references import unknown_names, walk
from yummy.checking.source import source_files, text_lines
from yummy.checking.trial import Trial, judged
from yummy.hooks.calls import HookLimits, ScriptsBroken
from yummy.hooks.opening import open_hooks
from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.revision import Sources, is_script, read_sources
from yummy.hooks.signatures import HOOK_ARGUMENTS
from yummy.settings import Settings

if TYPE_CHECKING:
    from yummy.hooks.host import HookHost

#: The kinds of what has happened that reading of the line may have foreseen.
_SHOWN = frozenset({"broken", "raised"})


@define
class _Loaded:
    """What a load, and calls, came to.

    Attributes:
        hooks: The hooks that do something; None where the scripts could not be loaded.
        problems: What was found.
        stuck: Whether a script still runs.
    """

    hooks: tuple[str, ...] | None = None
    problems: list[Problem] = field(factory=list)
    stuck: bool = False


def examine(
    folder: Path, settings: Settings, limits: HookLimits, *, run: bool = False, strict: bool = False
) -> Findings:
    """Check the scripts of a folder.

    Args:
        folder: The folder; it exists.
        settings: The bounds of messages and metadata.
        limits: The bounds of the hook engine.
        run: Whether hooks are called with sample models.
        strict: Whether warnings count as errors do.
    """
    try:
        sources = read_sources(folder)
    except ScriptsBroken as broken:
        return Findings((), None, tuple(_broken(broken)), strict)
    if not sources.scripts:
        return Findings((), None, (_empty(folder),), strict)
    loaded = trio.run(_load, folder, sources, settings, limits, run)
    problems = _joined(sources, _read(sources), loaded)
    return Findings(sources.scripts, loaded.hooks, problems, strict, loaded.stuck)


async def _load(folder: Path, sources: Sources, settings: Settings, limits: HookLimits, run: bool) -> _Loaded:
    loaded = _Loaded()
    host: HookHost | None = None
    with hearing() as heard:
        try:
            async with open_hooks(folder, limits) as host:
                loaded.hooks = tuple(hook for hook in HOOK_ARGUMENTS if hook in host.serving.places)
                loaded.problems += (_noticed(notice, sources) for notice in host.notices)
                if run:
                    trial = Trial(host, settings)
                    await trial.run()
                    loaded.problems += trial.problems
        except ScriptsBroken as broken:
            loaded.stuck = broken.stuck
            loaded.problems += _broken(broken)
        except RuntimeError as error:
            loaded.problems.append(Problem(Severity.ERROR, Trouble("broken", str(error))))
    if host is not None:
        # What went wrong in on_unload as well, which ran when the block was left.
        loaded.stuck = host.stuck
        uncallable = {one.where for one in loaded.problems if one.trouble.kind == "signature"}
        found = map(judged, host.reports.latest)
        loaded.problems += (one for one in found if one.trouble.kind != "raised" or one.where not in uncallable)
    loaded.problems += heard
    return loaded


def _read(sources: Sources) -> list[Problem]:
    files = source_files(sources)
    modules = Modules.of(sources, files)
    found: list[Problem] = []
    for file in files:
        steps = tuple(walk(file))
        found += unknown_imports(file, steps, modules)
        found += unknown_names(file, steps)
    return found


def _joined(sources: Sources, read: Iterable[Problem], loaded: _Loaded) -> tuple[Problem, ...]:
    """All problems, by file and line; each once."""
    found = [problem for problem in read if loaded.hooks is None or not _is_disproved(problem)]
    for problem in loaded.problems:
        same = next((one for one in found if problem.trouble.kind in _SHOWN and one.where == problem.where), None)
        if same is not None:
            found.remove(same)
        found.append(problem if same is None else _shown(problem, same))
    return tuple(sorted((_quoted(problem, sources) for problem in found), key=_order))


def _shown(problem: Problem, read: Problem) -> Problem:
    """What has happened, with what reading of the line knows better."""
    severity = Severity.ERROR if Severity.ERROR in {problem.severity, read.severity} else problem.severity
    advice = read.trouble.advice or problem.trouble.advice
    return evolve(problem, severity=severity, trouble=evolve(problem.trouble, advice=advice))


def _is_disproved(problem: Problem) -> bool:
    """Whether the scripts would not have been loaded if this were so."""
    return problem.trouble.kind == IMPORT and problem.severity is Severity.ERROR and is_script(problem.where[0])


def _order(problem: Problem) -> tuple[bool, str, int, int]:
    place = problem.trouble.place or Place("")
    return problem.severity is Severity.INFO, place.file, place.line, place.column


def _broken(broken: ScriptsBroken) -> Iterator[Problem]:
    return (Problem(Severity.ERROR, trouble) for trouble in broken.troubles)


def _empty(folder: Path) -> Problem:
    advice = "put .py files with functions such as pre_play(model) into it, or begin with python -m yummy new DIR"
    return Problem(Severity.ERROR, Trouble("empty", f"there are no scripts in {folder}", advice=advice))


def _noticed(notice: Notice, sources: Sources) -> Problem:
    place = Place(notice.file, notice.line)
    place = evolve(place, source=_source(place, sources))
    name = notice.text.partition(" ")[0].partition("(")[0]
    if name in place.source:
        column = place.source.index(name)
        place = evolve(place, column=column, end=column + len(name))
    # A hook that cannot be called fails every message that it is for.
    severity = Severity.ERROR if notice.kind == "signature" else Severity.WARNING
    return Problem(severity, Trouble(notice.kind, notice.text, place))


def _quoted(problem: Problem, sources: Sources) -> Problem:
    """A problem with the text of its line, unless a line has only printed something."""
    place = problem.trouble.place
    if place is None or place.source or problem.trouble.kind == PRINTED:
        return problem
    return evolve(problem, trouble=evolve(problem.trouble, place=evolve(place, source=_source(place, sources))))


def _source(place: Place, sources: Sources) -> str:
    lines = text_lines(dict(sources.texts).get(place.file, b""))
    return lines[place.line - 1] if 0 < place.line <= len(lines) else ""
