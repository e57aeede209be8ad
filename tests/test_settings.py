"""The settings' own rules: bounds, contradictions, what is shown, and the page about them."""

from pathlib import Path

import attrs
import pytest

from yummy.setting import DOC
from yummy.settings import DEVELOPMENT_INTEGRATION_KEY, Environment, Settings
from yummy.settings_page import settings_page

OWN_KEY = "k" * 20
OWN_SALT = "s" * 32


def contradicting(**values):
    return [names[0] for names, _text in Settings(**values).contradictions()]


def test_defaults_are_development_on_loopback():
    settings = Settings()

    assert settings.development
    assert settings.loopback
    assert not settings.tls
    assert (
        settings.bind_ip,
        settings.bind_port,
        settings.integration_key,
    ) == ("127.0.0.1", 9090, DEVELOPMENT_INTEGRATION_KEY)
    assert contradicting() == []


@pytest.mark.parametrize(
    "values",
    [
        {"bind_port": -1},
        {"bind_port": 65536},
        {"bind_ip": ""},
        {"heartbeat_interval": -0.1},
        {"heartbeat_timeout": float("nan")},
        {"drain_timeout": 0.0},
        {"hook_timeout": float("inf")},
        {"max_depth": 257},
        {"password_min_length": 0},
        {"password_min_length": 129},
        {"token_lifetime": 0.0},
        {"salt_key": "s" * 31},
        {"integration_key": ""},
        {"integration_key": "with space"},
        {"api_key_name": "x yummy"},
        {"room_password_charset": "A"},
        {"room_password_charset": "AAB"},
        {"room_password_charset": "A\n"},
        {"allowed_origins": ("*",)},
        {"allowed_origins": ("https://example.org/path",)},
        {"database_path": Path()},
        {"database_path": Path("a?b")},
        {"database_url": "mysql://localhost/yummy"},
        {"database_url": "sqlite:///file:yummy.db?uri=true"},
        {"hook_queue": 0},
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(values):
    with pytest.raises(ValueError, match=f"^{next(iter(values)).upper()}: expected "):
        Settings(**values)


@pytest.mark.parametrize("url", ["postgresql://localhost/yummy", "postgres://x", "postgresql+psycopg://x"])
def test_postgresql_is_refused_by_name(url):
    with pytest.raises(ValueError, match="PostgreSQL is not supported by this version"):
        Settings(database_url=url)


def test_redis_is_refused_rather_than_ignored():
    with pytest.raises(ValueError, match="not supported by this version"):
        Settings(redis_url="redis://localhost")


def test_a_limit_takes_zero():
    settings = Settings(max_connections=0, max_message_bytes=0, heartbeat_interval=0.0, heartbeat_timeout=0.0)

    assert list(settings.contradictions()) == []


def test_origins_are_taken_as_browsers_send_them():
    origins = ("https://example.org", "http://localhost:8000", "null", "app://game")

    assert origins == Settings(allowed_origins=origins).allowed_origins


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_known(address):
    assert Settings(bind_ip=address).loopback


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.0.1", "game.example.org"])  # noqa: S104  # not bound
def test_reachable_addresses_want_secrets(address):
    assert not Settings(bind_ip=address).loopback
    assert contradicting(bind_ip=address) == ["integration_key", "salt_key"]
    assert contradicting(bind_ip=address, integration_key=OWN_KEY) == ["salt_key"]
    assert contradicting(bind_ip=address, salt_key=OWN_SALT) == ["integration_key"]
    assert contradicting(bind_ip=address, integration_key=OWN_KEY, salt_key=OWN_SALT) == []


def test_production_wants_secrets_on_loopback_too():
    assert not Settings(yummy_env=Environment.PRODUCTION).development
    assert contradicting(yummy_env=Environment.PRODUCTION) == ["integration_key", "salt_key"]
    assert contradicting(yummy_env=Environment.PRODUCTION, integration_key=OWN_KEY, salt_key=OWN_SALT) == []


def test_the_text_about_a_missing_secret_says_how_to_make_one():
    for _names, text in Settings(yummy_env=Environment.PRODUCTION).contradictions():
        assert "with YUMMY_ENV=production" in text
        assert "secrets.token_urlsafe" in text


def test_a_heartbeat_time_out_below_the_interval_is_refused():
    assert contradicting(heartbeat_timeout=10.0) == ["heartbeat_timeout"]
    assert contradicting(heartbeat_interval=0.0, heartbeat_timeout=10.0) == []


def test_certificate_and_key_come_together(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.touch()
    key.touch()

    assert contradicting(tls_cert_path=cert) == ["tls_key_path"]
    assert contradicting(tls_key_path=key) == ["tls_cert_path"]
    assert contradicting(tls_cert_path=cert, tls_key_path=tmp_path / "absent.pem") == ["tls_key_path"]
    assert contradicting(tls_cert_path=cert, tls_key_path=key) == []


def test_secrets_are_not_shown():
    shown = repr(Settings(salt_key=OWN_SALT, integration_key=OWN_KEY, database_url="sqlite:////hidden.db"))

    assert OWN_SALT not in shown
    assert OWN_KEY not in shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("values", "file", "url"),
    [
        ({}, Path("yummy.db"), "sqlite:///yummy.db"),
        ({"database_path": Path("/var/y.db")}, Path("/var/y.db"), "sqlite:////var/y.db"),
        ({"database_path": Path(":memory:")}, None, "sqlite://"),
        ({"database_url": "sqlite:///a/b.db"}, Path("a/b.db"), "sqlite:///a/b.db"),
        ({"database_url": "sqlite+pysqlite:////a.db"}, Path("/a.db"), "sqlite:////a.db"),
        ({"database_url": "sqlite://"}, None, "sqlite://"),
        ({"database_url": "sqlite:///:memory:"}, None, "sqlite://"),
        ({"database_url": "sqlite:///b.db", "database_path": Path("a.db")}, Path("b.db"), "sqlite:///b.db"),
    ],
)
def test_the_database_is_told_as_file_and_as_url(values, file, url):
    settings = Settings(**values)

    assert file == settings.sqlite_file
    assert url == settings.sqlalchemy_url


def test_every_setting_has_a_sentence():
    for field in attrs.fields(Settings):
        assert field.metadata[DOC].endswith("."), field.name


def test_the_page_of_settings_is_up_to_date():
    """`python -m yummy.settings_page > docs/settings.md` writes it anew."""
    page = Path(__file__).parent.parent / "docs" / "settings.md"

    assert settings_page() == page.read_text(encoding="utf-8")


def test_the_page_of_settings_shows_each_once():
    page = settings_page()

    for field in attrs.fields(Settings):
        assert page.count(f"\n| `{field.name.upper()}` |") == 1, field.name
