"""Random bytes and mutated sessions against the whole server, which goes on for everybody else.

Longer: LONG_TESTS=100 python3 -m uv run pytest --timeout 0 tests/wire/test_fuzz.py
"""

import contextlib
import json

import msgpack
import trio
from bounds import bounded
from hypothesis import given
from hypothesis import strategies as st
from siege import besieged, promptly, request, upgrade
from structlog.testing import capture_logs
from tests.transport.conftest import BINARY, CLOSE, PING, TEXT, Gone, masked
from trio.testing import wait_all_tasks_blocked

ROOM = "ROOM" * 9
"""Stands for the players' room, and is as long as its id; frames that hold it are masked with zeros."""

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REQUESTS = [
    {"type": "AuthDeviceId", "id": "device-of-mallory"},
    {"type": "AuthCustomId", "id": "mallory-somewhere-else"},
    {"type": "RestoreToken", "token": "a.b.c"},
    {"type": "RefreshToken", "token": ""},
    {"type": "Me"},
    {"type": "Logout"},
    {"type": "CreateRoom", "name": "x", "max_user": 2, "metas": {"key": {"access": 3, "value": [1]}}},
    {"type": "JoinToRoom", "room_id": ROOM},
    {"type": "Play", "room_id": ROOM, "message": {"a": [1, 2.5, None]}},
    {"type": "MessageToRoom", "room_id": ROOM, "message": "hello"},
    {"type": "RoomDisconnect", "room_id": ROOM},
    {"type": "RoomList", "limit": 10, "members": [0, 2]},
    {"type": "GetRoom", "room_id": ROOM, "members": []},
    {"type": "UpdateRoom", "room_id": ROOM, "user_permission": {"nobody": 3}, "meta_action": 2},
    {"type": "UpdateUser", "metas": {"key": 1}, "meta_action": 1},
    {"type": "WaitingRoomJoins", "room_id": ROOM},
    {"type": "KickUserFromRoom", "room_id": ROOM, "user_id": "nobody"},
]
LOGIN = request("AuthDeviceId", id="device-of-mallory")


@st.composite
def messages(draw):
    """A request with some of its fields changed, as a frame in either encoding."""
    message = {"request_id": draw(st.integers(0, 99) | PLAIN), **draw(st.sampled_from(REQUESTS))}
    for key in draw(st.lists(st.sampled_from(sorted(message)), max_size=2)):
        message[key] = draw(PLAIN)
    if draw(st.booleans()):
        return masked(BINARY, msgpack.packb(message, unicode_errors="surrogatepass"), bytes(4))
    return masked(TEXT, json.dumps(message).encode(), bytes(4))


NOISE = (
    st.binary(max_size=80).map(lambda payload: masked(BINARY, payload))
    | st.text(max_size=40).map(lambda text: masked(TEXT, text.encode()))
    | st.tuples(st.integers(0, 255), st.binary(max_size=130)).map(lambda frame: masked(*frame))
    | st.sampled_from([masked(PING, b"?"), masked(CLOSE, b"\x03\xe8"), masked(0x02, b"\x81"), masked(0x80, b"\xc0")])
)
JOIN = masked(BINARY, msgpack.packb({"type": "JoinToRoom", "room_id": ROOM}), bytes(4))
FRAMES = st.one_of(messages(), messages(), messages(), NOISE)
SESSIONS = st.tuples(st.sampled_from([b"", JOIN]), st.lists(FRAMES, max_size=12)).map(
    lambda both: upgrade() + LOGIN + both[0] + b"".join(both[1])
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["flip", "drop", "double"]), st.integers(1, 255)), max_size=4
)
ENDS = st.sampled_from(["leave", "reset", "half", "read"])


def edited(data: bytes, edits: list[tuple[float, str, int]]) -> bytes:
    """Bytes with some of them changed, left out or repeated."""
    for where, kind, number in edits:
        at = int(where * len(data))
        middle = data[at : at + number]
        replaced = {"flip": bytes(byte ^ number for byte in middle[:1]) + middle[1:], "drop": b"", "double": middle * 2}
        data = data[:at] + replaced[kind] + data[at + number :]
    return data


async def attack(siege, data, border, end):
    """Say all that in two pieces and go, or wait for what the server says to it.

    Returns:
        The types of the events that the players have heard of it.
    """
    heard = set()
    data = data.replace(ROOM.encode(), siege.room.encode())
    client = await siege.connect()
    with contextlib.suppress(trio.BrokenResourceError, Gone):
        at = int(border * len(data))
        for piece in (data[:at], data[at:]):
            await client.send(piece)
            await wait_all_tasks_blocked()
        if end == "half":
            await client.stream.send_eof()
        if end == "read":
            await siege.server.driver.wait_idle()
            with trio.move_on_after(0.01):
                await client.end()
    if end == "reset":
        client.reset()
    await trio.aclose_forcefully(client.stream)
    siege.clients.clear()
    async with promptly():
        await siege.anna.ok("Play", room_id=siege.room, message="still here")
        while (event := await siege.bert.receive()).get("message") != "still here":
            heard.add(event["type"])
    siege.anna.events.clear()
    return heard


async def fuzz(cases, strategy):
    """Attack one running server that many times; none of it may be an error of the server's own.

    Returns:
        The types of the events that the players have heard of it.
    """
    heard = set()
    with capture_logs() as logs:
        async with besieged(max_fragments=4) as siege:

            @bounded(cases)
            @given(strategy, st.floats(0, 1), ENDS)
            def attacked(data, border, end):
                logs.clear()
                heard.update(trio.from_thread.run(attack, siege, data, border, end))
                assert [] == [one for one in logs if one["log_level"] in {"warning", "error", "critical"}]

            await trio.to_thread.run_sync(attacked)
            logs.clear()
        assert [] == [one for one in logs if one["log_level"] in {"warning", "error", "critical"}]
    return heard


async def test_random_bytes_before_the_upgrade():
    heads = st.tuples(st.just(upgrade()), EDITS).map(lambda both: edited(*both))
    await fuzz(60, st.binary(max_size=300) | heads)


async def test_random_bytes_after_the_upgrade():
    await fuzz(60, st.binary(max_size=300).map(lambda data: upgrade() + data))


async def test_sessions_of_strange_requests():
    heard = await fuzz(100, SESSIONS)
    # They reach the room that others are in. What else of them is heard there is a matter of moments.
    assert {"JoinToRoom", "UserDisconnectedFromRoom"} <= heard


async def test_mutated_sessions():
    await fuzz(100, st.tuples(SESSIONS, EDITS).map(lambda both: edited(*both)))
