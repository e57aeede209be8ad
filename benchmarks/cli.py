"""The command line: one command for each measurement."""

from collections.abc import Mapping
from importlib import import_module

import click

#: Where each command is; its name there is the same with underscores.
COMMANDS: Mapping[str, str] = {
    "run": "benchmarks.run",
    "compare": "benchmarks.comparing",
    "peers": "benchmarks.peers.command",
    "micro": "benchmarks.micro.command",
    "growth": "benchmarks.growth.command",
    "hooks": "benchmarks.hooks",
    "spin": "benchmarks.spin",
    "edits": "benchmarks.edits",
    "soak-hooks": "benchmarks.soak_hooks",
    "soak": "benchmarks.soak",
    "enumeration": "benchmarks.enumeration",
}


class Commands(click.Group):
    """The commands, each of which is imported when it is wanted: some of them bring the whole server along."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it
        """All names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click passes it
        """The command of this name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Measure Yummy servers.

    `run` puts load on a server that runs already, and `compare` compares two such runs. The others start servers of
    their own, on loopback, and compare what they measure within one run. Each figure belongs to the run that it was
    taken in, and to the machine; compare ratios only.
    """
