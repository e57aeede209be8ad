"""What scripts import from ``yummy``: rooms and users as a hook sees them, what it may do to them, and state.

The API works on the view of the running call, so most of this needs no interpreter: a view of our own is entered.
"""

import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import yummy
from yummy import constants, model, room, user
from yummy.hooks import context
from yummy.hooks.calls import (
    HookCall,
    HookLimits,
    KickFromRoom,
    MessageToRoom,
    MessageToRoomUser,
    MessageToUser,
    Passed,
    RawMessageToRoom,
    RemoveRoomMeta,
    RemoveRoomMetas,
    RemoveUserMeta,
    RemoveUserMetas,
    RoomSnapshot,
    SetRoomMeta,
    SetUserMeta,
    UserSnapshot,
)
from yummy.hooks.frames import packed, room_fields
from yummy.hooks.opening import open_hooks
from yummy.hooks.view import View

REFERENCE = Path(__file__).parent.parent / "hooks"


def room_of(ranks):
    """Room r with these members."""
    members = tuple((user_id, None, rank) for user_id, rank in ranks.items())
    return RoomSnapshot("r", None, None, 0, join_request=False, max_user=0, metas={"k": (1, 0)}, members=members)


def view_of(snapshot, limits=None, warn=lambda _text: None):
    """A view that has a room and user u, and nothing else."""
    made = View(limits or HookLimits(), lambda _kind, _id: None, warn)
    made.begin((packed(snapshot),), (packed(UserSnapshot("u", None, 1, online=True)),))
    return made


@contextmanager
def running(entered):
    """A call with this view runs."""
    context.running.view = entered
    try:
        yield
    finally:
        context.running.view = None


@pytest.fixture
def warned():
    return []


@pytest.fixture
def view(warned):
    """The running call's view: room r1 and user u1 came with it, room r2 can be fetched, nothing else exists."""
    hall = RoomSnapshot(
        room_id="r1",
        name="Hall",
        description="d",
        access_type=0,
        join_request=True,
        max_user=4,
        tags=("chess",),
        metas={"board": ([1, [2]], 5), "none": (None, 0)},
        members=(("u1", "Ada", 3), ("u2", None, 1)),
        banned=("u9",),
    )
    other = RoomSnapshot("r2", None, None, 1, join_request=False, max_user=0)
    ada = UserSnapshot("u1", "Ada", 2, online=True, email="a@b", metas={"score": (3, 1)}, insert_date=5)

    def fetch(kind, subject_id):
        return room_fields(other) if (kind, subject_id) == ("room", "r2") else None

    entered = View(HookLimits(max_room_meta=4, max_user_meta=2), fetch, warned.append)
    entered.begin((packed(hall),), (packed(ada),))
    context.running.view = entered
    yield entered
    context.running.view = None


def test_a_call_sees_nothing_of_the_one_before():
    entered = view_of(room_of({"u": 1}))
    with running(entered):
        room.set_room_meta("r", "k", 2)
    entered.begin((packed(room_of({"u": 1})),), ())
    with running(entered):
        assert 1 == room.get_room_meta("r", "k")
        assert user.get_user("u") is None
    assert [] == entered.writes


class TestReading:
    def test_a_room(self, view):
        assert room.Room(
            room_id="r1",
            name="Hall",
            description="d",
            access_type=0,
            join_request=True,
            max_user=4,
            tags=("chess",),
            metas={"board": [1, [2]], "none": None},
            members=(room.Member("u1", "Ada", 3), room.Member("u2", None, 1)),
            banned=("u9",),
        ) == room.get_room("r1")
        assert {"u1": 3, "u2": 1} == room.get_room("r1").ranks
        assert constants.ROOM_ACCESS_TYPE_PRIVATE == room.get_room("r2").access_type

    def test_metadata(self, view):
        assert [1, [2]] == room.get_room_meta("r1", "board")
        assert {"board": [1, [2]], "none": None} == room.get_room_metas("r1")
        assert room.get_room_meta("r1", "other") is None
        assert {} == room.get_room_metas("r2")
        assert 3 == user.get_user_meta("u1", "score")
        assert {"score": 3} == user.get_user_metas("u1")
        assert constants.USER_META_ACCESS_USER == user.get_user_meta_access("u1", "score")
        assert user.get_user_meta_access("u1", "other") is None

    def test_a_user(self, view):
        assert user.get_user("u1") == user.User(
            user_id="u1",
            name="Ada",
            user_type=2,
            online=True,
            email="a@b",
            device_id=None,
            custom_id=None,
            metas={"score": 3},
            insert_date=5,
            last_login_date=None,
        )

    def test_what_was_read_is_the_script_s_own(self, view):
        room.get_room_meta("r1", "board").append("x")
        room.get_room_metas("r1")["board"].append("x")
        room.get_room("r1").metas["board"].append("x")
        assert [1, [2]] == room.get_room_meta("r1", "board")
        assert [] == view.writes


