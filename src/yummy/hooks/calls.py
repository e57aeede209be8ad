"""The values that the pipeline and the hook engine exchange: calls, what a hook can read, what came of it.

Owns their shapes. It knows neither trio nor the pipeline nor how a call travels, and is light enough for the hook
interpreter to import.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, override

from attrs import define, field, frozen

from yummy.hooks.report import Trouble, format_report
from yummy.model import Model

type Phase = Literal["pre", "post"]
type Subject = Literal["room", "user"]
#: A metadata value and the level that it is kept at.
type Meta = tuple[Any, int]
type Fetch = Callable[[Subject, str], Awaitable["RoomSnapshot | UserSnapshot | None"]]

_set = object.__setattr__

KIB = 1024
MIB = 1024 * KIB


@frozen
class RoomSnapshot:
    """What a hook can read of a room, as the unit of work sees it.

    Attributes:
        metas: Each key's value and level.
        members: Each member's user id, name and rank, longest-standing first.
        banned: The ids of banned users.
        packed: All of it as bytes, once `frames.packed` has made them.
    """

    room_id: str
    name: str | None
    description: str | None
    access_type: int
    join_request: bool
    max_user: int
    tags: tuple[str, ...] = ()
    metas: dict[str, Meta] = field(factory=dict)
    members: tuple[tuple[str, str | None, int], ...] = ()
    banned: tuple[str, ...] = ()
    packed: bytes | None = field(default=None, init=False, eq=False, repr=False)

    def keep_packed(self, data: bytes) -> None:
        """Remember what `frames.packed` made of this."""
        _set(self, "packed", data)


@frozen
class UserSnapshot:
    """What a hook can read of a user, as the unit of work sees it.

    Attributes:
        metas: Each key's value and level.
        insert_date: When the account was made, in Unix seconds.
        last_login_date: When the user last logged in, in Unix seconds.
        packed: All of it as bytes, once `frames.packed` has made them.
    """

    user_id: str
    name: str | None
    user_type: int
    online: bool
    email: str | None = None
    device_id: str | None = None
    custom_id: str | None = None
    metas: dict[str, Meta] = field(factory=dict)
    insert_date: int = 0
    last_login_date: int | None = None
    packed: bytes | None = field(default=None, init=False, eq=False, repr=False)

    def keep_packed(self, data: bytes) -> None:
        """Remember what `frames.packed` made of this."""
        _set(self, "packed", data)


async def fetch_nothing(_subject: Subject, _subject_id: str) -> None:
    """The ``fetch`` of a call that has nothing beyond what it carries."""


@define(eq=False)
class HookCall:
    """One half of a message's hooks: all scripts' ``pre_NAME``, or all ``post_NAME``.

    Attributes:
        phase: Which half.
        name: The hook's name, a key of `yummy.model.HOOK_MODELS`.
        model: The message; scripts get copies of it.
        success: In post, whether core did what was asked; None in pre.
        rooms: The rooms that scripts will probably look at.
        users: The users that scripts will probably look at.
        fetch: Finds what scripts look at beyond that, or None where there is no such thing. It may wait.
        about: Tells what log lines say of the message (``type``, ``user``, ``room`` and so on), in plain data; asked
            only where there is a line to write.
    """

    phase: Phase
    name: str
    model: Model
    success: bool | None = None
    rooms: tuple[RoomSnapshot, ...] = ()
    users: tuple[UserSnapshot, ...] = ()
    fetch: Fetch = fetch_nothing
    about: Callable[[], dict[str, Any]] = dict

    @property
    def hook(self) -> str:
        """The name of the function that is called, such as ``pre_play``."""
        return f"{self.phase}_{self.name}"


@frozen
class SetRoomMeta:
    """Keep a value under a key of a room's metadata, at a level."""

    room_id: str
    key: str
    value: Any
    level: int


@frozen
class RemoveRoomMeta:
    """Remove a key of a room's metadata."""

    room_id: str
    key: str


@frozen
class RemoveRoomMetas:
    """Remove all of a room's metadata."""

    room_id: str


@frozen
class MessageToRoom:
    """Send ``MessageFromRoom`` to all members of a room."""

    room_id: str
    message: Any


@frozen
class MessageToRoomUser:
    """Send ``MessageFromRoom`` to one member of a room."""

    room_id: str
    user_id: str
    message: Any


@frozen
class RawMessageToRoom:
    """Send a whole message, as it is, to all members of a room."""

    room_id: str
    message: dict[str, Any]


@frozen
class KickFromRoom:
    """Remove a member from a room."""

    room_id: str
    user_id: str


@frozen
class SetUserMeta:
    """Keep a value under a key of a user's metadata, at a level."""

    user_id: str
    key: str
    value: Any
    level: int


@frozen
class RemoveUserMeta:
    """Remove a key of a user's metadata."""

    user_id: str
    key: str


