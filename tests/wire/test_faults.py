"""What goes wrong at a client's end gets its clear error, and the server goes on for everybody else."""

import json

import msgpack
import pytest
from harness import connected, log_in, logged_in, running, write_scripts

WRONG = [
    (b"\xc1", "not valid msgpack"),
    (b"", "not valid msgpack"),
    (msgpack.packb([1]), "expected a map"),
    (msgpack.packb({}) * 2, "more than one"),
    (msgpack.packb({"type": "Me", "x": msgpack.ExtType(5, b"")}), "extension type 5"),
    (b"\x82\xa4type\xa2Me\xa4type\xa2Me", "the same key twice"),
    (msgpack.packb({"no type": 1}), "type: required"),
    (msgpack.packb({"type": "Nonsense"}), "no such request"),
    (msgpack.packb({"type": "Me", "request_id": "x"}), "request_id: expected an integer"),
    ("{", "not valid JSON"),
    ("[1]", "expected a map"),
    ('{"type": "Me", "x": NaN}', "NaN"),
    ('{"type": "Me", "type": "Me"}', "the same key twice"),
    ("[" * 60_000, "nested too deeply"),
]


@pytest.mark.parametrize(("payload", "problem"), WRONG)
async def test_a_frame_that_is_no_request_is_answered_and_the_connection_stays(payload, problem):
    async with running() as server, logged_in(server, "anna") as anna:
        await anna.socket.send_message(payload)
        answer = await anna.socket.get_message()
        assert isinstance(answer, type(payload))
        answer = json.loads(answer) if isinstance(answer, str) else msgpack.unpackb(answer)
        assert answer["code"] == "wrong_format"
        assert answer["status"] is False
        assert answer["error"].startswith("Wrong message format: ")
        assert problem in answer["error"]
        assert (await anna.ok("Me"))["id"] == anna.user_id


async def test_deep_messages_are_refused_and_the_deepest_allowed_arrives(encoding):
    def nested(depth):
        return [nested(depth - 1)] if depth > 1 else []

    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        await anna.ok("MessageToRoom", room_id=room, message=nested(32))
        assert (await bert.event("MessageFromRoom"))["message"] == nested(32)
        assert await anna.refused("MessageToRoom", room_id=room, message=nested(33)) == "wrong_format"


async def test_twenty_wrong_frames_in_a_row_close_the_connection(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        for _ in range(19):
            await anna.send(type=5)
        await anna.send(type="Me")
        for _ in range(20):
            await anna.send(type=5)
        assert await anna.close_code() == 4005
        await bert.ok("Me")


async def test_who_sends_too_fast_is_told_when_to_go_on_and_closed_in_the_end(encoding, mock_clock):
    async with (
        running(max_messages_per_second=5, max_rate_limited=4) as server,
        logged_in(server, "anna", encoding) as anna,
    ):
        # Two seconds' worth may come at once; the login was the first. Time stands still, so there are no more.
        for _ in range(9):
            await anna.ok("Me")
        answer = await anna.call("Me")
        assert (answer["status"], answer["code"]) == (False, "rate_limited")
        assert answer["retry_after"] == pytest.approx(0.2)
        for _ in range(3):
            await anna.send(type="Me")
        assert await anna.close_code() == 4004


async def test_a_message_too_big_closes_its_connection_only(encoding):
    async with running(max_message_bytes=1000) as server, logged_in(server, "bert") as bert:
        async with logged_in(server, "anna", encoding) as anna:
            await anna.send(type="Me", padding="x" * 1000)
            assert await anna.close_code() == 1009
        await bert.ok("Me")


async def test_a_subprotocol_fixes_the_format():
    async with running() as server, connected(server, subprotocols=["yummy.json", "unknown"]) as anna:
        assert anna.socket.subprotocol == "yummy.json"
        await anna.socket.send_message(msgpack.packb({"type": "Me"}))
        answer = json.loads(await anna.socket.get_message())
        assert answer["code"] == "wrong_format"
        anna.encoding = "json"
        await log_in(anna, "anna")


async def test_a_message_that_has_begun_ends_though_its_client_has_gone(tmp_path):
    scripts = """
        from yummy import room
        def pre_message_to_room(model):
            room.get_room("a trip to the server")
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, logged_in(server, "bert") as bert:
        async with logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            await bert.ok("JoinToRoom", room_id=room)
            for number in range(10):
                await anna.send(type="MessageToRoom", room_id=room, message=number)
        heard = [(await bert.event("MessageFromRoom"))["message"] for _ in range(10)]
        assert heard == list(range(10))


async def test_a_script_that_fails_costs_its_own_message_only(tmp_path, encoding):
    scripts = """
        def pre_play(model):
            raise SystemExit("everything") if model.message == "exit" else KeyError("just this")
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna", encoding) as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        for message in ("exit", "key", "exit"):
            assert await anna.refused("Play", room_id=room, message=message) == "hook_error"
        await anna.ok("MessageToRoom", room_id=room, message=1)


async def test_failed_logins_are_slowed_down_for_the_account():
    async with running(login_failures_per_minute=3) as server, connected(server) as anna:
        wrong = {"email": "anna@example.org", "password": "wrong horse"}
        for _ in range(3):
            assert await anna.refused("AuthEmail", **wrong) == "invalid_credentials"
        answer = await anna.call("AuthEmail", **wrong)
        assert answer["code"] == "rate_limited"
        assert 50 < answer["retry_after"] <= 60
