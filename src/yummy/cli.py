"""The command line: ``python -m yummy``.

It reads the settings, sets up the logs and hands over. Heavy imports stay inside the commands, so that ``--help`` and
``--version`` are quick.
"""
# ruff: noqa: PLC0415  # imports stay inside the commands, for the reason above

import click

from yummy.cli_parts import complain as _complain
from yummy.cli_parts import database_option as _database_option
from yummy.cli_parts import database_setting as _database
from yummy.cli_parts import load as _load
from yummy.cli_user import user
from yummy.version import __version__


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
@_database_option
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
    settings = _load(
        {
            "DEFAULT_PYTHON_FILES_PATH": hooks,
            "BIND_IP": host,
            "BIND_PORT": port,
            "LOG_LEVEL": log_level,
            "LOG_FORMAT": log_format,
            **_database(database),
        },
        with_secrets=True,
    )

    import structlog

    from yummy.logs import configure
    from yummy.server import StartupError, exit_at_once, run

    configure(settings.log_level, settings.log_format, server_name=settings.server_name)
    if settings.development:
        structlog.get_logger("yummy").warning(
            "development mode: convenient for one machine; set YUMMY_ENV=production before players come"
        )
    try:
        code = run(settings)
    except StartupError as error:
        _complain("Yummy cannot start", str(error).splitlines())
        code = error.exit_code
        if error.stuck:
            exit_at_once(code)
    ctx.exit(code)


main.add_command(user)
