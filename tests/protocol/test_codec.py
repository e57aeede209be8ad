"""The two encodings: what they refuse, and that whatever they accept can be written again in both."""

import base64
import contextlib
import json
import sys
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.plain import INT_MAX, INT_MIN, PlainDataError, check_plain
from yummy.protocol.codec import Encoding, decode, encode
from yummy.protocol.errors import WrongFormat
from yummy.protocol.requests import parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT_MIN, INT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.binary()
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def as_text(value):
    """What a JSON client sees of plain data."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "not valid msgpack"),
        (b"\xc1", "not valid msgpack"),
        (msgpack.packb({"a": 1})[:-1], "not valid msgpack"),
        (msgpack.packb([1]), "expected a map, got list"),
        (msgpack.packb("text"), "expected a map, got str"),
        (msgpack.packb({"a": 1}) + b"\xc0", "more than one msgpack value in a frame"),
        (msgpack.packb({"a": msgpack.ExtType(5, b"x")}), "msgpack extension type 5"),
        (msgpack.packb({1: "a"}), "not valid msgpack"),
        (msgpack.packb({None: "a"}), "not valid msgpack"),
        (b"\x82\xa1a\x01\xa1a\x02", "a map with the same key twice"),
        (b"\x81\xa1m\x82\xa1a\x01\xa1a\x02", "a map with the same key twice"),
        (b"\x81\xa1a\xa2\xff\xfe", "text that is not valid UTF-8"),
        (b"\x81\xa1a\xa3\xed\xa0\x80", "text that is not valid UTF-8"),
        (b"\x81\xa1a" + b"\x91" * 5000 + b"\x01", "nested too deeply"),
        (b"\xdf\xff\xff\xff\xff", "not valid msgpack"),
    ],
)
def test_msgpack_that_is_no_request_is_refused(payload, problem):
    with pytest.raises(WrongFormat, match=problem):
        decode(payload)


@pytest.mark.parametrize(
    ("payload", "document"),
    [
        (b"\x81\xa1a\xcd\x00\x01", {"a": 1}),
        (b"\x81\xd9\x01a\xa1b", {"a": "b"}),
        (b"\xde\x00\x01\xa1a\xdc\x00\x00", {"a": []}),
        (b"\x81\xa1a\xca\x3f\x80\x00\x00", {"a": 1.0}),
    ],
)
def test_what_is_written_longer_than_need_be_is_read_all_the_same(payload, document):
    assert document == decode(payload)
    twice = b"\x82\xa1z" + payload + b"\xa1z\x00"
    with pytest.raises(WrongFormat, match="a map with the same key twice"):
        decode(twice)


def test_a_packer_that_could_not_write_what_was_read_keeps_nothing_of_it():
    deep = b"\x81\xa1a" + b"\x91" * 600 + b"\xc0"
    with contextlib.suppress(WrongFormat):
        decode(deep)
    assert b"\x81\xa1a\x01" == encode({"a": 1}, Encoding.MSGPACK)


@pytest.mark.parametrize(
    "header",
    [
        b"\xdc\xff\xff",  # lists of 65,535 items
        b"\xdd\x00\x00\xff\xff",
        b"\xde\x7f\xff\xa1a",  # maps of 32,767 keys
        b"\xdf\x00\x00\x7f\xff\xa1a",
        b"\x92\xdd\x00\x00\xf0\x00",
    ],
)
def test_room_is_made_for_what_is_there_and_not_for_what_is_announced(header):
    """A thousand lists inside one another, each of which announces as many items as the payload has bytes."""
    payload = (b"\x81\xa1a" + header * 400).ljust(65_536, b"\xc0")
    tracemalloc.start()
    try:
        with pytest.raises(WrongFormat, match=r"not valid msgpack|nested too deeply"):
            decode(payload)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(payload)
    finally:
        tracemalloc.stop()


PIECES = 10_000


@pytest.mark.parametrize(
    ("packed", "written", "calls"),
    [
        (b"\xc0", "null", 0),
        (b"\xa1a", '"a"', 0),
        (b"\x90", "[]", 0),
        (b"\x80", "{}", 1),  # looked through for keys that come twice
        (b"\x91\xc0", "[null]", 1),  # what stands in it
        (b"\x81\xa1a\xc0", '{"a":null}', 2),
    ],
)
@pytest.mark.parametrize("encoding", Encoding)
def test_a_message_of_many_small_values_costs_few_calls_for_each(packed, written, calls, encoding):
    if encoding is Encoding.JSON:
        payload = f'{{"type":"Play","room_id":"r","message":[{",".join([written] * PIECES)}]}}'
    else:
        start = b"\x83\xa4type\xa4Play\xa7room_id\xa1r\xa7message\xdc"
        payload = start + PIECES.to_bytes(2) + packed * PIECES
    counted = 0

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        request = parse(payload, max_depth=32)
    finally:
        sys.setprofile(None)

    assert PIECES == len(request.model.message)
    assert counted <= calls * PIECES + 100


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("{} {}", "not valid JSON"),
        ("\ufeff{}", "not valid JSON \\(Unexpected UTF-8 BOM"),
        ("[1]", "expected a map, got list"),
        ("null", "expected a map, got NoneType"),
        ('{"a": 1, "a": 2}', "a map with the same key twice"),
        ('{"m": {"a": 1, "a": 2}}', "a map with the same key twice"),
        ('{"a": NaN}', "NaN is not a finite number"),
        ('{"a": -Infinity}', "-Infinity is not a finite number"),
        ('{"a": 1e999}', "1e999 is not a finite number"),
        ('{"a": ' + "9" * 5000 + "}", "an integer that is out of range"),
        ('{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", "nested too deeply"),
    ],
)
def test_json_that_is_no_request_is_refused(payload, problem):
    with pytest.raises(WrongFormat, match=problem):
        decode(payload)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (float("nan"), "not a finite number"),
        (float("inf"), "not a finite number"),
        ({b"key": 1}, "is not text"),
        (msgpack.Timestamp(1), "Timestamp is not plain data"),
        (nested(33), "nested too deeply"),
    ],
)
def test_a_message_that_is_no_plain_data_is_refused(message, problem):
    payload = msgpack.packb({"type": "Play", "room_id": "r", "message": message})

    with pytest.raises(WrongFormat, match=f"message: .*{problem}"):
        parse(payload, max_depth=32)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('"\\ud800"', "lone surrogate"),
        ('{"\\ud800": 1}', "lone surrogate"),
        (str(INT_MAX + 1), "out of range"),
        (str(INT_MIN - 1), "out of range"),
        (json.dumps(nested(33)), "nested too deeply"),
    ],
)
def test_a_json_message_that_is_no_plain_data_is_refused(message, problem):
    payload = f'{{"type": "Play", "room_id": "r", "message": {message}}}'

    with pytest.raises(WrongFormat, match=f"message: .*{problem}"):
        parse(payload, max_depth=32)


@pytest.mark.parametrize("payload", ['{"type": "\\ud800"}', '{"\\ud800": 1}', '{"type": "Me", "x": "\\ud800"}'])
def test_a_lone_surrogate_anywhere_can_still_be_answered(payload):
    try:
        request = parse(payload, max_depth=32)
    except WrongFormat as wrong:
        encode({"error": wrong.error, "type": wrong.type}, Encoding.JSON)
        encode({"error": wrong.error, "type": wrong.type}, Encoding.MSGPACK)
    else:
        assert "Me" == request.type


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("depth", [32, 256])
def test_the_deepest_message_that_is_accepted_can_be_written(encoding, depth):
    check_plain(nested(depth), max_depth=depth)

    assert encode({"message": nested(depth)}, encoding)


def test_the_encoders_own_bound_is_enough_for_both_decoders():
    document = {"type": "Play", "room_id": "r", "message": nested(256)}

    assert parse(msgpack.packb(document), max_depth=0).model.message == nested(256)
    assert parse(json.dumps(document), max_depth=0).model.message == nested(256)
    with pytest.raises(WrongFormat, match="nested too deeply"):
        parse(msgpack.packb({**document, "message": nested(257)}), max_depth=0)


def test_a_refused_value_leaves_nothing_in_the_next_frame():
    with pytest.raises(TypeError):
        encode({"a": 1, "b": object()}, Encoding.MSGPACK)

    assert {"c": 1} == decode(encode({"c": 1}, Encoding.MSGPACK))


def test_bytes_become_base64_in_json():
    assert '{"a":["AP8="]}' == encode({"a": [b"\x00\xff"]}, Encoding.JSON).decode()


@given(PLAIN)
def test_plain_data_comes_back_from_both_encodings(value):
    document = {"message": value}

    assert document == decode(encode(document, Encoding.MSGPACK))
    assert as_text(document) == decode(encode(document, Encoding.JSON).decode())


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_cleanly_or_can_be_written_again(payload):
    try:
        document = decode(payload)
        check_plain(document)
    except (WrongFormat, PlainDataError):
        return
    encode(document, Encoding.MSGPACK)
    encode(document, Encoding.JSON)


@given(
    st.text(max_size=60)
    | st.dictionaries(st.text(), st.text() | st.floats() | st.integers() | st.lists(st.integers())).map(json.dumps)
)
def test_any_text_is_refused_cleanly_or_can_be_written_again(payload):
    try:
        document = decode(payload)
        check_plain(document)
    except (WrongFormat, PlainDataError):
        return
    encode(document, Encoding.MSGPACK)
    encode(document, Encoding.JSON)
