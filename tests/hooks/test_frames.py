import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.constants import RoomAccessType
from yummy.hooks import frames
from yummy.hooks.calls import WRITES, RoomSnapshot, UserSnapshot
from yummy.plain import same

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
items = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(st.lists(st.lists(items).map(tuple), max_size=5), st.data())
def test_frames_survive_any_way_of_cutting_the_stream(sent, data):
    stream = b"".join(map(frames.encode, sent))
    buffer = frames.FrameBuffer()
    got = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += buffer.feed(stream[:size])
        stream = stream[size:]
    assert sent == got


@pytest.mark.parametrize("number", range(len(WRITES)))
def test_every_write_has_a_place(number):
    kind = WRITES[number]
    write = kind(*[f"value {field.name}" for field in attrs.fields(kind)])
    assert frames.write_from_plain(frames.write_to_plain(write)) == write
    assert frames.write_to_plain(write)[0] == number


def test_snapshots_are_their_fields():
    room = RoomSnapshot("r", None, None, 0, join_request=False, max_user=0, metas={"k": ([1], 2)})
    user = UserSnapshot("u", "Ada", 1, online=True)
    assert room == RoomSnapshot(*frames.snapshot_fields(room))
    assert user == UserSnapshot(*frames.snapshot_fields(user))
    assert () == frames.snapshot_fields(None)


@pytest.mark.parametrize("level", [1, RoomAccessType.PRIVATE], ids=["number", "member"])
def test_snapshots_travel_as_bytes_that_are_made_once(level):
    room = RoomSnapshot("r", None, None, level, join_request=False, max_user=0, metas={"k": ([1], level)})
    data = frames.packed(room)
    assert frames.packed(room) is data
    assert RoomSnapshot(*frames.unpacked(data)) == attrs.evolve(room, access_type=1, metas={"k": ([1], 1)})
    assert attrs.evolve(room, name="Hall").packed is None


def test_a_large_frame_comes_in_pieces_and_with_others_behind_it():
    large, small = (1, b"x" * 100_000), (2,)
    stream = frames.encode(large) + frames.encode(small)
    buffer = frames.FrameBuffer()
    assert [] == [frame for start in range(0, 90_000, 1000) for frame in buffer.feed(stream[start : start + 1000])]
    assert [large, small] == list(buffer.feed(stream[90_000:]))


@given(items, items)
def test_what_is_alike_has_the_same_types_and_values(first, second):
    assert not frames.is_alike(first, second) or same(first, second)


def test_a_copy_is_alike():
    message = {"cell": 4, "ts": bytes(8), "moves": [1.5, None, True, "x", "a longer text", {}]}
    assert frames.is_alike(frames.plain_copy(message), frames.plain_copy(message))


def test_what_holds_one_thing_in_endless_places_is_told_from_others_at_once():
    value = []
    for _ in range(100):
        value = [value, value]
    assert not frames.is_alike(value, [[], []])


@pytest.mark.parametrize(("first", "second"), [(1, True), (0.0, 0), ([1], (1,)), ({"a": 1}, {"a": 1.0})])
def test_what_is_equal_need_not_be_alike(first, second):
    assert not frames.is_alike(first, second)


def test_enumerations_can_be_made_sendable():
    frame = (1, RoomAccessType.PRIVATE, ({"k": (RoomAccessType.FRIEND, [RoomAccessType.PUBLIC])},))
    with pytest.raises(ValueError, match="unmarshallable"):
        frames.encode(frame)
    frames.encode(frames.sendable(frame))
    assert (1, 1, ({"k": (2, [0])},)) == frames.sendable(frame)


@pytest.mark.parametrize("place", [2, 3])
def test_what_a_script_holds_in_many_places_is_sent_once(place):
    frame = [frames.PASSED, 1, {}, ()]
    text = "long" * 1000
    frame[place] = {"tags": [text] * 100} if place == 2 else ((0, "id", "key", [text] * 100, 3),)
    data = frames.encode_made(tuple(frame))

    assert len(data) < 2 * len(text)
    assert [tuple(frame)] == list(frames.FrameBuffer().feed(data))
