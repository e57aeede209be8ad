"""What the hook engine counts, and what it tells of that."""

import os
from pathlib import Path

from attrs import define, frozen


@frozen
class HookStatistics:
    """What the hook engine has done since its start.

    Attributes:
        revision: The number of the revision that serves.
        calls: Calls that were sent to scripts.
        passed: Calls whose hooks all returned.
        failed: Calls that a script refused by ``fail``.
        crashed: Calls that ended by an error, time-outs included.
        timeouts: Calls that ended because they ran too long.
        refused: Calls that found the queue full.
        waiting: Calls that wait or run at this moment.
        most_waiting: The largest number of these so far.
        fetches: Times that a hook looked at what its call did not carry.
        lines: Lines that scripts printed or logged.
        state_bytes: Bytes of the latest copy of ``yummy.state``.
        loads: Loads of scripts that were accepted.
        refused_loads: Loads of scripts that were not.
        given_up: Interpreters that were given up.
        spinning: Of these, how many still run.
        live_objects: Containers that lived in the interpreter at the last load; an estimate of what scripts hold.
        reports: How many reports of each kind were made.
    """

    revision: int
    calls: int
    passed: int
    failed: int
    crashed: int
    timeouts: int
    refused: int
    waiting: int
    most_waiting: int
    fetches: int
    lines: int
    state_bytes: int
    loads: int
    refused_loads: int
    given_up: int
    spinning: int
    live_objects: int
    reports: dict[str, int]


@define
class Counts:
    """The running counts behind `HookStatistics`."""

    calls: int = 0
    passed: int = 0
    failed: int = 0
    crashed: int = 0
    timeouts: int = 0
    refused: int = 0
    most_waiting: int = 0
    fetches: int = 0
    lines: int = 0
    loads: int = 0
    refused_loads: int = 0
    given_up: int = 0
    live_objects: int = 0


def resident_bytes() -> int:
    """The memory of this process that is in use, in bytes; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
