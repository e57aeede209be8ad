"""Connecting: keys, paths, origins, limits, TLS, and the times that a connection has."""

import ssl

import pytest
import trio
import trustme
from harness import PATIENCE, connected, dialled, log_in, logged_in, running


async def status(server, target="/v1/socket", *headers):
    """The HTTP status that a request to upgrade gets."""
    host, port = server.transport.addresses[0]
    head = [
        f"GET {target} HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *headers,
    ]
    with trio.fail_after(PATIENCE):
        async with await trio.open_tcp_stream(host, port) as stream:
            await stream.send_all("\r\n".join([*head, "", ""]).encode("latin-1"))
            answer = await stream.receive_some(100)
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/v1/socket?x-yummy-api=YummyYummy", [], 101),
        ("/v1/socket", ["X-Yummy-Api: YummyYummy"], 101),
        ("/v1/socket", [], 401),
        ("/v1/socket?x-yummy-api=wrong", [], 401),
        ("/v1/socket?x-yummy-api=%ff%fe", [], 401),
        ("/elsewhere?x-yummy-api=YummyYummy", [], 404),
        ("/elsewhere", [], 404),
        ("/v1/socket?x-yummy-api=YummyYummy", ["Origin: https://evil.example"], 403),
        ("/v1/socket?x-yummy-api=YummyYummy", ["Origin: https://game.example"], 101),
    ],
)
async def test_who_may_connect(target, headers, expected):
    async with running(allowed_origins=("https://game.example",)) as server:
        assert expected == await status(server, target, *headers)


async def test_one_connection_too_many_is_told_so_and_comes_in_when_there_is_room():
    async with running(max_connections=1) as server:
        async with logged_in(server, "anna") as anna:
            assert await status(server) == 503
            await anna.ok("Me")
        with trio.fail_after(PATIENCE):
            while await status(server, "/v1/socket?x-yummy-api=YummyYummy") != 101:
                await trio.lowlevel.checkpoint()


async def test_the_server_speaks_tls_when_it_has_a_certificate(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with running(tls_cert_path=tmp_path / "cert.pem", tls_key_path=tmp_path / "key.pem") as server:
        assert server.url.startswith("wss://")
        async with dialled(server.url, ssl_context=context, server_name="localhost") as anna:
            await log_in(anna, "anna")
            assert (await anna.ok("Me"))["id"] == anna.user_id


async def test_who_does_not_authenticate_in_time_is_closed_and_who_does_is_not():
    async with (
        running(auth_timeout=0.3) as server,
        logged_in(server, "anna") as anna,
        connected(server) as stranger,
    ):
        assert await stranger.close_code() == 4001
        await anna.ok("Me")
        await anna.ok("Logout")
        # Logged out, it has as long again.
        assert await anna.refused("Me") == "not_authenticated"
        assert await anna.close_code() == 4001


async def test_the_server_sends_nothing_until_asked():
    async with running() as server, connected(server) as anna:
        await anna.send(type="Nonsense")
        assert (await anna.receive())["code"] == "wrong_format"
