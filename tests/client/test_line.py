"""Connections that are lost and come back."""

import pytest
import trio
from trio_websocket import WebSocketRequest, serve_websocket

from yummy.client import ConnectionLost, Lost, Reconnect, Restored, connect
from yummy.client.link import LinkOptions

AT_ONCE = Reconnect(first=0.0)


async def test_a_lost_connection_comes_back_with_its_session(server):
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        await server.peers[0].cut()
        assert await client.next_event() == Lost(1006, "")
        assert await client.next_event() == Restored(restored=True, rooms=("room-1",))
        assert (await client.call("Say", text="here again"))["text"] == "here again"
        assert client.token == "token-2"
    assert [request["type"] for request in server.requests] == ["AuthDeviceId", "RestoreToken", "Say"]
    assert server.requests[1]["token"] == "token-1"


async def test_a_request_in_flight_at_the_loss_fails_and_is_not_sent_again(server):
    async def cut_on_play(peer, request):
        if request["type"] == "Play":
            await peer.cut()
        else:
            await echo_of(peer, request)

    echo_of, server.answer = server.answer, cut_on_play
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        with pytest.raises(ConnectionLost, match="Play was on its way and may or may not have happened"):
            await client.play("room-1", 4)
        await client.next_event(Restored)
        await client.call("Say")
    assert [request["type"] for request in server.requests] == ["AuthDeviceId", "Play", "RestoreToken", "Say"]


async def test_a_request_made_during_the_outage_waits_for_the_connection(server):
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        server.statuses = [503, 503]
        await server.peers[0].cut()
        await client.next_event(Lost)
        assert (await client.call("Say", text="later"))["text"] == "later"
        assert len(server.paths) == 4


async def test_a_connection_without_a_session_comes_back_too(server):
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.call("Say")
        await server.peers[0].socket.aclose(1001, "restart")
        assert await client.next_event() == Lost(1001, "restart")
        assert await client.next_event() == Restored(restored=False, rooms=())


async def test_a_token_that_is_no_longer_good_is_forgotten(server):
    async def refuse_restore(peer, request):
        if request["type"] == "RestoreToken":
            await peer.refuse(request, "invalid_token", "User token is not valid")
        else:
            await echo_of(peer, request)

    echo_of, server.answer = server.answer, refuse_restore
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        await server.peers[0].cut()
        restored = await client.next_event(Restored)
        assert (restored.restored, restored.error.code) == (False, "invalid_token")
        assert client.token is None


async def test_a_server_that_is_busy_during_the_restore_is_asked_again(server):
    answers = ["busy", "busy"]

    async def busy_twice(peer, request):
        if request["type"] == "RestoreToken" and answers:
            await peer.refuse(request, answers.pop(), "Try again")
        else:
            await echo_of(peer, request)

    echo_of, server.answer = server.answer, busy_twice
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        await server.peers[0].cut()
        assert (await client.next_event(Restored)).restored
        assert len(server.peers) == 4


async def test_connections_that_break_at_once_count_as_attempts(server):
    async with connect(server.url, reconnect=Reconnect(attempts=3, first=0.0)) as client:
        await client.authenticate_device("device-1")
        server.hang_up = [True] * 10
        await server.peers[0].cut()
        assert await client.next_event() == Lost(1006, "")
        with pytest.raises(ConnectionLost, match="gave up after 3 attempts"):
            await client.next_event()
        with pytest.raises(ConnectionLost, match="gave up after 3 attempts"):
            await client.me()
        assert len(server.peers) == 4


async def test_a_refusal_ends_the_attempts(server):
    async with connect(server.url, reconnect=AT_ONCE) as client:
        server.statuses = [401]
        await server.peers[0].cut()
        await client.next_event(Lost)
        with pytest.raises(ConnectionLost, match="HTTP 401"):
            await client.next_event()
        assert len(server.paths) == 2


@pytest.mark.parametrize("code", [1008, 4001, 4003, 4005])
async def test_after_some_close_codes_trying_again_makes_no_sense(server, code):
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.call("Say")
        await server.peers[0].socket.aclose(code, "enough")
        with pytest.raises(ConnectionLost, match="enough") as caught:
            await client.next_event()
        assert (caught.value.code, caught.value.reason) == (code, "enough")
        assert len(server.paths) == 1


