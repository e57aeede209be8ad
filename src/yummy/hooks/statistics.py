"""What the hook engine counts, and what it tells of that."""

from attrs import define, frozen


@frozen
class HookStatistics:
    """What the hook engine has done since its start.

    Attributes:
        revision: The number of the revision that serves.
        calls: Calls that were sent to scripts.
        passed: Calls whose hooks all returned.
        failed: Calls that a script refused by ``fail``.
        crashed: Calls that ended by an error.
        refused: Calls that found the queue full.
        waiting: Calls that wait or run at this moment.
        most_waiting: The largest number of these so far.
        fetches: Times that a hook looked at what its call did not carry.
        lines: Lines that scripts printed or logged.
        state_bytes: Bytes of the latest copy of ``yummy.state``.
    """

    revision: int
    calls: int
    passed: int
    failed: int
    crashed: int
    refused: int
    waiting: int
    most_waiting: int
    fetches: int
    lines: int
    state_bytes: int


@define
class Counts:
    """The running counts behind `HookStatistics`."""

    calls: int = 0
    passed: int = 0
    failed: int = 0
    crashed: int = 0
    refused: int = 0
    most_waiting: int = 0
    fetches: int = 0
    lines: int = 0
