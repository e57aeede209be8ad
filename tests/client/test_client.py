"""The client against a server of flesh and sockets that says what it is told to."""

import gc
import ssl
from functools import partial

import msgpack
import pytest
import trio
import trustme
from trio_websocket import WebSocketRequest, serve_websocket

from yummy.client import (
    ConnectFailed,
    ConnectionLost,
    Event,
    EventsDropped,
    Lost,
    OnOverflow,
    Reconnect,
    Refused,
    RequestFailed,
    RequestTimeout,
    Restored,
    SendFailed,
    connect,
)
from yummy.client.link import LinkOptions

AT_ONCE = Reconnect(first=0.0)


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


# Events


async def test_events_come_in_order_and_may_be_picked_by_kind(server):
    async def three_events(peer, request):
        await peer.answer(request)
        for number in range(2):
            await peer.say({"type": "Play", "message": number})
        await peer.say({"type": "MessageFromRoom", "message": "hi"}, as_json=True)

    server.answer = three_events
    async with connect(server.url) as client:
        await client.call("Go")
        picked = await client.next_event(type="MessageFromRoom")
        assert (picked["message"], picked.get("user_id")) == ("hi", None)
        assert [await client.next_event() for _ in range(2)] == [
            Event("Play", {"message": 0}),
            Event("Play", {"message": 1}),
        ]


async def test_waiting_for_an_event_ends_after_a_time(server):
    async with connect(server.url) as client:
        with pytest.raises(RequestTimeout, match="no event Play within"):
            await client.next_event("Play", timeout=0.01)


async def test_the_stream_of_events_ends_quietly_when_the_client_is_closed(server):
    heard = []

    async def listen(client):
        heard.extend([event async for event in client.events()])

    async with trio.open_nursery() as nursery, connect(server.url) as client:
        nursery.start_soon(listen, client)
        await client.call("Go")
        await server.peers[0].say({"type": "Play"})
        await client.call("Go")
    assert heard == [Event("Play", {})]


async def test_a_loop_over_events_may_be_left_and_taken_up_again(server):
    async def two_events(peer, request):
        await peer.say({"type": "Play", "message": 1})
        await peer.say({"type": "Play", "message": 2})
        await peer.answer(request)

    server.answer = two_events
    async with connect(server.url) as client:
        await client.call("Go")
        for number in (1, 2):
            async for event in client.events():
                assert event["message"] == number
                break
            gc.collect()


async def test_a_full_buffer_drops_the_oldest_and_says_how_many(server):
    async def many(peer, request):
        for number in range(5):
            await peer.say({"type": "Play", "message": number})
        await peer.answer(request)

    server.answer = many
    async with connect(server.url, event_buffer=3) as client:
        await client.call("Go")
        assert await client.next_event() == EventsDropped(2)
        assert [(await client.next_event("Play"))["message"] for _ in range(3)] == [2, 3, 4]


async def test_a_full_buffer_may_close_the_client_instead(server):
    async def many(peer, request):
        for number in range(5):
            await peer.say({"type": "Play", "message": number})
        await peer.answer(request)

    server.answer = many
    async with connect(server.url, event_buffer=3, on_overflow=OnOverflow.CLOSE) as client:
        with pytest.raises(ConnectionLost, match="more than 3 events waited to be read"):
            await client.call("Go")
        assert [(await client.next_event("Play"))["message"] for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ConnectionLost, match="more than 3 events"):
            await client.next_event()


async def test_a_full_buffer_may_close_the_client_when_the_connection_is_lost_too(server):
    async with connect(server.url, event_buffer=1, on_overflow=OnOverflow.CLOSE) as client:
        await client.call("Go")
        await server.peers[0].say({"type": "Play"})
        await client.call("Go")
        await server.peers[0].cut()
        # On its way when the loss was noticed, or after that.
        with pytest.raises(ConnectionLost):
            await client.call("Go")
        with pytest.raises(ConnectionLost, match="more than 1 events"):
            await client.call("Go")
        assert await client.next_event() == Event("Play", {})
        with pytest.raises(ConnectionLost, match="more than 1 events"):
            await client.next_event()


