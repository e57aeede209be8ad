import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from yummy.transport.frames import (
    MAX_REASON_BYTES,
    find_unmask,
    frame_binary,
    frame_close,
    frame_ping,
    frame_text,
    unmask,
)

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70_000]


def decode(data: bytes) -> list[object]:
    """What a client that somebody else wrote makes of it."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    return list(client.events())


@pytest.mark.parametrize("size", SIZES)
def test_a_client_reads_a_binary_message(size):
    (event,) = decode(frame_binary(b"x" * size))
    assert isinstance(event, BytesMessage)
    assert (b"x" * size, True) == (bytes(event.data), event.message_finished)


@pytest.mark.parametrize("size", SIZES)
def test_a_client_reads_a_text_message(size):
    (event,) = decode(frame_text(("ü" * size).encode()))
    assert isinstance(event, TextMessage)
    assert ("ü" * size, True) == (event.data, event.message_finished)


def test_a_client_reads_a_ping():
    (event,) = decode(frame_ping())
    assert isinstance(event, Ping)


@given(code=st.sampled_from([1000, 1001, 1008, 1009, 1011, *range(4000, 4006)]), reason=st.text(max_size=200))
def test_a_client_reads_why_a_connection_is_closed(code, reason):
    """However long the reason is, and wherever it has to be cut."""
    (event,) = decode(frame_close(code, reason))
    assert isinstance(event, CloseConnection)
    assert code == event.code
    assert reason.startswith(event.reason or "")
    assert len(reason.encode()) - len((event.reason or "").encode()) <= max(0, len(reason.encode()) - 120)


def test_a_reason_has_room_in_a_control_frame():
    assert 125 == len(frame_close(1000, "x" * 1000)) - 2
    assert MAX_REASON_BYTES == 123


def test_a_reason_that_is_no_unicode_is_told_nevertheless():
    (event,) = decode(frame_close(1011, "a\udc80b"))
    assert isinstance(event, CloseConnection)
    assert "a?b" == event.reason


@pytest.fixture(scope="module")
def unmask_in_python():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(sys.modules, "websockets.speedups", None)
        return find_unmask()


@given(payload=st.binary(max_size=300), key=st.binary(min_size=4, max_size=4))
def test_what_is_masked_is_unmasked_byte_by_byte(unmask_in_python, payload, key):
    expected = bytes(byte ^ key[number % 4] for number, byte in enumerate(payload))
    assert [expected] * 2 == [unmask(payload, key), unmask_in_python(payload, key)]


def test_it_is_unmasked_in_c_where_that_is_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "websockets.speedups", SimpleNamespace(apply_mask=max))
    assert max is find_unmask()
