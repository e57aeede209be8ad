"""Intake: what is checked before anything runs, and how a connection's messages queue."""

import json

import msgpack
import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.model import identify
from yummy.pipeline.driver import Driver
from yummy.pipeline.intake import is_loopback


async def test_who_is_not_authenticated_may_only_log_in(game):
    client = game.connect()

    for type_, fields in [("Me", {}), ("RoomList", {}), ("Play", {"room_id": "r", "message": 1})]:
        assert "not_authenticated" == await client.refused(type_, **fields)
    assert "not_logged_in" == await client.refused("Logout")
    assert "invalid_token" == await client.refused("RefreshToken", token="x")
    await client.log_in("ada")
    assert (True, True) == (client.connection.authenticated, (await client.ask("Me"))["status"])


async def test_format_is_checked_before_authentication(game):
    client = game.connect()

    assert "wrong_format" == await client.refused("Nope")
    assert "wrong_format" == await client.refused("Play")


async def test_an_answer_has_its_request_s_format_and_an_event_that_of_the_last_frame(game):
    ada, bob, room_id = await game.players("ada", "bob")
    ada.connection.kinds.clear()
    bob.connection.kinds.clear()

    ada.intake.receive(json.dumps({"type": "RoomList", "request_id": 9}))
    await bob.ok("Play", room_id=room_id, message=b"\x00")
    await ada.ok("Me")
    await bob.ok("Play", room_id=room_id, message=b"\x00")

    assert ["text", "text", "binary", "binary"] == ada.connection.kinds
    assert ["AA==", b"\x00"] == [event["message"] for event in ada.events]


async def test_a_sub_protocol_fixes_the_format(game):
    ada = game.connect(subprotocol="yummy.json")

    ada.intake.receive(msgpack.packb({"type": "Logout", "request_id": 1}))
    ada.intake.receive(json.dumps({"type": "AuthDeviceId", "id": "device-01"}))
    await ada.quiet()

    assert ["text", "text"] == ada.connection.kinds
    assert "the sub-protocol of this connection is yummy.json" in ada.connection.out[0]["error"]
    assert ("wrong_format", True) == (ada.connection.out[0]["code"], ada.connection.out[1]["status"])


async def test_who_is_too_fast_is_told_how_long_to_wait(game):
    game.use(max_messages_per_second=10)
    ada = await game.player("ada")
    for _ in range(19):
        await ada.ok("RoomList")

    answer = await ada.ask("RoomList")
    assert ("rate_limited", 0.1) == (answer["code"], answer["retry_after"])
    assert "rate_limited" == await ada.refused("Nope")
    game.steady += 0.1
    await ada.ok("RoomList")
    assert "rate_limited" == await ada.refused("RoomList")
    game.steady += 100
    for _ in range(20):
        await ada.ok("RoomList")
    assert "rate_limited" == await ada.refused("RoomList")


async def test_who_does_not_stop_is_closed(game):
    game.use(max_messages_per_second=1, max_rate_limited=5)
    ada = await game.player("ada")
    await ada.ok("RoomList")

    for _ in range(3):
        await ada.refused("RoomList")
    game.steady += 10
    await ada.ok("RoomList")
    await ada.ok("RoomList")
    for _ in range(4):
        await ada.refused("RoomList")
    assert ada.connection.closed is None
    await ada.refused("RoomList")

    assert (4004, "too many messages") == ada.connection.closed


async def test_twenty_of_wrong_format_in_a_row_close(game):
    ada = game.connect()
    for _ in range(19):
        await ada.refused("Nope")
    await ada.log_in("ada")
    for _ in range(19):
        await ada.refused("Nope")
    assert ada.connection.closed is None

    await ada.refused("Nope")

    assert 4005 == ada.connection.closed[0]


async def test_a_full_inbox_lets_the_reader_wait(game):
    game.use(inbox=2)
    ada = await game.player("ada")
    goes_on = game.hold("pre_room_list_request")
    ada.tell("RoomList")
    await wait_all_tasks_blocked()
    ids = []
    while not ada.intake.full:
        ids.append(ada.tell("Me"))
    assert 2 == len(ids)

    waited = []

    async def read():
        await ada.intake.wait_room()
        waited.append(len(ids))

    game.nursery.start_soon(read)
    await wait_all_tasks_blocked()
    assert [] == waited
    goes_on.set()
    await ada.quiet()
    await wait_all_tasks_blocked()

    assert ([2], True) == (waited, all(ada.answer(one)["status"] for one in ids))


async def test_what_was_received_is_handled_though_reading_has_ended(game):
    ada, bob, room_id = await game.players("ada", "bob")
    game.hooks["pre_play"] = lambda call: None
    for number in range(3):
        ada.tell("Play", room_id=room_id, message=number)

    await ada.intake.finish("closed")

    assert [0, 1, 2] == [event["message"] for event in bob.events]
    assert game.world.sessions[ada.session_id].connection is None
    await bob.ok("Play", room_id=room_id, message=3)


async def test_a_connection_without_a_session_ends_quietly(game):
    client = game.connect()
    before = game.snapshot()

    await client.intake.finish("closed")

    assert before == game.snapshot()


async def test_events_are_encoded_once_for_each_format(game, monkeypatch):
    ada, *_, room_id = await game.players("ada", "bob", "cid")
    from yummy.pipeline import switchboard  # noqa: PLC0415  # beside its only use

    encoded = []
    real = switchboard.encode

    def count(document, encoding):
        encoded.append(document.get("message"))
        return real(document, encoding)

    monkeypatch.setattr(switchboard, "encode", count)
    ada.tell("Play", room_id=room_id, message=1)

    assert [1] == [message for message in encoded if message is not None]


@pytest.mark.parametrize(
    ("address", "own"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("192.0.2.1", False)]
)
def test_this_machine_s_own_addresses(address, own):
    assert own == is_loopback(address)


@pytest.mark.parametrize("behind", [0, 1, 100], ids=["nothing behind it", "one message behind it", "many behind it"])
async def test_a_server_that_is_cancelled_in_the_midst_of_a_message_waits_for_no_end_of_it(game, behind):
    async def for_ever(call):
        await trio.sleep_forever()

    ada, room_id = await game.players("ada")
    game.use(inbox=0)
    game.hooks["pre_play"] = for_ever
    async with trio.open_nursery() as server:
        ada.intake.driver = game.chain.driver = Driver(server)
        server.start_soon(ada.intake.driver.run)
        for number in range(1 + behind):
            ada.tell("Play", room_id=room_id, message=number)
        await wait_all_tasks_blocked()
        server.cancel_scope.cancel()

    with trio.fail_after(1):
        await ada.intake.finish("server")
    assert (1, True) == (len(game.hooks.calls), ada.intake.driver.over)


async def test_a_fault_in_a_message_that_queued_keeps_none_behind_it(game, monkeypatch):
    ada, room_id = await game.players("ada")
    go, faults = trio.Event(), [RuntimeError("a fault")]

    async def wait(call):
        await go.wait()

    def identify_badly(*arguments):
        if faults:
            raise faults.pop()
        return identify(*arguments)

    game.hooks["pre_play"] = wait
    ada.tell("Play", room_id=room_id, message=1)
    ada.tell("Me")
    last = ada.tell("Me")
    monkeypatch.setattr("yummy.pipeline.intake.identify", identify_badly)
    with structlog.testing.capture_logs() as logs:
        go.set()
        await ada.quiet()

    assert ada.answer(last)["status"]
    assert ["message_failed"] == [line["event"] for line in logs if line["log_level"] == "error"]
