"""What a client can do to harm others, to the whole server.

`besieged` looks that others are served all the same, and that nothing is left.

The transport's own tests (`tests/transport/test_hostile.py`) go through more of what can be wrong in a frame.
"""

import contextlib

import pytest
import trio
from harness import PATIENCE, connected, logged_in, running, write_scripts
from siege import besieged, closed, ended, heard, request, upgrade
from structlog.testing import capture_logs
from tests.transport.conftest import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Gone, RawClient, masked
from trio.testing import wait_all_tasks_blocked

from yummy.pipeline.intake import Intake

FRAGMENT_OF_BINARY, FRAGMENT = 0x02, 0x00

LOGIN = request("AuthDeviceId", id="device-of-mallory")


async def send(client, data):
    """Send what the server may not want to read to the end."""
    with contextlib.suppress(trio.BrokenResourceError):
        await client.send(data)


async def dripped(client, data):
    """Send byte after byte; whether all of it was sent before the server ended the connection."""
    for byte in data:
        try:
            await client.send(bytes((byte,)))
            with trio.move_on_after(0.01):
                await client.more()
        except (Gone, trio.BrokenResourceError):
            return False
    return True


# Before the upgrade


@pytest.mark.parametrize("end", ["leave", "reset"])
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"GET ",
        upgrade()[:-2],
        b"hello\r\n\r\n",
        b"\0" * 3000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 200,  # a greeting of TLS
        b"POST /v1/socket HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        upgrade().replace(b"Version: 13", b"Version: thirteen"),
        upgrade(extra=b"Content-Length: 99999999\r\n"),
        upgrade(extra=b"X: y\r\n" * 20_000),
        upgrade(extra=b"X: " + b"y" * 1_000_000 + b"\r\n"),
        upgrade(host=b"\xff\xfe.example"),
        upgrade(host="spiel\u00fc.example".encode()),
        upgrade(extra=b"Sec-WebSocket-Protocol: yummy.\xffjson\r\n"),
        upgrade(extra=b"Origin: http://\xc3\xa4\r\nX-Yummy-Api: \xff\r\n"),
        upgrade().replace(b"x-yummy-api=", b"x-yummy-api=%ff%00"),
    ],
)
async def test_garbage_and_half_requests_before_the_upgrade(said, end):
    async with besieged() as siege:
        client = await siege.connect()
        await send(client, said)
        await wait_all_tasks_blocked(0.01)
        if end == "reset":
            client.reset()
        else:
            await client.leave()


async def test_a_handshake_that_drips():
    async with besieged(handshake_timeout=0.3) as siege:
        client = await siege.connect()
        with trio.fail_after(PATIENCE):
            assert not await dripped(client, upgrade(extra=b"X: " + b"y" * 10_000))
        assert client.buffer == b""
        assert siege.server.transport.statistics().late == 1


async def test_handshakes_that_never_end_keep_nobody_out():
    async with besieged(max_handshakes=5) as siege:
        for _ in range(12):
            await (await siege.connect()).send(b"GET /v1/socket HT")
        with trio.fail_after(PATIENCE):
            async with connected(siege.server) as honest:
                await honest.send(type="Me")
                assert (await honest.receive())["code"] == "not_authenticated"
        statistics = siege.server.transport.statistics()
        assert statistics.displaced + statistics.late == 8
        assert statistics.displaced > 0


# Frames


async def test_a_frame_that_drips_is_read_and_holds_up_nobody():
    async with besieged() as siege:
        client, _ = await siege.known()
        for byte in request("Me", request_id=7):
            await client.send(bytes((byte,)))
            await siege.anna.ok("Play", room_id=siege.room, message="meanwhile")
            await siege.bert.event("Play")
        assert (await heard(client))["request_id"] == 7


async def test_a_frame_that_drips_does_not_count_as_authenticating():
    async with besieged(auth_timeout=0.3) as siege:
        client = await siege.upgraded()
        with trio.fail_after(PATIENCE):
            assert not await dripped(client, masked(BINARY, bytes(10_000)))
        assert await closed(client) == 4001


async def test_empty_fragments_without_end():
    async with besieged() as siege:
        client, _ = await siege.known()
        await send(client, masked(FRAGMENT_OF_BINARY) + masked(FRAGMENT) * 100_000)
        said = await ended(client)
        assert client.was_reset or b"\x88" == said[:1]
        assert siege.server.transport.statistics().closings == {1008: 1}


