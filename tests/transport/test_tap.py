"""The tap takes what is a whole message, and nothing else; with it, order and limits are as without it."""

from itertools import pairwise

import pytest
from attrs import define, field
from bounds import bounded
from hypothesis import given
from hypothesis import strategies as st
from tests.transport.conftest import BINARY, CLOSE, PING, TEXT, masked
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from yummy.transport.inbound import Inbound
from yummy.transport.tap import AT_ONCE_MAX, HELD_BYTES, Tap


class Listener:
    """Notes messages; wants no more at once after some of them."""

    def __init__(self, *pauses):
        self.heard = []
        self.pauses = set(pauses)

    def __call__(self, message):
        self.heard.append(message)
        return message not in self.pauses


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def tap(listener):
    return Tap(listener, max_message_bytes=70_000)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65_535])
def test_a_whole_binary_message_is_taken_and_unmasked(tap, listener, size):
    payload = bytes(number % 251 for number in range(size))
    data = masked(BINARY, payload)

    assert len(data) == tap.take(data + b"\x81")
    assert ([payload], 1, False) == (listener.heard, tap.taken, tap.stopped)


@pytest.mark.parametrize("text", ["", "text", "ü", "\U0001f40d" * 100])
def test_a_whole_text_message_is_taken_as_text(tap, listener, text):
    data = masked(TEXT, text.encode())

    assert len(data) == tap.take(data)
    assert [text] == listener.heard


@pytest.mark.parametrize(
    "data",
    [
        masked(TEXT, b"no UTF-8: \xff"),
        masked(PING),
        masked(CLOSE),
        masked(0x02, b"a fragment"),
        masked(0x80, b"the last fragment"),
        masked(0xC2, b"an extension's bit"),
        bytes((BINARY, 4)) + b"bare",
        bytes((BINARY, 0xFE, 0, 4)) + bytes(4) + b"long",
        bytes((BINARY, 0xFF)) + (4).to_bytes(8) + bytes(4) + b"long",
        masked(BINARY, bytes(70_001)),
        masked(BINARY, b"cut")[:-1],
        masked(BINARY, b"cut")[:5],
        b"",
    ],
)
def test_all_else_is_left(tap, listener, data):
    first = masked(BINARY, b"first")

    assert len(first) == tap.take(first + data)
    assert ([b"first"], False) == (listener.heard, tap.stopped)


def test_it_stops_when_it_is_told_and_after_many(tap, listener):
    listener.pauses.add(b"x")
    frame = masked(BINARY, b"y")

    assert 2 * len(frame) == tap.take(frame + masked(BINARY, b"x") + frame)
    assert ([b"y", b"x"], True) == (listener.heard, tap.stopped)
    assert AT_ONCE_MAX * len(frame) == tap.take(frame * (AT_ONCE_MAX + 1))
    assert tap.stopped


def tapped(listener, **limits):
    inbound = Inbound(**limits)
    inbound.upgrade()
    inbound.tap = Tap(listener, 300)
    return inbound


def test_a_message_behind_one_that_the_decoder_got_waits_until_that_is_delivered(listener):
    inbound = tapped(listener)
    large, binary = masked(BINARY, bytes(301)), masked(BINARY, b"binary")

    assert large + binary == inbound.feed(large + binary, 0.0)
    inbound.delivered()
    assert binary == inbound.feed(binary, 0.0)
    inbound.delivered()
    inbound.delivered()
    assert b"" == inbound.feed(binary, 0.0)
    assert [b"binary"] == listener.heard


def test_text_that_is_no_utf8_is_for_the_decoder_and_so_is_what_follows(listener):
    inbound = tapped(listener)
    wrong = masked(TEXT, b"\xff")

    assert wrong + wrong == inbound.feed(wrong + wrong, 0.0)
    assert ([], 2) == (listener.heard, inbound.frames)


def test_of_cut_text_the_decoder_gets_what_there_is(listener):
    inbound = tapped(listener)
    text = masked(TEXT, b"text")

    assert text[:7] == inbound.feed(text[:7], 0.0)
    assert text[7:] == inbound.feed(text[7:], 0.0)
    inbound.delivered()
    assert b"" == inbound.feed(text, 0.0)
    assert ["text"] == listener.heard


def test_a_message_behind_a_control_frame_is_taken_after_the_decoder_has_got_that(listener):
    inbound = tapped(listener)
    ping, binary = masked(PING), masked(BINARY, b"binary")

    assert ping == inbound.feed(ping + binary, 0.0)
    assert ([], True) == (listener.heard, inbound.paused)
    assert b"" == inbound.feed(b"", 0.0)
    assert ([b"binary"], False, 2) == (listener.heard, inbound.paused, inbound.frames)


def test_between_fragments_and_after_a_close_frame_nothing_is_taken(listener):
    inbound = tapped(listener)
    binary = masked(BINARY, b"binary")

    assert b"" != inbound.feed(masked(0x01, b"a fragment"), 0.0)
    assert binary == inbound.feed(binary, 0.0)
    assert [] == listener.heard
    inbound = tapped(listener)
    assert b"" != inbound.feed(masked(CLOSE), 0.0)
    assert binary == inbound.feed(binary, 0.0)
    assert [] == listener.heard


