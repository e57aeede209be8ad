"""What players say, and the marks by which they count what comes back."""

import json

import msgpack
import pytest
from benchmarks.peers.workloads import (
    DONE,
    DONE_JSON,
    MARK_BYTES,
    W1,
    W2,
    bare_words,
    colyseus_words,
    message,
    socketio_words,
    yummy_words,
)

ALL_WORDS = [
    yummy_words("018f2f6e-0000-7000-8000-000000000000", play=False),
    *(words(relayed=relayed) for words in (bare_words, colyseus_words, socketio_words) for relayed in (False, True)),
]


def payload(frame):
    """What a masked frame of less than 64 KiB carries."""
    head, size = (4, int.from_bytes(frame[2:4], "big")) if frame[1] == 0xFE else (2, frame[1] & 0x7F)
    mask, data = frame[head : head + 4], frame[head + 4 :]
    assert len(data) == size
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def test_everybody_says_the_same():
    assert len(msgpack.packb(message())) == 104
    assert payload(bare_words(relayed=True).request) == msgpack.packb(message())
    assert payload(yummy_words(message()["room_id"], play=False).request) == msgpack.packb(message())
    assert payload(colyseus_words(relayed=True).request).endswith(msgpack.packb(message()))
    said = json.loads(payload(socketio_words(relayed=True).request).removeprefix(b"421"))
    assert said == ["talk", {**message(), "message": {"ts": "00000000"}}]


def test_a_play_differs_by_its_type():
    said = payload(yummy_words("a-room", play=True).request)
    assert msgpack.unpackb(said) == {**message("a-room"), "type": "Play"}


@pytest.mark.parametrize("words", ALL_WORDS)
def test_marks_are_of_one_length(words):
    assert len(words.answer) == MARK_BYTES
    assert len(words.heard) in {0, MARK_BYTES}


@pytest.mark.parametrize("words", [bare_words, colyseus_words, socketio_words])
def test_a_message_has_its_mark_once(words):
    echoed, relayed = words(relayed=False), words(relayed=True)
    assert payload(echoed.request).count(echoed.answer) == 1
    assert payload(relayed.request).count(relayed.heard) == 1
    assert payload(relayed.request).count(relayed.answer) == 0


@pytest.mark.parametrize(("mark", "done"), [(DONE, msgpack.packb({"status": True})), (DONE_JSON, b'{"status":true}')])
def test_an_acknowledgement_has_the_other_one(mark, done):
    assert done.count(mark) == 1
    assert not any(done.count(words.heard) for words in ALL_WORDS if words.heard)


def test_a_workload_knows_its_connections():
    assert (W1.connections, W1.relays) == (64, False)
    assert (W2.connections, W2.relays) == (200, True)