async def test_a_flood_of_pings():
    async with besieged() as siege:
        client, _ = await siege.known()
        await send(client, masked(PING, b"!") * 50_000)
        await ended(client)
        assert siege.server.transport.statistics().closings == {1008: 1}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x82\x01x", 1002),
        (masked(0xC2, b"x"), 1002),
        (masked(CONTINUATION, b"x"), 1002),
        (masked(TEXT, b"\xff\xfe"), 1007),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(4), 1009),
        (masked(FRAGMENT_OF_BINARY, bytes(40_000)) + masked(CONTINUATION, bytes(40_000)), 1009),
    ],
)
async def test_frames_that_break_the_protocol_and_more_after_the_close(frames, code):
    """The stock library failed on what came behind its own close frame."""
    async with besieged() as siege:
        client, _ = await siege.known()
        await client.send(frames)
        assert await closed(client) == code
        await send(client, masked(PING, b"still there?") + request("Me") + masked(0x8B) + b"\xff" * 1000)
        await ended(client)


async def test_a_silent_client_after_a_message_too_big():
    """It neither answers the close frame nor leaves; after two seconds it is gone all the same."""
    async with besieged() as siege:
        client, _ = await siege.known()
        await client.send(masked(BINARY, bytes(70_000)))
        assert await closed(client) == 1009
        with trio.fail_after(PATIENCE):
            while siege.server.transport.statistics().connections > 2:
                await siege.serve_others()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_ping_after_the_server_has_closed(answers):
    async with besieged() as siege:
        client = await siege.upgraded()
        await client.send(masked(BINARY, b"nonsense") * 20)
        assert await closed(client) == 4005
        await send(client, masked(PING, b"still there?") * 50 + (masked(CLOSE, b"\x0f\xa5") if answers else b""))
        assert await ended(client) == b""


# The end of a connection


@pytest.mark.parametrize(
    "said",
    [
        upgrade(),
        upgrade() + LOGIN[:7],
        upgrade() + LOGIN,
        upgrade() + LOGIN + request("CreateRoom"),
        upgrade() + LOGIN + request("AuthEmail", email="m@example.org", password="mallory's own", create=True),
        upgrade() + LOGIN + request("RoomList") * 500,
        upgrade() + LOGIN + masked(FRAGMENT_OF_BINARY, b"never finished"),
        upgrade() + LOGIN + masked(CLOSE, b"\x03\xe8"),
        upgrade() + masked(BINARY, bytes(70_000)),
    ],
)
async def test_a_reset_in_every_phase(said):
    async with besieged() as siege:
        at_once, later = await siege.connect(), await siege.connect()
        await send(at_once, said)
        at_once.reset()
        await send(later, said)
        await wait_all_tasks_blocked(0.01)
        later.reset()


async def test_a_reset_while_a_message_runs():
    async with besieged() as siege:
        client, _ = await siege.known()
        await client.send(request("JoinToRoom", room_id=siege.room))
        assert (await heard(client))["status"] is True
        turn = await siege.hold()
        play = request("Play", room_id=siege.room, message="begun")
        await client.send(play + request("RoomDisconnect", room_id=siege.room))
        await siege.until(lambda: siege.server.chain.turns.statistics().waiting)
        client.reset()
        siege.server.chain.turns.release(turn)


async def test_messages_that_wait_hold_up_neither_pings_nor_the_close():
    """The stock library answers neither while messages are unread."""
    async with besieged() as siege:
        client, _ = await siege.known()
        await client.send(request("JoinToRoom", room_id=siege.room))
        assert (await heard(client))["status"] is True
        turn = await siege.hold()
        await client.send(request("Play", room_id=siege.room, message=1) * 30 + masked(PING, b"meanwhile"))
        with trio.fail_after(PATIENCE):
            assert await client.frame() == (PONG, b"meanwhile")
            await client.send(masked(CLOSE, b"\x03\xe8"))
            assert await client.close_code() == 1000
        siege.server.chain.turns.release(turn)


async def test_a_full_inbox_pauses_one_reader_and_loses_nothing():
    """While the server does not read, its clock for the heartbeat stands still."""
    async with besieged(inbox=8, heartbeat_interval=0.5, heartbeat_timeout=1.0) as siege:
        client, _ = await siege.known()
        await client.send(request("JoinToRoom", room_id=siege.room))
        assert (await heard(client))["status"] is True
        turn = await siege.hold()
        await client.send(
            b"".join(request("Play", room_id=siege.room, message=1, request_id=one) for one in range(200))
        )
        await siege.until(lambda: any(one.full for one in siege.server.chain.switchboard._lines.values()))
        deadline = trio.current_time() + 1.5
        while trio.current_time() < deadline:
            # The others' own clocks run: they answer pings.
            await siege.anna.ok("Me")
            await siege.bert.ok("Me")
        siege.server.chain.turns.release(turn)
        for number in range(200):
            assert (await heard(client))["request_id"] == number


