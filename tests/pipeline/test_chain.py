"""The stage chain: what becomes of the effects of each stage, and in which order messages run."""

import attrs
import pytest
import structlog
import trio
from tests.pipeline.conftest import Game
from trio.testing import wait_all_tasks_blocked

from yummy.hooks.calls import (
    Crashed,
    Failed,
    HooksBusy,
    MessageToRoom,
    MessageToUser,
    Passed,
    SetRoomMeta,
    SetUserMeta,
)
from yummy.model import HOOK_MODELS
from yummy.pipeline.unit import Table, UnitOfWork
from yummy.settings import Settings


def write(room_id, key):
    """A hook that sets metadata and says so to the room."""
    return Passed({}, (SetRoomMeta(room_id, key, 1, 5), MessageToRoom(room_id, key)))


@pytest.fixture
async def room(game):
    """Ada and Bob in a room."""
    return await game.players("ada", "bob")


def effects(game, client, room_id):
    """What is left of all stages: metadata keys, and what the other member heard."""
    heard = [event["message"] if event["type"] == "MessageFromRoom" else event["type"] for event in client.events]
    return set(game.world.rooms[room_id].metas), heard


TABLE = {
    # what happened: pre's outcome, what is asked, post's outcome; the code, pre's effects, core's, post's
    "all well": (None, "Play", None, None, True, True, True),
    "pre failed": (Failed("no", "mine"), "Play", None, "mine", False, False, False),
    "pre crashed": (Crashed("hook_error", "trace"), "Play", None, "hook_error", False, False, False),
    "pre took too long": (Crashed("hook_timeout", "line"), "Play", None, "hook_timeout", False, False, False),
    "core refused": (None, "Join", None, "already_in_room", True, False, True),
    "core refused, post failed": (None, "Join", Failed("no", "mine"), "mine", False, False, False),
    "post failed": (None, "Play", Failed("no", "mine"), "mine", False, False, False),
    "post crashed": (None, "Play", Crashed("hook_error", "trace"), "hook_error", False, False, False),
}


@pytest.mark.parametrize("case", TABLE)
async def test_the_table_of_effects(game, room, case):
    pre, asked, post, code, pre_kept, core_kept, post_kept = TABLE[case]
    ada, bob, room_id = room
    name = {"Play": "play", "Join": "join_to_room"}[asked]
    game.hooks[f"pre_{name}"] = lambda call: pre or write(room_id, "pre")
    game.hooks[f"post_{name}"] = lambda call: post or write(room_id, "post")

    fields = {"room_id": room_id, **({"message": 1} if asked == "Play" else {})}
    answer = await ada.ask({"Play": "Play", "Join": "JoinToRoom"}[asked], **fields)

    assert (code is None, code) == (answer["status"], answer.get("code"))
    kept = [(pre_kept, "pre"), (core_kept, "Play"), (post_kept, "post")]
    heard = [what for is_kept, what in kept if is_kept]
    assert (set(heard) - {"Play"}, heard) == effects(game, bob, room_id)
    successes = [call.success for call in game.hooks.calls]
    assert ([None] if pre else [None, asked == "Play"]) == successes


async def test_when_the_store_fails_nothing_has_happened(game, room):
    ada, bob, room_id = room
    game.hooks["pre_play"] = lambda call: Passed({}, (SetUserMeta(bob.user_id, "k", 1, 6), MessageToRoom(room_id, 1)))
    game.hooks["post_play"] = lambda call: write(room_id, "post")
    game.store.broken = True
    before = game.snapshot()

    assert "storage_failed" == await ada.refused("Play", room_id=room_id, message=1)

    assert (before, [], [True]) == (game.snapshot(), bob.events, [call.success for call in game.hooks.calls][1:])


async def test_the_answer_comes_first_then_events_in_the_order_of_the_stages(game, room):
    ada, bob, room_id = room
    game.hooks["pre_play"] = lambda call: Passed({}, (MessageToRoom(room_id, "pre"),))
    game.hooks["post_play"] = lambda call: Passed({}, (MessageToRoom(room_id, "post"),))

    await ada.ok("Play", room_id=room_id, message="core")

    assert [True, "pre", "post"] == [one.get("status") or one["message"] for one in ada.connection.out]
    assert ["pre", "core", "post"] == [event["message"] for event in bob.events]
    assert [False, True, False] == ["user_id" in event for event in bob.events]


