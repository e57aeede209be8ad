"""The codec under random and hostile payloads; longer by LONG_TESTS (see bounds.py).

Whatever comes, it becomes a request or is refused as of wrong format, in bounded time and memory; and what was
accepted, or is said in a refusal, can be written in both encodings.
"""

import contextlib
import json
import time
import tracemalloc

import attrs
import msgpack
import pytest
from bounds import bounded
from hypothesis import example, given
from hypothesis import strategies as st

from yummy.fields import wire_fields
from yummy.plain import PlainDataError, check_plain, encoded_size, same, to_plain
from yummy.protocol.codec import Encoding, decode, encode
from yummy.protocol.errors import WrongFormat, refusal_fields
from yummy.protocol.requests import WIRE, parse

KIB = 1024
LARGEST = 64 * KIB

FIELDS = sorted({name for wire in WIRE.values() for name in wire_fields(wire.model)} | {"user_id", "id", "create"})

#: All that msgpack can write, whether a request may hold it or not.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9) | st.binary(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
#: All that Python reads in JSON, which is more than JSON: lone surrogates, NaN, infinities, integers of any size.
ANYTHING_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**30), 10**30) | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def requests(anything):
    """Maps that are nearly requests: a known type, and fields that are right, wrong, missing or too many."""
    likely = st.sampled_from(["r", "anna@example.org", "a password", 0, 1, 3, True, False, [], ["x"], [0, 10], {}])
    return st.builds(
        lambda type_, request_id, fields: {"type": type_, "request_id": request_id, **fields},
        st.sampled_from(sorted(WIRE)) | anything,
        st.none() | st.integers(0, 9) | anything,
        st.dictionaries(st.sampled_from([*FIELDS, "no field"]), likely | anything, max_size=8),
    )


@st.composite
def damaged(draw, whole):
    """A valid payload with some of its bytes flipped, dropped, doubled or put in."""
    payload = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(payload)))
        end = draw(st.integers(place, min(len(payload), place + 8)))
        piece = draw(st.binary(max_size=6) | st.just(bytes(payload[place:end]) * 2))
        payload[place:end] = piece
    return bytes(payload)


PACKED = requests(ANYTHING).map(msgpack.packb)
WRITTEN = requests(ANYTHING_JSON).map(json.dumps)


def check(payload):
    """The promise, for one payload."""
    encoding = Encoding.MSGPACK if isinstance(payload, bytes) else Encoding.JSON
    try:
        request = parse(payload, max_depth=32)
    except WrongFormat as refusal:
        said = {"type": refusal.type, "request_id": refusal.request_id, "status": False, **refusal_fields(refusal)}
        written = encode(said, encoding)
        assert len(written) < 2 * len(payload) + 4 * KIB
        assert said == decode(written.decode() if encoding is Encoding.JSON else written)
        return
    held = {name: getattr(request.model, name) for name in wire_fields(type(request.model))}
    accepted = {"type": request.type, "request_id": request.request_id, **held}
    check_plain(accepted)
    assert same(accepted, decode(encode(accepted, Encoding.MSGPACK)))
    text = encode(accepted, Encoding.JSON)
    assert same(decode(text.decode()), decode(encode(decode(text.decode()), Encoding.MSGPACK)))
    # Scripts get it too, and the room that it takes is counted before it is stored.
    assert same(accepted, to_plain(accepted))
    assert encoded_size(accepted) == len(text)
    attrs.validate(request.model)


@given(st.binary(max_size=200) | st.binary(max_size=20).map(lambda rest: b"\x82\xa4type" + rest))
@bounded(150)
def test_arbitrary_bytes_are_a_request_or_of_wrong_format(payload):
    check(payload)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@bounded(150)
def test_arbitrary_text_is_a_request_or_of_wrong_format(payload):
    check(payload)


@given(PACKED)
@bounded(150)
def test_whatever_msgpack_writes_is_a_request_or_of_wrong_format(payload):
    check(payload)


@given(WRITTEN)
@bounded(150)
@example('{"type": "\\ud800", "request_id": 1}')
@example('{"type": "Me", "request_id": 1e999}')
@example('{"type": "Play", "room_id": "r", "message": {"\\ud800": {}}}')
def test_whatever_python_writes_as_json_is_a_request_or_of_wrong_format(payload):
    check(payload)


def outcome(payload):
    """What a payload comes to, in a form that can be compared."""
    try:
        request = parse(payload, max_depth=32)
    except WrongFormat as refusal:
        return refusal.error, refusal.type, refusal.request_id
    return request.type, request.request_id, type(request.model), attrs.asdict(request.model)


