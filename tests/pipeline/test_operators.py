"""What operators change in the store while the server runs."""

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.core.notices import AccountChange, Notice
from yummy.pipeline.operators import INTERVAL, Operators
from yummy.protocol.errors import ErrorCode, Refusal


def change(game, client, what, **fields):
    """What an operator's command does to the store; gives the notice of it."""
    game.store.accounts[client.user_id] = attrs.evolve(game.store.accounts[client.user_id], **fields)
    return Notice(1, client.user_id, what)


@pytest.mark.parametrize("what", [one for one in AccountChange if one.ends_sessions])
async def test_all_sessions_of_the_user_end_and_nobody_else_s(game, what):
    ada, bob, room = await game.players("ada", "bob")
    again = await game.player("ada")
    await game.run(game.chain.obey(change(game, ada, what)))
    await wait_all_tasks_blocked()

    assert {bob.user_id} == {session.user_id for session in game.world.sessions.values()}
    assert (1008, "session ended") == ada.connection.closed == again.connection.closed
    assert [{"type": "UserDisconnectedFromRoom", "user_id": ada.user_id, "room_id": room}] == bob.events
    assert all(one.ended == (one.user_id == ada.user_id) for one in game.store.sessions.values())


@pytest.mark.parametrize("what", [AccountChange.TYPE, AccountChange.ENABLED])
async def test_a_change_that_ends_nothing_counts_for_who_is_inside(game, what):
    ada = await game.player("ada")
    await ada.ok("UpdateUser", name="Ada")
    await game.run(game.chain.obey(change(game, ada, what, user_type=3, name="what the server knows better")))

    me = await ada.ok("Me")
    assert (3, "Ada", None) == (me["user_type"], me["name"], ada.connection.closed)


async def test_a_change_of_who_is_not_inside_changes_nothing_here(game):
    ada = await game.player("ada")
    await ada.ok("Logout")
    writes = len(game.store.writes)
    await game.run(game.chain.obey(change(game, ada, AccountChange.TYPE, user_type=3)))

    assert (writes, {}) == (len(game.store.writes), game.world.accounts)


async def test_a_login_that_was_under_way_is_ended_too(game):
    ada = await game.player("ada")
    await ada.ok("Logout")
    gate = trio.Event()
    game.hooks["post_deviceid_auth"] = lambda call: gate.wait()
    ada.tell("AuthDeviceId", id="device-of-ada")
    await wait_all_tasks_blocked()
    # The login has read the account and waits in a hook before its commit.
    game.driver.launch(game.chain.obey(change(game, ada, AccountChange.DISABLED, disabled=True)))
    await wait_all_tasks_blocked()
    assert {} == game.world.sessions
    gate.set()
    await wait_all_tasks_blocked()

    assert ({}, (1008, "session ended")) == (game.world.sessions, ada.connection.closed)
    assert all(one.ended for one in game.store.sessions.values())


@attrs.define
class Notices:
    """A store with notices in it, that fails when told to."""

    there: list = attrs.field(factory=list)
    fails: bool = False
    asked: list = attrs.field(factory=list)

    async def last_notice(self):
        await trio.lowlevel.checkpoint()
        return self.there[-1].number if self.there else 0

    async def notices(self, after):
        await trio.lowlevel.checkpoint()
        self.asked.append(after)
        if self.fails:
            raise Refusal(ErrorCode.STORAGE_FAILED)
        return [one for one in self.there if one.number > after]


async def test_notices_are_read_once_each_but_those_older_than_the_server(nursery, mock_clock):
    store = Notices([Notice(4, "ada", AccountChange.TYPE)])
    obeyed = []
    await nursery.start(Operators(store, lambda notice: notice.number, obeyed.append).run)

    async def look():
        mock_clock.jump(INTERVAL)
        await wait_all_tasks_blocked()

    await wait_all_tasks_blocked()
    await look()
    store.there += [Notice(number, "ada", AccountChange.TYPE) for number in (5, 7)]
    await look()
    store.fails = True
    await look()
    store.fails = False
    store.there.append(Notice(8, "ada", AccountChange.TYPE))
    await look()

    assert ([5, 7, 8], [4, 4, 7, 7]) == (obeyed, store.asked)
