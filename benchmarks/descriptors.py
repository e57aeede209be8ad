"""Whether this process may hold as many connections as somebody asks for on the command line."""

import click

from benchmarks.kernel import OTHER_DESCRIPTORS, raise_descriptors


def allow(connections: int, otherwise: str) -> None:
    """Let this process, and those that it starts, have so many connections.

    Args:
        connections: How many, at a time.
        otherwise: What to do if they cannot be had, beside raising the limit.

    Raises:
        click.UsageError: The system does not let them.
    """
    wanted = connections + OTHER_DESCRIPTORS
    if (allowed := raise_descriptors(wanted)) < wanted:
        raise click.UsageError(
            f"A process may have {allowed} open files here, and {wanted} are wanted: {otherwise}, or raise the limit "
            "(ulimit -n)."
        )
