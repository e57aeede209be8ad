"""What scripts read of rooms and users, and what becomes of what they ask for."""

import attrs
import pytest
from bounds import bounded
from hypothesis import given
from hypothesis import strategies as st

from yummy.core.membership import leave
from yummy.core.scripting import (
    PREFETCH_MEMBERS_MAX,
    apply_write,
    room_snapshot,
    scripted_keys,
    shown_room,
    user_snapshot,
)
from yummy.core.values import Account, Member, Meta, Room, Session
from yummy.hooks import calls
from yummy.pipeline.unit import UnitOfWork
from yummy.protocol.errors import Refusal
from yummy.protocol.messages import DisconnectedFromRoom, MessageFromRoom, RawMessage, UserDisconnectedFromRoom
from yummy.store.world import World


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
    return room_snapshot(work.uow, room_id)


def seen_user(work, user_id):
    return user_snapshot(work.uow, user_id)


def sent(work):
    return [(item.event, item.sessions) for item in work.uow.deliveries]


def test_a_script_sees_all_of_a_room_and_of_a_user(work):
    room, user = seen_room(work), seen_user(work, "ada")

    assert ({"board": ([1], 5)}, (("ada", "Ada", 3), ("bob", "Bob", 1))) == (room.metas, room.members)
    assert ({"k": (1, 6)}, "Ada", True) == (user.metas, user.name, user.online)


def test_what_has_not_changed_is_shown_as_it_was_made_for_the_last_message(work, scene):
    room, user = seen_room(work), seen_user(work, "ada")

    assert seen_room(scene.begin("bob")) is room
    assert seen_user(scene.begin("bob"), "ada") is user


def test_a_change_of_a_room_or_of_a_member_s_account_is_seen(work, scene):
    seen_room(work), seen_user(work, "ada")

    scene.world.put_account(attrs.evolve(scene.world.accounts["ada"], name="Countess"))
    assert (("ada", "Countess", 3), ("bob", "Bob", 1)) == seen_room(work).members
    assert "Countess" == seen_user(work, "ada").name
    scene.world.put_room("room", attrs.evolve(scene.world.rooms["room"], name="Hall"))
    assert "Hall" == seen_room(work).name


def test_what_one_message_has_written_is_not_shown_to_another(work, scene):
    seen_room(work), seen_user(work, "bob")
    write(work, calls.RemoveRoomMetas("room"), calls.RemoveUserMetas("bob"))
    assert ({}, {}) == (seen_room(work).metas, seen_user(work, "bob").metas)

    other = scene.begin("bob")
    assert ({"board": ([1], 5)}, {"k": (1, 6)}) == (seen_room(other).metas, seen_user(other, "bob").metas)


def test_who_goes_offline_is_shown_as_each_message_has_loaded_them(work, scene):
    bob = scene.world.accounts["bob"]
    assert seen_user(work, "bob").online
    scene.world.put_session("s-bob", None)

    # What this message was shown stays readable.
    assert (("ada", "Ada", 3), ("bob", "Bob", 1)) == seen_room(work).members
    work.uow.load([attrs.evolve(bob, name="Bobby")])
    assert (("ada", "Ada", 3), ("bob", "Bobby", 1)) == seen_room(work).members
    assert (False, "Bobby") == (seen_user(work, "bob").online, seen_user(work, "bob").name)
    assert (("ada", "Ada", 3), ("bob", None, 1)) == seen_room(scene.begin("ada")).members


def test_a_large_room_is_not_sent_along_and_nothing_is_made_of_it(work, scene):
    users = [f"u{number}" for number in range(PREFETCH_MEMBERS_MAX + 1)]
    scene.room(*users[:-1], id="small")
    scene.room(*users, id="large")

    assert "small" == shown_room(work.uow, "small").room_id
    assert (None, None) == (shown_room(work.uow, "large"), shown_room(work.uow, "no room"))
    work.uow.put_room(attrs.evolve(work.uow.room("large"), name="Hall"))
    assert shown_room(work.uow, "large") is None
    assert "large" not in scene.world.shown_rooms
    assert len(users) == len(seen_room(work, "large").members)


def test_what_was_shown_is_forgotten_with_the_room_and_the_user(work, scene):
    seen_room(work), seen_user(work, "ada")
    scene.world.put_room("room", None)
    scene.world.put_session("s-ada", None)
    assert ({}, {}) == (scene.world.shown_rooms, scene.world.shown_users)


USERS = ("ada", "bob")
ROOMS = ("r1", "r2")


@given(
    st.lists(
        st.tuples(st.just("room"), st.sampled_from(ROOMS), st.none() | st.lists(st.sampled_from(USERS), unique=True))
        | st.tuples(st.just("session"), st.sampled_from(USERS), st.integers(0, 1), st.booleans())
        | st.tuples(st.just("account"), st.sampled_from(USERS), st.sampled_from(["A", "B"])),
        max_size=30,
    )
)
@bounded(200)
def test_whatever_happens_what_is_shown_is_what_there_is(steps):
    """Each is looked at after each step, so that whatever can be remembered is."""
    world = World()
    for what, name, *more in steps:
        match what, more:
            case "room", [members]:
                sessions = {user: world.sessions_of(user) for user in members or ()}
                there = {user: Member(1, theirs) for user, theirs in sessions.items() if theirs}
                world.put_room(name, Room(name, 1, members=there) if there else None)
            case "session", [number, True]:
                world.put_session(f"{name}{number}", Session(f"{name}{number}", name, None))
            case "session", [number, False]:
                # As in a commit: the session first, and then the rooms that it has left.
                world.put_session(f"{name}{number}", None)
                for room in list(world.rooms.values()):
                    world.put_room(room.id, leave(room, name) if name in room.members else room)
            case "account", [called]:
                world.put_account(Account(name, 1, name=called))
        shown = [room_snapshot(UnitOfWork(world), one) for one in ROOMS]
        shown += [user_snapshot(UnitOfWork(world), one) for one in USERS]
        world.shown_rooms.clear()
        world.shown_users.clear()
        assert [room_snapshot(UnitOfWork(world), one) for one in ROOMS] == shown[:2]
        assert [user_snapshot(UnitOfWork(world), one) for one in USERS] == shown[2:]


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
