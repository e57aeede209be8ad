"""What a rule works with: one message's unit of work, who sends it, and the bounds.

Also the shape of a rule (`Rule`), and of the services that its prepare step awaits (`Desk`).
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import attrs
from uuid_utils.compat import uuid7

from yummy.constants import UserType
from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.values import Account, IdentityKind, Session
from yummy.model import Model
from yummy.pipeline.unit import Key, Table, UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer
from yummy.settings import Settings


def new_id() -> str:
    """A new id: a UUID (version 7) in text form; ids made later sort later."""
    return str(uuid7())


@attrs.frozen
class SessionRecord:
    """What is remembered of an issued session, so that its tokens can be told from those of ended ones.

    Attributes:
        session_id: The session's id.
        user_id: Whose session it is.
        expires: Unix seconds; until then a token of the session may be shown.
        ended: Whether its tokens have stopped working.
        new: Whether nothing can be remembered of it yet, so that the store need not look.
    """

    session_id: str
    user_id: str
    expires: int
    ended: bool = False
    new: bool = attrs.field(default=False, eq=False, kw_only=True)


@attrs.frozen
class RevokeSessions:
    """Staged: all of a user's issued sessions but one stop working, for good."""

    user_id: str
    but: str | None


@attrs.frozen
class SetUserType:
    """Staged: what a user may do from now on. Writing an account leaves that alone, since operators change it too."""

    user_id: str
    user_type: int


@attrs.frozen
class SetPassword:
    """Staged: how a user logs in from now on. Writing an account leaves that alone, since operators change it too."""

    user_id: str
    password_hash: str = attrs.field(repr=False)


@attrs.frozen
class Bind:
    """Staged: a connection speaks for a session from now on, or for none."""

    connection: int
    session_id: str | None


@attrs.frozen
class SessionEnded:
    """Staged: a session is over and has left these rooms; others are told, and the hooks of disconnecting run."""

    session: Session
    rooms: tuple[str, ...]
    reason: str


@attrs.frozen
class HangUp:
    """Staged: a connection has lost its session to another one, and is closed."""

    connection: int


@attrs.frozen
class Note:
    """Staged: something to be remembered that is no state of the game, if the message happens."""

    happened: Callable[[], None]


@attrs.frozen
class EndSession:
    """Staged: a session is to be ended by a chain of its own, and its connection closed."""

    session_id: str
    reason: str


@attrs.frozen
class Common:
    """What all messages have in common.

    Attributes:
        settings: The bounds.
        tokens: Makes and reads tokens.
        throttles: Who has failed too often lately.
    """

    settings: Settings
    tokens: Tokens
    throttles: Throttles


@attrs.define
class Work:
    """One message on its way through the core.

    Attributes:
        uow: What the message reads and stages.
        common: What it has in common with all others.
        now: Unix seconds.
        connection: The id of the connection that the message came on; None for a chain of the server's own.
        address: The client's address, None if it is exempt from limits.
        session: The sender's session, None if it is not authenticated.
        facts: What the prepare step found out.
        scripted: The metadata keys that a script set, whose levels are not checked against the sender's.
        made: Fields of the model that the core fills, for the post hooks; None if there are none.
        begun: A model whose two hooks run within this message, after the core.
    """

    uow: UnitOfWork
    common: Common
    now: float
    connection: int | None = None
    address: str | None = None
    session: Session | None = None
    facts: Any = None
    scripted: frozenset[str] = frozenset()
    made: dict[str, Any] | None = None
    begun: Model | None = None

    @property
    def settings(self) -> Settings:
        """The bounds."""
        return self.common.settings

    @property
    def tokens(self) -> Tokens:
        """Makes and reads tokens."""
        return self.common.tokens

    @property
    def throttles(self) -> Throttles:
        """Who has failed too often lately."""
        return self.common.throttles

    @property
    def seconds(self) -> int:
        """Now, in whole unix seconds, as dates are kept."""
        return int(self.now)

    @property
    def sender(self) -> Session:
        """The sender's session.

        Raises:
            Refusal: There is none.
        """
        if self.session is None:
            raise Refusal(ErrorCode.NOT_AUTHENTICATED)
        return self.session

    @property
    def account(self) -> Account:
        """The sender's account."""
        account = self.uow.account(self.sender.user_id)
        if account is None:
            raise Refusal(ErrorCode.NOT_AUTHENTICATED)
        return account

    @property
    def is_moderator(self) -> bool:
        """Whether the sender is a moderator or admin of the whole server."""
        return self.account.user_type >= UserType.MODERATOR

    @property
    def is_admin(self) -> bool:
        """Whether the sender is an admin of the whole server."""
        return self.account.user_type >= UserType.ADMIN


class Desk(Protocol):
    """What a prepare step may ask for. What is async may wait."""

    async def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """The stored account of this name, also made readable in the unit of work."""

    async def load_accounts(self, user_ids: Iterable[str]) -> None:
        """Make accounts readable in the unit of work, where they exist."""

    async def find_session(self, session_id: str, owner: str | None = None) -> SessionRecord | None:
        """What is remembered of an issued session.

        Args:
            session_id: Which one.
            owner: A user whose account is made readable as well, as by `load_accounts`.
        """

    async def hash_password(self, password: str) -> str:
        """A salted hash, made in a thread."""

    async def verify_password(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes about as long when there is no hash to compare with."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""

    async def take_turns(self, keys: Iterable[tuple[Any, ...]]) -> None:
        """Wait for turns, in the order of identities and then accounts; they are held until the message ends."""

    def release_turns(self) -> None:
        """Give back what `take_turns` took, to prepare anew."""

    async def take_over(self, session_id: str) -> None:
        """If another connection speaks for this session, let it end what it does and begin nothing more."""

    def is_attached(self, session_id: str) -> bool:
        """Whether another connection speaks for this session."""

    def is_taken(self, session_id: str) -> bool:
        """Whether another connection speaks for this session, and was not told to stop."""


def no_turns(_work: Work, _model: Any) -> Iterable[str]:
    """A message that no room needs to wait for."""
    return ()


def room_turn(_work: Work, model: Any) -> Iterable[str]:
    """The turn of the room that the message names."""
    return (model.room_id,)


def sender_rooms(work: Work, _model: Any) -> Iterable[str]:
    """The turns of all rooms of the sender's session, which this message may end."""
    return () if work.session is None else work.uow.world.rooms_of(work.session.id)


@attrs.frozen
class Rule:
    """What the pipeline needs to know of a kind of message.

    Attributes:
        run: The core stage: makes the answer, or raises `Refusal`.
        rooms: The ids of the rooms whose turns are taken before the pre hooks.
        prepare: What must be found out first and may wait; None if there is nothing.
        ready: Whether `prepare` can be skipped this time, so that nothing waits.
    """

    run: Callable[[Work, Any], Answer]
    rooms: Callable[[Work, Any], Iterable[str]] = no_turns
    prepare: Callable[[Work, Any, Desk], Coroutine[Any, Any, None]] | None = None
    ready: Callable[[Work, Any], bool] | None = None

    def waits(self, work: Work, model: Model) -> bool:
        """Whether the prepare step is needed for this message."""
        return self.prepare is not None and not (self.ready is not None and self.ready(work, model))


def account_key(user_id: str) -> Key:
    """The key of an account's turn."""
    return (Table.ACCOUNT, user_id)


def identity_key(kind: IdentityKind, value: str) -> tuple[str, str, str]:
    """The key of the turn of a name that accounts can be found by."""
    return ("identity", kind.value, value)
