"""What operators do to accounts."""

import time

import attrs
import pytest

from yummy.core.notices import AccountChange
from yummy.core.values import Account
from yummy.core.work import SessionRecord
from yummy.settings import Settings
from yummy.store.database import NOTICE_LIFETIME, Database, DatabaseError
from yummy.store.operator import delete_user, list_users, set_disabled, set_password, set_user_type, show_user

ADA = Account("ada", 1, email="ada@b.io", device_id="device-01", custom_id="Custom-01")


@pytest.fixture
def settings(tmp_path):
    """A database with one user."""
    settings = Settings(database_path=tmp_path / "game.db")
    database = Database.open(settings.sqlalchemy_url)
    database.write([ADA])
    database.close()
    return settings


@pytest.mark.parametrize("name", ["ada", "Ada@B.io", "device-01", "Custom-01"])
def test_a_user_is_named_in_any_way(settings, name):
    assert "ada" == set_user_type(settings, name, 3)

    database = Database.open(settings.sqlalchemy_url)
    assert 3 == database.load_accounts(["ada"])[0].user_type
    database.close()


CHANGES = {
    AccountChange.TYPE: lambda settings: set_user_type(settings, "ada", 2),
    AccountChange.PASSWORD: lambda settings: set_password(settings, "ada", "correct horse"),
    AccountChange.DISABLED: lambda settings: set_disabled(settings, "ada", disabled=True),
    AccountChange.ENABLED: lambda settings: set_disabled(settings, "ada", disabled=False),
    AccountChange.DELETED: lambda settings: delete_user(settings, "ada"),
}


@pytest.fixture
def database(settings):
    """The same database, opened as a server does."""
    opened = Database.open(settings.sqlalchemy_url)
    opened.write([SessionRecord("s", "ada", 2**40), SessionRecord("other", "bob", 2**40)])
    yield opened
    opened.close()


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_leaves_a_notice_and_ends_sessions_where_it_has_to(settings, database, what):
    before = database.last_notice()
    CHANGES[what](settings)

    (notice,) = database.notices(before)
    assert ("ada", what) == (notice.user_id, notice.what)
    assert ([], notice.number) == (database.notices(notice.number), database.last_notice())
    ended = what in {AccountChange.PASSWORD, AccountChange.DISABLED, AccountChange.DELETED}
    assert (ended, False) == (database.find_session("s").ended, database.find_session("other").ended)


def test_notices_are_forgotten_in_time_and_their_numbers_not_used_again(settings, database):
    set_user_type(settings, "ada", 2)
    first = database.last_notice()
    now = int(time.time())
    database.forget_sessions(now)
    assert 1 == len(database.notices(0))

    database.forget_sessions(now + NOTICE_LIFETIME + 60)
    assert [] == database.notices(0)
    set_user_type(settings, "ada", 3)
    assert first < database.last_notice()


def test_a_server_that_remembers_a_deleted_account_does_not_bring_it_back(settings, database):
    delete_user(settings, "ada")
    database.write([ADA])

    assert [] == database.load_accounts(["ada"])


def test_a_server_that_remembers_an_account_does_not_undo_what_operators_did(settings, database):
    set_user_type(settings, "ada", 3)
    set_password(settings, "ada", "correct horse")
    set_disabled(settings, "ada", disabled=True)
    changed = database.load_accounts(["ada"])
    database.write([ADA])

    assert changed == database.load_accounts(["ada"])
    assert (3, True) == (changed[0].user_type, changed[0].disabled)


def test_a_session_whose_tokens_have_expired_is_not_counted(settings, database):
    database.write([SessionRecord("late", "ada", int(time.time()) - 1)])

    assert (ADA, 1) == (show_user(settings, "ada").account, show_user(settings, "ada").sessions)


def test_a_password_has_the_length_that_the_settings_ask_for(settings):
    strict = attrs.evolve(settings, password_min_length=20)
    with pytest.raises(ValueError, match="between 20 to 128"):
        set_password(strict, "ada", "correct horse")


def test_users_made_in_the_same_second_are_on_one_page_each(settings, database):
    database.write([Account(f"user-{number}", 1) for number in range(5)])

    pages = [list_users(settings, limit=2, page=page) for page in (1, 2, 3, 4)]
    assert [6] * 4 == [page.total for page in pages]
    assert ["user-4", "user-3", "user-2", "user-1", "user-0", "ada"] == [one.id for page in pages for one in page.users]


def test_an_unknown_user_is_said_to_be_so(settings):
    with pytest.raises(LookupError, match=r"No user has the id, .* 'nobody'"):
        set_user_type(settings, "nobody", 3)


def test_a_database_that_cannot_be_opened_is_said_to_be_so(tmp_path):
    file = tmp_path / "notes.db"
    file.write_text("somebody's notes " * 100, encoding="utf-8")
    with pytest.raises(DatabaseError):
        set_user_type(Settings(database_path=file), "ada", 3)


def test_a_file_that_does_not_exist_is_not_made(tmp_path):
    with pytest.raises(LookupError, match=r"There is no database .*game\.db"):
        set_user_type(Settings(database_path=tmp_path / "game.db"), "ada", 3)
    assert [*tmp_path.iterdir()] == []


def test_a_database_in_memory_has_no_users_to_change():
    with pytest.raises(LookupError, match="in memory"):
        set_user_type(Settings(database_path=":memory:"), "ada", 3)
