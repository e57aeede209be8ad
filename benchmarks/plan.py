"""What one process of a load is to do, as a value that crosses to it. Pure."""

from typing import Any

import attrs

from benchmarks.wire import Where


@attrs.frozen
class Plan:
    """The load of one process.

    Attributes:
        scenario: Its name in the table.
        where: The server.
        first: The number of its first player; of several processes, each has players of its own.
        connections: Its players.
        rate: Its requests a second; None for a closed loop.
        ahead: Requests that each player may have in flight.
        warm_up: Seconds at the beginning that do not count.
        duration: Seconds after these.
        room_size: Players in each room.
        message_bytes: How much longer than the shortest the messages are.
        slow: The share of the players who read nothing.
        by: What players log in by: "email" or "device".
        shared: What the first process has made for all, by its name.
    """

    scenario: str
    where: Where
    first: int
    connections: int
    rate: float | None
    ahead: int
    warm_up: float
    duration: float
    room_size: int = 4
    message_bytes: int = 0
    slow: float = 0.25
    by: str = "email"
    shared: dict[str, Any] = attrs.field(factory=dict)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return attrs.asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Plan":
        """What `plain` gave."""
        return cls(**{**plain, "where": Where(**plain["where"])})


def split(plan: Plan, processes: int, together: int) -> list[Plan]:
    """Share a load out among processes, and its rate by their players.

    Args:
        plan: The whole load.
        processes: How many, at most.
        together: Players who stay together in one process.
    """
    groups = -(-plan.connections // together)
    processes = min(processes, groups)
    plans, first = [], 0
    for number in range(processes):
        until = min(plan.connections, groups * (number + 1) // processes * together)
        share = (until - first) / plan.connections
        rate = None if plan.rate is None else plan.rate * share
        plans.append(attrs.evolve(plan, first=first, connections=until - first, rate=rate))
        first = until
    return plans
