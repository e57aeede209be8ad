"""What the commands share: the option that names the database, loading the settings, and complaining.

Heavy imports stay inside the functions, as in `yummy.cli`.
"""
# ruff: noqa: PLC0415  # imports stay inside, for the reason above

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from yummy.settings import Settings

#: The exit code for settings that are not usable, as for options that are not (click's own).
EXIT_USAGE = 2


def database_option[F: Callable[..., Any]](command: F) -> F:
    """Give a command the option that names the database."""
    return click.option("--database", metavar="FILE|URL", help="SQLite file, or sqlite:///FILE.")(command)


def database_setting(name: str | None) -> dict[str, str | None]:
    """The setting that the value of `database_option` is for."""
    return {"DATABASE_URL" if name is not None and "://" in name else "DATABASE_PATH": name}


def load(options: dict[str, str | None], *, with_secrets: bool = False) -> "Settings":
    """The settings; or, if they are not usable, a report of all that is wrong with them, and the end."""
    from yummy import salt, sources
    from yummy.settings import SettingsError

    try:
        settings = sources.load(options)
        return salt.with_secrets(settings) if with_secrets else settings
    except SettingsError as error:
        complain("The settings are not usable", [str(problem) for problem in error.problems])
        raise SystemExit(EXIT_USAGE) from None


def complain(title: str, lines: list[str]) -> None:
    """Say on standard error what is wrong."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text(f"{title}:", style="bold red"))
    for line in lines:
        console.print(Text(f"  {line}"))
