"""Looking at users, and changing accounts."""

from collections.abc import Iterable
from typing import Any

import attrs

from yummy import model as models
from yummy.constants import MetaAction, UserType
from yummy.core import metadata
from yummy.core.permissions import user_level
from yummy.core.validation import (
    ID_LENGTH,
    PASSWORD_LENGTH_MAX,
    email_problem,
    excess_problem,
    length_problem,
    normal_email,
    refuse_problems,
)
from yummy.core.values import IdentityKind
from yummy.core.work import (
    Desk,
    EndSession,
    RevokeSessions,
    Rule,
    SetPassword,
    SetUserType,
    Work,
    account_key,
    identity_key,
)
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer, Done, UserInformation


@attrs.frozen
class UpdateFacts:
    """What the prepare step found out.

    Attributes:
        password_hash: Of the new password, if there is one.
        taken: The names, of those that the update asks for, that other accounts have.
    """

    password_hash: str | None = None
    taken: frozenset[IdentityKind] = frozenset()


async def _prepare_information(_work: Work, model: models.GetUserInformation, desk: Desk) -> None:
    if model.user_id is not None:
        await desk.load_accounts([model.user_id])


def _information_ready(work: Work, model: models.GetUserInformation) -> bool:
    return model.user_id is not None and work.uow.account(model.user_id) is not None


def _information(work: Work, model: models.GetUserInformation) -> Answer:
    reader = work.account
    asked = None if model.user_id is None else work.uow.account(model.user_id)
    if asked is None:
        raise Refusal(ErrorCode.USER_NOT_FOUND)
    intimate = asked.id == reader.id or reader.user_type >= UserType.MODERATOR
    return UserInformation(
        id=asked.id,
        name=asked.name,
        email=asked.email if intimate else None,
        device_id=asked.device_id if intimate else None,
        custom_id=asked.custom_id if intimate else None,
        metas=metadata.visible(asked.metas, user_level(asked.id, reader)),
        user_type=int(asked.user_type),
        online=work.uow.world.is_online(asked.id),
        insert_date=asked.insert_date,
        last_login_date=asked.last_login_date,
    )


def _target_id(work: Work, model: models.UpdateUser) -> str:
    return model.target_user_id or work.sender.user_id


def _named(model: models.UpdateUser) -> dict[IdentityKind, str]:
    """The names that an update asks for, as they are stored."""
    asked = {
        IdentityKind.EMAIL: normal_email(model.email) if model.email else None,
        IdentityKind.DEVICE_ID: model.device_id,
        IdentityKind.CUSTOM_ID: model.custom_id,
    }
    return {kind: value for kind, value in asked.items() if value}


async def _prepare_update(work: Work, model: models.UpdateUser, desk: Desk) -> None:
    _refuse_unfit(work, model)
    password_hash = await desk.hash_password(model.password) if model.password else None
    target_id = _target_id(work, model)
    named = _named(model)
    await desk.take_turns(
        [*(identity_key(kind, value) for kind, value in sorted(named.items())), account_key(target_id)]
    )
    await desk.load_accounts([target_id])
    if model.password:
        await _refuse_revoked(work, desk)
    taken = set()
    for kind, value in named.items():
        owner = await desk.find_account(kind, value)
        if owner is not None and owner.id != target_id:
            taken.add(kind)
    work.facts = UpdateFacts(password_hash, frozenset(taken))


async def _refuse_revoked(work: Work, desk: Desk) -> None:
    """Refuse a new password to a session that an operator has ended, though its connection is still there."""
    record = await desk.find_session(work.sender.id)
    if record is not None and record.ended:
        raise Refusal(ErrorCode.NOT_AUTHENTICATED)


def _refuse_unfit(work: Work, model: models.UpdateUser) -> None:
    """Refuse what can be seen without asking the store, before a password is hashed for nothing."""
    if not work.is_admin and (model.user_type is not None or _target_id(work, model) != work.sender.user_id):
        raise Refusal(ErrorCode.NO_PERMISSION)
    if model.meta_action == MetaAction.ADD_OR_UPDATE and all(
        value is None
        for value in (
            model.name,
            model.email,
            model.password,
            model.device_id,
            model.custom_id,
            model.user_type,
            model.metas,
        )
    ):
        raise Refusal(ErrorCode.UPDATE_MISSING)
    refuse_problems(_problems(work, model))


def _problems(work: Work, model: models.UpdateUser) -> Iterable[str | None]:
    yield excess_problem("name", model.name, work.settings.max_name_length)
    if model.email:
        yield email_problem(model.email)
    if model.password is not None:
        yield length_problem("password", model.password, work.settings.password_min_length, PASSWORD_LENGTH_MAX)
    if model.device_id:
        yield length_problem("device_id", model.device_id, *ID_LENGTH)
    if model.custom_id:
        yield length_problem("custom_id", model.custom_id, *ID_LENGTH)
    if model.user_type is not None and model.user_type not in list(UserType):
        yield "user_type: should be 1 (user), 2 (moderator) or 3 (admin)"
    if model.meta_action not in list(MetaAction):
        yield "meta_action: should be 0 (add or update), 1 (remove unused) or 2 (remove all)"


def _update(work: Work, model: models.UpdateUser) -> Answer:
    facts: UpdateFacts = work.facts
    target = work.uow.account(_target_id(work, model))
    if target is None:
        raise Refusal(ErrorCode.USER_NOT_FOUND)
    if model.email is not None and target.email is not None and normal_email(model.email) != target.email:
        raise Refusal(ErrorCode.EMAIL_FIXED)
    for kind in IdentityKind:
        if kind in facts.taken:
            raise Refusal(ErrorCode.IDENTITY_TAKEN, field=kind.value)
    changes = _changes(model, facts)
    if model.metas is not None or model.meta_action != MetaAction.ADD_OR_UPDATE:
        changes["metas"] = metadata.update(
            target.metas,
            model.metas,
            action=model.meta_action,
            level=user_level(target.id, work.account),
            rules=metadata.user_rules(work.settings.max_user_meta),
            scripted=work.scripted,
        )
    work.uow.put_account(attrs.evolve(target, **changes))
    if model.user_type is not None:
        work.uow.stage(SetUserType(target.id, int(model.user_type)))
    if facts.password_hash is not None:
        work.uow.stage(SetPassword(target.id, facts.password_hash))
        own = work.sender.id if work.sender.user_id == target.id else None
        end_sessions(work, target.id, but=own, reason="password")
    return Done()


def _changes(model: models.UpdateUser, facts: UpdateFacts) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for field in ("name", "device_id", "custom_id"):
        value = getattr(model, field)
        if value is not None:
            changes[field] = value or None
    if model.email:
        changes["email"] = normal_email(model.email)
    if facts.password_hash is not None:
        changes["password_hash"] = facts.password_hash
    if model.user_type is not None:
        changes["user_type"] = model.user_type
    return changes


def end_sessions(work: Work, user_id: str, *, reason: str, but: str | None = None) -> None:
    """End a user's sessions and their tokens, for instance since whoever came in with the old password has to go.

    Args:
        work: The message.
        user_id: Whose.
        reason: What the hooks of disconnecting are told.
        but: A session that stays.
    """
    work.uow.stage(RevokeSessions(user_id, but=but))
    for session_id in work.uow.world.sessions_of(user_id):
        if session_id != but:
            work.uow.stage(EndSession(session_id, reason))


GET_USER_INFORMATION = Rule(run=_information, prepare=_prepare_information, ready=_information_ready)
UPDATE_USER = Rule(run=_update, prepare=_prepare_update)
