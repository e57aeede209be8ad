"""Players who ask, each for itself: nobody else hears of it."""

import itertools

from benchmarks.frames import request_frame
from benchmarks.line import Line, in_turn
from benchmarks.record import Record
from benchmarks.scenarios.stage import Scenario, Stage


def _prepare(stage: Stage) -> None:
    for number in stage.numbers:
        wire, _ = stage.come(number)
        room_id = wire.ask("CreateRoom", name=stage.name(number))["room_id"]
        frames = itertools.cycle([request_frame("Me"), request_frame("GetRoom", room_id=room_id)])
        stage.add(Line(wire, in_turn(frames), stage.record, ahead=stage.plan.ahead))


def _prepare_with_a_spinner(stage: Stage) -> None:
    _prepare(stage)
    if stage.plan.first:  # there is one, in the first process
        return
    spins = Record()
    wire, _ = stage.come(stage.plan.connections)
    room_id = wire.ask("CreateRoom", name="spins")["room_id"]
    stage.repeat(wire, "Play", spins, room_id=room_id, message={"steps": 0})

    def objection() -> str:
        stage.notes["spins that ran out of time"] = spins.refused["hook_timeout"]
        strange = ["success"] if spins.latency.count else [code for code in spins.refused if code not in _SPUN]
        return (
            f"The move that should spin was answered by {strange[0]}: no hook spins. {_SPIN_NEEDS}" if strange else ""
        )

    stage.objection = objection


_SPUN = {"hook_timeout", "busy"}
_SPIN_NEEDS = "Start the server with --hooks benchmarks/spinning_hooks."

ASK = Scenario(
    "Ask for one's own account and room (Me and GetRoom in turn).",
    _prepare,
    details="No hook and no other player takes part: what is measured is the way of a message alone.",
)
PIPELINED = Scenario(
    "Ask with 16 requests in flight on each connection.",
    _prepare,
    details="What the server bears when it has never to wait for a player.",
    ahead=16,
)
SPIN = Scenario(
    "Ask, while one more player's hook spins until its deadline, again and again.",
    _prepare_with_a_spinner,
    details="The players who ask have no hook: their latency should be what it is without the spinner (ask). "
    "The spinner itself is not measured.",
    needs=_SPIN_NEEDS,
)