def test_short_messages_have_the_limit_too(listener):
    tap = Tap(listener, max_message_bytes=50)
    largest, larger = masked(BINARY, bytes(50)), masked(BINARY, bytes(51))

    assert len(largest) == tap.take(largest + larger)
    assert [bytes(50)] == listener.heard


@pytest.mark.parametrize(
    "data",
    [
        masked(PING),
        masked(CLOSE),
        masked(0x02, b"a fragment"),
        masked(TEXT, b"\xff"),
        bytes((BINARY, 4)) + b"bare",
        masked(BINARY, bytes(301)),
    ],
)
def test_after_nothing_but_messages_all_else_goes_to_the_decoder_as_ever(listener, data):
    inbound = tapped(listener)
    binary = masked(BINARY, b"binary")

    for _ in range(3):
        assert b"" == inbound.feed(binary, 0.0)
        assert inbound.straight
    assert data == inbound.feed(data, 0.0)
    assert not inbound.straight
    assert 4 == inbound.frames


def test_limits_hold_after_nothing_but_messages_too(listener):
    binary = masked(BINARY, b"binary")

    for code, wrong in ((1009, masked(BINARY, bytes(301))), (1008, masked(PING) * 3)):
        inbound = tapped(listener, max_message_bytes=300, max_control_frames=2)
        assert b"" == inbound.feed(binary, 0.0)
        inbound.feed(wrong, 0.0)
        assert code == inbound.violation.code
        assert (b"", False) == (inbound.feed(binary, 0.0), inbound.straight)
    assert 2 == len(listener.heard)


def test_a_stop_of_the_tap_is_a_pause_even_if_nothing_is_left(listener):
    inbound = tapped(listener)
    listener.pauses.add(b"full")
    for _ in range(2):
        assert b"" == inbound.feed(masked(BINARY, b"binary"), 0.0)
        assert (False, True) == (inbound.paused, inbound.straight)
        assert b"" == inbound.feed(masked(BINARY, b"full"), 0.0)
        assert (True, False) == (inbound.paused, inbound.straight)
        assert b"" == inbound.feed(b"", 0.0)


def test_once_untapped_all_is_for_the_decoder_and_what_was_taken_still_counts(listener):
    inbound = tapped(listener)
    binary = masked(BINARY, b"binary")

    assert b"" == inbound.feed(binary, 0.0)
    inbound.untap()
    assert (binary, False, 2) == (inbound.feed(binary, 0.0), inbound.straight, inbound.frames)
    assert [b"binary"] == listener.heard


def test_a_cut_message_is_held_but_a_large_one_goes_to_the_decoder(listener):
    inbound = tapped(listener)
    inbound.tap = Tap(listener, 65_535)
    small, large = masked(BINARY, bytes(300)), masked(BINARY, bytes(HELD_BYTES))

    assert b"" == inbound.feed(small[:-1], 0.0)
    assert b"" == inbound.feed(small[-1:], 0.0)
    assert large[:-1] == inbound.feed(large[:-1], 0.0)
    assert [bytes(300)] == listener.heard


MESSAGES = st.lists(
    st.tuples(st.sampled_from([BINARY, BINARY, BINARY, TEXT, PING, 0]), st.binary(max_size=130)), max_size=12
)


def frames(kind, payload):
    """One message; kind 0 is a binary one in two fragments."""
    if kind == TEXT:
        payload = payload.decode("latin-1").encode()
    if kind == PING:
        payload = payload[:125]
    return masked(kind, payload) if kind else masked(0x02, payload[:3]) + masked(0x80, payload[3:])


@define
class Behind:
    """What stands behind the tap: the decoder, and whoever delivers what it has made."""

    inbound: Inbound
    listener: Listener
    decoded: list = field(factory=list)
    _decoder: Connection = field(factory=lambda: Connection(ConnectionType.SERVER))
    _parts: list = field(factory=list)

    def decode(self, data):
        self._decoder.receive_data(data)
        for event in self._decoder.events():
            if isinstance(event, TextMessage | BytesMessage):
                self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
                if event.message_finished:
                    empty = self._parts[0][:0]
                    self.decoded.append(empty.join(self._parts))
                    self._parts.clear()

    def deliver(self):
        for message in self.decoded:
            self.listener(message)
            self.inbound.delivered()
        self.decoded.clear()


@bounded(500)
@given(MESSAGES, st.lists(st.integers(0, 1500), max_size=20), st.integers(1, 4))
def test_however_it_is_cut_every_message_is_heard_once_and_in_order(messages, cuts, lag):
    """What the decoder has made of its part is delivered only ``lag`` pieces later."""
    data = b"".join(frames(*message) for message in messages)
    borders = [0, *sorted(one for one in cuts if one < len(data)), len(data)]
    listener = Listener()
    inbound = tapped(listener)
    behind = Behind(inbound, listener)

    for number, (begin, end) in enumerate(pairwise(borders)):
        behind.decode(inbound.feed(data[begin:end], 0.0))
        while inbound.paused:
            behind.decode(inbound.feed(b"", 0.0))
        if number % lag == 0:
            behind.deliver()
    behind.deliver()

    expected = [payload.decode("latin-1") if kind == TEXT else payload for kind, payload in messages if kind != PING]
    assert expected == listener.heard