async def test_core_works_with_what_pre_set_and_post_sees_it(game, room):
    ada, bob, room_id = room
    game.hooks["pre_play"] = lambda call: Passed({"message": "changed", "request_id": 99}, ())
    game.hooks["post_play"] = lambda call: None

    await ada.ok("Play", room_id=room_id, message="given")

    assert "changed" == bob.events[0]["message"]
    assert ("changed", 99) == (game.hooks.calls[1].model.message, game.hooks.calls[1].model.request_id)


@pytest.mark.parametrize("changes", [{"room_id": "other"}, {"message": object()}, {"message": float("nan")}, {"no": 1}])
async def test_what_pre_must_not_set_is_an_error_of_the_script(game, room, changes):
    ada, _, room_id = room
    game.hooks["pre_play"] = lambda call: Passed(changes, ())

    assert "hook_error" == await ada.refused("Play", room_id=room_id, message=1)


async def test_what_a_script_sets_is_refused_by_core_like_a_client_s(game, room):
    ada, _, room_id = room
    game.hooks["pre_update_room"] = lambda call: Passed({"max_user": -1}, ())

    assert "validation" == await ada.refused("UpdateRoom", room_id=room_id, name="x")


async def test_a_script_s_metadata_may_have_any_level_and_the_client_s_keeps_its_own(game, room):
    ada, _, room_id = room
    game.hooks["pre_update_room"] = lambda call: Passed(
        {"metas": {**call.model.metas, "game": {"access": 5, "value": 1}}}, ()
    )

    await ada.ok("UpdateRoom", room_id=room_id, metas={"own": {"access": 3, "value": 1}})
    assert {"own": 3, "game": 5} == {key: meta.access for key, meta in game.world.rooms[room_id].metas.items()}
    assert "meta_access" == await ada.refused("UpdateRoom", room_id=room_id, metas={"game": {"access": 5, "value": 1}})


async def test_the_text_of_an_error_is_for_those_who_debug(game):
    game.use(debug_hooks=True)
    ada = await game.player("ada")
    game.hooks["pre_room_list_request"] = lambda call: Crashed("hook_error", "line 3: oh")
    assert (await ada.ask("RoomList"))["error"].endswith("line 3: oh")

    game.use(debug_hooks=False)
    assert "line 3" not in (await ada.ask("RoomList"))["error"]


async def test_scripts_that_are_too_busy_refuse_the_message(game):
    ada = await game.player("ada")

    def busy(call):
        raise HooksBusy

    game.hooks["pre_room_list_request"] = busy
    assert "busy" == await ada.refused("RoomList")


async def test_a_fault_of_ours_costs_one_message(game, room):
    ada, _, room_id = room

    def fault(call):
        raise RuntimeError("a fault")

    game.hooks["pre_play"] = fault
    with structlog.testing.capture_logs() as logs:
        assert "internal" == await ada.refused("Play", room_id=room_id, message=1)
    assert [("message_failed", "error")] == [(line["event"], line["log_level"]) for line in logs]
    await ada.ok("MessageToRoom", room_id=room_id, message=1)


async def test_hooks_get_what_they_will_probably_read_and_fetch_the_rest(game, room):
    ada, bob, room_id = room
    fetched = []

    async def look(call):
        fetched.append(await call.fetch("user", bob.user_id))
        fetched.append(await call.fetch("user", "nobody"))
        fetched.append(await call.fetch("room", room_id))

    game.hooks["pre_play"] = look
    await ada.ok("Play", room_id=room_id, message=1)

    (call,) = game.hooks.calls
    assert ([room_id], [ada.user_id]) == ([one.room_id for one in call.rooms], [one.user_id for one in call.users])
    assert (bob.user_id, None, room_id) == (fetched[0].user_id, fetched[1], fetched[2].room_id)
    assert {"type": "Play", "user": ada.user_id, "room": room_id, "request_id": 2} == call.about() | {"request_id": 2}


async def test_a_script_reads_and_writes_a_user_who_is_offline(game, room):
    ada, bob, room_id = room
    await bob.ok("Logout")
    await wait_all_tasks_blocked()

    async def keep(call):
        assert not (await call.fetch("user", bob.user_id)).online
        return Passed({}, (SetUserMeta(bob.user_id, "k", 1, 6),))

    game.hooks["post_play"] = keep
    await ada.ok("Play", room_id=room_id, message=1)

    assert {"k"} == set(game.store.accounts[bob.user_id].metas)


