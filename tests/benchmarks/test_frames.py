"""The frames that the benchmarks' players build and read."""

import msgpack
import pytest
from benchmarks.frames import Kind, Stamped, is_answer, is_success, request_frame, split_frames, stamp_of
from wsproto.frame_protocol import FrameProtocol, Opcode

from yummy.protocol.codec import Encoding, encode
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Done, Played, answer_document, event_document, failure_document
from yummy.transport.frames import frame_binary, frame_close, frame_ping


@pytest.mark.parametrize("size", [0, 10, 125, 126, 1000, 70_000])
def test_a_request_is_read_as_it_was_built(size):
    frames = FrameProtocol(client=False, extensions=[])
    frames.receive_bytes(request_frame("Play", message="x" * size))
    (frame,) = list(frames.received_frames())
    assert frame.opcode is Opcode.BINARY
    assert msgpack.unpackb(bytes(frame.payload)) == {"type": "Play", "message": "x" * size}


def test_frames_are_split_wherever_they_were_cut():
    payloads = [b"", b"short", b"m" * 200, b"l" * 70_000]
    data = b"".join(map(frame_binary, payloads))
    for cut in (1, 2, 3, 9, 300, len(data) - 1):
        first, _, rest = split_frames(data[:cut])
        second, _, nothing = split_frames(rest + data[cut:])
        assert (first + second, nothing) == (payloads, b"")


def test_control_frames_are_told_from_messages():
    data = frame_binary(b"one") + frame_ping() + frame_close(1008, "too many") + frame_binary(b"two")
    payloads, others, rest = split_frames(data)
    assert (payloads, rest) == ([b"one", b"two"], b"")
    assert [kind for kind, _ in others] == [Kind.PING, Kind.CLOSE]
    assert others[1][1][2:] == b"too many"


@pytest.mark.parametrize("fill", ["", "x", "xx", "xxx", "x" * 1000])
def test_a_stamped_message_is_read_with_its_time_wherever_that_stands(fill):
    stamped = Stamped.of("MessageToRoom", fill, room_id="a room")
    for due in (0.0, 1234.5678, 1e9):
        frames = FrameProtocol(client=False, extensions=[])
        frames.receive_bytes(stamped(due))
        payload = b"".join(bytes(frame.payload) for frame in frames.received_frames())
        assert msgpack.unpackb(payload)["message"] == {"at": due, "fill": fill}
        assert stamp_of(payload) == due


def test_a_message_without_a_time_has_no_stamp():
    assert stamp_of(msgpack.packb({"type": "Play", "message": 5})) is None


@pytest.mark.parametrize(
    ("document", "answer", "success"),
    [
        (answer_document("Play", None, Done()), True, True),
        (failure_document("Play", None, Refusal(ErrorCode.BUSY)), True, False),
        (event_document(Played("room", {"status": True}, "user")), False, False),
    ],
)
def test_answers_are_told_from_events_by_how_they_begin(document, answer, success):
    payload = encode(document, Encoding.MSGPACK)
    assert is_answer(payload) is answer
    assert (is_answer(payload) and is_success(payload)) is success
