"""Scripts in a folder, checked by the real engine in a real interpreter."""

import textwrap

import pytest

from yummy.checking.examination import examine
from yummy.hooks.bounds import hook_limits
from yummy.settings import Settings


@pytest.fixture
def folder(tmp_path):
    """Write scripts into a folder: ``folder("text of game.py")``, or ``folder({"pkg/sub.py": "..."})``; returns it."""
    place = tmp_path / "hooks"

    def write(game="", /):
        place.mkdir(exist_ok=True)
        for path, text in ({"game.py": game} if isinstance(game, str) else game).items():
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return place

    return write


@pytest.fixture
def check(folder):
    """Check scripts: ``check("text of game.py", run=True)``; other options are settings."""

    def examined(game="", /, *, run=False, strict=False, **settings):
        chosen = Settings(**settings)
        return examine(folder(game), chosen, hook_limits(chosen), run=run, strict=strict)

    return examined


@pytest.fixture
def shown():
    """Each problem as severity, kind and line, and what stands under its caret."""

    def show(problems):
        found = []
        for problem in problems:
            place = problem.trouble.place
            marked = "" if place is None else place.source[place.column : place.end]
            found.append((problem.severity.value, problem.trouble.kind, problem.where[1], marked))
        return found

    return show
