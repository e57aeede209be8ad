"""Where settings come from: command line, environment, ``.env``, ``yummy.toml``, in that order of precedence.

Everything that is wrong is collected and reported at once. Misspelt names count as wrong: all unknown ones in
``yummy.toml``, which is Yummy's own, and those close to a setting's in the environment and in ``.env``, which others
use too. What the settings are is the business of `yummy.settings`, how
a text becomes a value that of `yummy.conversion`.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import attrs

from yummy.conversion import from_text, from_toml
from yummy.setting import ALIASES, CHECK, SECRET
from yummy.settings import Problem, Settings, SettingsError

#: From this likeness on (0 to 1), a name in the environment is taken for a misspelt setting.
LIKENESS = 0.88

COMMAND_LINE = "command line"
ENVIRONMENT = "environment"
DOTENV = ".env"
TOML = "yummy.toml"

_DOTENV_LINE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")


@attrs.frozen
class _Source:
    """What one place says. `text` tells values that can only be texts from those with a type of their own."""

    name: str
    values: Mapping[str, Any]
    text: bool


@attrs.frozen
class _Found:
    """A value, where it was found, and under which name."""

    source: str
    name: str
    value: Any


def load(
    command_line: Mapping[str, str | None] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Read the settings from all their sources.

    Args:
        command_line: Settings by their names in capitals; None stands for an option that was not given.
        environ: The environment; the process's own by default. An empty value counts as not given.
        folder: Where ``.env`` and ``yummy.toml`` are looked for; the working directory by default.

    Raises:
        SettingsError: Holding every problem that was found.
    """
    folder = Path() if folder is None else folder
    environ = os.environ if environ is None else environ
    problems: list[Problem] = []
    options = {name: value for name, value in (command_line or {}).items() if value is not None}
    sources = [
        _Source(COMMAND_LINE, options, text=True),
        _Source(ENVIRONMENT, {name: value for name, value in environ.items() if value}, text=True),
        _Source(DOTENV, _read_dotenv(folder / DOTENV, problems), text=True),
        _Source(TOML, _read_toml(folder / TOML, problems), text=False),
    ]
    for source in sources:
        problems.extend(_misspelt(source))
    found: dict[str, _Found] = {}
    good: dict[str, Any] = {}
    for field in attrs.fields(Settings):
        for source in sources:
            hit = _look_up(field, source, problems)
            if hit is not None:
                found[field.name] = hit
                _structure(field, hit, good, problems, text=source.text)
                break
    _choose_database(found, good, sources, problems)
    settings = Settings(**good)
    bad = {name for name in found if name not in good}
    for names, text in settings.contradictions():
        if bad.isdisjoint(names):
            origin = found.get(names[0])
            problems.append(Problem(names[0].upper(), origin.source if origin else "default", text))
    if problems:
        raise SettingsError(problems)
    return settings


def _look_up(field: "attrs.Attribute[Any]", source: _Source, problems: list[Problem]) -> _Found | None:
    names = [name for name in _names(field) if name in source.values]
    if not names:
        return None
    if len({repr(source.values[name]) for name in names}) > 1:
        problems.append(Problem(names[1], source.name, f"differs from {names[0]}, which is the same setting; keep one"))
    return _Found(source.name, names[0], source.values[names[0]])


def _structure(
    field: "attrs.Attribute[Any]", hit: _Found, good: dict[str, Any], problems: list[Problem], *, text: bool
) -> None:
    try:
        kind: Any = field.type
        value = (from_text if text else from_toml).structure(hit.value, kind)
        check = field.metadata[CHECK]
        if check is not None:
            check(value)
    except ValueError as error:
        shown = "" if field.metadata[SECRET] else f"{hit.value!r} is not usable: "
        problems.append(Problem(hit.name, hit.source, f"{shown}{error}"))
    else:
        good[field.name] = value


def _choose_database(
    found: dict[str, _Found], good: dict[str, Any], sources: list[_Source], problems: list[Problem]
) -> None:
    """Let the stronger source of ``DATABASE_URL`` and ``DATABASE_PATH`` win: they are two spellings of one thing."""
    url, path = found.get("database_url"), found.get("database_path")
    if url is None or path is None or not url.value:
        return
    if url.source == path.source:
        problems.append(Problem(url.name, url.source, "contradicts DATABASE_PATH; keep one of the two"))
        return
    order = [source.name for source in sources]
    if order.index(path.source) < order.index(url.source):
        good.pop("database_url", None)


def _names(field: "attrs.Attribute[Any]") -> tuple[str, ...]:
    return (field.name.upper(), *field.metadata[ALIASES])


_KNOWN = {name for field in attrs.fields(Settings) for name in _names(field)}


def _misspelt(source: _Source) -> Iterator[Problem]:
    shared = source.name in {ENVIRONMENT, DOTENV}
    for name in sorted(set(source.values) - _KNOWN):
        nearest = _nearest(name.upper())
        if shared and nearest is None and not name.upper().startswith("YUMMY_"):
            continue
        if nearest is None:
            # `YUMMY_BIND_PORT` is a likely guess; without the prefix it may be a name that exists.
            nearest = _nearest(name.upper().removeprefix("YUMMY_"), 0.6)
        advice = "" if nearest is None else f"; did you mean {nearest}?"
        yield Problem(name, source.name, f"no such setting{advice}")


def _nearest(name: str, likeness: float = LIKENESS) -> str | None:
    ratios = {known: SequenceMatcher(None, name, known, autojunk=False).ratio() for known in _KNOWN}
    best = max(ratios, key=lambda known: (ratios[known], known))
    return best if ratios[best] >= likeness else None


def _read(path: Path, problems: list[Problem]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        problems.append(Problem("", path.name, "expected UTF-8 text"))
    except OSError as error:
        problems.append(Problem("", path.name, f"cannot be read: {error.strerror}"))
    return ""


def _read_dotenv(path: Path, problems: list[Problem]) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, raw in enumerate(_read(path, problems).splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(line)
        value = None if match is None else _dotenv_value(match[2])
        if match is None or value is None:  # the line is not shown: it may hold a secret
            problems.append(Problem("", f"{path.name}, line {number}", "expected NAME=value, or NAME='value'"))
        elif value:
            values[match[1]] = value
    return values


def _dotenv_value(text: str) -> str | None:
    """The value without its quotes or the remark behind it; None if a quote is not closed."""
    if not text.startswith(('"', "'")):
        return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()
    value, closed, rest = text[1:].partition(text[0])
    return value if closed and re.fullmatch(r"(\s*|\s+#.*)", rest) else None


def _read_toml(path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        tables = tomllib.loads(_read(path, problems))
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem("", path.name, f"no valid TOML: {error}"))
        return {}
    own = tables.pop("yummy", {})
    if not isinstance(own, dict):
        problems.append(Problem("yummy", path.name, "expected a table: [yummy]"))
        own = {}
    values: dict[str, Any] = {}
    for name, value in (*tables.items(), *own.items()):
        if name.upper() in values:
            problems.append(Problem(name, path.name, "stands there twice; keep one"))
        values[name.upper()] = value
    return values
