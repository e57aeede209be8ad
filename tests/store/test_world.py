"""The live state: its indexes always say what follows from its rooms and sessions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.core.values import Account, JoinRequest, Member, Room, Session
from yummy.store.world import World

USERS = st.sampled_from(["ada", "bob", "cid"])
SESSIONS = st.sampled_from([f"s{number}" for number in range(5)])
ROOMS = st.sampled_from(["r1", "r2", "r3"])
PEOPLE = st.dictionaries(USERS, st.lists(SESSIONS, min_size=1, unique=True).map(tuple), max_size=3)
STEPS = st.one_of(
    st.tuples(st.just("room"), ROOMS, st.none() | st.tuples(PEOPLE, PEOPLE)),
    st.tuples(st.just("session"), SESSIONS, st.booleans()),
    st.tuples(st.just("account"), USERS, st.none()),
)


def owner(session_id):
    """Whose session it is, always the same."""
    return ("ada", "bob", "cid")[int(session_id[1:]) % 3]


@given(st.lists(STEPS, max_size=30))
def test_the_indexes_follow_from_rooms_and_sessions(steps):
    world = World()
    for kind, name, what in steps:
        if kind == "room":
            world.put_room(name, what and room(name, *what))
        elif kind == "session":
            world.put_session(name, Session(name, owner(name), None) if what else None)
        else:
            world.put_account(Account(name, 1))

        assert sorted(world.rooms, reverse=True) == [one.id for one in world.newest_rooms()]
        for number in range(5):
            session_id = f"s{number}"
            known = {one.id for one in world.rooms.values() if session_id in one.every_session()}
            assert known == set(world.rooms_of(session_id))
            assert len(known) == len(world.rooms_of(session_id))
        for user_id in ("ada", "bob", "cid"):
            theirs = {one.id for one in world.sessions.values() if one.user_id == user_id}
            assert (theirs, bool(theirs)) == (set(world.sessions_of(user_id)), world.is_online(user_id))
        assert all(world.is_online(user_id) for user_id in world.accounts)


def room(name, members, requests):
    return Room(
        name,
        1,
        members={user: Member(1, sessions) for user, sessions in members.items()},
        requests={user: JoinRequest(1, sessions) for user, sessions in requests.items()},
    )


def test_rooms_stand_in_the_order_of_coming():
    world = World()
    for name in ("r3", "r1", "r2"):
        world.put_room(name, room(name, {"ada": ("s0",)}, {}))

    assert ("r3", "r1", "r2") == world.rooms_of("s0")


@pytest.mark.parametrize(
    ("before", "names"), [(None, ["r3", "r2", "r1"]), ("r3", ["r2", "r1"]), ("r2x", ["r2", "r1"]), ("", [])]
)
def test_a_place_in_the_list_outlives_its_room(before, names):
    world = World()
    for name in ("r1", "r3", "r2"):
        world.put_room(name, Room(name, 1))

    assert names == [one.id for one in world.newest_rooms(before)]


def test_an_account_leaves_with_its_user_s_last_session():
    world = World()
    for session_id in ("a", "b"):
        world.put_session(session_id, Session(session_id, "ada", None))
    world.put_account(Account("ada", 1))
    world.put_account(Account("bob", 1))

    world.put_session("a", None)
    assert ["ada"] == list(world.accounts)
    world.put_session("b", None)
    world.put_session("b", None)

    assert ({}, {}, ()) == (world.accounts, world.sessions, world.sessions_of("ada"))
