"""Logging in: by e-mail address and password, by a device's id, by an id that the game chose."""

import attrs

from yummy import model as models
from yummy.core import sessions
from yummy.core.validation import (
    ID_LENGTH,
    PASSWORD_LENGTH_MAX,
    email_problem,
    length_problem,
    normal_email,
    refuse_problems,
)
from yummy.core.values import Account, IdentityKind
from yummy.core.work import Desk, Note, Rule, SetPassword, Work, account_key, identity_key, new_id, sender_rooms
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer

#: Refusals of a login that tell something of the account that was guessed at, so that they count as failures.
_TELLING = frozenset({ErrorCode.INVALID_CREDENTIALS, ErrorCode.RATE_LIMITED})


@attrs.frozen
class LoginFacts:
    """What the prepare step found out.

    Attributes:
        account: The account that the login names, if there is one and the password fits.
        new: The account to be made, if there is none and one may be.
        renewed: A new hash of the account's password, if the stored one has parameters of the past.
    """

    account: Account | None
    new: Account | None = None
    renewed: str | None = attrs.field(default=None, repr=False)


async def _prepare_email(work: Work, model: models.EmailAuth, desk: Desk) -> None:
    least = work.settings.password_min_length
    refuse_problems(
        (email_problem(model.email), length_problem("password", model.password, least, PASSWORD_LENGTH_MAX))
    )
    email = normal_email(model.email)
    _take_guess(work, email)
    try:
        work.facts = await _prepare_password(work, model, desk, email)
    except Refusal as refusal:
        if refusal.code not in _TELLING:
            _give_back_guess(work, email)
        raise
    _give_back_guess(work, email)


def _take_guess(work: Work, email: str) -> None:
    """Count a guess before its password is looked at, so that guesses at once cannot be more than one by one."""
    work.throttles.login_account.take(email, work.now)
    try:
        work.throttles.login_address.take(work.address, work.now)
    except Refusal:
        work.throttles.login_account.give_back(email, work.now)
        raise


def _give_back_guess(work: Work, email: str) -> None:
    work.throttles.login_account.give_back(email, work.now)
    work.throttles.login_address.give_back(work.address, work.now)


async def _prepare_password(work: Work, model: models.EmailAuth, desk: Desk, email: str) -> LoginFacts:
    account = await desk.find_account(IdentityKind.EMAIL, email)
    while True:
        makes = account is None and model.if_not_exist_create
        if makes:
            work.throttles.new_account.check(work.address, work.now)
        # Without any turn: hashing takes long. Of an unknown address it takes as long, so that it cannot be told.
        known_hash = None if account is None else account.password_hash
        fits = await desk.verify_password(known_hash, model.password)
        if not makes and (not fits or _is_disabled(account)):
            # At once, since any step that only existing accounts go through could be told by its time.
            raise Refusal(ErrorCode.INVALID_CREDENTIALS)
        renews = known_hash is not None and desk.is_outdated(known_hash)
        new_hash = await desk.hash_password(model.password) if makes or renews else None
        await _take_turns(work, desk, IdentityKind.EMAIL, email, account, makes=makes)
        again = await desk.find_account(IdentityKind.EMAIL, email)
        if _same(account, again):
            break
        account = again
        desk.release_turns()
    if again is None:
        return LoginFacts(None, _new_account(work, IdentityKind.EMAIL, email, new_hash))
    return LoginFacts(again, renewed=new_hash)


def _same(one: Account | None, other: Account | None) -> bool:
    """Whether what was found out about an account still holds."""
    if one is None or other is None:
        return one is other
    return (one.id, one.password_hash, one.disabled) == (other.id, other.password_hash, other.disabled)


def _is_disabled(account: Account | None) -> bool:
    return account is not None and account.disabled


async def _prepare_device(work: Work, model: models.DeviceIdAuth, desk: Desk) -> None:
    await _prepare_id(work, IdentityKind.DEVICE_ID, model.device_id, desk)


async def _prepare_custom(work: Work, model: models.CustomIdAuth, desk: Desk) -> None:
    await _prepare_id(work, IdentityKind.CUSTOM_ID, model.custom_id, desk)


async def _prepare_id(work: Work, kind: IdentityKind, value: str, desk: Desk) -> None:
    refuse_problems((length_problem("id", value, *ID_LENGTH),))
    account = await desk.find_account(kind, value)
    while True:
        await _take_turns(work, desk, kind, value, account, makes=account is None)
        again = await desk.find_account(kind, value)
        if (again and again.id) == (account and account.id):
            break
        account = again
        desk.release_turns()
    if _is_disabled(again):
        raise Refusal(ErrorCode.NO_PERMISSION)
    work.facts = LoginFacts(again) if again else LoginFacts(None, _new_account(work, kind, value, None))


async def _take_turns(
    work: Work, desk: Desk, kind: IdentityKind, value: str, account: Account | None, *, makes: bool
) -> None:
    """The turn of the name, so that two first logins meet; then those of the accounts that the login touches.

    Whoever makes an account also takes the turn of the address: it is held until the new account counts, so that
    accounts made at once cannot be more than one by one.
    """
    touched = {one for one in (account and account.id, work.session and work.session.user_id) if one}
    limited = makes and work.address is not None and work.throttles.new_account.limit
    await desk.take_turns(
        [
            *((("identity", "address", work.address),) if limited else ()),
            identity_key(kind, value),
            *(account_key(user_id) for user_id in sorted(touched)),
        ]
    )


def _new_account(work: Work, kind: IdentityKind, value: str, password_hash: str | None) -> Account:
    work.throttles.new_account.check(work.address, work.now)
    blank = Account(id=new_id(), insert_date=work.seconds, password_hash=password_hash)
    return blank.with_identity(kind, value)


def _login(work: Work, _model: models.Model) -> Answer:
    facts: LoginFacts = work.facts
    if facts.new is not None:
        # Only if the account is really made: a script or the store may fail yet.
        work.uow.stage(Note(lambda: work.throttles.new_account.count(work.address, work.now)))
        return sessions.begin(work, facts.new)
    if facts.account is None:
        raise Refusal(ErrorCode.INVALID_CREDENTIALS)
    if facts.renewed is not None:
        account = work.uow.account(facts.account.id) or facts.account
        work.uow.put_account(attrs.evolve(account, password_hash=facts.renewed))
        work.uow.stage(SetPassword(account.id, facts.renewed))
    return sessions.begin(work, facts.account)


EMAIL_AUTH = Rule(run=_login, rooms=sender_rooms, prepare=_prepare_email)
DEVICE_ID_AUTH = Rule(run=_login, rooms=sender_rooms, prepare=_prepare_device)
CUSTOM_ID_AUTH = Rule(run=_login, rooms=sender_rooms, prepare=_prepare_custom)
