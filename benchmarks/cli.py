"""The command line: one command for each measurement."""

import click

from benchmarks.closed_loop import load_command
from benchmarks.edits import edits
from benchmarks.enumeration import enumeration
from benchmarks.hooks import hooks
from benchmarks.soak import soak
from benchmarks.soak_hooks import soak_hooks
from benchmarks.spin import spin


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Measure Yummy servers.

    `ask`, `relay` and `play` put load on a server that runs already. The others start servers of their own, on
    loopback, and compare what they measure within one run. Each figure belongs to the run that it was taken in, and to
    the machine; compare ratios only.
    """


for _command in (
    load_command("ask", "Ask for one's own account, again and again."),
    load_command("relay", "Send messages in rooms."),
    load_command("play", "Make moves in rooms."),
    hooks,
    spin,
    edits,
    soak_hooks,
    soak,
    enumeration,
):
    main.add_command(_command)
