import pytest

from yummy.client.codec import Format, UndecodableError, decode, encode


@pytest.mark.parametrize("form", Format)
def test_what_is_written_can_be_read(form):
    message = {"type": "Play", "message": [None, True, 2**64 - 1, -(2**63), 0.5, "ü", {"k": []}]}
    assert decode(encode(message, form)) == message


@pytest.mark.parametrize("frame", ["", "[]", "null", "{", b"", b"\xc1", b"\x90", b"\x80\x80"], ids=repr)
def test_anything_but_one_map_is_refused(frame):
    with pytest.raises(UndecodableError):
        decode(frame)


def test_json_has_no_word_for_infinity():
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"x": float("inf")}, Format.JSON)


def _cycle():
    loop = []
    loop.append(loop)
    return loop


def _nested(depth):
    data = []
    for _ in range(depth):
        data = [data]
    return data


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    "value", ["\ud800", _cycle(), _nested(100_000)], ids=["half a character", "a cycle", "too deep"]
)
def test_what_cannot_be_written_is_a_value_error(form, value):
    with pytest.raises(ValueError, match=r".+"):
        encode({"x": value}, form)


def test_a_number_that_msgpack_has_no_room_for_is_a_value_error():
    with pytest.raises(ValueError, match=r".+"):
        encode({"x": 2**64}, Format.MSGPACK)


@pytest.mark.parametrize("frame", ["[" * 100_000, b"\x91" * 100_000], ids=["json", "msgpack"])
def test_a_frame_that_is_nested_too_deep_is_refused(frame):
    with pytest.raises(UndecodableError):
        decode(frame)
