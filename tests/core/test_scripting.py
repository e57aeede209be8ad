"""What scripts read of rooms and users, and what becomes of what they ask for."""

import pytest

from yummy.core.scripting import apply_write, room_snapshot, scripted_keys, user_snapshot
from yummy.core.values import Meta, Session
from yummy.hooks import calls
from yummy.protocol.errors import Refusal
from yummy.protocol.messages import DisconnectedFromRoom, MessageFromRoom, RawMessage, UserDisconnectedFromRoom


@pytest.fixture
def work(scene):
    """The work of Ada, who is in a room with Bob."""
    for name in ("ada", "bob"):
        scene.user(name, metas={"k": Meta(1, 6)})
    scene.room("ada", "bob", metas={"board": Meta([1], 5)})
    return scene.begin("ada")


def write(work, *writes):
    for one in writes:
        apply_write(work.uow, one, work.settings)


def seen_room(work, room_id="room"):
    return room_snapshot(work.uow, work.uow.room(room_id))


def seen_user(work, user_id):
    return user_snapshot(work.uow, work.uow.account(user_id))


def sent(work):
    return [(item.event, item.sessions) for item in work.uow.deliveries]


def test_a_script_sees_all_of_a_room_and_of_a_user(work):
    room, user = seen_room(work), seen_user(work, "ada")

    assert ({"board": ([1], 5)}, (("ada", "Ada", 3), ("bob", "Bob", 1))) == (room.metas, room.members)
    assert ({"k": (1, 6)}, "Ada", True) == (user.metas, user.name, user.online)


def test_a_script_reads_its_own_writes_at_any_level(work):
    write(
        work,
        calls.SetRoomMeta("room", "n", 1, 5),
        calls.RemoveRoomMeta("room", "board"),
        calls.SetUserMeta("bob", "n", None, 6),
    )

    assert {"n": (1, 5)} == seen_room(work).metas
    assert {"k": (1, 6), "n": (None, 6)} == seen_user(work, "bob").metas
    write(work, calls.RemoveRoomMetas("room"), calls.RemoveUserMeta("ada", "k"), calls.RemoveUserMetas("bob"))
    assert ({}, {}) == (seen_room(work).metas, seen_user(work, "bob").metas)
    assert {} == seen_user(work, "ada").metas


@pytest.mark.parametrize(
    "one",
    [
        calls.SetRoomMeta("gone", "k", 1, 5),
        calls.SetUserMeta("gone", "k", 1, 5),
        calls.KickFromRoom("room", "gone"),
        calls.KickFromRoom("gone", "ada"),
        calls.SetRoomMeta("room", "x" * 65, 1, 5),
        calls.SetRoomMeta("room", "k", "x" * 5000, 5),
    ],
)
def test_a_write_that_does_not_fit_is_refused(work, one):
    with pytest.raises(Refusal):
        write(work, one)

    assert ([], []) == (work.uow.staged, work.uow.deliveries)


def test_scripts_keep_the_bounds_of_metadata(work):
    write(work, *(calls.SetRoomMeta("room", f"k{number}", 1, 5) for number in range(9)))

    with pytest.raises(Refusal, match="Meta limit"):
        write(work, calls.SetRoomMeta("room", "one-more", 1, 5))


def test_messages_go_to_members_as_they_stand(work):
    write(
        work,
        calls.MessageToRoom("room", "a"),
        calls.KickFromRoom("room", "bob"),
        calls.MessageToRoom("room", "b"),
        calls.MessageToRoomUser("room", "bob", "c"),
        calls.RawMessageToRoom("room", {"type": "X"}),
        calls.MessageToUser("bob", {"type": "Y"}),
    )

    assert [
        (MessageFromRoom("room", "a"), ("s-ada", "s-bob")),
        (DisconnectedFromRoom("room"), ("s-bob",)),
        (UserDisconnectedFromRoom("bob", "room"), ("s-ada",)),
        (MessageFromRoom("room", "b"), ("s-ada",)),
        (RawMessage({"type": "X"}), ("s-ada",)),
        (RawMessage({"type": "Y"}), ("s-bob",)),
    ] == sent(work)


def test_a_message_reaches_the_session_that_has_just_begun_and_none_that_has_just_ended(work):
    work.uow.put_session(Session("s-new", "bob", 7))
    work.uow.drop_session("s-bob")

    write(work, calls.MessageToUser("bob", {"type": "Y"}))

    assert [(RawMessage({"type": "Y"}), ("s-new",))] == sent(work)
    assert seen_user(work, "bob").online


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        (None, {"a": 1}, {"a"}),
        ({"a": 1}, {"a": 1, "b": 2}, {"b"}),
        ({"a": 1}, {"a": 1.0}, {"a"}),
        ({"a": {"access": 1, "value": 1}}, {"a": {"access": 1, "value": 1}}, set()),
        ({"a": 1}, None, set()),
        ({"a": 1}, {"a": None}, {"a"}),
    ],
)
def test_the_keys_that_a_script_set_are_those_that_differ(before, after, keys):
    assert keys == scripted_keys(before, after)
