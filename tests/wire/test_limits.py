"""The limits of the protocol, section by section of its table: what the setting says, what the client hears.

Others of them are tested where they belong: keys, paths and the number of connections in `test_connection.py`, wrong
frames and rates in `test_faults.py`, what waits and is banned in `test_rooms.py`, slow readers and pauses in
`test_hostile.py`.
"""

import itertools
import json
from collections import Counter
from contextlib import AsyncExitStack

import msgpack
import pytest
import trio
from harness import PATIENCE, connected, log_in, logged_in, running, write_scripts
from siege import PATH, besieged, closed, ended, heard, request
from tests.transport.conftest import BINARY, CLOSE, TEXT, head, masked

from yummy.passwords import Argon2Passwords

ELSEWHERE = "192.0.2.7"
"""The address of a client that does not sit on this machine (RFC 5737)."""


@pytest.fixture
def from_elsewhere(monkeypatch):
    """Connections come from another machine, as far as the server can tell."""
    monkeypatch.setattr("yummy.transport.listener.plain_address", lambda _: ELSEWHERE)


async def status(server, request_):
    """The HTTP status that a request gets."""
    async with await trio.open_tcp_stream(*server.transport.addresses[0]) as stream:
        await stream.send_all(request_)
        with trio.fail_after(PATIENCE):
            return int((await stream.receive_some(1000)).split()[1])


# Sizes