# Turns and order


async def test_between_pre_and_post_no_other_message_of_the_room_runs_and_other_rooms_do(game, room):
    ada, bob, room_id = room
    cid = await game.player("cid")
    other = (await cid.ok("CreateRoom"))["room_id"]
    waiting, goes_on = trio.Event(), trio.Event()
    order = []

    async def pre(call):
        order.append(("pre", call.model.message))
        if call.model.message == "first":
            waiting.set()
            await goes_on.wait()

    game.hooks["pre_play"] = pre
    game.hooks["post_play"] = lambda call: order.append(("post", call.model.message))

    ada.tell("Play", room_id=room_id, message="first")
    await waiting.wait()
    bob.tell("Play", room_id=room_id, message="second")
    talk = bob.tell("MessageToRoom", room_id=room_id, message="talk")
    await cid.ok("Play", room_id=other, message="elsewhere")
    look = cid.tell("GetRoom", room_id=room_id)
    await wait_all_tasks_blocked()
    assert [("pre", "first"), ("pre", "elsewhere"), ("post", "elsewhere")] == order
    assert (None, None) == (bob.answer(talk), cid.answer(look))
    goes_on.set()
    await bob.quiet()
    await cid.quiet()

    assert [("post", "first"), ("pre", "second"), ("post", "second")] == order[3:]
    assert (True, True) == (cid.answer(look)["status"], bob.answer(talk)["status"])


async def test_messages_without_hooks_wait_for_the_room_s_turn_too(game, room):
    ada, bob, room_id = room
    goes_on = game.hold("pre_play")
    ada.tell("Play", room_id=room_id, message=1)
    await wait_all_tasks_blocked()
    talk = bob.tell("MessageToRoom", room_id=room_id, message=2)
    await wait_all_tasks_blocked()
    assert bob.answer(talk) is None

    goes_on.set()
    await bob.quiet()

    assert [1, 2] == [one["message"] for one in [*bob.events, *ada.events]]


async def test_messages_of_one_connection_keep_their_order(game, room):
    ada, _, room_id = room
    game.hooks["pre_play"] = lambda call: None
    ids = [ada.tell("Play", room_id=room_id, message=1), ada.tell("RoomList"), ada.tell("Nope"), ada.tell("Me")]

    assert [] == ada.connection.out
    await ada.quiet()

    assert ids == [one["request_id"] for one in ada.connection.out]


async def test_what_needs_nothing_is_answered_at_once(game, room):
    ada, bob, room_id = room

    for type_, fields in [("Play", {"message": 1}), ("GetRoom", {}), ("MessageToRoom", {"message": 1})]:
        assert ada.answer(ada.tell(type_, room_id=room_id, **fields))["status"] is True
    assert ada.answer(ada.tell("RoomList"))["status"] is True
    assert ada.answer(ada.tell("Me"))["status"] is True
    assert 2 == len(bob.events)


async def test_a_client_that_has_gone_does_not_end_what_it_has_begun(game, room):
    ada, bob, room_id = room
    goes_on = game.hold("pre_play")
    ada.tell("Play", room_id=room_id, message=1)
    await wait_all_tasks_blocked()
    game.nursery.start_soon(ada.intake.finish, "closed")
    await wait_all_tasks_blocked()
    assert game.world.sessions[ada.session_id].connection == ada.connection.id
    goes_on.set()
    await wait_all_tasks_blocked()

    assert [1] == [event["message"] for event in bob.events]
    assert game.world.sessions[ada.session_id].connection is None


# Sessions and their hooks


def note(game, *names):
    for name in names:
        game.hooks[name] = lambda call: None


async def test_a_login_runs_the_hooks_of_connecting_within(game):
    note(game, "pre_deviceid_auth", "pre_user_connected", "post_user_connected", "post_deviceid_auth")

    answer = await game.connect().ok("AuthDeviceId", id="device-01")

    assert ["pre_deviceid_auth", "pre_user_connected", "post_user_connected", "post_deviceid_auth"] == game.hooks.names
    assert (answer["user_id"], answer["session_id"]) == (
        game.hooks.calls[1].model.user_id,
        game.hooks.calls[3].model.session_id,
    )
    assert [None, None, True, True] == [call.success for call in game.hooks.calls]