async def test_send_does_not_wait_and_its_failure_is_an_event(server):
    async def refuse_bad(peer, request):
        if request["type"] == "Bad":
            await peer.refuse(request, "not_in_room", "User is not in the room")
        else:
            await peer.answer(request)

    server.answer = refuse_bad
    async with connect(server.url) as client:
        await client.send("Good")
        await client.send("Bad")
        failure = (await client.next_event(SendFailed)).error
    assert (failure.type, failure.code) == ("Bad", "not_in_room")


async def test_what_was_sent_before_the_end_of_the_block_still_goes_out(server):
    async with connect(server.url) as client:
        for number in range(50):
            await client.send("Say", number=number)
    await server.until(lambda: len(server.requests) == 50)


# Connecting


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_a_refusal_before_the_upgrade_has_its_status(server, status):
    server.statuses.append(status)
    with pytest.raises(Refused, match=f"HTTP {status}: not now") as caught:
        async with connect(server.url):
            pytest.fail("nobody is let in")
    assert caught.value.status == status


async def test_nobody_there(server):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    with pytest.raises(ConnectFailed, match="nobody answers"):
        async with connect(f"ws://127.0.0.1:{port}"):
            pytest.fail("nobody is there")


@pytest.mark.parametrize(
    ("says", "text"), [(b"", "hung up"), (b"220 mail.example.org ESMTP\r\n\r\n", "does not speak WebSocket")]
)
async def test_something_else_listens_there(says, text):
    async def speak(stream):
        if says:
            await stream.send_all(says)
            await stream.receive_some()
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, speak, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ConnectFailed, match=text):
            async with connect(f"ws://127.0.0.1:{port}"):
                pytest.fail("that is no Yummy server")
        nursery.cancel_scope.cancel()


async def test_a_server_that_never_answers_the_handshake_times_out():
    async def keep_silent(_stream):
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, keep_silent, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ConnectFailed, match=r"did not answer within 0\.05 seconds"):
            async with connect(f"ws://127.0.0.1:{port}", options=LinkOptions(connect_timeout=0.05)):
                pytest.fail("the handshake never ends")
        nursery.cancel_scope.cancel()


async def test_tls_with_a_certificate_of_ones_own():
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)

    async def answer_once(request: WebSocketRequest):
        socket = await request.accept()
        asked = msgpack.unpackb(await socket.get_message())
        await socket.send_message(msgpack.packb({**asked, "status": True}))

    async with trio.open_nursery() as nursery:
        started = await nursery.start(serve_websocket, answer_once, "127.0.0.1", 0, server_context)
        url = f"wss://127.0.0.1:{started.port}"
        async with connect(url, ssl_context=client_context) as client:
            assert (await client.call("Say"))["status"]
        with pytest.raises(ConnectFailed, match="no TLS with"):
            async with connect(url):
                pytest.fail("this certificate is nobody's")
        nursery.cancel_scope.cancel()


async def test_errors_of_the_block_leave_it_as_they_came(server):
    with pytest.raises(KeyError, match="mine"):
        async with connect(server.url):
            raise KeyError("mine")
    server.answer = lambda peer, request: peer.refuse(request, "x", "y")
    with pytest.raises(RequestFailed):
        async with connect(server.url) as client:
            await client.me()


async def test_a_cancelled_block_closes_the_connection(server):
    with trio.move_on_after(5) as scope:
        async with connect(server.url) as client:
            await client.call("Say")
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    await server.until(lambda: server.peers[0].socket.closed is not None)


async def test_a_closed_client_says_so(server):
    async with connect(server.url) as client:
        pass
    with pytest.raises(ConnectionLost, match="the client is closed"):
        await client.me()
    with pytest.raises(ConnectionLost, match="the client is closed"):
        await client.next_event()


# Losing the connection


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
