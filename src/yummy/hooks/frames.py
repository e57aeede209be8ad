"""The frames that host and hook interpreter exchange over their socketpair, and their layout.

A frame is its length (4 bytes, little-endian) and a `marshal`led tuple of plain data whose first item is its kind.
`marshal` is fit for this only because both ends are this very program: what clients send is decoded by the codec
first, and never read by `marshal`.

From the host:

========  ===========================================================================================
kind      then
========  ===========================================================================================
HELLO     bounds (the fields of `HookLimits`, as a map), state (what a `STATE` frame brought, or none)
LOAD      revision number, folder, ((path below the folder, source bytes), ...)
CALL      call id, phase, hook name, (model fields, ...), success, (room as bytes, ...), (user as bytes, ...),
          revision number
RETIRE    revision number that nothing asks for any more
FETCHED   fetch id, (room or user,) or () where there is none, error text or None
BYE       nothing: end in good order, with ``on_unload``; who only finds the socket closed runs nothing more
========  ===========================================================================================

From the hook interpreter:

=========  ==========================================================================================
kind       then
=========  ==========================================================================================
READY      nothing: it imports, and reads its socket
STEP       path of the script that is about to be run, ``import``, ``on_unload`` or ``on_load``
LOADED     revision number, ((wanted hook, place of its first function or none), ...), (notice, ...), live objects
BROKEN     revision number, (trouble, ...)
PASSED     call id, changes (a map), (write, ...)
QUIET      (call id, ...) of calls that passed, and have neither changed nor written anything
FAILED     call id, message, code
CRASHED    call id, trouble
LATE       place where what runs has passed its deadline, or none; it is being interrupted
FETCH      fetch id, call id, ``room`` or ``user``, its id
LOG        call id or 0, level name, text, file, line, hook, revision number
REPORT     call id or 0, trouble beside the one that is a call's reply, revision number
STATE      what ``yummy.state`` holds, for the next HELLO; the host never looks inside
=========  ==========================================================================================

A *room* or *user* is the tuple of its snapshot's fields; *as bytes*, that tuple `marshal`led by itself, which the host
does once for as long as the room or user is as it was, and which is read only if a script looks at it. A *write* is
its place in `calls.WRITES` and its fields, a *trouble*, a *place* and a *notice* what `report` makes of them. Replies
to calls come in the order of the calls. An answer to an unknown fetch, as to one that was given up, is dropped.
"""

import marshal
import struct
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final

import attrs

from yummy.hooks.calls import WRITES, RoomSnapshot, UserSnapshot, Write
from yummy.plain import to_plain

type Frame = tuple[Any, ...]

# From the host.
HELLO: Final = 0
LOAD: Final = 1
CALL: Final = 2
FETCHED: Final = 3
RETIRE: Final = 4
BYE: Final = 5

# From the hook interpreter.
READY: Final = 16
STEP: Final = 17
LOADED: Final = 18
BROKEN: Final = 19
PASSED: Final = 20
FAILED: Final = 21
CRASHED: Final = 22
FETCH: Final = 23
LOG: Final = 24
REPORT: Final = 25
STATE: Final = 26
LATE: Final = 27
QUIET: Final = 28

#: How much either end reads at once, in bytes.
READ_BYTES: Final = 256 * 1024

_length = struct.Struct("<I")
_length_of, _length_at = _length.pack, _length.unpack_from
_LENGTH_BYTES: Final = _length.size
#: The last that does not look for each object whether it was written before, which takes longer than to write it.
_MARSHAL_VERSION = 2
#: One that does: it writes an object once that stands in many places, and ends where an object holds itself.
_SHARING_VERSION = 4


def encode(frame: Frame) -> bytes:
    """A frame's bytes, with their length in front.

    Raises:
        ValueError: Something in it is no plain data.
    """
    data = marshal.dumps(frame, _MARSHAL_VERSION)
    return _length_of(len(data)) + data


def encode_made(frame: Frame) -> bytes:
    """The same for what a script has made, which may hold one large text in a thousand places.

    Clients' data and the server's own do not.

    Raises:
        ValueError: Something in it is no plain data.
    """
    data = marshal.dumps(frame, _SHARING_VERSION)
    return _length_of(len(data)) + data


