"""Requests and answers, against a server that says what a test tells it to."""

from functools import partial

import msgpack
import pytest
import trio

from yummy.client import RequestFailed, RequestTimeout, connect


async def test_a_request_gets_its_answer(server):
    async with connect(server.url) as client:
        reply = await client.call("Say", text="hello")
    assert reply == {"request_id": 1, "status": True, "type": "Say", "text": "hello"}
    assert server.paths == ["/v1/socket?x-yummy-api=YummyYummy"]


async def test_the_default_format_is_msgpack_and_json_can_be_chosen(server):
    async with connect(server.url) as client:
        await client.call("Say", data=b"\x00")
    async with connect(server.url, format="json") as client:
        await client.call("Say", text="ü")
    assert server.frames == [
        msgpack.packb({"type": "Say", "data": b"\x00", "request_id": 1}),
        '{"type":"Say","text":"ü","request_id":1}',
    ]


async def test_answers_may_come_in_any_order(server):
    held = []

    async def answer_in_reverse(peer, request):
        held.append(request)
        if len(held) == 3:
            for earlier in reversed(held):
                await peer.answer(earlier, echo=earlier["number"])

    server.answer = answer_in_reverse
    results = {}

    async def ask(client, number):
        results[number] = (await client.call("Ask", number=number))["echo"]

    async with connect(server.url) as client, trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(ask, client, number)
    assert results == {0: 0, 1: 1, 2: 2}


async def test_a_failure_is_an_error_with_code_and_text(server):
    server.answer = lambda peer, request: peer.refuse(request, "room_full", "Room has max users")
    async with connect(server.url) as client:
        with pytest.raises(RequestFailed, match="Room has max users") as caught:
            await client.join("room-1")
    assert (caught.value.type, caught.value.code, caught.value.error) == (
        "JoinToRoom",
        "room_full",
        "Room has max users",
    )
    assert caught.value.reply["status"] is False


async def test_a_request_that_is_not_answered_times_out_and_the_late_answer_is_forgotten(server):
    late = []

    async def answer_late(peer, request):
        if request["type"] == "Slow":
            late.append(request)
        else:
            await peer.answer(late.pop())
            await peer.answer(request)

    server.answer = answer_late
    async with connect(server.url) as client:
        with pytest.raises(RequestTimeout, match="Slow was not answered"):
            await client.call("Slow", timeout=0.01)
        assert (await client.call("Quick"))["request_id"] == 2
        assert client._line._waiting == {}


async def test_a_cancelled_request_leaves_the_connection_usable(server):
    async def ignore_slow(peer, request):
        if request["type"] != "Slow":
            await peer.answer(request)

    server.answer = ignore_slow
    async with connect(server.url) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(client.call, "Slow"))
            await server.until(lambda: len(server.requests) == 1)
            nursery.cancel_scope.cancel()
        assert (await client.call("Quick"))["status"]


async def test_what_cannot_be_encoded_is_refused_before_anything_is_sent(server):
    async with connect(server.url) as client:
        with pytest.raises(TypeError):
            await client.call("Say", data=object())
        await client.call("Say")
    assert len(server.requests) == 1


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_a_text_that_cannot_be_encoded_fails_its_own_request_alone(server, form):
    async with connect(server.url, format=form) as client:
        with pytest.raises(ValueError, match="surrogates"):
            await client.update_user(name="\ud800")
        with pytest.raises(ValueError, match="surrogates"):
            await client.send("UpdateUser", name="\ud800")
        await client.me()
    assert [request["type"] for request in server.requests] == ["Me"]


async def test_typed_requests_send_what_the_protocol_names(server):
    async with connect(server.url) as client:
        await client.authenticate_email("a@example.org", "password", create=True)
        await client.authenticate_device("device-1")
        await client.authenticate_custom("custom-1")
        await client.refresh_token()
        await client.me()
        await client.get_user("user-2")
        await client.update_user(name="Ann")
        await client.create_room(name="Lobby", tags=("a",), metas={"x": 1}, join_request=True)
        await client.join("room-1", password="ABCD", rank=2)
        await client.play("room-1", None)
        await client.message("room-1", "hi")
        await client.rooms(tag="a", members=(0,), limit=5)
        await client.get_room("room-1")
        await client.update_room("room-1", name="Hall")
        await client.kick("room-1", "user-2")
        await client.kick("room-1", "user-2", ban=True)
        await client.leave("room-1")
        await client.restore("token-9")
        await client.logout()
    for number, request in enumerate(server.requests, 1):
        assert request.pop("request_id") == number
    assert server.requests == [
        {"type": "AuthEmail", "email": "a@example.org", "password": "password", "create": True},
        {"type": "AuthDeviceId", "id": "device-1"},
        {"type": "AuthCustomId", "id": "custom-1"},
        {"type": "RefreshToken", "token": "token-1"},
        {"type": "Me"},
        {"type": "GetUser", "user_id": "user-2"},
        {"type": "UpdateUser", "name": "Ann"},
        {"type": "CreateRoom", "name": "Lobby", "tags": ["a"], "metas": {"x": 1}, "join_request": True},
        {"type": "JoinToRoom", "room_id": "room-1", "password": "ABCD", "room_user_type": 2},
        {"type": "Play", "room_id": "room-1", "message": None},
        {"type": "MessageToRoom", "room_id": "room-1", "message": "hi"},
        {"type": "RoomList", "tag": "a", "members": [0], "limit": 5},
        {"type": "GetRoom", "room_id": "room-1"},
        {"type": "UpdateRoom", "room_id": "room-1", "name": "Hall"},
        {"type": "KickUserFromRoom", "room_id": "room-1", "user_id": "user-2"},
        {"type": "BanUserFromRoom", "room_id": "room-1", "user_id": "user-2"},
        {"type": "RoomDisconnect", "room_id": "room-1"},
        {"type": "RestoreToken", "token": "token-9"},
        {"type": "Logout"},
    ]


async def test_the_client_knows_who_it_is(server):
    async with connect(server.url) as client:
        assert (client.user_id, client.session_id, client.token) == (None, None, None)
        await client.authenticate_device("device-1")
        assert (client.user_id, client.session_id, client.token) == ("user-1", "session-1", "token-1")
        await client.logout()
        assert (client.user_id, client.session_id, client.token) == (None, None, None)
