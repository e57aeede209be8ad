"""The command line: one command for each measurement."""

import click

from benchmarks.comparing import compare
from benchmarks.edits import edits
from benchmarks.enumeration import enumeration
from benchmarks.hooks import hooks
from benchmarks.run import run
from benchmarks.soak import soak
from benchmarks.soak_hooks import soak_hooks
from benchmarks.spin import spin


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Measure Yummy servers.

    `run` puts load on a server that runs already, and `compare` compares two such runs. The others start servers of
    their own, on loopback, and compare what they measure within one run. Each figure belongs to the run that it was
    taken in, and to the machine; compare ratios only.
    """


for _command in (run, compare, hooks, spin, edits, soak_hooks, soak, enumeration):
    main.add_command(_command)