class TestUnknownSubjects:
    @pytest.mark.parametrize("room_id", [None, "nowhere"])
    def test_rooms(self, room_id, view, warned):
        assert room.get_room(room_id) is None
        assert room.get_room_meta(room_id, "x") is None
        assert room.get_room_metas(room_id) is None
        assert room.set_room_meta(room_id, "x", 1) is False
        assert room.remove_room_meta(room_id, "x") is False
        assert room.remove_room_metas(room_id) is False
        assert room.message_to_room(room_id, "x") is False
        assert room.message_to_room_user(room_id, "u1", "x") is False
        assert room.raw_message_to_room_user(room_id, {"type": "x"}) is False
        assert room.kick(room_id, "u1") is False
        assert 10 == len(warned)
        assert [] == view.writes

    @pytest.mark.parametrize("user_id", [None, "nobody"])
    def test_users(self, user_id, view, warned):
        assert user.get_user(user_id) is None
        assert user.get_user_meta(user_id, "x") is None
        assert user.get_user_meta_access(user_id, "x") is None
        assert user.get_user_metas(user_id) is None
        assert user.set_user_meta(user_id, "x", 1) is False
        assert user.remove_user_meta(user_id, "x") is False
        assert user.remove_user_metas(user_id) is False
        assert user.message_to_user(user_id, {"type": "x"}) is False
        assert room.message_to_room_user("r1", user_id, "x") is False
        assert room.kick("r1", user_id) is False
        assert 10 == len(warned)
        assert [] == view.writes

    def test_ids_are_texts(self, view):
        with pytest.raises(TypeError, match="room_id is a text, not int 5"):
            room.get_room(5)


