"""The follower of frames against a reference that sees everything at once, and against the decoder without it.

Longer: LONG_TESTS=100 python3 -m uv run pytest --timeout 0 tests/transport/test_fuzz.py
"""

from itertools import pairwise

from attrs import define, field
from bounds import bounded
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from yummy.transport.inbound import Inbound

MAX_BYTES, MAX_FRAGMENTS, MAX_CONTROL_FRAMES = 300, 5, 6


@define
class Reference:
    """What is to become of some bytes that have all come, read frame by frame as RFC 6455, section 5.2, says."""

    data: bytes
    passed: int = 0
    frames: int = 0
    code: int | None = None
    closed: bool = False
    _message: list[int] = field(factory=list)
    _control: int = 0

    def read(self) -> None:
        while self.code is None and (end := self._header_end()) is not None:
            self.frames += 1
            opcode = self.data[self.passed] % 16
            size = self._size()
            if opcode >= 8:
                self._control += 1
                self.closed |= opcode == 8
                self.code = 1008 if self._control > MAX_CONTROL_FRAMES else None
            else:
                self._message = [] if opcode in (1, 2) else self._message
                self._message.append(size)
                too_big, too_many = sum(self._message) > MAX_BYTES, len(self._message) > MAX_FRAGMENTS
                self.code = 1009 if too_big else 1008 if too_many else None
            if self.code is None:
                self.passed = min(end + size, len(self.data))

    def _length_bytes(self) -> int:
        return {126: 2, 127: 8}.get(self.data[self.passed + 1] % 128, 0)

    def _header_end(self) -> int | None:
        if len(self.data) < self.passed + 2:
            return None
        end = self.passed + 2 + self._length_bytes() + (4 if self.data[self.passed + 1] >= 128 else 0)
        return end if end <= len(self.data) else None

    def _size(self) -> int:
        start, wide = self.passed + 2, self._length_bytes()
        return int.from_bytes(self.data[start : start + wide]) if wide else self.data[self.passed + 1] % 128


@st.composite
def frames(draw):
    """A frame, with whatever opcode, and perhaps a length that is longer than it needs to be."""
    payload = draw(st.binary(max_size=140))
    first = draw(st.sampled_from([0x82, 0x81, 0x02, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A]) | st.integers(0, 255))
    width = draw(st.sampled_from([0, 0, 0, 2, 8])) or (0 if len(payload) < 126 else 2)
    announced = len(payload) + draw(st.sampled_from([0] * 9 + [1, 1000, 2**16, 2**63 - 1]))
    announced = min(announced, 125 if not width else 2 ** (8 * width) - 1)
    mask = draw(st.sampled_from([b"\0\0\0\0", b"\x05\x00\xff\x42", None]))
    second = {0: announced, 2: 126, 8: 127}[width] | (0 if mask is None else 0x80)
    length = announced.to_bytes(width) if width else b""
    return bytes((first, second)) + length + (mask or b"") + payload


STREAMS = st.lists(frames() | st.binary(max_size=12), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(0, 2000), max_size=20)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    borders = [0, *sorted(one for one in cuts if one < len(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(borders) if end > begin]


def follow(inbound: Inbound, data: bytes, cuts: list[int]) -> list[bytes]:
    inbound.upgrade()
    return [passed for piece in cut(data, cuts) if (passed := inbound.feed(piece, 0.0))]


@bounded(500)
@given(STREAMS, CUTS)
def test_any_bytes_are_followed_as_the_reference_does_however_they_are_cut(data, cuts):
    reference = Reference(data)
    reference.read()
    inbound = Inbound(MAX_BYTES, MAX_FRAGMENTS, MAX_CONTROL_FRAMES)

    passed = b"".join(follow(inbound, data, cuts))

    violated = None if inbound.violation is None else inbound.violation.code
    assert (reference.code, reference.frames, reference.closed) == (violated, inbound.frames, inbound.closed)
    assert data[: reference.passed] == passed


@bounded(300)
@given(STREAMS, CUTS)
@example(b"\x81\x82\0\0\0\0\0\x80", [7])  # text that is no UTF-8, cut in the middle
def test_the_decoder_behind_it_sees_what_it_would_see_without_it(data, cuts):
    """But for a header that has not come to its end, which is held until it has, and a length that none can have."""
    inbound = Inbound()
    alone, behind = decoded([data]), decoded(follow(inbound, data, cuts))
    if inbound._held or inbound.violation is not None:
        alone = alone[: len(behind)]
    assert alone == behind


def decoded(pieces: list[bytes]) -> list[object]:
    """What trio-websocket's decoder makes of it, the parts of a message joined."""
    decoder = Connection(ConnectionType.SERVER)
    said: list[object] = []
    parts: list[bytes | str] = []
    try:
        for piece in pieces:
            decoder.receive_data(piece)
            for event in decoder.events():
                match event:
                    case TextMessage() | BytesMessage():
                        parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
                        if event.message_finished:
                            said.append(_join(parts))
                            parts = []
                    case Ping() | Pong():
                        said.append((type(event), bytes(event.payload)))
                    case CloseConnection():
                        # Of text that is no UTF-8 it names the place in the piece that this came in.
                        own = event.code == CloseReason.INVALID_FRAME_PAYLOAD_DATA
                        said.append((event.code, None if own else event.reason))
                        return said
    except (RemoteProtocolError, LocalProtocolError) as error:
        said.append(type(error))
    return said


def _join(parts: list[bytes | str]) -> bytes | str:
    return "".join(parts) if isinstance(parts[0], str) else b"".join(parts)  # type: ignore[arg-type]  # of one type
