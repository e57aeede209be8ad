"""Plain data: what passes, what does not, and how a script's values become it."""

import json
from base64 import b64encode
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.plain import DEPTH_MAX, INT_MAX, INT_MIN, PlainDataError, check_plain, encoded_size, same, to_plain


class Colour(Enum):
    RED = "red"


class Rank(IntEnum):
    HIGH = 3


class Word(StrEnum):
    HELLO = "hello"


class Text(str):
    __slots__ = ()


def nested(depth, value=1):
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 0, INT_MIN, INT_MAX, 1.5, -0.0, "", "ä\0😀", b"\xff", [], {}, [[{"a": [None]}]], nested(256)]
)
def test_plain_data_passes(value):
    check_plain(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (INT_MIN - 1, "out of range"),
        (INT_MAX + 1, "out of range"),
        (float("nan"), "not a finite number"),
        (float("-inf"), "not a finite number"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({1: 1}, "map key 1 is not text"),
        ({b"a": 1}, "is not text"),
        ((1,), "tuple is not plain data"),
        ({1, 2}, "set is not plain data"),
        (bytearray(b"x"), "bytearray is not plain data"),
        (Rank.HIGH, "Rank is not plain data"),
        (Decimal(1), "Decimal is not plain data"),
        ([{"a": [object()]}], "object is not plain data"),
        (nested(257), "nested too deeply"),
    ],
)
def test_anything_else_is_refused_with_its_reason(value, problem):
    with pytest.raises(PlainDataError, match=problem):
        check_plain(value)


@pytest.mark.parametrize(
    "make", [lambda huge: huge, lambda huge: [-huge], lambda huge: {huge: 1}], ids=["bare", "in a list", "as a key"]
)
def test_what_python_would_not_write_out_is_refused_like_the_rest(make):
    with pytest.raises(TypeError, match=r"out of range|is not text"):
        to_plain(make(10**6000))


def test_bytes_take_the_room_of_their_base64_text():
    for size in range(7):
        assert len(b64encode(b"x" * size)) + 2 == encoded_size(b"x" * size)
        assert encoded_size(["", "a" * len(b64encode(b"x" * size))]) == encoded_size(["", b"x" * size])


def test_the_depth_and_bytes_are_the_caller_s_choice():
    check_plain(nested(2), max_depth=2)
    check_plain(nested(256), max_depth=0)
    for value, options in [(nested(3), {"max_depth": 2}), ([b"x"], {"allow_bytes": False})]:
        with pytest.raises(PlainDataError):
            check_plain(value, **options)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, (2,)), [1, [2]]),
        (Rank.HIGH, 3),
        ({Colour.RED: Word.HELLO}, {"red": "hello"}),
        (Text("x"), "x"),
        (bytearray(b"x"), b"x"),
        ([True, 1, 1.0, None], [True, 1, 1.0, None]),
    ],
)
def test_a_script_s_values_become_plain(value, plain):
    copy = to_plain(value)

    assert same(plain, copy)
    check_plain(copy)


def test_the_copy_is_independent():
    value = {"a": [1]}
    copy = to_plain(value)
    value["a"].append(2)

    assert {"a": [1]} == copy


@pytest.mark.parametrize("value", [object(), {1: 1}, {1, 2}, float("nan"), 2**64, "\ud800", nested(257)])
def test_what_cannot_become_plain_is_a_type_error(value):
    with pytest.raises(TypeError):
        to_plain(value)


def test_the_deepest_that_passes_can_be_copied():
    assert nested(DEPTH_MAX) == to_plain(nested(DEPTH_MAX))


def test_what_contains_itself_is_a_type_error():
    value = []
    value.append(value)

    with pytest.raises(TypeError, match="contains itself"):
        to_plain(value)


def test_bytes_are_refused_where_they_are_not_welcome():
    with pytest.raises(TypeError, match="bytes are not allowed here"):
        to_plain([b"x"], allow_bytes=False)


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        ([1, {"a": 1}], [1, {"a": 1}], True),
        ([1, {"a": 1}], [1, {"a": True}], False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ([1], [1, 2], False),
        (None, False, False),
    ],
)
def test_data_is_the_same_in_type_and_value(first, second, alike):
    assert alike is same(first, second)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), st.lists, max_leaves=8))
def test_whatever_passes_can_be_written_in_both_encodings(value):
    try:
        check_plain(value)
    except PlainDataError:
        return
    assert value == msgpack.unpackb(msgpack.packb(value))
    assert len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) == encoded_size(value)