def sized(encoding, size):
    """A request of so many bytes, as a frame; its text has about half as many characters."""
    if encoding == "json":
        room = size - len('{"type": "Me", "x": ""}')
        text = "x" * (room % 2) + "\u00fc" * (room // 2)
        payload = f'{{"type": "Me", "x": "{text}"}}'.encode()
    else:
        head_size = len(msgpack.packb({"type": "Me", "x": bytes(size)})) - size
        payload = msgpack.packb({"type": "Me", "x": bytes(size - head_size)})
    assert len(payload) == size
    return masked(TEXT if encoding == "json" else BINARY, payload)


async def test_a_message_may_have_just_as_many_bytes_as_allowed(encoding):
    async with besieged(max_message_bytes=1000) as siege:
        client, _ = await siege.known()
        await client.send(sized(encoding, 1000))
        assert (await client.data_frame())[0] == (TEXT if encoding == "json" else BINARY)
        await client.send(sized(encoding, 1001))
        assert await closed(client) == 1009


async def test_a_message_may_be_cut_into_just_as_many_frames_as_allowed():
    async with besieged(max_fragments=3) as siege:
        client, _ = await siege.known()
        message = msgpack.packb({"type": "Me", "request_id": 3})
        await client.send(masked(0x02, message[:5]) + masked(0x00, b"") + masked(0x80, message[5:]))
        assert (await heard(client))["request_id"] == 3
        await client.send(masked(0x02, message[:5]) + masked(0x00) * 3)
        assert await closed(client) == 1008


async def test_control_frames_are_bounded():
    async with besieged(max_control_frames=10) as siege:
        client, _ = await siege.known()
        await client.send(masked(0x89) * 11)
        assert await closed(client) == 1008


# Before the upgrade, in this order: 503, 429, 404, 401, 403


@pytest.mark.parametrize(
    ("settings", "connections", "answers"),
    [
        ({}, 0, [404, 401, 403]),
        ({"max_connections_per_ip": 1}, 1, [429, 429, 429]),
        ({"max_connections_per_ip": 1, "max_connections": 1}, 1, [503, 503, 503]),
    ],
)
async def test_the_first_reason_to_refuse_a_request_is_told(from_elsewhere, settings, connections, answers):
    evil = b"Origin: https://evil.example\r\n"
    async with running(allowed_origins=("https://game.example",), **settings) as server, AsyncExitStack() as stack:
        for number in range(connections):
            await stack.enter_async_context(logged_in(server, str(number)))
        for path, expected in zip(["/nowhere", "/v1/socket", PATH], answers, strict=True):
            assert await status(server, head(path, extra=evil)) == expected
        refused = server.transport.statistics().refused
        assert dict(Counter(answers)) == {one.value: count for one, count in refused.items()}


async def test_connections_of_one_address_are_bounded_and_those_of_this_machine_are_not(monkeypatch):
    async with running(max_connections_per_ip=2) as server:
        async with logged_in(server, "a"), logged_in(server, "b"), logged_in(server, "c"):
            pass
        monkeypatch.setattr("yummy.transport.listener.plain_address", lambda _: ELSEWHERE)
        async with logged_in(server, "a"), logged_in(server, "b") as bert:
            assert await status(server, head(PATH)) == 429
            await bert.ok("Me")


# Times


async def test_a_client_that_is_not_heard_of_is_closed_and_one_that_answers_pings_is_not():
    async with besieged(heartbeat_interval=0.1, heartbeat_timeout=0.4) as siege:
        client, _ = await siege.known()
        assert await closed(client) == 4002
        assert siege.server.transport.statistics().closings == {4002: 1}


async def test_a_storm_of_logins_is_not_closed_for_what_the_server_takes_to_hash(monkeypatch):
    """The time to authenticate stands still while the server works on it."""
    goes_on = trio.Event()

    async def verify(passwords, password_hash, password):
        await goes_on.wait()
        return True

    account = {"email": "anna@example.org", "password": "correct horse"}
    async with running(auth_timeout=1.0) as server:
        async with connected(server) as anna:
            await anna.ok("AuthEmail", create=True, **account)
        monkeypatch.setattr(Argon2Passwords, "verify", verify)
        async with connected(server) as bert:
            await bert.send(type="AuthEmail", **account)
            async with connected(server) as stranger:  # who came later, and says nothing
                assert await stranger.close_code() == 4001
            goes_on.set()
            assert (await bert.receive())["status"] is True
            await bert.ok("Me")


# Rates


async def test_the_rate_is_bounded_as_the_defaults_say():
    """120 at once, then `rate_limited` with the seconds to wait, and with the hundredth of these the close."""
    async with besieged(max_messages_per_second=60) as siege:
        client = await siege.upgraded()
        await client.send(request("Me") * 119)
        for _ in range(119):
            assert (await heard(client))["code"] == "not_authenticated"
        await client.send(request("Me") * 300)
        refused = 0
        while (frame := await client.data_frame())[0] == BINARY:
            answer = msgpack.unpackb(frame[1])
            if answer["code"] == "rate_limited":
                refused += 1
                assert 0 < answer["retry_after"] <= 0.017
        assert refused == 99
        assert frame == (CLOSE, b"\x0f\xa4too many messages")
        assert siege.server.transport.statistics().closings == {4004: 1}
        # The hundredth is counted, too, though all that its client hears of it is the close.
        assert siege.server.chain.failures.statistics()["rate_limited"] == 100


async def test_failed_logins_of_one_address_are_bounded_and_those_of_this_machine_are_not(monkeypatch):
    async with running(login_failures_per_minute_per_ip=2) as server:
        names = (f"nobody-{number}@example.org" for number in itertools.count())

        async def guess(player):
            return await player.call("AuthEmail", email=next(names), password="wrong horse")

        async with connected(server) as here:
            for _ in range(4):
                assert (await guess(here))["code"] == "invalid_credentials"
        monkeypatch.setattr("yummy.transport.listener.plain_address", lambda _: ELSEWHERE)
        async with connected(server) as anna:
            for _ in range(2):
                assert (await guess(anna))["code"] == "invalid_credentials"
            answer = await guess(anna)
            assert answer["code"] == "rate_limited"
            assert 50 < answer["retry_after"] <= 60


async def test_new_accounts_of_one_address_are_bounded_and_those_of_this_machine_are_not(monkeypatch):
    async with running(accounts_per_hour=2) as server:
        for name in ("a", "b", "c"):
            async with logged_in(server, name):
                pass
        monkeypatch.setattr("yummy.transport.listener.plain_address", lambda _: ELSEWHERE)
        async with connected(server) as anna:
            for name in ("d", "e"):
                await log_in(anna, name)
            answer = await anna.call("AuthDeviceId", id="device-of-f")
            assert answer["code"] == "rate_limited"
            assert 3500 < answer["retry_after"] <= 3600
            await log_in(anna, "a")  # there already


# Closes


async def taken_over(siege, client, token):
    other = await siege.upgraded()
    await other.send(request("RestoreToken", token=token))
    await heard(other)


CLOSES = {
    1008: ({"max_control_frames": 3}, lambda _siege, client, _token: client.send(masked(0x89) * 9)),
    1009: ({"max_message_bytes": 1000}, lambda _siege, client, _token: client.send(masked(BINARY, bytes(1001)))),
    4003: ({}, taken_over),
    4005: ({"max_wrong_format": 2}, lambda _siege, client, _token: client.send(masked(BINARY, b"nonsense") * 2)),
}
"""Of the others, 4000 is tested in `test_hostile.py`, 4002 and 4004 above, 1001 and 4001 below."""


@pytest.mark.parametrize("code", CLOSES)
async def test_closes_are_counted_by_their_code(code):
    settings, provoke = CLOSES[code]
    async with besieged(**settings) as siege:
        client, answer = await siege.known()
        await provoke(siege, client, answer["token"])
        assert await closed(client) == code
        assert siege.server.transport.statistics().closings == {code: 1}


async def test_who_does_not_authenticate_and_who_is_there_at_the_end_are_counted_as_closed():
    async with running(auth_timeout=0.1) as server, logged_in(server, "anna") as anna:
        async with connected(server) as stranger:
            assert await stranger.close_code() == 4001
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.transport.drain, PATIENCE)
            assert await anna.close_code() == 1001
        assert server.transport.statistics().closings == {4001: 1, 1001: 1}


