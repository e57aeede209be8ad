"""The command line: ``python -m yummy``.

It reads the settings, sets up the logs and hands over. Heavy imports stay inside the commands, so that ``--help`` and
``--version`` are quick.
"""
# ruff: noqa: PLC0415  # imports stay inside the commands, for the reason above

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yummy.cli_parts import EXIT_USAGE, complain, database_option, database_setting, load
from yummy.cli_user import user
from yummy.version import __version__

if TYPE_CHECKING:
    from yummy.checking.problems import Findings

#: The exit code of a check that somebody has interrupted: 128 and the number of the signal, as shells count.
EXIT_INTERRUPTED = 130


class _ServeUnlessNamed(click.Group):
    """A group whose command ``serve`` need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name ``serve`` where a command line begins with one of its options, or is empty."""
        if not args or (args[0].startswith("-") and args[0] not in {"-h", "--help", "--version"}):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ServeUnlessNamed, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yummy")
def main() -> None:
    """Yummy, a multiplayer game server whose game logic is plain Python scripts.

    Without a command, and with options of `serve` alone, it serves. All settings can also come from the
    environment, from .env and from yummy.toml in the working directory; options win.
    """


@main.command()
@click.option("--hooks", metavar="DIR", help="Folder of the hook scripts.  [default: hooks]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="NUMBER", help="Port to listen on; 0 picks a free one.  [default: 9090]")
@database_option
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.  [default: info]")
@click.option("--log-format", metavar="FORMAT", help="console or json.  [default: console]")
@click.pass_context
def serve(  # one argument for each option
    ctx: click.Context,
    *,
    hooks: str | None,
    host: str | None,
    port: str | None,
    database: str | None,
    log_level: str | None,
    log_format: str | None,
) -> None:
    """Run the server until it is told to stop (Ctrl-C, or SIGTERM)."""
    settings = load(
        {
            "DEFAULT_PYTHON_FILES_PATH": hooks,
            "BIND_IP": host,
            "BIND_PORT": port,
            "LOG_LEVEL": log_level,
            "LOG_FORMAT": log_format,
            **database_setting(database),
        },
        with_secrets=True,
    )

    import structlog

    from yummy.ending import exit_at_once
    from yummy.logs import configure
    from yummy.parts import StartupError
    from yummy.server import run

    configure(settings.log_level, settings.log_format, server_name=settings.server_name)
    if settings.development:
        structlog.get_logger("yummy").warning(
            "development mode: convenient for one machine; set YUMMY_ENV=production before players come"
        )
    try:
        code = run(settings)
    except StartupError as error:
        complain("Yummy cannot start", str(error).splitlines())
        code = error.exit_code
        if error.stuck:
            exit_at_once(code)
    ctx.exit(code)


@main.command()
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--run", is_flag=True, help="Call each hook with sample models, too, under the guard and the deadline.")
@click.option("--strict", is_flag=True, help="Let warnings fail the check.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
@click.pass_context
def check(ctx: click.Context, *, folder: str | None, run: bool, strict: bool, form: str) -> None:
    """Check the hook scripts in DIR without a server.

    Without DIR, those that a server would load here. The scripts are loaded by the engine that serves, with the
    settings of this place. Exit code 0 means that nothing is wrong, 1 that something is.
    """
    settings = load({"DEFAULT_PYTHON_FILES_PATH": folder})
    path = settings.default_python_files_path
    if not path.is_dir():
        complain("Nothing was checked", [f"there is no folder {path}"])
        ctx.exit(EXIT_USAGE)

    from yummy.checking.examination import examine
    from yummy.ending import exit_at_once
    from yummy.hooks.bounds import hook_limits

    try:
        findings = examine(path, settings, hook_limits(settings), run=run, strict=strict)
    except KeyboardInterrupt:
        # A script may hold its thread, which nobody waits for now.
        exit_at_once(EXIT_INTERRUPTED)
    if form == "json":
        import json

        click.echo(json.dumps(findings.to_plain(), indent=2))
    else:
        _show(findings)
    code = 0 if findings.ok else 1
    if findings.stuck:
        exit_at_once(code)
    ctx.exit(code)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The game's name.  [default: that of the folder]")
@click.pass_context
def new(ctx: click.Context, *, folder: Path, name: str | None) -> None:
    """Make a game to begin with in DIR: a script, its test, and what they need. It passes test and check at once."""
    from yummy.starter import StarterError, make

    try:
        made = make(folder, name)
    except StarterError as error:
        complain("Nothing was made", [str(error)])
        ctx.exit(EXIT_USAGE)
    click.echo(f"Made in {folder}:")
    for path in made:
        click.echo(f"  {path}")
    click.echo("\nNext:")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        "python -m yummy",
        "python -m pytest",
        "python -m yummy check --run",
    ):
        click.echo(f"  {line}")


main.add_command(user)


def _show(findings: "Findings") -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    styles = {"error": "bold red", "warning": "bold yellow", "info": "bold blue"}
    for problem in findings.problems:
        heading, separator, rest = _printable(problem.text).partition(": ")
        console.print(Text.assemble((heading, styles[problem.severity]), separator, rest, "\n"))
    console.print(Text(findings.summary, style="bold green" if findings.ok else "bold red"))


def _printable(text: str) -> str:
    """A text in which nothing steers the terminal, or cannot be written; what scripts say may hold anything."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else sign.encode("unicode_escape").decode() for sign in text
    )