# Who does not read


async def test_a_slow_reader_holds_up_no_broadcast_and_is_dropped():
    async with besieged(outbox_bytes=100_000, outbox_grace=0.2) as siege:
        client, _ = await siege.known(receive_buffer=4096)
        await client.send(request("JoinToRoom", room_id=siege.room))
        assert (await heard(client))["status"] is True
        sent = 0
        with trio.fail_after(2 * PATIENCE):
            while not siege.server.transport.statistics().closings:
                for _ in range(10):
                    await siege.anna.ok("Play", room_id=siege.room, message="x" * 20_000)
                    sent += 1
        assert siege.server.transport.statistics().closings == {4000: 1}
        assert (await siege.bert.event("JoinToRoom"))["room_id"] == siege.room
        for _ in range(sent):
            while (event := await siege.bert.receive())["type"] != "Play":
                pass
            assert len(event["message"]) == 20_000


async def test_a_cancelled_write_leaves_no_half_frame():
    """A slow reader's session is taken over: what it got is whole frames, and the last one is the close."""
    async with besieged(outbox_bytes=0) as siege:
        client, login = await siege.known(receive_buffer=4096)
        await client.send(request("JoinToRoom", room_id=siege.room))
        assert (await heard(client))["status"] is True
        while not siege.server.transport.statistics().bytes_queued:
            await siege.anna.ok("Play", room_id=siege.room, message="x" * 50_000)
        other = await siege.upgraded()
        await other.send(request("RestoreToken", token=login["token"]))
        assert (await heard(other))["restored"] is True
        assert await closed(client) == 4003
        assert await ended(client) == b""


async def test_a_client_that_sends_and_never_reads():
    async with besieged(outbox_bytes=50_000) as siege:
        client, _ = await siege.known(receive_buffer=4096)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, client, request("Nonsense" + "x" * 1000) + request("Me") * 100_000)
            await siege.until(lambda: siege.server.transport.statistics().closings.get(4000))
            nursery.cancel_scope.cancel()


# Faults of the server's own


async def test_a_fault_in_the_pipeline_ends_its_connection_only(monkeypatch):
    async with besieged() as siege:
        client, _ = await siege.known()
        receive = Intake.receive

        def fail(intake, payload):
            if payload == b"the one":
                raise KeyError("a fault")
            receive(intake, payload)

        monkeypatch.setattr(Intake, "receive", fail)
        with capture_logs() as logs:
            await client.send(request("Me") + masked(BINARY, b"the one"))
            assert (await heard(client))["status"] is True
            assert await closed(client) == 1011
        assert [one["event"] for one in logs if one["log_level"] == "error"] == ["peer_failed"]


async def test_an_exception_in_a_handler_costs_its_own_message_only(tmp_path):
    scripts = """
        def pre_room_list_request(model):
            raise BaseException("out of everything")
    """
    async with besieged(write_scripts(tmp_path / "hooks", game=scripts)) as siege:
        client, _ = await siege.known()
        await client.send(request("RoomList") * 10 + request("Me", request_id=5))
        for _ in range(10):
            assert (await heard(client))["code"] == "hook_error"
        assert (await heard(client))["request_id"] == 5


@pytest.mark.parametrize("reads", [True, False])
async def test_a_server_that_is_cancelled_says_so_to_everybody(reads):
    """Also when somebody else does not read what is sent to him."""
    life = trio.CancelScope()

    async def run(task_status):
        with life:
            async with running() as server:
                task_status.started(server)
                await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(run)
        async with (
            logged_in(server, "anna") as anna,
            await trio.open_tcp_stream(*server.transport.addresses[0]) as other,
        ):
            await other.send_all(upgrade() + LOGIN + (b"" if reads else request("Nonsense" + "x" * 50_000) * 19))
            await wait_all_tasks_blocked(0.01)
            life.cancel()
            assert await anna.close_code() == 1001
            if reads:
                client = RawClient(other)
                assert await client.status() == 101
                assert await closed(client) == 1001
