"""Autobahn's cases of the WebSocket protocol, as kosoku runs them, against the whole running server.

Most cases want their messages echoed, which a game server does not do. So they run twice: all of them with an
application that echoes in the place of the pipeline's, everything else being the running server; and those that
are judged without an echo, which are about half, against the server as it is.
"""

import asyncio

import attrs
import pytest
import trio
from harness import KEY, PATIENCE, connected, log_in, running
from kosoku import FailureError, run_fuzzingclient

from yummy.parts import Parts
from yummy.transport import Connection, frame_binary, frame_text

COMPRESSION = ("12.*", "13.*")
"""Cases of an extension that this server does not negotiate, so that all of them end as unimplemented."""

UNBOUNDED = {"max_message_bytes": 0, "max_fragments": 0, "max_control_frames": 0, "outbox_bytes": 0}
"""The cases have messages of 16 MiB, and of 65,536 fragments."""

AT_A_TIME = 4
"""Cases; some of them wait for a second on purpose."""


@attrs.define(eq=False)
class Echo:
    """An application that says what it hears."""

    connection: Connection
    full: bool = False

    def receive(self, payload):
        frame = frame_text(payload.encode()) if isinstance(payload, str) else frame_binary(payload)
        self.connection.send(frame)

    async def wait_room(self):
        """There always is."""

    async def finish(self, reason):
        """There is nothing to end."""


async def autobahn(server, **selection):
    """The results of the cases. kosoku is a library for asyncio, so it has a thread and a loop of its own."""

    async def run():
        try:
            return await run_fuzzingclient(url, concurrency=AT_A_TIME, **selection)
        except FailureError as failure:
            return failure.results

    url = f"{server.url}/v1/socket?x-yummy-api={KEY}"
    return await trio.to_thread.run_sync(asyncio.run, run())


def failed(results):
    return {one.case_id: (one.behavior.value, one.behavior_close.value) for one in results if not one.passed}


def judged_without_echo(result):
    """Whether the case says what shall come back, and no message is among it."""
    return bool(result.expected) and not any(
        event[0] == "message" for events in result.expected.values() for event in events
    )


@pytest.fixture(scope="module")
def echoed():
    """What became of all cases but those of compression, with an application that echoes."""

    async def run():
        async with running(auth_timeout=0, **UNBOUNDED) as server:
            return await autobahn(server, exclude_cases=COMPRESSION)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parts, "make_peer", lambda parts, connection: Echo(connection))
        return trio.run(run)


def test_every_case_passes_with_an_application_that_echoes(echoed):
    assert len(echoed) == 301
    assert failed(echoed) == {}
    assert {"OK", "INFORMATIONAL"} == {one.behavior.value for one in echoed}


async def test_what_is_judged_without_an_echo_passes_on_the_server_as_it_is(echoed):
    """Pings, fragments, reserved bits and opcodes, broken text and closes, with the limits that the server has."""
    silent = [one.case_id for one in echoed if judged_without_echo(one)]
    assert len(silent) > 130
    async with running() as server, connected(server) as anna:
        await log_in(anna, "anna")
        results = await autobahn(server, cases=silent)
        assert len(silent) == len(results)
        assert failed(results) == {}
        await anna.ok("Me")


async def test_no_extension_is_negotiated_though_it_is_offered():
    async with running() as server:
        host, port = server.transport.addresses[0]
        async with await trio.open_tcp_stream(host, port) as stream:
            request = (
                f"GET /v1/socket?x-yummy-api={KEY} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
            )
            await stream.send_all(request.encode())
            with trio.fail_after(PATIENCE):
                answer = await stream.receive_some(4096)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in answer.lower()
