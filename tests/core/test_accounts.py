"""Logging in: how many guesses and new accounts there may be, however many come at once."""

from collections import Counter

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy import model as models
from yummy.core.accounts import LoginFacts
from yummy.core.rules import RULES
from yummy.core.throttle import Throttles
from yummy.core.values import Account
from yummy.core.work import Note, SetPassword
from yummy.protocol.errors import ErrorCode, Refusal

RIGHT, WRONG = "correct horse", "another horse"
ADA = Account("ada", 1, email="ada@b.io", password_hash=RIGHT)
ADDRESS = "192.0.2.1"


@attrs.define(eq=False)
class Desk:
    """Accounts by their addresses, and passwords that are their own hashes and take until `open` is set."""

    accounts: dict[str, Account] = attrs.field(factory=lambda: {ADA.email: ADA})
    open: trio.Event = attrs.field(factory=trio.Event)
    asked: Counter = attrs.field(factory=Counter)
    fails: bool = False
    outdated: bool = False
    steps: list = attrs.field(factory=list)
    turns: dict = attrs.field(factory=dict)
    held: dict = attrs.field(factory=dict)

    async def find_account(self, kind, value):
        self.steps.append("find")
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise Refusal(ErrorCode.STORAGE_FAILED)
        return self.accounts.get(value)

    async def hash_password(self, password):
        self.asked["hash"] += 1
        self.steps.append("hash")
        await self.open.wait()
        return password

    async def verify_password(self, password_hash, password):
        self.asked["verify"] += 1
        self.steps.append("verify")
        await self.open.wait()
        return password_hash == password

    def is_outdated(self, password_hash):
        return self.outdated

    async def take_turns(self, keys):
        self.steps.append("turns")
        for key in keys:
            lock = self.turns.setdefault(key, trio.Lock())
            await lock.acquire()
            self.held.setdefault(trio.lowlevel.current_task(), []).append(lock)

    def release_turns(self):
        for lock in self.held.pop(trio.lowlevel.current_task(), []):
            lock.release()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def limited(scene):
    """Two failures for each account, four for each address, and two new accounts."""
    scene.settings = attrs.evolve(
        scene.settings, login_failures_per_minute=2, login_failures_per_minute_per_ip=4, accounts_per_hour=2
    )
    scene.throttles = Throttles.of(scene.settings)
    return scene


def guess(password=WRONG, email=ADA.email, **fields):
    return models.EmailAuth(email=email, password=password, **fields)


async def prepare(scene, desk, model, address=ADDRESS):
    """The prepare step of one login; gives the refusal's code, or "fits"."""
    work = scene.begin(None, address=address)
    try:
        await RULES[type(model)].prepare(work, model, desk)
        desk.release_turns()
    except Refusal as refusal:
        desk.release_turns()
        return "no advice" if refusal.code == ErrorCode.RATE_LIMITED and not refusal.retry_after else refusal.code
    assert isinstance(work.facts, LoginFacts)
    return "fits"


async def at_once(scene, desk, models_):
    """Logins that all begin before the first password has been looked at."""
    results = []

    async def one(model):
        results.append(await prepare(scene, desk, model))

    async with trio.open_nursery() as nursery:
        for model in models_:
            nursery.start_soon(one, model)
        await wait_all_tasks_blocked()
        desk.open.set()
    return Counter(results)


async def test_guesses_at_one_account_at_once_are_as_few_as_one_after_another(limited, desk):
    found = await at_once(limited, desk, [guess() for _ in range(6)])

    assert {"invalid_credentials": 2, "rate_limited": 4} == found
    assert {"verify": 2} == desk.asked
    assert "rate_limited" == await prepare(limited, desk, guess(RIGHT), address="192.0.2.2")


async def test_guesses_of_one_address_at_once_are_as_few_as_one_after_another(limited, desk):
    found = await at_once(limited, desk, [guess(email=f"a{number}@b.io") for number in range(6)])

    assert {"invalid_credentials": 4, "rate_limited": 2} == found
    assert {"verify": 4} == desk.asked


async def test_who_is_refused_for_the_address_uses_up_nothing_of_the_account(limited, desk):
    desk.open.set()
    for number in range(4):
        await prepare(limited, desk, guess(email=f"a{number}@b.io"))
    for _ in range(3):
        assert "rate_limited" == await prepare(limited, desk, guess())

    assert "fits" == await prepare(limited, desk, guess(RIGHT), address="192.0.2.2")


async def test_right_logins_use_up_nothing(limited, desk):
    desk.open.set()
    for _ in range(10):
        assert "fits" == await prepare(limited, desk, guess(RIGHT))
    assert "fits" == await prepare(limited, desk, guess(RIGHT, email="new@b.io", if_not_exist_create=True))

    assert "invalid_credentials" == await prepare(limited, desk, guess())
    assert "fits" == await prepare(limited, desk, guess(RIGHT))


