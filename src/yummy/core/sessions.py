"""Sessions: how one begins, is taken up again, and ends."""

from collections.abc import Iterable

import attrs

from yummy import model as models
from yummy.core.membership import detach
from yummy.core.tokens import Claims
from yummy.core.values import Account, Session
from yummy.core.work import (
    Bind,
    Desk,
    HangUp,
    Rule,
    SessionEnded,
    SessionRecord,
    Work,
    account_key,
    new_id,
    sender_rooms,
)
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer, Authenticated, Done, TokenRefreshed, TokenRestored, UserDisconnectedFromRoom


@attrs.frozen
class TokenFacts:
    """What the prepare step found out about a token: the session that it speaks for, which was not ended."""

    session_id: str
    user_id: str


def begin(work: Work, account: Account) -> Authenticated:
    """Begin a session of a user on the message's connection; an earlier one on it ends."""
    if work.session is not None:
        end(work, work.session, reason="login")
    if work.settings.max_sessions_per_user:
        others = [one for one in work.uow.world.sessions_of(account.id) if work.uow.session(one) is not None]
        if len(others) >= work.settings.max_sessions_per_user:
            raise Refusal(ErrorCode.BUSY, "The user has too many sessions; end one of them first")
    # As this message sees it: a pre hook may have written to its metadata. But operators change types in the store.
    account = attrs.evolve(work.uow.account(account.id) or account, user_type=account.user_type)
    session = Session(id=new_id(), user_id=account.id, connection=work.connection)
    work.uow.put_session(session)
    work.uow.put_account(attrs.evolve(account, last_login_date=work.seconds))
    token = _issue(work, account, session.id, new=True)
    if work.connection is not None:
        work.uow.stage(Bind(work.connection, session.id))
    work.made = {"user_id": account.id, "session_id": session.id}
    work.begun = models.UserConnected(user_id=account.id, session_id=session.id)
    return Authenticated(token=token, user_id=account.id, session_id=session.id)


def end(work: Work, session: Session, *, reason: str) -> None:
    """End a session: it leaves its rooms. The rooms are told by the chain that follows the commit."""
    rooms = tuple(room_id for room_id in work.uow.world.rooms_of(session.id) if detach(work.uow, room_id, session))
    work.uow.drop_session(session.id)
    if session.connection is not None:
        work.uow.stage(Bind(session.connection, None))
    work.uow.stage(SessionEnded(session, rooms, reason))


def _issue(work: Work, account: Account, session_id: str, *, new: bool = False) -> str:
    work.uow.stage(SessionRecord(session_id, account.id, work.tokens.expires(work.now), new=new))
    return work.tokens.issue(account, session_id, work.now)


async def _refuse_ended(claims: Claims, desk: Desk, *, owner: str | None = None) -> None:
    record = await desk.find_session(claims.session_id, owner)
    if record is None or record.ended or record.user_id != claims.user_id:
        raise Refusal(ErrorCode.INVALID_TOKEN)


async def _prepare_refresh(work: Work, model: models.RefreshToken, desk: Desk) -> None:
    claims = work.tokens.read(model.token, work.now)
    await desk.take_turns([account_key(claims.user_id)])
    # Looked at now that nothing can end the session meanwhile.
    await _refuse_ended(claims, desk, owner=claims.user_id)
    work.facts = TokenFacts(claims.session_id, claims.user_id)


def _refresh(work: Work, _model: models.RefreshToken) -> Answer:
    facts: TokenFacts = work.facts
    return TokenRefreshed(token=_issue(work, _token_account(work, facts), facts.session_id))


async def _prepare_restore(work: Work, model: models.RestoreToken, desk: Desk) -> None:
    claims = work.tokens.read(model.token, work.now)
    while True:
        if desk.is_attached(claims.session_id):
            # Nobody is held up by a token that has stopped working.
            await _refuse_ended(claims, desk)
        # Before any account's turn is held: the chain that is awaited may need it.
        await desk.take_over(claims.session_id)
        await desk.take_turns([account_key(claims.user_id), *_sender_account(work)])
        if not desk.is_taken(claims.session_id):
            break
        desk.release_turns()
    await _refuse_ended(claims, desk, owner=claims.user_id)
    work.facts = TokenFacts(claims.session_id, claims.user_id)


def _restore(work: Work, _model: models.RestoreToken) -> Answer:
    facts: TokenFacts = work.facts
    account = _token_account(work, facts)
    session = work.uow.session(facts.session_id)
    if session is None:
        begun = begin(work, account)
        return TokenRestored(
            token=begun.token, user_id=begun.user_id, session_id=begun.session_id, restored=False, rooms=[]
        )
    if work.session is not None and work.session.id != session.id:
        end(work, work.session, reason="login")
    if session.connection is not None and session.connection != work.connection:
        work.uow.stage(HangUp(session.connection))
    work.uow.put_session(attrs.evolve(session, connection=work.connection))
    if work.connection is not None:
        work.uow.stage(Bind(work.connection, session.id))
    work.made = {"user_id": session.user_id, "session_id": session.id}
    rooms = [
        room_id
        for room_id in work.uow.world.rooms_of(session.id)
        if (room := work.uow.room(room_id)) and session.id in room.sessions_of(session.user_id)
    ]
    token = _issue(work, account, session.id)
    return TokenRestored(token=token, user_id=account.id, session_id=session.id, restored=True, rooms=rooms)


def _token_account(work: Work, facts: TokenFacts) -> Account:
    account = work.uow.account(facts.user_id)
    if account is None or account.disabled:
        raise Refusal(ErrorCode.INVALID_TOKEN)
    return account


def _sender_account(work: Work) -> Iterable[tuple[object, ...]]:
    return () if work.session is None else (account_key(work.session.user_id),)


async def _prepare_logout(work: Work, _model: models.Logout, desk: Desk) -> None:
    await desk.take_turns(_sender_account(work))


def _logout(work: Work, _model: models.Logout) -> Answer:
    if work.session is None:
        raise Refusal(ErrorCode.NOT_LOGGED_IN)
    expires = work.tokens.expires(work.now)
    work.uow.stage(SessionRecord(work.session.id, work.session.user_id, expires, ended=True))
    end(work, work.session, reason="logout")
    return Done()


def _disconnected_rooms(_work: Work, model: models.UserDisconnected) -> Iterable[str]:
    return model.rooms


def _disconnected(work: Work, model: models.UserDisconnected) -> Answer:
    for room_id in model.rooms:
        room = work.uow.room(room_id)
        if room is not None and model.send_message and model.user_id is not None:
            work.uow.send(room.sessions, UserDisconnectedFromRoom(user_id=model.user_id, room_id=room_id))
    return Done()


REFRESH_TOKEN = Rule(run=_refresh, prepare=_prepare_refresh)
RESTORE_TOKEN = Rule(run=_restore, rooms=sender_rooms, prepare=_prepare_restore)
LOGOUT = Rule(run=_logout, rooms=sender_rooms, prepare=_prepare_logout)
USER_DISCONNECTED = Rule(run=_disconnected, rooms=_disconnected_rooms)
