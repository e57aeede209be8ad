"""The unit of work: an overlay that can go back, and writes to what others may change meanwhile."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.core.values import Account, Meta, Room, Session
from yummy.pipeline.unit import Change, Delivery, Table, UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import DisconnectedFromRoom
from yummy.store.world import World

ROOM = Room("r", 1)
KEY = (Table.ROOM, "r")
EVENT = DisconnectedFromRoom("r")


@pytest.fixture
def uow():
    """A unit over a world with one room."""
    world = World()
    world.put_room("r", ROOM)
    return UnitOfWork(world)


def named(name):
    return lambda room: attrs.evolve(room, name=(room.name or "") + name)


def refuse(_value):
    raise Refusal(ErrorCode.META_LIMIT)


def test_it_reads_its_own_writes_and_nobody_else_does(uow):
    uow.put_room(attrs.evolve(ROOM, name="Hall"))
    uow.put_session(Session("s", "u", None))

    assert ("Hall", "u") == (uow.room("r").name, uow.session("s").user_id)
    assert (ROOM, {}) == (uow.world.rooms["r"], uow.world.sessions)
    uow.drop_room("r")
    uow.drop_session("s")
    assert (None, None) == (uow.room("r"), uow.session("s"))
    assert {"r": None} == uow.puts(Table.ROOM)


def test_a_rollback_undoes_what_came_after(uow):
    uow.put_room(attrs.evolve(ROOM, name="one"))
    uow.send(["s"], EVENT)
    place = uow.savepoint()
    uow.put_room(attrs.evolve(ROOM, name="two"))
    uow.put_room(Room("new", 1))
    uow.change((Table.ROOM, "r"), named("!"), "name")
    uow.send(["s"], EVENT)
    uow.stage("something else")

    uow.rollback(place)

    assert [] == uow.staged
    assert ("one", None, [Delivery(("s",), EVENT)]) == (uow.room("r").name, uow.room("new"), uow.deliveries)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9) | st.none()), max_size=20), st.integers(0, 20))
def test_a_rollback_gives_back_exactly_what_stood_there(steps, place):
    uow = UnitOfWork(World())
    expected, savepoint = {}, uow.savepoint()
    for number, (room_id, value) in enumerate(steps):
        if number == place:
            savepoint, expected = uow.savepoint(), {one: uow.room(one) for one in "abc"}
        if value is None:
            uow.drop_room(room_id)
        else:
            uow.put_room(Room(room_id, value))

    uow.rollback(savepoint)

    assert {one: expected.get(one) for one in "abc"} == {one: uow.room(one) for one in "abc"}


def test_nobody_is_sent_nothing(uow):
    uow.send([], EVENT)

    assert [] == uow.deliveries


def test_a_change_of_what_is_not_held_is_kept_as_an_operation(uow):
    operation = named("x")
    uow.change(KEY, operation, "name")

    assert ("x", {}, {KEY: [Change(KEY, operation, "name")]}) == (
        uow.room("r").name,
        uow.puts(Table.ROOM),
        uow.changes(),
    )


def test_a_change_of_what_is_held_is_a_plain_put(uow):
    uow.held.add(KEY)
    uow.change(KEY, named("x"), "name")

    assert ("x", {}) == (uow.puts(Table.ROOM)["r"].name, uow.changes())


def test_a_change_of_what_is_not_there_or_does_not_fit_changes_nothing(uow):
    with pytest.raises(Refusal, match="there is no such room any more"):
        uow.change((Table.ROOM, "no"), named("x"), "name")
    with pytest.raises(Refusal, match="Meta limit"):
        uow.change(KEY, refuse, "name")

    assert (ROOM, []) == (uow.room("r"), uow.staged)


def test_what_is_held_from_now_on_is_changed_again_as_it_stands_now(uow):
    uow.change(KEY, named("x"), "name")
    uow.world.put_room("r", attrs.evolve(ROOM, name="meanwhile-", description="new"))

    uow.hold(KEY)

    assert ("meanwhile-x", "new") == (uow.puts(Table.ROOM)["r"].name, uow.room("r").description)
    assert {} == uow.changes()


def test_a_change_that_no_longer_fits_when_held_is_dropped_alone(uow):
    def once(room):
        if room.name == "meanwhile-":
            raise Refusal(ErrorCode.META_LIMIT)
        return attrs.evolve(room, name="once")

    uow.change(KEY, once, "name")
    uow.change(KEY, lambda room: attrs.evolve(room, metas={"k": Meta(1)}), "meta")
    uow.world.put_room("r", attrs.evolve(ROOM, name="meanwhile-"))

    uow.hold(KEY)

    assert ("meanwhile-", {"k": Meta(1)}) == (uow.room("r").name, uow.room("r").metas)


def test_a_change_of_others_is_applied_to_what_was_put_already_and_outlives_a_rollback(uow):
    uow.put_room(attrs.evolve(ROOM, name="mine"))
    savepoint = uow.savepoint()
    uow.put_room(attrs.evolve(ROOM, name="later"))

    uow.adopt(Change(KEY, lambda room: attrs.evolve(room, metas={"k": Meta(1)}), "meta"))

    assert ("later", {"k": Meta(1)}) == (uow.room("r").name, uow.room("r").metas)
    uow.rollback(savepoint)
    assert ("mine", {"k": Meta(1)}) == (uow.room("r").name, uow.room("r").metas)


def test_a_change_of_others_to_what_was_not_put_is_left_to_the_world(uow):
    uow.hold(KEY)
    uow.adopt(Change(KEY, named("x"), "name"))

    assert ROOM == uow.room("r")
    assert {} == uow.puts(Table.ROOM)


def test_accounts_that_are_not_online_are_readable_once_loaded(uow):
    assert uow.account("u") is None
    uow.load([Account("u", 1, name="stored")])
    assert "stored" == uow.account("u").name
    uow.world.put_session("s", Session("s", "u", None))
    uow.world.put_account(Account("u", 1, name="live"))
    assert "live" == uow.account("u").name


def test_the_sessions_of_a_user_are_those_that_this_message_sees(uow):
    for session_id in ("a", "b"):
        uow.world.put_session(session_id, Session(session_id, "u", None))
    uow.drop_session("a")
    uow.put_session(Session("c", "u", 1))
    uow.put_session(Session("d", "other", 1))

    assert ("b", "c") == uow.sessions_of("u")
