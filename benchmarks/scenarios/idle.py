"""Players who are there and do nothing."""

from benchmarks.scenarios.stage import Scenario, Stage


def _prepare(stage: Stage) -> None:
    for number in stage.numbers:
        wire, _ = stage.come(number)
        stage.hold(wire)


IDLE = Scenario(
    "Connect, log in and stay.",
    _prepare,
    details="With --server-pid, the report says how much memory each of them costs the server: it should have been "
    "started just before, since memory that it has already is used again.",
    paced=False,
)
