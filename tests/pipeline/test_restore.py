"""Sessions that go on on another connection, whatever the old one is doing."""

import itertools

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.pipeline.unit import Delivery
from yummy.protocol.messages import RawMessage


async def test_a_session_whose_connection_was_lost_goes_on(game):
    ada, bob, room_id = await game.players("ada", "bob")
    await ada.intake.finish("closed")
    await bob.ok("Play", room_id=room_id, message="lost")
    again = game.connect()

    answer = await again.ok("RestoreToken", token=ada.token)
    await bob.ok("Play", room_id=room_id, message="heard")

    assert (True, [room_id], ada.user_id) == (answer["restored"], answer["rooms"], answer["user_id"])
    assert ["heard"] == [event["message"] for event in again.events]
    assert again.connection.authenticated


async def test_a_session_that_is_over_begins_anew(game):
    ada, _, room_id = await game.players("ada", "bob")
    await ada.intake.finish("closed")
    await game.run(game.chain.end_session(ada.session_id, "window"))
    again = game.connect()
    game.hooks["pre_user_connected"] = lambda call: None

    answer = await again.ok("RestoreToken", token=ada.token)

    assert (False, [], ada.user_id) == (answer["restored"], answer["rooms"], answer["user_id"])
    assert (ada.session_id != answer["session_id"], ["pre_user_connected"]) == (True, game.hooks.names)
    assert ada.user_id not in game.world.rooms[room_id].members


