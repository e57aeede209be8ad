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
