"""The scripts that the servers of the benchmarks run, as texts of one file each."""

from pathlib import Path

#: The least that a pair of hooks can do: what it costs is what the engine costs.
ADDITION = """
moves = 0


def pre_play(model):
    global moves
    moves += 1


def post_play(model, success):
    global moves
    moves += 1
"""

#: What a small game does: check the move, count it, and keep one key of the room's metadata.
LIGHT = """
from yummy import fail, room

moves = 0


def pre_play(model):
    cell = model.message.get("cell") if isinstance(model.message, dict) else None
    if not isinstance(cell, int) or not 0 <= cell < 9:
        fail("There is no such cell", "no_such_cell")


def post_play(model, success):
    global moves
    if success:
        moves += 1
        room.set_room_meta(model.room_id, "moves", moves)
"""

#: Hooks that keep their interpreter busy. The one C call ends some time, or its thread would never give its core back.
SPINNING = (Path(__file__).parent / "spinning_hooks" / "spinning.py").read_text(encoding="utf-8")

#: Each message says what shall go wrong with it, and where. The room hears which revision ran.
TROUBLED = """
from yummy import fail, state

REVISION = {revision}

kept = [None]
state.setdefault("calls", 0)


def go_wrong(model):
    if model.message["do"] == "error":
        return {{}}["missing"]
    if model.message["do"] == "fail":
        fail("Not like this", "refused")
    if model.message["do"] == "late":
        while True:
            pass
    if model.message["do"] == "keep":
        kept[0] = model


def pre_play(model):
    if model.message["do"] == "count":
        fail(str(state["calls"]), "count")
    state["calls"] += 1
    if model.message["half"] == "pre":
        go_wrong(model)
    model.message = {{**model.message, "revision": REVISION}}


def post_play(model, success):
    state["calls"] += 1
    if model.message["half"] == "post":
        go_wrong(model)
"""

#: The room hears which revision ran; it fails if pre and post of one message were not of the same.
EDITED = """
from yummy import fail, room

REVISION = {revision}


def pre_play(model):
    model.message = {{"revision": REVISION}}


def post_play(model, success):
    if model.message != {{"revision": REVISION}}:
        fail("pre and post were not of one revision", "torn")
    room.set_room_meta(model.room_id, "revision", REVISION)
"""

#: Counts the sessions that begin and end, and plays a little. Who asks for it is told the counts and the revision.
CHURNED = """
from yummy import fail, room, state

REVISION = {revision}

state.setdefault("begun", 0)
state.setdefault("ended", 0)


def post_user_connected(model, success):
    state["begun"] += success


def post_user_disconnected(model, success):
    state["ended"] += 1


def pre_play(model):
    do = model.message["do"]
    if do == "tell":
        fail(f"{{REVISION}} {{state['begun']}} {{state['ended']}}", "told")
    if do == "fail":
        fail("Not like this", "refused")
    if do == "error":
        return {{}}["missing"]


def post_play(model, success):
    if success:
        room.set_room_meta(model.room_id, "revision", REVISION)
"""
