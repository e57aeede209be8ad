"""What `python -m yummy new` does: makes the folder of a game to begin with.

Owns which files there are, and that all of them are made or none. Their texts lie beside this module, as package
data; only in some of them does the game's name stand.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import mkdtemp

#: Each file of the game, and the text that it is made of.
FILES = {
    ".gitignore": "gitignore.in",
    "README.md": "README.md.in",
    "hooks/game.py": "game.py.in",
    "pyproject.toml": "pyproject.toml.in",
    "tests/test_game.py": "test_game.py.in",
}

#: The texts that the game's name stands in.
_NAMED = frozenset({"README.md", "pyproject.toml"})


class StarterError(Exception):
    """The folder cannot be made; nothing of it was."""


def make(folder: Path, name: str | None = None) -> tuple[str, ...]:
    """Make a game to begin with.

    Args:
        folder: Where; it is made, or is there and empty.
        name: What the game is called; by default as the folder is.

    Returns:
        The paths of the files, below the folder.

    Raises:
        StarterError: There is something already, or the name or the disk does not allow it.
    """
    target = folder.absolute()
    title = target.resolve().name if name is None else name
    texts = _texts(title)
    try:
        if not target.exists():
            _make_beside(target, texts)
        elif target.is_dir() and not any(target.iterdir()):
            _make_inside(target, texts)
        else:
            raise StarterError(f"{folder} is there already, and is no empty folder: choose another one")
    except OSError as error:
        raise StarterError(f"{folder} cannot be made: {error.strerror or error}") from None
    return tuple(texts)


def package_name(title: str) -> str:
    """What a game is called where only letters, digits and hyphens may stand."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "game"


def _texts(title: str) -> dict[str, str]:
    if not title.strip() or not title.isprintable():
        raise StarterError(f"{title!r} is no name for a game: choose one with --name")
    template = files(__name__) / "template"
    texts = {path: (template / source).read_text(encoding="utf-8") for path, source in FILES.items()}
    names = {"title": title.strip(), "package": package_name(title)}
    return {path: Template(text).substitute(names) if path in _NAMED else text for path, text in texts.items()}


def _make_beside(target: Path, texts: dict[str, str]) -> None:
    """Make a folder that is not there: it appears when it is whole."""
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _workplace(target.parent) as made:
            _write(made, texts)
            made.rename(target)
    except BaseException:
        for parent in missing:
            with suppress(OSError):  # it was not made, or somebody else has put something there
                parent.rmdir()
        raise


def _make_inside(target: Path, texts: dict[str, str]) -> None:
    """Fill a folder that is there, which may be somebody's working directory, and so is not replaced."""
    moved: list[Path] = []
    with _workplace(target) as made:
        _write(made, texts)
        try:
            for entry in sorted(made.iterdir()):
                moved.append(target / entry.name)
                entry.rename(target / entry.name)
        except BaseException:
            for path in moved:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            raise


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder in a folder, for the length of a block; on the same disk, so that what is in it can be moved out."""
    place = Path(mkdtemp(prefix=".yummy-new-", dir=folder))
    try:
        # One more, since the outer one is for nobody else's eyes.
        made = place / "game"
        made.mkdir()
        yield made
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _write(folder: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
