"""Scripts in a folder, loaded by the real host into a real interpreter."""

from contextlib import asynccontextmanager

import pytest

from yummy import model
from yummy.hooks.calls import HookCall, HookLimits, RoomSnapshot, UserSnapshot
from yummy.hooks.opening import open_hooks


@pytest.fixture
def write_scripts(tmp_path):
    """Write scripts into a folder: ``write_scripts(game="...")``, or ``{"pkg/sub.py": "..."}``; returns it."""
    folder = tmp_path / "hooks"

    def write(files=None, /, **scripts):
        folder.mkdir(exist_ok=True)
        for path, text in {**(files or {}), **{f"{name}.py": text for name, text in scripts.items()}}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write


@pytest.fixture
def serve_scripts(write_scripts):
    """A host that has loaded scripts: ``async with serve_scripts("text of game.py") as host``."""

    @asynccontextmanager
    async def serve(game=None, /, *, files=None, limits=None, **scripts):
        if game is not None:
            scripts["game"] = game
        folder = write_scripts(files, **scripts)
        async with open_hooks(folder, limits or HookLimits(debug=True)) as host:
            yield host

    return serve


@pytest.fixture
def pre_play():
    """A call of ``pre_play``."""

    def make(message="hi", **options):
        play = model.Play(user_id="u1", session_id="s1", request_id=7, room_id="r1", message=message)
        return HookCall("pre", "play", play, about=lambda: {"type": "Play", "user": "u1", "room": "r1"}, **options)

    return make


@pytest.fixture
def room():
    """A room with two members and one key of metadata."""
    return RoomSnapshot(
        room_id="r1",
        name="Hall",
        description=None,
        access_type=0,
        join_request=False,
        max_user=4,
        tags=("chess",),
        metas={"board": ([1, [2]], 5)},
        members=(("u1", "Ada", 3), ("u2", None, 1)),
        banned=("u9",),
    )


@pytest.fixture
def user():
    """A user with one key of metadata."""
    return UserSnapshot(user_id="u1", name="Ada", user_type=1, online=True, metas={"score": (3, 1)}, insert_date=5)
