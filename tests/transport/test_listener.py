import errno
import os
import resource
import socket

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.transport.listener import open_listeners, plain_address


async def test_a_port_is_picked():
    (listener,) = await open_listeners("127.0.0.1", 0)
    assert ("127.0.0.1", True) == (listener.address[0], listener.address[1] > 0)
    listener.close()
    listener.close()


async def test_a_name_is_listened_on_at_all_its_addresses_and_one_port():
    listeners = await open_listeners("localhost", 0)
    assert 1 == len({listener.address[1] for listener in listeners})
    assert {listener.address[0] for listener in listeners} <= {"127.0.0.1", "::1"}
    for listener in listeners:
        listener.close()


async def test_a_port_that_is_taken_is_an_error():
    (listener,) = await open_listeners("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use") as caught:
        await open_listeners("127.0.0.1", listener.address[1])
    assert errno.EADDRINUSE == caught.value.errno
    listener.close()


async def test_a_port_can_be_taken_again_at_once():
    (listener,) = await open_listeners("127.0.0.1", 0)
    host, port = listener.address
    client = await trio.open_tcp_stream(host, port)
    accepted, _ = await listener.accept()
    accepted.close()
    listener.close()
    (again,) = await open_listeners(host, port)
    again.close()
    await client.aclose()


async def test_a_host_that_is_not_known_is_an_error():
    with pytest.raises(socket.gaierror):
        await open_listeners("256.256.256.256", 0)


async def test_an_accepted_socket_is_ready_for_use():
    (listener,) = await open_listeners("127.0.0.1", 0)
    client = await trio.open_tcp_stream(*listener.address)
    accepted, address = await listener.accept()
    assert "127.0.0.1" == address
    assert 0 == accepted.gettimeout()
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    accepted.close()
    listener.close()
    await client.aclose()


async def test_closing_wakes_who_accepts(nursery):
    (listener,) = await open_listeners("127.0.0.1", 0)

    async def accept():
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept()

    nursery.start_soon(accept)
    await wait_all_tasks_blocked()
    listener.close()
    await wait_all_tasks_blocked()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept()


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::ffff:1", "2001:db8::ffff:1"),
    ],
)
def test_an_address_has_one_spelling(address, plain):
    assert plain == plain_address(address)


async def test_no_descriptors_are_no_end(open_house, mock_clock, capsys):
    """With nothing left to accept into, those who are connected are served, and who waits is served later."""
    house = await open_house()
    client = await house.upgraded()
    late = trio.socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free_descriptor(), hard))
    try:
        await late.connect(("127.0.0.1", house.port))
        for _ in range(3):
            await wait_all_tasks_blocked()
            mock_clock.jump(0.1)
        assert 1 == house.running.statistics().accepted
        await client.echo()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    mock_clock.jump(0.1)
    await wait_all_tasks_blocked()
    assert 2 == house.running.statistics().accepted
    late.close()
    await house.assert_serves()
    said = capsys.readouterr()
    assert 1 == (said.out + said.err).count("no_room_for_connections")


def _lowest_free_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