# Rooms and sessions


async def test_rooms_of_a_user_users_of_a_room_and_sessions_of_a_user_are_bounded(encoding):
    async with (
        running(max_rooms_per_user=2, max_users_per_room=2, max_sessions_per_user=2) as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert", encoding) as bert,
        logged_in(server, "carl") as carl,
        logged_in(server, "anna"),
        connected(server) as third,
    ):
        rooms = [(await anna.ok("CreateRoom"))["room_id"] for _ in range(2)]
        assert await anna.refused("CreateRoom") == "busy"
        theirs = (await bert.ok("CreateRoom"))["room_id"]
        assert await anna.refused("JoinToRoom", room_id=theirs) == "busy"
        await bert.ok("JoinToRoom", room_id=rooms[0])
        assert await carl.refused("JoinToRoom", room_id=rooms[0]) == "room_full"
        assert await third.refused("AuthDeviceId", id="device-of-anna") == "busy"
        assert server.chain.failures.statistics() == {"busy": 3, "room_full": 1}


async def test_refusals_are_counted_by_code_and_those_of_scripts_under_one(tmp_path):
    hooks = write_scripts(
        tmp_path,
        game="""
        from yummy import fail

        def pre_play(model):
            fail("no", code=f"no_{model.message}")
    """,
    )
    async with running(hooks) as server, connected(server) as stranger, logged_in(server, "anna") as anna:
        assert await stranger.refused("Me") == "not_authenticated"
        assert await stranger.refused("RestoreToken", token="x") == "invalid_token"
        for number in range(3):
            assert await anna.refused("Play", room_id="r", message=number) == f"no_{number}"
            assert await anna.refused("GetRoom") == "wrong_format"
        await anna.ok("Me")
        assert server.chain.failures.statistics() == {
            "not_authenticated": 1, "invalid_token": 1, "hook_failed": 3, "wrong_format": 3,
        }  # fmt: skip


# What is inside of a message


def play(message):
    """A request to play with this in it, as msgpack, written by hand."""
    return b"\x83\xa4type\xa4Play\xa7room_id\xa1r\xa7message" + message


