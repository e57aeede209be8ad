"""What operators do to accounts."""

import pytest

from yummy.core.values import Account
from yummy.settings import Settings
from yummy.store.database import Database, DatabaseError
from yummy.store.operator import set_user_type

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