async def test_a_login_that_the_store_failed_is_no_guess(limited, desk):
    desk.open.set()
    desk.fails = True
    for _ in range(5):
        assert "storage_failed" == await prepare(limited, desk, guess())
    desk.fails = False

    assert "invalid_credentials" == await prepare(limited, desk, guess())


def make_account(scene, work):
    RULES[models.EmailAuth].run(work, guess())
    return scene.staged(Note)


async def test_an_account_counts_when_it_is_made_and_not_before(limited, desk):
    desk.open.set()

    async def begin(email):
        work = limited.begin(None, address=ADDRESS)
        model = guess(email=email, if_not_exist_create=True)
        await RULES[models.EmailAuth].prepare(work, model, desk)
        desk.release_turns()
        return make_account(limited, work)

    for number in range(5):
        notes = await begin(f"lost{number}@b.io")
        assert 1 == len(notes)
    for number in range(2):
        (note,) = await begin(f"made{number}@b.io")
        note.happened()

    asked = Counter(desk.asked)
    more = guess(email="more@b.io", if_not_exist_create=True)
    assert "rate_limited" == await prepare(limited, desk, more)
    assert asked == desk.asked
    assert "rate_limited" == await prepare(limited, desk, models.DeviceIdAuth(device_id="device-01"))


@pytest.mark.parametrize("by", ["email", "device"])
async def test_accounts_made_at_once_are_as_few_as_one_after_another(limited, desk, by):
    desk.open.set()
    results = []

    async def make(number):
        work = limited.begin(None, address=ADDRESS)
        model = models.DeviceIdAuth(device_id=f"device-0{number}")
        if by == "email":
            model = guess(email=f"new{number}@b.io", if_not_exist_create=True)
        try:
            await RULES[type(model)].prepare(work, model, desk)
            RULES[type(model)].run(work, model)
            await wait_all_tasks_blocked()
            (note,) = (item for item in work.uow.staged if type(item) is Note)
            note.happened()
            results.append("made")
        except Refusal as refusal:
            results.append(refusal.code)
        finally:
            desk.release_turns()

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(make, number)

    assert {"made": 2, "rate_limited": 2} == Counter(results)


async def test_a_login_to_an_account_that_exists_makes_none(limited, desk):
    desk.open.set()
    work = limited.begin(None, address=ADDRESS)
    await RULES[models.EmailAuth].prepare(work, guess(RIGHT), desk)

    assert [] == make_account(limited, work)


OTHERS = {
    "unknown": {},
    "wrong password": {ADA.email: ADA},
    "wrong password of a disabled account": {ADA.email: attrs.evolve(ADA, disabled=True)},
    "an account without a password": {ADA.email: attrs.evolve(ADA, password_hash=None)},
    "an old hash": {ADA.email: ADA},
}


@pytest.mark.parametrize("why", OTHERS)
async def test_a_refused_login_has_taken_the_same_steps_whatever_the_reason(limited, desk, why):
    desk.open.set()
    desk.accounts = OTHERS[why]
    desk.outdated = why == "an old hash"

    assert "invalid_credentials" == await prepare(limited, desk, guess())
    assert ["find", "verify"] == desk.steps


async def test_the_right_password_of_a_disabled_account_is_as_wrong_as_any(limited, desk):
    desk.open.set()
    desk.accounts = {ADA.email: attrs.evolve(ADA, disabled=True)}
    for create in (False, True):
        assert "invalid_credentials" == await prepare(limited, desk, guess(RIGHT, if_not_exist_create=create))

    assert ["find", "verify"] * 2 == desk.steps
    assert "rate_limited" == await prepare(limited, desk, guess(RIGHT))


async def test_a_disabled_account_is_not_let_in_by_its_other_names(limited, desk):
    desk.accounts = {"device-01": attrs.evolve(ADA, disabled=True)}

    assert "no_permission" == await prepare(limited, desk, models.DeviceIdAuth(device_id="device-01"))
    assert "no_permission" == await prepare(limited, desk, models.CustomIdAuth(custom_id="device-01"))


async def test_an_account_that_is_disabled_while_its_password_is_looked_at_stays_out(limited, desk):
    async def disable():
        await wait_all_tasks_blocked()
        desk.accounts = {ADA.email: attrs.evolve(ADA, disabled=True)}
        desk.open.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(disable)
        assert "invalid_credentials" == await prepare(limited, desk, guess(RIGHT))


async def test_an_old_hash_is_renewed_by_a_login_that_fits_and_by_no_other(limited, desk):
    desk.open.set()
    desk.outdated = True
    await prepare(limited, desk, guess())
    assert {"verify": 1} == desk.asked

    work = limited.begin(None, address=ADDRESS)
    await RULES[models.EmailAuth].prepare(work, guess(RIGHT), desk)
    RULES[models.EmailAuth].run(work, guess(RIGHT))
    assert {"verify": 2, "hash": 1} == desk.asked
    assert [SetPassword(ADA.id, RIGHT)] == limited.staged(SetPassword)