BOMBS = {
    "text of 4 GiB": b"\xdb\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\xc6\xff\xff\xff\xff",
    "a list of 4 Gi items": b"\xdd\xff\xff\xff\xff",
    "a map of 4 Gi keys": b"\xdf\xff\xff\xff\xff",
    "an extension of 4 GiB": b"\xc9\xff\xff\xff\xff\x05",
    "lists that announce lists": b"\xdd\x00\x00\xf0\x00" * 12_000,
    "maps that announce maps": b"\xdf\x00\x00\x7f\x00\xa1a" * 9_000,
    "60,000 lists in one another": b"\x91" * 60_000 + b"\xc0",
    "20,000 maps in one another": b"\x81\xa1a" * 20_000 + b"\xc0",
    "33 lists in one another": b"\x91" * 33 + b"\xc0",
    "an extension": b"\xc7\x01\x05x",
    "a date": msgpack.packb(msgpack.Timestamp(1)),
    "a key that is a number": b"\x81\x01\xc0",
    "a key that is bytes": b"\x81\xc4\x01a\xc0",
    "a key that is a list": b"\x81\x90\xc0",
    "the same key twice": b"\x82\xa1a\xc0\xa1a\xc0",
    "text that is no UTF-8": b"\xa2\xff\xfe",
    "text with a surrogate": b"\xa3\xed\xa0\x80",
    "a key that is no UTF-8": b"\x81\xa1\xff\xc0",
    "not a number": b"\xcb\x7f\xf8" + bytes(6),
    "infinity": b"\xcb\x7f\xf0" + bytes(6),
    "infinity in 32 bits": b"\xca\xff\x80\x00\x00",
    "a byte that means nothing": b"\xc1",
    "two messages": b"\xc0\x80",
}

JSON_BOMBS = {
    "60,000 lists in one another": "[" * 60_000 + "]" * 4_000,
    "10,000 maps in one another": '{"a":' * 10_000 + "1" + "}" * 5_000,
    "33 lists in one another": "[" * 33 + "]" * 33,
    "a number of 60,000 digits": "9" * 60_000,
    "a fraction that is infinite": "1e999",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "an integer out of range": str(2**64),
    "a lone surrogate": '"\\ud800"',
    "a key that is a lone surrogate": '{"\\udfff": 1}',
    "the same key twice": '{"a": 1, "a": 2}',
    "the same key twice, once in disguise": '{"a": 1, "\\u0061": 2}',
    "two messages": "1} {",
}


async def test_what_no_message_may_hold_is_refused_in_msgpack():
    async with besieged(max_wrong_format=0) as siege:
        client, _ = await siege.known()
        for name, bomb in BOMBS.items():
            await client.send(masked(BINARY, play(bomb)))
            assert (name, "wrong_format") == (name, (await heard(client))["code"])


async def test_what_no_message_may_hold_is_refused_in_json():
    async with besieged(max_wrong_format=0) as siege:
        client, _ = await siege.known()
        for name, bomb in JSON_BOMBS.items():
            text = f'{{"type": "Play", "room_id": "r", "message": {bomb}}}'
            await client.send(masked(TEXT, text.encode()))
            with trio.fail_after(PATIENCE):
                first_byte, answer = await client.data_frame()
            assert (name, TEXT, "wrong_format") == (name, first_byte, json.loads(answer)["code"])


async def test_the_largest_maps_and_lists_that_fit_are_taken_and_reach_both_encodings():
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", "json") as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        for message in ({f"{number:x}": None for number in range(11_000)}, [0] * 60_000, {"": [[]] * 30_000}):
            await anna.ok("Play", room_id=room, message=message)
            assert (await bert.event("Play"))["message"] == message


async def test_a_limit_of_zero_is_none():
    unlimited = (
        "max_message_bytes", "max_messages_per_second", "max_rate_limited", "max_wrong_format", "max_depth", "inbox",
        "outbox_bytes", "max_connections", "max_connections_per_ip", "auth_timeout", "heartbeat_interval",
        "heartbeat_timeout", "handshake_timeout", "max_handshakes", "max_fragments", "max_control_frames",
        "max_rooms_per_user", "max_users_per_room", "max_sessions_per_user", "login_failures_per_minute",
    )  # fmt: skip
    async with besieged(**dict.fromkeys(unlimited, 0)) as siege:
        client, _ = await siege.known()
        await client.send(masked(BINARY, b"nonsense") * 30 + masked(0x89) * 300)
        for _ in range(30):
            assert (await heard(client))["code"] == "wrong_format"
        await client.send(masked(BINARY, msgpack.packb({"type": "Me", "padding": bytes(300_000)})))
        while (frame := await client.frame())[0] != BINARY:
            pass
        assert msgpack.unpackb(frame[1])["status"] is True
        assert not client.was_reset
        await client.send(masked(0x88, b"\x03\xe8"))
        await ended(client)
