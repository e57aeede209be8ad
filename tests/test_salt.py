"""The key that signs tokens: made once, kept privately, never made where the operator must give one."""

from pathlib import Path

import attrs
import pytest

from yummy.salt import _make, salt_file, with_secrets
from yummy.settings import Environment, Settings, SettingsError


@pytest.fixture
def settings(tmp_path):
    return Settings(database_path=tmp_path / "game.db")


def test_a_key_of_the_operator_s_is_left_alone(settings, tmp_path):
    settings = attrs.evolve(settings, salt_key="s" * 32)

    assert settings is with_secrets(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_kept_privately(settings, tmp_path):
    complete = with_secrets(settings)

    assert len(complete.salt_key) >= 32
    assert complete == with_secrets(settings)
    assert [tmp_path / "game.db.salt"] == list(tmp_path.iterdir())
    assert (tmp_path / "game.db.salt").stat().st_mode & 0o777 == 0o600


def test_two_databases_have_two_keys(settings, tmp_path):
    other = attrs.evolve(settings, database_path=tmp_path / "other.db")

    assert with_secrets(settings).salt_key != with_secrets(other).salt_key


def test_of_two_processes_that_make_a_key_the_first_wins(settings, tmp_path):
    file = salt_file(settings)
    _make(file)
    first = file.read_text(encoding="utf-8")

    _make(file)

    assert file.read_text(encoding="utf-8") == first
    assert list(tmp_path.iterdir()) == [file]


def test_a_database_in_memory_keeps_no_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(database_path=Path(":memory:"))

    assert salt_file(settings) is None
    assert with_secrets(settings).salt_key != with_secrets(settings).salt_key
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [b"", b"short\n", b"\xff" * 40])
def test_a_kept_key_that_is_unusable_is_reported(settings, tmp_path, kept):
    (tmp_path / "game.db.salt").write_bytes(kept)

    with pytest.raises(SettingsError, match="holds no usable key; remove it for a new one"):
        with_secrets(settings)


def test_a_folder_that_is_not_there_is_reported(settings, tmp_path):
    settings = attrs.evolve(settings, database_path=tmp_path / "absent" / "game.db")

    with pytest.raises(SettingsError, match=r"SALT_KEY .*cannot be read or made \(No such file or directory\)"):
        with_secrets(settings)


@pytest.mark.parametrize("values", [{"yummy_env": Environment.PRODUCTION}, {"bind_ip": "192.0.2.1"}])
def test_no_key_is_made_where_the_operator_must_give_one(settings, tmp_path, values):
    with pytest.raises(SettingsError, match="SALT_KEY"):
        with_secrets(attrs.evolve(settings, **values))

    assert list(tmp_path.iterdir()) == []
