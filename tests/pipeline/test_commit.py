"""Commit: what happens in which order, and what becomes of writes to values that others change too."""

import attrs
import pytest
from trio.testing import wait_all_tasks_blocked

from yummy.core.values import Account, Member, Meta, Room, Session
from yummy.core.work import Bind, EndSession, SessionEnded, SessionRecord
from yummy.pipeline.commit import Committer
from yummy.pipeline.unit import Table, UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import DisconnectedFromRoom

ADA = Account("ada", 1)
BOB = Account("bob", 1)
ROOM = Room("r", 1, members={"ada": Member(3, ("s",))})
AT_ROOM = (Table.ROOM, "r")
AT_BOB = (Table.ACCOUNT, "bob")


def meta(key, value=1):
    return lambda one: attrs.evolve(one, metas={**one.metas, key: Meta(value)})


def refuse(_value):
    raise Refusal(ErrorCode.META_LIMIT)


@attrs.define(eq=False)
class Line:
    """A connection that writes down what happens to it."""

    world: object
    journal: list
    session_id: str | None = None
    encoding: object = None

    def bind(self, session_id):
        self.journal.append(("bind", session_id, session_id in self.world.sessions))
        self.session_id = session_id

    def send(self, frame):
        self.journal.append("event")


@pytest.fixture
def committer(game):
    """The commit over a world in which Ada is online and in a room."""
    world = game.world
    world.put_session("s", Session("s", "ada", 1))
    world.put_account(ADA)
    world.put_room("r", ROOM)
    game.store.accounts.update(ada=ADA, bob=BOB)
    return Committer(world, game.store, game.chain.turns, game.chain.switchboard)


@pytest.fixture
def uow(committer):
    return UnitOfWork(committer.world)


async def test_store_then_memory_then_session_then_answer_then_events(game, committer, uow):
    journal = []
    line = Line(game.world, journal)
    line.encoding = game.connect().intake.encoding
    game.chain.switchboard.connect(7, line)
    session = Session("new", "ada", 7)
    uow.send(["new"], DisconnectedFromRoom("r"))
    uow.put_session(session)
    uow.put_account(attrs.evolve(ADA, name="Ada"))
    uow.stage(SessionRecord("new", "ada", 5))
    uow.stage(Bind(7, "new"))
    uow.stage(SessionEnded(session, (), "x"))
    uow.stage(EndSession("s", "y"))

    after = await committer.commit(uow, lambda: journal.append(("answer", len(game.store.writes))))

    assert [("bind", "new", True), ("answer", 1), "event"] == journal
    assert [[attrs.evolve(ADA, name="Ada"), SessionRecord("new", "ada", 5)]] == game.store.writes
    assert ["SessionEnded", "EndSession"] == [type(one).__name__ for one in after]


async def test_a_write_that_fails_drops_everything(game, committer, uow):
    game.store.broken = True
    before = game.snapshot()
    uow.put_account(attrs.evolve(ADA, name="Ada"))
    uow.put_room(Room("new", 1))
    uow.stage(Bind(7, "s"))

    with pytest.raises(Refusal) as caught:
        await committer.commit(uow, lambda: pytest.fail("it was answered"))

    assert ("storage_failed", before) == (caught.value.code, game.snapshot())


async def test_what_lasts_nowhere_does_not_ask_the_store(game, committer, uow):
    uow.put_room(attrs.evolve(ROOM, name="Hall"))
    assert not committer.is_durable(uow)

    assert [] == await committer.commit(uow, lambda: None)
    assert ([], "Hall") == (game.store.writes, game.world.rooms["r"].name)


async def test_a_write_not_held_is_applied_to_the_value_as_it_stands(game, committer, uow):
    uow.change(AT_ROOM, meta("mine"), "set")
    uow.load([BOB])
    uow.change(AT_BOB, meta("mine"), "set")
    game.world.put_room("r", attrs.evolve(ROOM, name="meanwhile"))
    game.store.accounts["bob"] = attrs.evolve(BOB, name="meanwhile")

    await committer.commit(uow, lambda: None)

    for value in (game.world.rooms["r"], game.store.accounts["bob"]):
        assert ("meanwhile", {"mine": Meta(1)}) == (value.name, value.metas)
    assert "bob" not in game.world.accounts


async def test_a_write_that_no_longer_fits_is_dropped_and_the_rest_commits(game, committer, uow):
    uow.put_room(Room("new", 1))
    full = False

    def unless_full(room):
        return refuse(room) if full else meta("a")(room)

    uow.change(AT_ROOM, unless_full, "set 'a'")
    uow.change(AT_ROOM, meta("b"), "set 'b'")
    full = True

    await committer.commit(uow, lambda: None)

    assert {"b": Meta(1)} == game.world.rooms["r"].metas
    assert "new" in game.world.rooms


async def test_a_write_to_what_is_gone_is_dropped(game, committer, uow):
    uow.change(AT_ROOM, meta("a"), "set 'a'")
    game.world.put_room("r", None)

    await committer.commit(uow, lambda: None)

    assert {} == game.world.rooms


async def test_a_write_reaches_the_one_that_holds_the_value_too(game, committer, uow):
    holder = UnitOfWork(game.world)
    await game.chain.turns.take(AT_ROOM, holder)
    holder.put_room(attrs.evolve(ROOM, name="holder's"))
    uow.change(AT_ROOM, meta("k"), "set 'k'")

    await committer.commit(uow, lambda: None)
    assert (None, {"k": Meta(1)}) == (game.world.rooms["r"].name, game.world.rooms["r"].metas)
    await committer.commit(holder, lambda: None)

    assert ("holder's", {"k": Meta(1)}) == (game.world.rooms["r"].name, game.world.rooms["r"].metas)
    game.chain.turns.release(AT_ROOM)


async def test_two_writers_of_one_account_lose_nothing(game, committer, nursery):
    one, two = UnitOfWork(game.world), UnitOfWork(game.world)
    for unit, key in ((one, "one"), (two, "two")):
        unit.load([BOB])
        unit.change(AT_BOB, meta(key), "set")
        nursery.start_soon(committer.commit, unit, lambda: None)
    await wait_all_tasks_blocked()

    assert {"one": Meta(1), "two": Meta(1)} == game.store.accounts["bob"].metas