@pytest.mark.parametrize("name", ["pre_user_connected", "post_user_connected"])
async def test_a_hook_of_connecting_can_refuse_the_login(game, name):
    game.hooks[name] = lambda call: Failed("closed today", "closed")
    note(game, "post_deviceid_auth")
    ada = game.connect()

    answer = await ada.ask("AuthDeviceId", id="device-01")

    assert ("closed", "closed today") == (answer["code"], answer["error"])
    assert (({}, {}, {}), {}, False) == (game.snapshot(), game.store.accounts, ada.connection.authenticated)
    # A hook failed, so nothing of the message has happened, and none of it goes on.
    assert "post_deviceid_auth" not in game.hooks.names


async def test_a_hook_of_connecting_can_greet_the_user(game):
    game.hooks["post_user_connected"] = lambda call: Passed({}, (MessageToUser(call.model.user_id, {"type": "Hello"}),))

    ada = await game.player("ada")

    assert [{"type": "Hello"}] == ada.events


async def test_who_logs_out_leaves_its_rooms_and_the_hooks_of_disconnecting_run(game, room):
    ada, bob, room_id = room
    note(game, "pre_user_disconnected", "post_user_disconnected")

    await ada.ok("Logout")
    await wait_all_tasks_blocked()

    assert [{"type": "UserDisconnectedFromRoom", "user_id": ada.user_id, "room_id": room_id}] == bob.events
    assert ["pre_user_disconnected", "post_user_disconnected"] == game.hooks.names
    model = game.hooks.calls[0].model
    assert (ada.user_id, (room_id,), "logout") == (model.user_id, model.rooms, model.reason)
    assert ("not_authenticated", "invalid_token") == (
        await ada.refused("Me"),
        await ada.refused("RestoreToken", token=ada.token),
    )


async def test_a_script_can_keep_the_rooms_from_being_told(game, room):
    ada, bob, _ = room
    game.hooks["pre_user_disconnected"] = lambda call: Passed({"send_message": False}, ())

    await ada.ok("Logout")
    await wait_all_tasks_blocked()

    assert [] == bob.events


@pytest.mark.parametrize("failing", ["pre", "post"])
async def test_a_failing_half_of_disconnecting_loses_its_own_effects_only(game, room, failing):
    ada, bob, room_id = room
    for phase in ("pre", "post"):
        game.hooks[f"{phase}_user_disconnected"] = lambda call: (
            Failed("no", "no") if call.phase == failing else write(room_id, call.phase)
        )

    await ada.ok("Logout")
    await wait_all_tasks_blocked()

    other = "post" if failing == "pre" else "pre"
    assert {other} == set(game.world.rooms[room_id].metas)
    assert {"UserDisconnectedFromRoom", "MessageFromRoom"} == {event["type"] for event in bob.events}


async def test_a_login_over_a_session_ends_it_in_the_same_commit(game, room):
    ada, bob, room_id = room
    session_id = ada.session_id
    game.hooks["pre_customid_auth"] = lambda call: Failed("no", "no")
    await ada.refused("AuthCustomId", id="custom-01")
    assert session_id == ada.session_id

    await ada.ok("AuthDeviceId", id="another-device")
    await wait_all_tasks_blocked()

    assert session_id not in game.world.sessions
    assert ["UserDisconnectedFromRoom"] == [event["type"] for event in bob.events]
    assert [bob.user_id] == list(game.world.rooms[room_id].members)


async def test_who_comes_back_at_once_is_not_reported_gone_afterwards(game, room):
    ada, bob, room_id = room
    ada.tell("AuthDeviceId", id="device-of-ada")
    ada.tell("JoinToRoom", room_id=room_id)

    await ada.quiet()
    await wait_all_tasks_blocked()

    assert ["JoinToRoom"] == [event["type"] for event in bob.events][-1:]
    assert {ada.user_id, bob.user_id} == set(game.world.rooms[room_id].members)


async def test_of_two_first_logins_with_one_id_one_creates_and_the_other_logs_in(game):
    ada, bob = game.connect(), game.connect()
    for client in (ada, bob):
        client.tell("AuthDeviceId", id="device-01")
    await ada.quiet()
    await bob.quiet()

    assert ada.connection.out[0]["user_id"] == bob.connection.out[0]["user_id"]
    assert (1, 2) == (len(game.store.accounts), len(game.world.sessions))


