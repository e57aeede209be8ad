"""What a client hears without having asked."""

import gc

import pytest
import trio

from yummy.client import ConnectionLost, Event, EventsDropped, OnOverflow, RequestTimeout, SendFailed, connect


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
