"""Frames without a socket."""

import pytest

from yummy.pipeline.switchboard import encode_frame
from yummy.protocol.codec import Encoding
from yummy.testing import Closed
from yummy.testing.connection import MemoryConnection


@pytest.fixture
def heard():
    return []


@pytest.fixture
def connection(heard):
    return MemoryConnection(heard.append, lambda: heard.append("ended"))


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("length", [0, 100, 125, 126, 1000, 65_535, 65_536, 100_000])
def test_frames_of_every_length_arrive_whole(connection, heard, encoding, length):
    document = {"type": "Play", "message": "ü" * (length // 2)}
    connection.send(encode_frame(document, encoding))
    assert [document] == heard


def test_nothing_arrives_after_the_end_which_comes_once(connection, heard):
    connection.close(4003, "taken over")
    connection.close(1000)
    connection.send(encode_frame({"type": "Play"}, Encoding.JSON))
    assert (heard, connection.closed) == (["ended"], Closed(4003, "taken over"))


def test_who_is_gone_hears_nothing(connection, heard):
    connection.lost = True
    connection.send(encode_frame({"type": "Play"}, Encoding.JSON))
    assert [] == heard