@attrs.define
class FrameBuffer:
    """Collects the bytes that were read and gives the whole frames among them."""

    _parts: list[bytes] = attrs.field(factory=list)
    _size: int = 0
    # Bytes without which the first frame is not whole.
    _needed: int = _LENGTH_BYTES

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Add bytes; give each frame that is complete by now. To be used up before the next call."""
        self._size += len(data)
        if self._parts or self._size < self._needed:
            # Joined once a frame is whole, not each time that a piece of a large one comes.
            self._parts.append(data)
            if self._size < self._needed:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        start, size = 0, len(data)
        while (end := start + _LENGTH_BYTES) <= size:
            begin, end = end, end + _length_at(data, start)[0]
            if end > size:
                break
            yield marshal.loads(data[begin:end])  # noqa: S302  # see above
            start = end
        self._needed = end - start
        self._size = size - start
        if start < size:
            self._parts.append(data[start:])


def plain_copy(value: Any) -> Any:
    """An independent copy of plain data; faster than anything that walks it in Python."""
    return marshal.loads(marshal.dumps(value, _MARSHAL_VERSION))  # noqa: S302  # of what was dumped just now


def is_alike(value: Any, plain: Any) -> bool:
    """Whether something is certainly plain data like this, in type, value and order; also faster than to walk it.

    It says no as well where an object stands in more places than its like does. An object that lets others read its
    memory, such as a `memoryview`, passes as the bytes that it shows.

    Args:
        value: Anything that a script has made.
        plain: Plain data.

    Raises:
        ValueError: The value is no plain data.
    """
    return marshal.dumps(value, _SHARING_VERSION) == marshal.dumps(plain, _SHARING_VERSION)


def _fields_of(kind: type[attrs.AttrsInstance]) -> Callable[[Any], tuple[Any, ...]]:
    names = [field.name for field in attrs.fields(kind) if field.init]
    if len(names) > 1:
        return attrgetter(*names)
    get = attrgetter(*names)
    return lambda value: (get(value),)


room_fields = _fields_of(RoomSnapshot)
user_fields = _fields_of(UserSnapshot)
_WRITE_FIELDS = {kind: (number, _fields_of(kind)) for number, kind in enumerate(WRITES)}


def snapshot_fields(snapshot: RoomSnapshot | UserSnapshot | None) -> tuple[Any, ...]:
    """A room or user as a frame carries it, or () for none."""
    match snapshot:
        case None:
            return ()
        case RoomSnapshot():
            return room_fields(snapshot)
        case UserSnapshot():
            return user_fields(snapshot)


def packed(snapshot: RoomSnapshot | UserSnapshot) -> bytes:
    """A room or user as bytes; made once for each snapshot.

    Raises:
        TypeError: Something in it is no plain data.
    """
    data = snapshot.packed
    if data is None:
        fields = snapshot_fields(snapshot)
        try:
            data = marshal.dumps(fields, _MARSHAL_VERSION)
        except ValueError:
            data = marshal.dumps(sendable(fields), _MARSHAL_VERSION)
        snapshot.keep_packed(data)
    return data


def unpacked(data: bytes) -> tuple[Any, ...]:
    """The fields of a snapshot that `packed` made bytes of."""
    fields: tuple[Any, ...] = marshal.loads(data)  # noqa: S302  # written by this very program, see above
    return fields


def sendable(value: Any) -> Any:
    """A copy without enumerations and other kinds that are equal to plain data, but that `encode` refuses.

    Raises:
        TypeError: There is something else in it.
    """
    if type(value) is tuple:
        return tuple(map(sendable, value))
    if type(value) is dict:
        return {key: sendable(item) for key, item in value.items()}
    return to_plain(value)


def write_to_plain(write: Write) -> tuple[Any, ...]:
    """A write as a frame carries it."""
    number, fields = _WRITE_FIELDS[type(write)]
    return (number, *fields(write))


def write_from_plain(plain: tuple[Any, ...]) -> Write:
    """The write that a frame carried."""
    kind: Callable[..., Write] = WRITES[plain[0]]
    return kind(*plain[1:])