class TestWriting:
    def test_writes_are_kept_in_order_and_read_back(self, view):
        assert room.set_room_meta("r1", "turn", "u2", constants.ROOM_META_ACCESS_USER)
        assert room.set_room_meta("r2", "board", (1, constants.USER_TYPE_ADMIN))
        assert room.remove_room_meta("r1", "board")
        assert not room.remove_room_meta("r1", "board")
        assert {"turn": "u2", "none": None} == room.get_room_metas("r1")
        assert [1, 3] == room.get_room_meta("r2", "board")
        assert room.remove_room_metas("r1")
        assert {} == room.get_room_metas("r1")
        assert user.set_user_meta("u1", "score", None, None)
        assert user.get_user_meta("u1", "score") is None
        assert {"score": None} == user.get_user_metas("u1")
        assert user.get_user_meta_access("u1", "score") == constants.USER_META_ACCESS_SYSTEM
        assert user.remove_user_meta("u1", "score")
        assert user.remove_user_metas("u1")
        assert [
            SetRoomMeta("r1", "turn", "u2", 1),
            SetRoomMeta("r2", "board", [1, 3], 5),
            RemoveRoomMeta("r1", "board"),
            RemoveRoomMeta("r1", "board"),
            RemoveRoomMetas("r1"),
            SetUserMeta("u1", "score", None, 6),
            RemoveUserMeta("u1", "score"),
            RemoveUserMetas("u1"),
        ] == view.writes

    def test_messages(self, view, warned):
        message = {"a": (1, b"x")}
        assert room.message_to_room("r1", message)
        assert room.message_to_room_user("r1", "u2", None)
        assert room.raw_message_to_room_user("r1", {"type": "Won"})
        assert user.message_to_user("u1", {"type": "Hello"})
        assert not room.message_to_room_user("r1", "u7", "x")
        assert ["message_to_room_user: user u7 is no member of room r1"] == warned
        message["a"] = "changed later"
        assert [
            MessageToRoom("r1", {"a": [1, b"x"]}),
            MessageToRoomUser("r1", "u2", None),
            RawMessageToRoom("r1", {"type": "Won"}),
            MessageToUser("u1", {"type": "Hello"}),
        ] == view.writes

    def test_who_was_kicked_is_gone_for_the_hook(self, view):
        assert room.kick("r1", "u2")
        assert not room.kick("r1", "u2")
        assert ["u1"] == [member.user_id for member in room.get_room("r1").members]
        assert [KickFromRoom("r1", "u2")] == view.writes

    @pytest.mark.parametrize(
        ("members", "gone", "left"),
        [
            ({"a": 3, "b": 1, "c": 2, "d": 2}, "a", {"b": 1, "c": 3, "d": 2}),
            ({"b": 1, "a": 3, "c": 1}, "a", {"b": 3, "c": 1}),
            ({"a": 3, "b": 2, "c": 1}, "b", {"a": 3, "c": 1}),
            ({"a": 3, "b": 2, "c": 1}, "c", {"a": 3, "b": 2}),
        ],
    )
    def test_an_owner_who_is_kicked_is_succeeded_for_the_hook(self, members, gone, left):
        entered = view_of(room_of(members))
        with running(entered):
            assert room.kick("r", gone)
            assert left == room.get_room("r").ranks
            assert list(left) == [member.user_id for member in room.get_room("r").members]
            assert {"k": 1} == room.get_room_metas("r")

    def test_a_room_that_nobody_is_left_in_is_gone_for_the_hook(self, warned):
        entered = view_of(room_of({"a": 3, "b": 2}), warn=warned.append)
        with running(entered):
            assert room.kick("r", "a")
            assert room.kick("r", "b")
            assert room.get_room("r") is None
            assert room.get_room_metas("r") is None
            assert not room.kick("r", "b")
            assert not room.set_room_meta("r", "k", 1)
            assert not room.message_to_room("r", "x")
        assert [KickFromRoom("r", "a"), KickFromRoom("r", "b")] == entered.writes
        assert 5 == len(warned)

    @pytest.mark.parametrize("content", ["x" * 98, "é" * 49, ["x" * 96], {"k": "x" * 92}, b"x" * 72, [1, 2, b"x" * 69]])
    def test_messages_have_a_bound(self, content, warned):
        entered = view_of(room_of({"a": 3}), HookLimits(message_bytes=100), warned.append)
        larger = {"type": "T", "and": content}
        with running(entered):
            assert room.message_to_room("r", content)
            assert room.message_to_room_user("r", "a", content)
            for size in (content + content[:1], larger) if isinstance(content, str | bytes) else (larger,):
                assert not room.message_to_room("r", size)
                assert not room.message_to_room_user("r", "a", size)
            assert not room.raw_message_to_room_user("r", larger)
            assert not user.message_to_user("u", larger)
            assert user.message_to_user("u", {"type": "T"})
        assert [MessageToRoom, MessageToRoomUser, MessageToUser] == [type(write) for write in entered.writes]
        assert all("larger than 100 bytes" in line for line in warned)

    @pytest.mark.parametrize(
        ("key", "value", "fits"),
        [
            ("k" * 64, 1, True),
            ("k" * 65, 1, False),
            ("é" * 33, 1, False),
            ("k", "x" * 4094, True),
            ("k", "x" * 4095, False),
            ("k", ["é" * 2050], False),
            ("k", 2**63, True),
        ],
    )
    def test_known_limits_answer_false(self, key, value, fits, view, warned):
        assert room.set_room_meta("r1", key, value) is fits
        assert user.set_user_meta("u1", key, value) is fits
        assert len(warned) == (0 if fits else 2)
        assert len(view.writes) == (2 if fits else 0)

    def test_one_key_too_many_answers_false(self, view):
        assert user.set_user_meta("u1", "a", 1)
        assert not user.set_user_meta("u1", "b", 1)
        assert user.set_user_meta("u1", "score", 1)
        assert user.remove_user_meta("u1", "a")
        assert user.set_user_meta("u1", "b", 1)

    @pytest.mark.parametrize(
        "value",
        [object(), {"a": 1}, [{"a": 1}], b"x", float("nan"), 2**64, "\ud800", {1, 2}, {"access": 1, "value": 2}],
    )
    def test_values_that_metadata_cannot_hold(self, value, view):
        with pytest.raises(TypeError, match="set_room_meta: value: "):
            room.set_room_meta("r1", "k", value)
        with pytest.raises(TypeError, match="set_user_meta: value: "):
            user.set_user_meta("nobody", "k", value)
        assert [] == view.writes

    def test_wrong_keys_and_levels(self, view):
        with pytest.raises(TypeError, match="key is a text, not int 1"):
            room.set_room_meta("r1", 1, 1)
        with pytest.raises(ValueError, match=r"access_level 6 is none of 0 \(anonymous\)"):
            room.set_room_meta("r1", "k", 1, 6)
        with pytest.raises(ValueError, match="access_level -1"):
            user.set_user_meta("u1", "k", 1, -1)
        with pytest.raises(TypeError, match="access_level is a number"):
            user.set_user_meta("u1", "k", 1, True)  # noqa: FBT003  # a slip that a script may make

    def test_wrong_messages(self, view):
        deep = []
        for _ in range(40):
            deep = [deep]
        with pytest.raises(TypeError, match="nested too deeply"):
            room.message_to_room("r1", deep)
        with pytest.raises(TypeError, match="object is not plain data"):
            room.message_to_room_user("r1", "u1", object())
        with pytest.raises(TypeError, match="a dict with a type, not str"):
            room.raw_message_to_room_user("r1", "x")
        with pytest.raises(TypeError, match="a dict with a type"):
            user.message_to_user("u1", [])
        assert [] == view.writes

    def test_what_one_call_asks_is_bounded(self, warned):
        entered = View(HookLimits(host_calls=2), lambda _kind, _id: None, warned.append)
        entered.begin((packed(RoomSnapshot("r1", None, None, 0, join_request=False, max_user=0)),), ())
        with running(entered):
            assert room.message_to_room("r1", 1)
            assert room.message_to_room("r1", 1)
            with pytest.raises(RuntimeError, match="HOOK_HOST_CALLS"):
                room.message_to_room("r1", 1)


