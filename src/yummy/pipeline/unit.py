"""The unit of work: what one message reads and stages, until it is committed or forgotten.

An overlay over the world. Rules and hooks read through it and so see their own writes; a savepoint is a place in its
journal, and going back to one undoes what came after. Nothing that is staged here is visible to anyone else.

Most values that a message changes are *held*: it has their turn (or has just made them), nobody else changes them
meanwhile, and the new value is simply put. A script may also write to a room or user whose turn is not held. Such a
write is kept as an operation, a function from the old value to the new one, and is applied at commit to the value as
it then stands. If another unit of work holds that value's turn just then and has changed it already, the operation is
applied to that change as well (`adopt`); so neither overwrites the other.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final

import attrs
import structlog

from yummy.core.values import Account, Room, Session
from yummy.protocol.errors import Refusal
from yummy.protocol.messages import Event
from yummy.store.world import World

_log = structlog.get_logger("yummy.pipeline")


class Table(Enum):
    """The kinds of values that a unit of work can change."""

    ROOM = "room"
    SESSION = "session"
    ACCOUNT = "account"

    # Keys are hashed many times for each message, and an enumeration's own hash is written in Python.
    __hash__ = object.__hash__


type Key = tuple[Table, str]
type Operation = Callable[[Any], Any]
"""From the value as it stands to the new one; raises `Refusal` if it no longer fits."""


@attrs.define
class Delivery:
    """An event and the sessions that hear it, all but one of them, as they stood when it was staged."""

    sessions: tuple[str, ...]
    event: Event
    but: str | None = None


@attrs.frozen
class Change:
    """An operation on a value whose turn is not held."""

    key: Key
    operation: Operation
    what: str

    def applied_to(self, value: Any) -> Any:
        """The value after it, None if that has gone; a change that no longer fits is dropped and logged."""
        try:
            if value is not None:
                return self.operation(value)
            _log.warning("write_dropped", what=self.what, why="it is gone")
        except Refusal as refusal:
            _log.warning("write_dropped", what=self.what, why=refusal.error)
        return value


@attrs.define
class Savepoint:
    """A place to go back to."""

    journal: int
    staged: int
    deliveries: int


_ABSENT: Final = object()


@attrs.define(eq=False, init=False)
class UnitOfWork:
    """What one message has read and staged.

    Attributes:
        world: The committed state beneath.
        held: The keys whose turns the message has.
        deliveries: Events, in the order in which they are to be heard.
        staged: Changes of values not held, durable records, after-effects and all else, in order.
        withdrawn: Whether it waits for no turn any more: its message is dropped before it begins.
        journal: What it has written, and what stood there before; empty as long as it sees the world as it is.
    """

    world: World
    held: set[Key]
    deliveries: list[Delivery]
    staged: list[Any]
    withdrawn: bool
    _overlay: dict[Key, Any]
    _loaded: dict[str, Account]
    journal: list[tuple[Key, Any]]

    def __init__(self, world: World) -> None:
        # Written out, as there is one for each message: by factories, this takes twice as long.
        self.world = world
        self.held = set()
        self.deliveries = []
        self.staged = []
        self.withdrawn = False
        self._overlay = {}
        self._loaded = {}
        self.journal = []

    def room(self, room_id: str) -> Room | None:
        """The room as this message sees it."""
        beneath = self.world.rooms.get(room_id)
        return self._overlay.get((Table.ROOM, room_id), beneath) if self._overlay else beneath

    def session(self, session_id: str) -> Session | None:
        """The session as this message sees it."""
        beneath = self.world.sessions.get(session_id)
        return self._overlay.get((Table.SESSION, session_id), beneath) if self._overlay else beneath

    def account(self, user_id: str) -> Account | None:
        """The account as this message sees it: of a user that is online, or that was loaded into this unit."""
        beneath = self.world.accounts.get(user_id) or self._loaded.get(user_id)
        return self._overlay.get((Table.ACCOUNT, user_id), beneath) if self._overlay else beneath

    def sessions_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of a user's sessions as this message sees them, oldest first."""
        if not self._overlay:
            return self.world.sessions_of(user_id)
        known = dict.fromkeys(self.world.sessions_of(user_id))
        known |= dict.fromkeys(name for table, name in self._overlay if table is Table.SESSION)
        found = ((session_id, self.session(session_id)) for session_id in known)
        return tuple(session_id for session_id, session in found if session and session.user_id == user_id)

    def load(self, accounts: Iterable[Account]) -> None:
        """Make accounts of users that are not online readable."""
        for account in accounts:
            self._loaded[account.id] = account

    def keep(self, account: Account) -> None:
        """Keep an account readable, though its user goes offline meanwhile."""
        self._loaded[account.id] = account

    def put_room(self, room: Room) -> None:
        """Stage a new value of a room."""
        self._put((Table.ROOM, room.id), room)

    def drop_room(self, room_id: str) -> None:
        """Stage the end of a room."""
        self._put((Table.ROOM, room_id), None)

    def put_session(self, session: Session) -> None:
        """Stage a new value of a session."""
        self._put((Table.SESSION, session.id), session)

    def drop_session(self, session_id: str) -> None:
        """Stage the end of a session."""
        self._put((Table.SESSION, session_id), None)

    def put_account(self, account: Account) -> None:
        """Stage a new value of an account; the commit makes it durable."""
        self._put((Table.ACCOUNT, account.id), account)

    def send(self, sessions: Iterable[str], event: Event, *, but: str | None = None) -> None:
        """Stage an event for sessions, as they stand now, without one of them."""
        receivers = tuple(sessions)
        if receivers and receivers != (but,):
            self.deliveries.append(Delivery(receivers, event, but))

    def stage(self, item: Any) -> None:
        """Stage anything else that the commit knows how to carry out."""
        self.staged.append(item)

    def change(self, key: Key, operation: Operation, what: str) -> None:
        """Change a value, held or not.

        Args:
            key: Which value.
            operation: From the value as it stands to the new one.
            what: The change in a few words, for the log if it no longer fits at commit.

        Raises:
            Refusal: It does not fit the value as this message sees it.
        """
        before = self._value(key)
        if before is None:
            raise Refusal("gone", f"{what}: there is no such {key[0].value} any more")
        after = operation(before)
        self._write(key, after)
        if key not in self.held:
            self.staged.append(Change(key, operation, what))

    def savepoint(self) -> Savepoint:
        """Remember this place."""
        return Savepoint(len(self.journal), len(self.staged), len(self.deliveries))

    def rollback(self, savepoint: Savepoint) -> None:
        """Undo everything that came after a savepoint."""
        while len(self.journal) > savepoint.journal:
            key, before = self.journal.pop()
            if before is _ABSENT:
                del self._overlay[key]
            else:
                self._overlay[key] = before
        del self.staged[savepoint.staged :]
        del self.deliveries[savepoint.deliveries :]

    def adopt(self, change: Change) -> None:
        """Take over a change that another unit commits to a value whose turn this one holds.

        What this one has read and put already is changed as well; what it reads from now on is changed anyway.
        """
        key = change.key
        if key in self._overlay:
            self._overlay[key] = change.applied_to(self._overlay[key])
            self.journal = [
                (one, change.applied_to(before) if one == key and before is not _ABSENT else before)
                for one, before in self.journal
            ]
        if key[0] is Table.ACCOUNT and key[1] in self._loaded:
            self._loaded[key[1]] = change.applied_to(self._loaded[key[1]])

    def hold(self, key: Key) -> None:
        """Note that the turn of a value is held from now on.

        What was done to it before is done again, to the value as it stands now; what no longer fits is dropped.
        """
        before = self.changes().get(key, [])
        self.held.add(key)
        if before:
            self.journal.append((key, self._overlay.pop(key)))
            value = self._value(key)
            for change in before:
                value = change.applied_to(value)
            self._overlay[key] = value

    def puts(self, table: Table) -> dict[str, Any]:
        """The new values of one kind that are held, None meaning dropped, in order."""
        return {key[1]: value for key, value in self._overlay.items() if key[0] is table and key in self.held}

    def changes(self) -> dict[Key, list[Change]]:
        """The operations on values that are not held, by key, in order."""
        found: dict[Key, list[Change]] = {}
        for item in self.staged:
            if type(item) is Change and item.key not in self.held:
                found.setdefault(item.key, []).append(item)
        return found

    def _value(self, key: Key) -> Any:
        table, name = key
        match table:
            case Table.ROOM:
                return self.room(name)
            case Table.SESSION:
                return self.session(name)
            case Table.ACCOUNT:
                return self.account(name)

    def _write(self, key: Key, value: Any) -> None:
        self.journal.append((key, self._overlay.get(key, _ABSENT)))
        self._overlay[key] = value

    def _put(self, key: Key, value: Any) -> None:
        # Rules put only what they hold or have made.
        self.held.add(key)
        self._write(key, value)