@frozen
class RemoveUserMetas:
    """Remove all of a user's metadata."""

    user_id: str


@frozen
class MessageToUser:
    """Send a whole message, as it is, to all live sessions of a user."""

    user_id: str
    message: Any


#: What a hook wants done, in the order in which it asked. Plain, validated data.
type Write = (
    SetRoomMeta
    | RemoveRoomMeta
    | RemoveRoomMetas
    | MessageToRoom
    | MessageToRoomUser
    | RawMessageToRoom
    | KickFromRoom
    | SetUserMeta
    | RemoveUserMeta
    | RemoveUserMetas
    | MessageToUser
)

#: The kinds of writes; a frame names a kind by its place in this tuple.
WRITES: tuple[type[Write], ...] = (
    SetRoomMeta,
    RemoveRoomMeta,
    RemoveRoomMetas,
    MessageToRoom,
    MessageToRoomUser,
    RawMessageToRoom,
    KickFromRoom,
    SetUserMeta,
    RemoveUserMeta,
    RemoveUserMetas,
    MessageToUser,
)


@frozen
class Passed:
    """All scripts' hooks returned.

    Attributes:
        changes: What they set on the model, ready for `yummy.model.with_changes`; always empty in post.
        writes: What they want done, in order.
    """

    changes: dict[str, Any]
    writes: tuple[Write, ...]


#: What most calls come to.
PASSED_QUIETLY = Passed({}, ())


@frozen
class Failed:
    """A script called ``fail``; nothing that the hooks wanted shall happen."""

    message: str
    code: str


@frozen
class Crashed:
    """A hook ended by an error that is not ``fail``; nothing that the hooks wanted shall happen.

    Attributes:
        code: The error code for the client, ``hook_error`` or ``hook_timeout``.
        text: The report, for clients in ``DEBUG_HOOKS`` mode only; the host has logged it already.
    """

    code: str
    text: str


type HookResult = Passed | Failed | Crashed


class HooksBusy(Exception):  # noqa: N818  # it says a state, as `trio.WouldBlock` does; the client hears `busy`
    """The hook queue is full: the message is refused, nothing was run."""


class ScriptsBroken(Exception):  # noqa: N818  # it says a state of the scripts, found before any of them serves
    """The scripts cannot be loaded.

    Attributes:
        troubles: What is wrong, at least one.
        stuck: Whether a script still runs, so that the process will end only by `os._exit`.
    """

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(*troubles)
        self.troubles = troubles
        self.stuck = False

    @property
    def report(self) -> str:
        """What is wrong and what to do, for an author: file, line, source line with caret."""
        return "\n\n".join(map(format_report, self.troubles))

    @override
    def __str__(self) -> str:
        return self.report


@frozen(kw_only=True)
class HookLimits:
    """The bounds of the hook engine.

    Attributes:
        queue: Calls that may wait or run at once; beyond it `HooksBusy`.
        load_timeout: Seconds for importing all scripts, and for each round of ``on_load`` or ``on_unload``.
        timeout: Seconds that a call may run; then it is interrupted.
        abandon_after: Seconds past a deadline after which an interpreter that does not react is given up.
        max_abandoned: Given-up interpreters that may still run; one more, and no further one is started.
        max_user_meta: Keys of a user's metadata; 0 means no bound.
        max_room_meta: Keys of a room's metadata; 0 means no bound.
        meta_key_bytes: Bytes of a metadata key, in UTF-8.
        meta_value_bytes: Bytes of a metadata value, encoded as JSON.
        max_depth: How many lists and maps may stand inside one another in a message; 0 means the encoders' own bound.
        message_bytes: Bytes of a message that a script sends or makes of a client's, encoded as JSON.
        host_calls: Times that one call may use the functions of ``yummy.room`` and ``yummy.user``.
        state_bytes: Bytes of ``yummy.state`` that are copied to the host, encoded.
        log_line_bytes: Bytes of one line that a script prints or logs; the rest is cut off.
        log_lines: Lines that scripts may print or log in one call; the rest is counted.
        sandbox: Whether scripts have guard rails (``HOOK_SANDBOX``).
        debug: Whether results carry reports for the client (``DEBUG_HOOKS``).
    """

    queue: int = 1024
    load_timeout: float = 5.0
    timeout: float = 1.0
    abandon_after: float = 1.0
    max_abandoned: int = 4
    max_user_meta: int = 10
    max_room_meta: int = 10
    meta_key_bytes: int = 64
    meta_value_bytes: int = 4 * KIB
    max_depth: int = 32
    message_bytes: int = 256 * KIB
    host_calls: int = 10_000
    state_bytes: int = 1 * MIB
    log_line_bytes: int = 8 * KIB
    log_lines: int = 100
    sandbox: bool = True
    debug: bool = False
