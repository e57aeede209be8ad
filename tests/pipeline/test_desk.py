"""What a login and a restore ask the store for: once, unless somebody else can have changed the answer meanwhile."""

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.core.values import Account
from yummy.hooks.calls import Passed, SetUserMeta

DEVICE = "device-of-ada"


@attrs.define
class SlowStore:
    """A store that writes down what it is asked, and keeps an answer back while `gate` is there."""

    _store: object
    asked: list = attrs.field(factory=list)
    gate: trio.Event | None = None

    def __getattr__(self, name):
        async def ask(*arguments):
            self.asked.append(name)
            gate, self.gate = self.gate, None
            answer = await getattr(self._store, name)(*arguments)
            if gate is not None:
                await gate.wait()
            return answer

        return ask


@pytest.fixture
def store(game):
    """The game's store, watched."""
    game.chain.store = game.chain._committer.store = SlowStore(game.store)
    return game.chain.store


@pytest.fixture(autouse=True)
async def nobody_watches_at_the_end(game):
    yield
    await wait_all_tasks_blocked()
    assert 0 == game.chain.turns._watches


async def log_in_slowly(game, store):
    """A login by Ada's device, whose account has been looked up but not yet handed over; and what lets it go on."""
    gate = store.gate = trio.Event()
    slow = game.connect()
    request = slow.tell("AuthDeviceId", id=DEVICE)
    await wait_all_tasks_blocked()
    store.asked.clear()
    return slow, request, gate


async def let_in(slow, request, gate):
    """Who the slow login has logged in."""
    gate.set()
    await slow.quiet()
    assert slow.answer(request)["status"] is True
    return slow.answer(request)["user_id"]


async def test_a_login_asks_once(game, store):
    first = await game.player("ada")
    again = await game.player("ada")

    assert first.user_id == again.user_id
    assert ["find_account", "write"] * 2 == store.asked


async def test_a_login_by_password_asks_again_after_the_password_was_looked_at(game, store):
    game.store.accounts["ada"] = Account("ada", 1, email="a@b.io", password_hash="hash of correct horse")

    await game.connect().ok("AuthEmail", email="a@b.io", password="correct horse")

    assert ["find_account", "find_account", "write"] == store.asked


async def test_two_first_logins_of_one_device_make_one_account(game, store):
    slow, request, gate = await log_in_slowly(game, store)
    ada = await game.player("ada")

    assert ada.user_id == await let_in(slow, request, gate)
    assert [ada.user_id] == list(game.store.accounts)
    assert ["find_account", "write", "find_account", "find_account", "write"] == store.asked


async def test_an_account_that_has_got_another_name_meanwhile_is_not_logged_in_to(game, store):
    ada = await game.player("ada")
    slow, request, gate = await log_in_slowly(game, store)
    await ada.ok("UpdateUser", device_id="another-device")

    assert ada.user_id != await let_in(slow, request, gate)
    assert {"another-device", DEVICE} == {account.device_id for account in game.store.accounts.values()}


async def test_what_was_done_to_the_account_meanwhile_is_kept(game, store):
    ada = await game.player("ada")
    slow, request, gate = await log_in_slowly(game, store)
    await ada.ok("UpdateUser", name="Ada")
    await ada.ok("Logout")

    assert ada.user_id == await let_in(slow, request, gate)
    assert ("Ada", "Ada") == (game.store.accounts[ada.user_id].name, (await slow.ok("Me"))["name"])


async def test_what_a_script_wrote_to_the_account_meanwhile_is_kept(game, store):
    ada = await game.player("ada")
    await ada.ok("Logout")
    bob = await game.player("bob")

    async def write(call):
        await call.fetch("user", ada.user_id)
        return Passed({}, (SetUserMeta(ada.user_id, "coins", 7, 0),))

    game.hooks["post_get_user_information"] = write
    slow, request, gate = await log_in_slowly(game, store)
    await bob.ok("Me")

    await let_in(slow, request, gate)
    del game.hooks.functions["post_get_user_information"]
    assert {"coins": 7} == (await slow.ok("Me"))["metas"]


async def test_who_waits_for_a_turn_asks_again(game, store):
    ada = await game.player("ada")
    goes_on = game.hold("post_update_user")
    ada.tell("UpdateUser", name="Ada")
    await wait_all_tasks_blocked()
    store.asked.clear()
    slow = game.connect()
    slow.tell("AuthDeviceId", id=DEVICE)
    await wait_all_tasks_blocked()
    assert ["find_account"] == store.asked
    goes_on.set()
    await slow.quiet()

    assert ["find_account", "write", "find_account", "write"] == store.asked


async def test_a_restore_asks_once_and_before_it_holds_anybody_up(game, store):
    ada = await game.player("ada")
    store.asked.clear()
    await game.connect().ok("RestoreToken", token=ada.token)
    assert ["find_session", "find_session", "write"] == store.asked

    bob = await game.player("bob")
    await bob.intake.finish("closed")
    store.asked.clear()
    await game.connect().ok("RestoreToken", token=bob.token)
    assert ["find_session", "write"] == store.asked


async def test_the_account_of_who_is_offline_is_read_with_the_session(game, store):
    ada = await game.player("ada")
    await ada.intake.finish("closed")
    await game.run(game.chain.end_session(ada.session_id, "window"))
    store.asked.clear()

    answer = await game.connect().ok("RestoreToken", token=ada.token)

    assert (False, ada.user_id) == (answer["restored"], answer["user_id"])
    assert ["find_session_and_account", "write"] == store.asked


async def test_a_token_that_has_stopped_working_holds_nobody_up(game, store):
    ada = await game.player("ada")
    goes_on = game.hold("pre_get_user_information")
    begun = ada.tell("Me")
    await wait_all_tasks_blocked()
    record = game.store.sessions[ada.session_id]
    game.store.sessions[ada.session_id] = attrs.evolve(record, ended=True)

    other = game.connect()
    asked = other.tell("RestoreToken", token=ada.token)
    await wait_all_tasks_blocked()
    assert ("invalid_token", None) == (other.answer(asked)["code"], ada.answer(begun))

    goes_on.set()
    await ada.quiet()
    assert (True, None) == (ada.answer(begun)["status"], ada.connection.closed)


async def test_a_refresh_asks_once(game, store):
    ada = await game.player("ada")
    store.asked.clear()

    await game.connect().ok("RefreshToken", token=ada.token)

    assert ["find_session", "write"] == store.asked
