"""The client against the real server: what a fake could only guess."""

import pytest
import trio
from harness import running

from yummy.client import ConnectionLost, Lost, Reconnect, Refused, RequestFailed, Restored, connect

AT_ONCE = Reconnect(first=0.0)


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_two_clients_talk_in_a_room(form):
    async with (
        running() as server,
        connect(server.url, format=form) as ann,
        connect(server.url, format=form) as bob,
    ):
        await ann.authenticate_email("ann@example.org", "password", create=True)
        await bob.authenticate_custom("bob-at-home")
        assert (await ann.me())["email"] == "ann@example.org"
        room_id = (await ann.create_room(name="Lobby", tags=["talk"], metas={"topic": "tea"}))["room_id"]
        assert [room["id"] for room in (await bob.rooms(tag="talk"))["rooms"]] == [room_id]
        assert (await bob.join(room_id))["metas"] == {"topic": "tea"}
        assert (await ann.next_event("JoinToRoom"))["user_id"] == bob.user_id
        await bob.message(room_id, ["hello", 1, None])
        said = await ann.next_event("MessageFromRoom")
        assert (said["message"], said["user_id"]) == (["hello", 1, None], bob.user_id)
        await ann.kick(room_id, bob.user_id)
        assert (await bob.next_event("DisconnectedFromRoom"))["room_id"] == room_id
        with pytest.raises(RequestFailed) as caught:
            await bob.play(room_id, 1)
        assert caught.value.code == "not_in_room"


async def test_a_lost_connection_keeps_its_rooms():
    async with running() as server, connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-of-ann")
        room_id = (await client.create_room())["room_id"]
        session_id = client.session_id
        await trio.aclose_forcefully(client._line._link._socket._stream)
        assert await client.next_event() == Lost(1006, "")
        assert await client.next_event() == Restored(restored=True, rooms=(room_id,))
        assert client.session_id == session_id
        await client.play(room_id, "still here")


async def test_a_session_that_is_taken_over_is_not_fought_for():
    async with (
        running() as server,
        connect(server.url, reconnect=AT_ONCE) as first,
        connect(server.url, reconnect=AT_ONCE) as second,
    ):
        await first.authenticate_device("device-of-ann")
        assert (await second.restore(first.token))["restored"]
        with pytest.raises(ConnectionLost) as caught:
            await first.next_event()
        assert caught.value.code == 4003
        assert (await second.me())["id"] == second.user_id


async def test_a_token_of_an_ended_session_is_refused():
    async with running() as server, connect(server.url, reconnect=AT_ONCE) as client:
        await client.authenticate_device("device-of-ann")
        async with connect(server.url) as other:
            await other.restore(client.token)
            await other.logout()
        # The first connection was closed in favour of the other one, so it did not come back by itself.
        with pytest.raises(ConnectionLost):
            await client.next_event()
        async with connect(server.url) as again:
            with pytest.raises(RequestFailed) as caught:
                await again.restore(client.token)
            assert caught.value.code == "invalid_token"


async def test_a_wrong_key_is_refused():
    async with running() as server:
        with pytest.raises(Refused) as caught:
            async with connect(server.url, api_key="wrong"):
                pytest.fail("the key is wrong")
    assert caught.value.status == 401


async def test_a_draining_server_says_that_it_goes_away():
    async with running() as server, connect(server.url, reconnect=None) as client:
        await client.authenticate_device("device-of-ann")
        await server.transport.drain(5)
        with pytest.raises(ConnectionLost) as caught:
            await client.next_event()
        assert caught.value.code == 1001
