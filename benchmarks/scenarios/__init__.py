"""What load there is to be put on a server: a table of names, and one value for each."""

from collections.abc import Mapping

from benchmarks.scenarios.asking import ASK, PIPELINED, SPIN
from benchmarks.scenarios.games import PLAY
from benchmarks.scenarios.idle import IDLE
from benchmarks.scenarios.rooms import BROADCAST, RELAY, SLOW_READERS
from benchmarks.scenarios.stage import Scenario, Stage
from benchmarks.scenarios.storms import LOGIN, RECONNECT

SCENARIOS: Mapping[str, Scenario] = {
    "ask": ASK,
    "pipelined": PIPELINED,
    "relay": RELAY,
    "broadcast": BROADCAST,
    "slow-readers": SLOW_READERS,
    "play": PLAY,
    "spin": SPIN,
    "login": LOGIN,
    "reconnect": RECONNECT,
    "idle": IDLE,
}

__all__ = ["SCENARIOS", "Scenario", "Stage"]