async def test_neither_hook_of_connecting_runs_for_a_restored_session(game):
    ada = await game.player("ada")
    for name in ("pre_user_connected", "pre_user_disconnected", "post_user_disconnected"):
        game.hooks[name] = lambda call: None

    await game.connect().ok("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()

    assert [] == game.hooks.names


async def test_a_connection_that_is_still_open_ends_its_chain_drops_the_rest_and_is_closed(game):
    ada, bob, room_id = await game.players("ada", "bob")
    goes_on = game.hold("pre_play")
    begun = ada.tell("Play", room_id=room_id, message="begun")
    await wait_all_tasks_blocked()
    unread = ada.tell("Play", room_id=room_id, message="unread")
    again = game.connect()
    asked = again.tell("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()
    late = ada.tell("Play", room_id=room_id, message="late")
    assert again.answer(asked) is None

    goes_on.set()
    await again.quiet()

    assert (True, [room_id]) == (again.answer(asked)["restored"], again.answer(asked)["rooms"])
    assert (True, None, None) == (ada.answer(begun)["status"], ada.answer(unread), ada.answer(late))
    assert ((4003, "session taken over"), ["begun"]) == (
        ada.connection.closed,
        [event["message"] for event in bob.events],
    )
    await ada.intake.finish("closed")
    assert again.connection.id == game.world.sessions[again.session_id].connection


async def test_a_message_that_only_waits_for_its_turn_gives_way_at_once(game):
    ada, bob, room_id = await game.players("ada", "bob")
    goes_on = game.hold("pre_play")
    bob.tell("Play", room_id=room_id, message="holds the turn")
    await wait_all_tasks_blocked()
    waits = ada.tell("MessageToRoom", room_id=room_id, message="waits")
    await wait_all_tasks_blocked()

    again = game.connect()
    assert (await again.ok("RestoreToken", token=ada.token))["restored"]
    goes_on.set()
    await bob.quiet()

    assert (ada.answer(waits), 4003) == (None, ada.connection.closed[0])


async def test_taking_up_one_s_own_session_is_harmless(game):
    ada, _, room_id = await game.players("ada", "bob")

    answer = await ada.ok("RestoreToken", token=ada.token)

    assert (True, [room_id], None) == (answer["restored"], answer["rooms"], ada.connection.closed)


async def test_taking_up_a_session_ends_the_connection_s_own(game):
    ada, bob, room_id = await game.players("ada", "bob")

    await bob.ok("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()

    assert ([ada.user_id], bob.session_id) == (list(game.world.rooms[room_id].members), ada.session_id)
    assert [ada.session_id] == list(game.world.sessions)


async def test_a_restore_that_fails_leaves_the_session_where_it_can_come_back(game):
    ada = await game.player("ada")
    game.store.broken = True
    again = game.connect()

    assert "storage_failed" == await again.refused("RestoreToken", token=ada.token)
    await ada.intake.finish("taken over")
    game.store.broken = False

    assert (await again.ok("RestoreToken", token=ada.token))["restored"]


async def test_a_lost_token_is_no_token(game):
    ada, again = await game.player("ada"), game.connect()

    assert "invalid_token" == await again.refused("RestoreToken", token=f"{ada.token}x")
    game.now += 1001
    assert "invalid_token" == await again.refused("RestoreToken", token=ada.token)
    assert ada.connection.closed is None


async def test_a_refreshed_token_speaks_for_the_same_session_and_the_old_one_still_does(game):
    ada = await game.player("ada")
    fresh = (await game.connect().ok("RefreshToken", token=ada.token))["token"]

    for token in (fresh, ada.token):
        assert ada.session_id == (await game.connect().ok("RestoreToken", token=token))["session_id"]


def consistent(game, clients):
    """Every session is spoken for by one connection, and every open connection's client has been answered."""
    spoken = [client.session_id for client in clients if not client.connection.closed and client.session_id]
    assert sorted(spoken) == sorted(game.world.sessions)
    for client in clients:
        session = game.world.sessions.get(client.session_id)
        if not client.connection.closed and session is not None:
            assert session.connection == client.connection.id
            assert [client] == [other for other in clients if hears(game, session.id, other)]


def hears(game, session_id, client):
    """Whether a connection hears what a session is told."""
    event = {"type": "Heard", "number": len(client.connection.out)}
    game.chain.switchboard.deliver(Delivery((session_id,), RawMessage(event)))
    return event in client.connection.out


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("count", [2, 3])
async def test_connections_that_take_each_other_over_at_once_all_come_to_an_end(game, count, steps):
    clients = [await game.player(name) for name in ("ada", "bob", "cid")[:count]]
    tokens = [client.token for client in clients]
    asked = []
    for client, token in zip(clients, tokens[1:] + tokens[:1], strict=True):
        asked.append(client.tell("RestoreToken", token=token))
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
    for client in clients:
        await client.quiet()
    await wait_all_tasks_blocked()

    for client, request_id in zip(clients, asked, strict=True):
        assert client.connection.closed or client.answer(request_id) is not None
    assert any((client.answer(one) or {}).get("restored") for client, one in zip(clients, asked, strict=True))
    for client in clients:
        if client.connection.closed:
            await client.intake.finish("taken over")
    consistent(game, [*clients])


@pytest.mark.parametrize("steps", list(itertools.product(range(5), range(5))))
async def test_of_several_that_want_one_session_the_last_gets_it(game, steps):
    ada = await game.player("ada")
    others = [game.connect() for _ in range(3)]
    asked = []
    for client, pause in zip(others, (*steps, 0), strict=True):
        asked.append(client.tell("RestoreToken", token=ada.token))
        for _ in range(pause):
            await trio.lowlevel.checkpoint()
    for client in others:
        await client.quiet()
    await wait_all_tasks_blocked()

    speaking = [client for client in others if not client.connection.closed]
    assert (1, 4003) == (len(speaking), ada.connection.closed[0])
    assert game.world.sessions[ada.session_id].connection == speaking[0].connection.id


async def test_whose_rival_is_superseded_as_well_is_answered_and_stays(game):
    ada, bob, cid = [await game.player(name) for name in ("ada", "bob", "cid")]
    for client, token in ((ada, cid.token), (bob, ada.token), (cid, bob.token)):
        client.tell("RestoreToken", token=token)
    for client in (ada, bob, cid):
        await client.quiet()

    for client in (ada, bob, cid):
        if not client.connection.closed:
            assert "Me" == (await client.ask("Me"))["type"]


async def test_who_gives_up_a_session_does_not_let_it_go_on_while_another_still_waits_for_it(game):
    """Else its next message could wait for a turn that the other one holds, who waits for that message."""
    ada, bob, cem, dan = [await game.player(name) for name in ("ada", "bob", "cem", "dan")]
    first = (await ada.ok("CreateRoom"))["room_id"]
    second = (await bob.ok("CreateRoom"))["room_id"]
    await ada.ok("JoinToRoom", room_id=second)
    go = trio.Event()

    async def wait():
        await go.wait()

    game.hooks["pre_play"] = lambda call: wait() if call.model.room_id == first else None
    ada.tell("Play", room_id=first, message=1)
    ada.tell("Play", room_id=second, message=1)
    wants = bob.tell("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()
    cem.tell("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()
    dan.tell("RestoreToken", token=cem.token)
    await wait_all_tasks_blocked()
    go.set()
    await wait_all_tasks_blocked()

    assert bob.answer(wants)["status"]
    assert 0 == game.chain.turns.statistics().held