async def test_logins_by_address_and_password(game):
    ada = game.connect()
    assert "invalid_credentials" == await ada.refused("AuthEmail", email="a@b.io", password="12345678")
    first = await ada.ok("AuthEmail", email="A@b.io", password="12345678", create=True)
    assert "invalid_credentials" == await game.connect().refused("AuthEmail", email="a@b.io", password="wrong-one")
    second = await game.connect().ok("AuthEmail", email="a@B.io", password="12345678")

    assert first["user_id"] == second["user_id"]
    answer = await ada.ask("AuthEmail", email="x", password="short")
    assert ("validation", 2) == (answer["code"], len(answer["error"].splitlines()))


async def test_failed_logins_are_bounded_also_when_they_come_at_once(game):
    game.use(login_failures_per_minute=3)
    await game.connect().ok("AuthEmail", email="a@b.io", password="12345678", create=True)
    guessers = [game.connect() for _ in range(6)]
    for guesser in guessers:
        guesser.tell("AuthEmail", email="a@b.io", password="a guess!!")
    for guesser in guessers:
        await guesser.quiet()

    codes = sorted(guesser.connection.out[0]["code"] for guesser in guessers)
    assert ["invalid_credentials"] * 3 + ["rate_limited"] * 3 == codes
    game.now += 61
    await game.connect().ok("AuthEmail", email="a@b.io", password="12345678")


async def test_failed_logins_from_one_address_are_bounded_but_not_from_loopback(game):
    game.use(login_failures_per_minute_per_ip=3)
    await game.connect().ok("AuthEmail", email="a@b.io", password="12345678", create=True)

    async def guess(number, address):
        client = game.connect(address=address)
        return await client.ask("AuthEmail", email=f"a{number}@b.io", password="a guess!!")

    for number in range(3):
        assert "invalid_credentials" == (await guess(number, "192.0.2.1"))["code"]
        game.now += 5
    answer = await guess(3, "192.0.2.1")
    assert ("rate_limited", 45.0) == (answer["code"], answer["retry_after"])
    right = {"email": "a@b.io", "password": "12345678"}
    assert "rate_limited" == await game.connect(address="192.0.2.1").refused("AuthEmail", **right)
    await game.connect(address="192.0.2.2").ok("AuthEmail", **right)
    for number in range(6):
        assert "invalid_credentials" == (await guess(number, "127.0.0.1"))["code"]
    game.now += answer["retry_after"]
    await game.connect(address="192.0.2.1").ok("AuthEmail", **right)


def test_logins_and_accounts_are_bounded_by_default():
    settings = Settings()

    assert (10, 60) == (settings.login_failures_per_minute, settings.login_failures_per_minute_per_ip)
    assert 200 == settings.accounts_per_hour


async def test_accounts_made_from_one_address_are_bounded_but_not_from_loopback(game):
    game.use(accounts_per_hour=1)
    far = game.connect(address="192.0.2.1")
    await far.ok("AuthDeviceId", id="device-01")
    game.now += 600

    answer = await far.ask("AuthDeviceId", id="device-02")
    assert ("rate_limited", 3000.0) == (answer["code"], answer["retry_after"])
    assert "rate_limited" == await far.refused("AuthCustomId", id="custom-02")
    assert "rate_limited" == await far.refused("AuthEmail", email="a@b.io", password="12345678", create=True)
    await far.ok("AuthDeviceId", id="device-01")
    for number in range(3, 6):
        await game.connect().ok("AuthDeviceId", id=f"device-0{number}")


async def test_a_new_password_closes_the_other_sessions_after_what_they_have_begun(game):
    ada, other = game.connect(), game.connect()
    for client in (ada, other):
        await client.ok("AuthEmail", email="a@b.io", password="12345678", create=True)
    goes_on = game.hold("post_create_room")
    made = other.tell("CreateRoom")
    await wait_all_tasks_blocked()
    await ada.ok("UpdateUser", password="another-one")
    await wait_all_tasks_blocked()
    goes_on.set()
    await wait_all_tasks_blocked()

    assert (True, 1008) == (other.answer(made)["status"], other.connection.closed[0])
    assert ({}, [ada.session_id]) == (game.world.rooms, list(game.world.sessions))
    assert ada.connection.closed is None


