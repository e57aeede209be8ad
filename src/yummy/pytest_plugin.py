"""The fixture and the marker by which pytest runs tests of hook scripts. Needs pytest-trio: ``yummy[testing]``.

A test that asks for the fixture ``yummy_game``, or has the marker ``yummy``, runs in trio, on a clock that stands
still until the game advances it. Loaded by pytest wherever Yummy is installed, so it imports the kit, and with it the
server, only for a test that asks for it.
"""

from collections.abc import AsyncIterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from yummy.testing import Game

FIXTURE = "yummy_game"
MARKER = "yummy"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting of the scripts' folder."""
    parser.addini("yummy_hooks", "folder of the hook scripts under test, from this file's folder", default="hooks")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "yummy(hooks=..., scripts=..., settings=..., encoding=..., patience=...): run in trio with time standing "
        "still; the arguments are those of yummy.testing.game for the fixture yummy_game (a relative folder begins "
        "at the test's own)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that use a game run in trio, whatever the project's `trio_mode` is."""
    for item in items:
        if not isinstance(item, pytest.Function) or not iscoroutinefunction(item.obj):
            continue
        if FIXTURE in item.fixturenames or item.get_closest_marker(MARKER) is not None:
            if not item.config.pluginmanager.hasplugin("trio"):
                raise pytest.UsageError(f"{item.nodeid} uses a game, which needs pytest-trio: install yummy[testing]")
            # First, so that it wins over the marker of `trio_mode`.
            item.add_marker(pytest.mark.trio(run=_run), append=False)


@pytest.fixture
async def yummy_game(request: pytest.FixtureRequest) -> AsyncIterator["Game"]:
    """A game with the project's scripts: those of the marker, else of the folder that ``yummy_hooks`` names."""
    from yummy.testing import game  # noqa: PLC0415  # imports the server, which other tests do not need

    async with game(**_options(request)) as opened:
        yield opened


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The arguments of the game. The closest marker wins; where the scripts come from is one question."""
    options: dict[str, Any] = {}
    for marker in request.node.iter_markers(MARKER):
        answered = {"hooks", "scripts"} if options.keys() & {"hooks", "scripts"} else set()
        options |= {name: value for name, value in marker.kwargs.items() if name not in options.keys() | answered}
    if "hooks" in options:
        options["hooks"] = request.path.parent / options["hooks"]
    elif "scripts" not in options:
        config = request.config
        base = config.rootpath if config.inipath is None else config.inipath.parent
        options["hooks"] = base / config.getini("yummy_hooks")
    return options


def _run(*arguments: Any, **options: Any) -> Any:
    """Run a test with time standing still; what fails it comes without the groups that nurseries make of it."""
    from yummy.testing import run  # noqa: PLC0415  # as above

    __tracebackhide__ = True
    failure: BaseException
    try:
        return run(*arguments, **options)
    except BaseExceptionGroup as group:
        failure = group
        while isinstance(failure, BaseExceptionGroup) and len(failure.exceptions) == 1:
            failure = failure.exceptions[0]
    try:
        raise failure
    finally:
        del failure  # it holds this frame, which holds it