async def test_without_a_policy_the_connection_stays_lost(server):
    async with connect(server.url, reconnect=None) as client:
        await client.call("Say")
        await server.peers[0].cut()
        with pytest.raises(ConnectionLost, match="the connection to the server broke"):
            await client.next_event()


async def test_a_frame_that_is_no_message_loses_the_connection(server):
    async with connect(server.url, reconnect=None) as client:
        await client.call("Say")
        await server.peers[0].socket.send_message(b"\xc1")
        with pytest.raises(ConnectionLost, match="no message"):
            await client.next_event()


RUBBISH = {
    "an id that is no number": {"request_id": [1], "status": True, "type": "Me"},
    "an id that is a truth value": {"request_id": True, "status": True, "type": "Me"},
    "an answer's type that is no text": {"request_id": 1, "status": True, "type": ["Me"]},
    "an event's type that is no text": {"type": {"Play": 1}},
    "a token that is no text": {"request_id": 1, "status": True, "type": "AuthDeviceId", "token": 5},
    "a user that is no text": {"request_id": 1, "status": True, "type": "AuthDeviceId", "token": "t", "user_id": []},
    "a new token that is no text": {"request_id": 1, "status": True, "type": "RefreshToken", "token": None},
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
async def test_a_message_with_wrong_types_loses_the_connection(server, rubbish):
    server.answer = lambda peer, request: peer.say(rubbish)
    async with connect(server.url, reconnect=None) as client:
        with pytest.raises(ConnectionLost, match="no message"):
            await client.me()
        with pytest.raises(ConnectionLost, match="no message") as caught:
            await client.next_event()
        assert caught.value.code == 1002
        assert client.token is None


def restoring_to(server, **fields):
    """Let a server answer `RestoreToken` with these fields, and the rest as ever."""

    async def answer(peer, request):
        if request["type"] == "RestoreToken":
            await peer.answer(request, **{"token": "token-2", "restored": True, **fields})
        else:
            await echo_of(peer, request)

    echo_of, server.answer = server.answer, answer


@pytest.mark.parametrize("fields", [{"rooms": None}, {}], ids=["null", "missing"])
async def test_a_restored_session_without_rooms_is_in_none(server, fields):
    restoring_to(server, **fields)
    async with connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-1")
        await server.peers[0].cut()
        assert await client.next_event(Restored) == Restored(restored=True, rooms=())
        assert (await client.restore("token-1"))["restored"]


@pytest.mark.parametrize("fields", [{"rooms": 5}, {"rooms": [5]}, {"rooms": "abc"}, {"token": []}], ids=repr)
async def test_a_restored_session_with_wrong_types_counts_as_an_attempt(server, fields):
    restoring_to(server, **fields)
    async with connect(server.url, reconnect=Reconnect(attempts=2, first=0.0)) as client:
        await client.authenticate_device("device-1")
        await server.peers[0].cut()
        await client.next_event(Lost)
        with pytest.raises(ConnectionLost, match=r"gave up after 2 attempts .*no message"):
            await client.next_event()


async def test_a_server_that_falls_silent_is_given_up():
    accepted = []

    async def accept_and_fall_silent(request: WebSocketRequest):
        socket = await request.accept()
        accepted.append(socket)
        # Nobody takes these messages, so the socket is read no further and pings find no answer.
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        started = await nursery.start(serve_websocket, accept_and_fall_silent, "127.0.0.1", 0, None)
        options = LinkOptions(heartbeat=0.05, close_timeout=0.05)
        async with connect(f"ws://127.0.0.1:{started.port}", reconnect=None, options=options) as client:
            for _ in range(3):
                await client.send("Say")
            with pytest.raises(ConnectionLost, match="the server fell silent"):
                await client.next_event(timeout=5)
        nursery.cancel_scope.cancel()


async def test_closing_during_an_outage_does_not_wait_for_the_attempts(server):
    with trio.fail_after(5):
        async with connect(server.url, reconnect=Reconnect(first=3600.0, longest=3600.0)) as client:
            await client.call("Say")
            await server.peers[0].cut()
            await client.next_event(Lost)
