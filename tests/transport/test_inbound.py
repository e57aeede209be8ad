from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.transport.inbound import Inbound, Violation

BINARY, TEXT, CONTINUATION, PING = 0x82, 0x81, 0x80, 0x89
FRAGMENT_OF_BINARY, FRAGMENT = 0x02, 0x00
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def masked(first_byte: int, size: int) -> bytes:
    """A frame whose payload is zeros, masked with zeros."""
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 1 << 16:
        length = bytes((0xFE,)) + size.to_bytes(2, "big")
    else:
        length = bytes((0xFF,)) + size.to_bytes(8, "big")
    return bytes((first_byte,)) + length + bytes(4) + bytes(size)


def feed(inbound: Inbound, *pieces: bytes, now: float = 0.0) -> bytes:
    return b"".join(inbound.feed(piece, now) for piece in pieces)


def upgraded(**limits: int) -> Inbound:
    inbound = Inbound(**limits)
    inbound.upgrade()
    return inbound


def test_a_head_passes_and_what_comes_too_early_is_held():
    inbound = Inbound()
    assert HEAD == feed(inbound, HEAD + b"early")
    assert b"" == feed(inbound, b" birds")
    assert b"early birds" == inbound.upgrade()
    assert b"" == inbound.upgrade()


@given(st.lists(st.integers(0, len(HEAD) + 5), max_size=6))
def test_the_end_of_a_head_is_found_however_it_is_cut(cuts):
    data = HEAD + b"early"
    borders = [0, *sorted(cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(borders) if end > begin]
    inbound = Inbound()
    assert HEAD == feed(inbound, *pieces)
    assert b"early" == inbound.upgrade()


def test_a_head_without_an_end_passes():
    """The HTTP parser behind it has a limit of its own."""
    inbound = Inbound()
    assert b"x" * 10 == feed(inbound, *[b"x"] * 10)
    assert not inbound.head_complete


@given(
    sizes=st.lists(st.tuples(st.sampled_from([BINARY, TEXT, PING]), st.integers(0, 300)), max_size=8),
    cuts=st.lists(st.integers(0, 2000), max_size=12),
)
def test_frames_pass_unchanged_however_they_are_cut(sizes, cuts):
    data = b"".join(masked(first_byte, size if first_byte != PING else size % 126) for first_byte, size in sizes)
    borders = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(borders) if end > begin]
    inbound = upgraded(max_message_bytes=300, max_fragments=1)
    assert data == feed(inbound, *pieces)
    assert inbound.violation is None
    assert len(sizes) == inbound.frames


@pytest.mark.parametrize("size", [125, 126, 65535, 65536])
def test_a_message_of_the_very_limit_passes(size):
    inbound = upgraded(max_message_bytes=size)
    data = masked(BINARY, size)
    assert data == feed(inbound, data)
    assert inbound.violation is None


@pytest.mark.parametrize(
    ("size", "length"),
    [(2, b"\x82"), (125, b"\xfd"), (126, b"\xfe\0\x7e"), (65535, b"\xfe\xff\xff"), (1 << 40, b"\xff\0\0\1" + bytes(5))],
)
def test_a_message_that_is_too_big_is_refused_by_its_header(size, length):
    inbound = upgraded(max_message_bytes=size - 1)
    assert b"" == feed(inbound, bytes((TEXT,)) + length + bytes(4))
    assert Violation(1009, f"a message may have {size - 1} bytes") == inbound.violation
    assert b"" == feed(inbound, masked(BINARY, 0))


def test_a_message_that_is_too_big_in_its_fragments_is_refused():
    inbound = upgraded(max_message_bytes=100)
    first = masked(FRAGMENT_OF_BINARY, 60)
    assert first + masked(PING, 3) == feed(inbound, first + masked(PING, 3) + masked(CONTINUATION, 41))
    assert Violation(1009, "a message may have 100 bytes") == inbound.violation


def test_each_message_is_counted_anew():
    inbound = upgraded(max_message_bytes=100, max_fragments=2)
    data = (masked(FRAGMENT_OF_BINARY, 50) + masked(CONTINUATION, 50)) * 10
    assert data == feed(inbound, data)
    assert inbound.violation is None


def test_endless_empty_fragments_are_refused():
    inbound = upgraded(max_message_bytes=100, max_fragments=10)
    data = masked(FRAGMENT_OF_BINARY, 0) + masked(FRAGMENT, 0) * 9
    assert data == feed(inbound, data)
    assert b"" == feed(inbound, masked(FRAGMENT, 0))
    assert Violation(1008, "a message may have 10 fragments") == inbound.violation


def test_control_frames_are_counted_by_the_second():
    inbound = upgraded(max_control_frames=3)
    feed(inbound, masked(PING, 0) * 3, now=10.0)
    feed(inbound, masked(PING, 0) * 3, now=11.0)
    assert inbound.violation is None
    feed(inbound, masked(PING, 0), now=11.9)
    assert Violation(1008, "too many control frames") == inbound.violation


def test_limits_of_zero_are_off():
    inbound = upgraded()
    data = masked(PING, 0) * 1000 + masked(FRAGMENT_OF_BINARY, 70_000) + masked(FRAGMENT, 0) * 5000
    assert data == feed(inbound, data)
    assert inbound.violation is None


def test_frames_without_a_mask_pass_to_the_decoder_that_refuses_them():
    inbound = upgraded(max_message_bytes=10)
    data = b"\x82\x03abc\x82\x02de"
    assert data == feed(inbound, data)
    assert 2 == inbound.frames


def test_a_length_that_nothing_can_have_is_too_big_even_without_a_limit():
    inbound = upgraded()
    assert b"" == feed(inbound, b"\x82\xff\x80" + bytes(11))
    assert Violation(1009, "a message may have 9223372036854775807 bytes") == inbound.violation