@given(requests(ANYTHING))
@bounded(300)
@example({"type": "Play", "room_id": "r", "message": None, "request_id": None})
@example({"type": "Play", "room_id": "r", "message": 1, "request_id": True})
@example({"type": "CreateRoom", "access_type": None, "tags": None})
@example({"type": "CreateRoom", "access_type": "x", "tags": None})
def test_a_field_that_is_unknown_changes_nothing_in_what_comes_of_the_others(document):
    assert repr(outcome(msgpack.packb(document))) == repr(outcome(msgpack.packb({**document, "no such field": 1})))


@given(damaged(PACKED))
@bounded(150)
def test_a_damaged_message_is_a_request_or_of_wrong_format(payload):
    check(payload)


@given(damaged(WRITTEN.map(str.encode)))
@bounded(100)
def test_a_damaged_text_is_a_request_or_of_wrong_format(payload):
    with contextlib.suppress(UnicodeDecodeError):  # a text frame that is no UTF-8 ends before the codec
        check(payload.decode())


@given(ANYTHING_JSON | st.recursive(st.binary() | st.complex_numbers(), st.tuples, max_leaves=4))
@bounded(100)
def test_what_is_plain_is_decided_alike_for_clients_and_for_scripts(value):
    try:
        check_plain(value)
    except PlainDataError:
        plain = False
    else:
        plain = True
    try:
        copy = to_plain(value)
    except TypeError:
        assert not plain
    else:
        check_plain(copy)
        assert not plain or same(value, copy)


def full(start, piece):
    """As many pieces as fit into the largest message."""
    return start + piece * ((LARGEST - len(start)) // len(piece))


PLAY = b"\x83\xa4type\xa4Play\xa7room_id\xa1r\xa7message"

BOMBS = {
    "a list of four thousand million": b"\xdd\xff\xff\xff\xff",
    "a map of four thousand million": b"\xdf\xff\xff\xff\xff",
    "text of four thousand million": b"\xdb\xff\xff\xff\xff",
    "lists within lists, each as long as can be": full(full(b"", b"\xdc\xff\xf0")[:6000], b"\x00"),
    "maps within maps, each as long as can be": full(full(b"", b"\xde\x7f\xf0\xa1a")[:6000], b"\x00"),
    "lists within a message's list": full(PLAY + b"\xdc\x00\xff" + b"\xdc\xfe\x00" * 300, b"\x01"),
    "long lists in short ones": full(full(PLAY, b"\x91\xdd\x00\x00\xf0\x00")[:6000], b"\xc0"),
    "nested as deeply as can be": full(b"", b"\x91"),
    "nested maps": full(b"", b"\x81\xa1a"),
    "nested lists of JSON": full("", "["),
    "nested maps of JSON": full("", '{"a":'),
    "digits": full('{"type":', "9"),
    "digits of an exponent": full('{"type":1e', "9"),
    "digits of a fraction": full('{"type":0.', "9"),
    "escapes": full('{"type":"', "\\ud800"),
    "an unknown type": full('{"type":"', "x") + '"}',
}

ONE_OF_EACH = [None, 1.5, 2**40, -5, -(2**40), "x" * 40, b"y" * 300, {"k": [1]}, 2**63]

HONEST = {
    "numbers": PLAY + b"\xdc\xff\x00" + b"\x01" * 0xFF00,
    "lists": PLAY + b"\xdc\xff\x00" + b"\x90" * 0xFF00,
    "text of two-byte letters that look like headers": PLAY + b"\xda\xff\x00" + b"\xdc\x90" * 0x7F80,
    "long lists in a list": PLAY + b"\xdc\x00\xc8" + (b"\xdc\x01\x00" + b"\x01" * 256) * 200,
    "long maps in a list": PLAY + msgpack.packb([dict.fromkeys("abcdefghijklmnopqrst", 1)] * 200),
    "every kind of value in lists": PLAY
    + b"\xdc\x00\x64"
    + (b"\xdc\x00\x09" + b"".join(map(msgpack.packb, ONE_OF_EACH))) * 100,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_little_time_and_memory(bomb):
    payload = BOMBS[bomb]
    began = time.process_time()
    with pytest.raises(WrongFormat):
        parse(payload, max_depth=32)
    assert time.process_time() - began < 0.5

    tracemalloc.start()
    try:
        with pytest.raises(WrongFormat):
            parse(payload, max_depth=32)
        assert tracemalloc.get_traced_memory()[1] < 4 * KIB * KIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("message", HONEST)
def test_the_largest_honest_messages_pass(message):
    assert "Play" == parse(HONEST[message], max_depth=32).type


@given(PACKED, st.integers(0, 40), st.integers(0, 40))
@bounded(100)
def test_looking_for_bombs_refuses_nothing_that_is_whole(document, before, after):
    lists = b"\xdc\x00\x01\x01"
    payload = b"\xdc" + (before + after + 1).to_bytes(2) + lists * before + document + lists * after
    padded = msgpack.packb(["x" * KIB])
    with pytest.raises(WrongFormat) as caught:
        decode(b"\x92" + padded + payload)
    assert "says to hold more" not in caught.value.error