class TestOutsideOfHooks:
    def test_rooms_and_users_say_so(self):
        with pytest.raises(RuntimeError, match=r"get_room\(\) works only while a hook runs"):
            room.get_room("r1")
        with pytest.raises(RuntimeError, match=r"set_user_meta\(\) works only while a hook runs"):
            user.set_user_meta("u1", "k", 1)

    def test_another_thread_is_told(self, view):
        caught = []

        def run():
            try:
                room.get_room("r1")
            except RuntimeError as error:
                caught.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert "only in the hook's own thread" in caught[0]

    def test_state_says_so(self):
        for use in (lambda: yummy.state["x"], lambda: len(yummy.state), lambda: yummy.state.update(x=1)):
            with pytest.raises(RuntimeError, match="lives in the hook interpreter"):
                use()
        assert "not in the hook interpreter" in repr(yummy.state)

    def test_fail_can_be_tested(self):
        with pytest.raises(yummy.HookFailure, match="no") as caught:
            yummy.fail("no", "mine")
        assert ("no", "mine") == (caught.value.message, caught.value.code)
        assert not isinstance(caught.value, Exception)
        assert yummy.YummyValidationError is yummy.HookFailure


class TestInTheInterpreter:
    async def test_state_is_a_dict(self, tmp_path):
        script = """
import json
from yummy import state
def pre_play(model):
    state["n"] = state.get("n", 0) + 1
    state.setdefault("seen", []).append(model.message)
    state["gone"] = 1
    del state["gone"]
    model.message = [state["n"], state["seen"], sorted(state), "n" in state, len(state), repr(state)]
"""
        (tmp_path / "game.py").write_text(script)
        async with open_hooks(tmp_path, HookLimits()) as host:
            await host.call(HookCall("pre", "play", model.Play(room_id="r", message="a")))
            result = await host.call(HookCall("pre", "play", model.Play(room_id="r", message="b")))
        shown = "{'n': 2, 'seen': ['a', 'b']}"
        assert [2, ["a", "b"], ["n", "seen"], True, 2, shown] == result.changes["message"]

    async def test_scripts_of_the_earlier_rust_server_run_unchanged(self, tmp_path):
        script = """
import yummy
from yummy import model, constants
from yummy.constants import ROOM_TYPE_TYPE_OWNER
BASE_BOARD = {"board": [[None, None], [None, None]], "turn": None}
Board = dict[str, yummy.MetaType]

def pre_create_room(model: model.CreateRoom):
    metas: Board = BASE_BOARD.copy()
    model.set_metas(metas)
    model.set_max_user(2)

def post_create_room(model: model.CreateRoom, successed: bool):
    if not successed:
        return
    yummy.user.set_user_meta(model.get_user_id(), "room", model.get_room_id(), constants.USER_META_ACCESS_SYSTEM)
    yummy.user.set_user_meta(None, "room", "x", None)
    if yummy.room.get_room_metas("unknown") is not None:
        raise yummy.YummyValidationError("unknown room is known")

def pre_play(model: model.Play):
    if model.get_message()["cell"] > 8:
        yummy.fail("Wrong cell")
"""
        (tmp_path / "game.py").write_text(script)
        async with open_hooks(tmp_path, HookLimits()) as host:
            created = await host.call(HookCall("pre", "create_room", model.CreateRoom(user_id="u1")))
            metas = {"board": [[None, None], [None, None]], "turn": None}
            assert Passed({"metas": metas, "max_user": 2}, ()) == created
            done = HookCall(
                "post",
                "create_room",
                model.CreateRoom(user_id="u1", room_id="r1"),
                success=True,
                users=(UserSnapshot("u1", None, 1, online=True),),
            )
            assert Passed({}, (SetUserMeta("u1", "room", "r1", 6),)) == await host.call(done)

    async def test_the_reference_loads_and_costs_nothing(self):
        async with open_hooks(REFERENCE, HookLimits()) as host:
            assert ("reference.py",) == host.scripts
            for name in model.HOOK_MODELS:
                assert not host.wants_either(name)
        text = (REFERENCE / "reference.py").read_text()
        for name, kind in model.HOOK_MODELS.items():
            assert f"def pre_{name}(model: model.{kind.__name__}) -> None:" in text
            assert f"def post_{name}(model: model.{kind.__name__}, success: bool) -> None:" in text