async def test_a_name_that_somebody_else_has_is_refused(game):
    ada, bob = await game.player("ada"), await game.player("bob")

    answer = await ada.ask("UpdateUser", device_id="device-of-bob")

    assert ("identity_taken", "device_id: already in use") == (answer["code"], answer["error"])
    await ada.ok("UpdateUser", device_id="device-of-ada", name="Ada")
    assert "Ada" == (await bob.ok("GetUser", user_id=ada.user_id))["name"]
    assert attrs.evolve(game.world.accounts[ada.user_id]) == game.store.accounts[ada.user_id]
    assert ("user_not_found", "no_permission") == (
        await bob.refused("GetUser", user_id="nobody"),
        await bob.refused("UpdateUser", target_user_id=ada.user_id, name="x"),
    )


async def test_a_message_that_gets_its_turn_just_as_it_is_told_to_give_way_is_dropped_before_it_begins(game):
    ada, room_id = await game.players("ada")
    key, holder = (Table.ROOM, room_id), UnitOfWork(game.world)
    game.chain.turns.take_free(key, holder)
    sent = ada.tell("Play", room_id=room_id, message=1)

    game.chain.turns.release(key)
    ada.intake._gives_way = True
    ada.intake._running.interrupt()
    await wait_all_tasks_blocked()

    assert (None, True) == (ada.answer(sent), game.chain.turns.free([key]))
    ada.intake.go_on()
    await ada.quiet()
    assert ada.answer(sent)["status"]


async def scene(game):
    """Some of everything that can go at once, and of what is refused; gives what everybody heard."""
    ada, bob, room_id = await game.players("ada", "bob")
    guest = await game.player("cy")
    guest.connection.out.clear()
    for client, type_, fields in [
        (ada, "Play", {"room_id": room_id, "message": {"cell": 4}}),
        (bob, "MessageToRoom", {"room_id": room_id, "message": b"\0"}),
        (guest, "MessageToRoom", {"room_id": room_id, "message": 1}),
        (guest, "Play", {"room_id": "none", "message": 1}),
        (guest, "JoinToRoom", {"room_id": room_id}),
        (guest, "JoinToRoom", {"room_id": room_id}),
        (ada, "UpdateRoom", {"room_id": room_id, "name": "here", "metas": {"k": 1}}),
        (bob, "UpdateRoom", {"room_id": room_id, "name": "there"}),
        (bob, "GetRoom", {"room_id": room_id}),
        (ada, "Me", {}),
        (bob, "UpdateUser", {"name": "Bob"}),
        (ada, "KickUserFromRoom", {"room_id": room_id, "user_id": guest.user_id}),
        (guest, "RoomList", {}),
        (bob, "RoomDisconnect", {"room_id": room_id}),
        (bob, "Logout", {}),
        (ada, "RoomDisconnect", {"room_id": room_id}),
    ]:
        await client.ask(type_, **fields)
        await wait_all_tasks_blocked()
    names = {client.user_id: name for client, name in ((ada, "ada"), (bob, "bob"), (guest, "cy"))}
    told = repr([client.connection.out for client in (ada, bob, guest)])
    for known, name in {**names, room_id: "room"}.items():
        told = told.replace(known, name)
    return told, len(game.world.rooms), len(game.world.sessions)


async def test_the_short_way_of_a_message_that_waits_for_nothing_comes_to_the_same_as_the_long_one(game, nursery):
    """The long way is that of messages whose scripts have hooks."""
    long = Game(nursery)
    for name in HOOK_MODELS:
        long.hooks[f"pre_{name}"] = lambda _call: None

    assert await scene(long) == await scene(game)
    assert ([], True) == (game.hooks.calls, len(long.hooks.calls) > 16)


async def test_what_a_hook_holds_back_is_not_overtaken_on_the_short_way(game, room):
    ada, bob, room_id = room
    cy = await game.player("cy")
    gate = game.hold("pre_play")
    play = ada.tell("Play", room_id=room_id, message=1)
    talk = bob.tell("MessageToRoom", room_id=room_id, message=2)
    elsewhere = await cy.ok("CreateRoom")
    await wait_all_tasks_blocked()
    assert (None, None, True) == (ada.answer(play), bob.answer(talk), elsewhere["status"])
    gate.set()
    await bob.quiet()

    assert [1] == [event["message"] for event in bob.events]
    assert [2] == [event["message"] for event in ada.events]
