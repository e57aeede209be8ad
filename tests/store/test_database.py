"""The database: real SQLite, in memory and in files."""

import sqlite3

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.core.values import Account, IdentityKind, Meta
from yummy.core.work import RevokeSessions, SessionRecord, SetPassword, SetUserType
from yummy.protocol.errors import Refusal
from yummy.store import database as module
from yummy.store import statements
from yummy.store.accounts import AccountStore
from yummy.store.database import Database, DatabaseError

METAS = {"k": Meta([1, 2**64 - 1, -(2**63), 1.5, "ä\0", None, True, [[]]], 6)}
ADA = Account(
    id="ada",
    insert_date=5,
    name="Ada",
    email="a@b.io",
    device_id="device-01",
    custom_id="custom-01",
    password_hash="$argon2id$secret",
    user_type=2,
    metas=METAS,
    last_login_date=6,
)
BOB = Account("bob", 1)


@pytest.fixture
def url(tmp_path):
    """A database in a file."""
    return f"sqlite:///{tmp_path / 'game.db'}"


@pytest.fixture
def database():
    """An empty database in memory."""
    opened = Database.open("sqlite://")
    yield opened
    opened.close()


def test_an_account_comes_back_as_it_was(database):
    database.write([ADA, BOB])

    assert [ADA] == database.load_accounts(["ada", "nobody"])
    assert {"ada": ADA, "bob": BOB} == {one.id: one for one in database.load_accounts(["ada", "bob"])}
    assert [] == database.load_accounts([])
    found = database.load_accounts(["ada"])[0].metas["k"].value
    assert [type(value) for value in METAS["k"].value] == [type(value) for value in found]


@pytest.mark.parametrize("kind", IdentityKind)
def test_an_account_is_found_by_each_of_its_names(database, kind):
    database.write([ADA, BOB])

    assert ADA == database.find_account(kind, getattr(ADA, kind.value))
    assert database.find_account(kind, "nobody's") is None


def test_writing_again_changes_all_but_what_operators_change_too(database):
    database.write([ADA])
    database.set_user_type("ada", 3)
    changed = attrs.evolve(ADA, name=None, email=None, metas={}, password_hash="new", last_login_date=9, user_type=1)
    database.write([attrs.evolve(changed, disabled=True)])
    assert [attrs.evolve(changed, user_type=3, password_hash=ADA.password_hash)] == database.load_accounts(["ada"])

    database.write([changed, SetUserType("ada", 1), SetPassword("ada", "new")])
    assert [changed] == database.load_accounts(["ada"])


@pytest.mark.parametrize("kind", IdentityKind)
def test_a_name_is_one_account_s_and_the_whole_transaction_fails(database, kind):
    database.write([ADA])
    thief = BOB.with_identity(kind, getattr(ADA, kind.value))

    with pytest.raises(DatabaseError):
        database.write([SessionRecord("s", "bob", 5), attrs.evolve(ADA, name="changed"), thief])

    assert ([ADA], None) == (database.load_accounts(["ada", "bob"]), database.find_session("s"))


def test_no_error_repeats_what_was_to_be_stored(database):
    database.write([ADA])
    thief = attrs.evolve(BOB, email=ADA.email, password_hash="$argon2id$another")

    with pytest.raises(DatabaseError) as caught:
        database.write([thief])

    assert not {"argon2id", "a@b.io"} & set(str(caught.value).replace("$", " ").split())
    assert caught.value.__cause__ is None


def test_sessions_are_remembered_until_they_expire(database):
    database.write([SessionRecord("s", "ada", 100), SessionRecord("t", "ada", 50)])
    database.write([SessionRecord("s", "ada", 200, ended=True)])

    assert SessionRecord("s", "ada", 200, ended=True) == database.find_session("s")
    assert (1, None) == (database.forget_sessions(100), database.find_session("t"))
    assert database.find_session("nobody's") is None


def test_a_session_that_is_said_to_be_new_is_as_any_other(database):
    database.write([SessionRecord("s", "ada", 100, new=True)])
    assert SessionRecord("s", "ada", 100) == database.find_session("s")

    with pytest.raises(DatabaseError):
        database.write([SessionRecord("t", "ada", 100), SessionRecord("s", "ada", 200, new=True)])
    assert (SessionRecord("s", "ada", 100), None) == (database.find_session("s"), database.find_session("t"))


def test_a_session_and_an_account_are_read_at_once(database):
    database.write([ADA, SessionRecord("s", "ada", 100)])

    assert (SessionRecord("s", "ada", 100), ADA) == database.find_session_and_account("s", "ada")
    assert (None, None) == database.find_session_and_account("ada", "s")


def kept(database, user_id, ids):
    found = {one: database.find_session(one) for one in ids}
    return {one for one, record in found.items() if record is not None and record.user_id == user_id}


def test_the_sessions_of_one_user_are_bounded_and_the_newest_stay(database, monkeypatch):
    monkeypatch.setattr(module, "ISSUED_SESSIONS_MAX", 3)
    database.write([SessionRecord("other", "bob", 1)])
    for number in range(5):
        database.write([SessionRecord(f"s{number}", "ada", 100 + number)])
    ids = [f"s{number}" for number in range(5)]
    assert {"s2", "s3", "s4"} == kept(database, "ada", ids)
    assert {"other"} == kept(database, "bob", ["other"])

    database.write([SessionRecord("s2", "ada", 200), SessionRecord("s5", "ada", 150)])
    assert {"s2", "s4", "s5"} == kept(database, "ada", [*ids, "s5"])


def test_of_sessions_that_expire_together_those_made_last_stay(database, monkeypatch):
    monkeypatch.setattr(module, "ISSUED_SESSIONS_MAX", 2)
    database.write([SessionRecord(f"s{number}", "ada", 100) for number in (3, 1, 4, 2)])

    assert {"s3", "s4"} == kept(database, "ada", ["s1", "s2", "s3", "s4"])


def test_a_session_that_is_dropped_comes_back_if_the_write_fails(database, monkeypatch):
    monkeypatch.setattr(module, "ISSUED_SESSIONS_MAX", 1)
    database.write([ADA, SessionRecord("s1", "ada", 100)])

    with pytest.raises(DatabaseError):
        database.write([SessionRecord("s2", "ada", 200), attrs.evolve(BOB, email=ADA.email)])

    assert {"s1"} == kept(database, "ada", ["s1", "s2"])


def test_bounding_sessions_reads_no_others(database):
    statement = statements.FORGET_SURPLUS_SESSIONS.compile(database.engine)
    values = statement.construct_params({"owner": "ada", "most": 200})
    with database.engine.connect() as connection:
        in_order = tuple(values[name] for name in statement.positiontup)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", in_order).all()

    assert not any(step[-1].startswith("SCAN") for step in plan)


@pytest.mark.parametrize(("but", "left"), [(None, []), ("s1", ["s1"]), ("gone", [])])
def test_revoking_ends_all_sessions_of_a_user_but_one(database, but, left):
    database.write([SessionRecord(f"s{number}", "ada", 100) for number in range(3)])
    database.write([SessionRecord("other", "bob", 100), RevokeSessions("ada", but)])

    alive = [f"s{number}" for number in range(3) if not database.find_session(f"s{number}").ended]
    assert (left, False) == (alive, database.find_session("other").ended)


def test_what_was_written_survives_reopening(url):
    for opening in range(3):
        database = Database.open(url)
        assert ([ADA] if opening else []) == database.load_accounts(["ada"])
        database.write([ADA])
        database.close()


def test_a_file_is_in_write_ahead_mode_with_the_newest_tables(url, tmp_path):
    Database.open(url).close()
    with sqlite3.connect(tmp_path / "game.db") as plain:
        tables = {name for (name,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        mode = plain.execute("PRAGMA journal_mode").fetchone()
        revision = plain.execute("SELECT version_num FROM alembic_version").fetchone()
    plain.close()

    assert ({"accounts", "sessions", "notices", "sqlite_sequence", "alembic_version"}, ("wal",), ("0002",)) == (
        tables,
        mode,
        revision,
    )


def test_migrations_and_tables_agree(database):
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  # beside its only use
    from alembic.migration import MigrationContext  # noqa: PLC0415  # beside its only use

    from yummy.store.tables import METADATA  # noqa: PLC0415  # beside its only use

    with database.engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), METADATA)


@pytest.mark.parametrize("content", [b"this is no database at all" * 50, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_said_to_be_so(tmp_path, content):
    (tmp_path / "game.db").write_bytes(content)

    with pytest.raises(DatabaseError):
        Database.open(f"sqlite:///{tmp_path / 'game.db'}")

    assert content == (tmp_path / "game.db").read_bytes()


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(DatabaseError, match="unable to open"):
        Database.open(f"sqlite:///{tmp_path / 'absent' / 'game.db'}")


def test_a_database_of_a_newer_server_is_left_alone(url, tmp_path):
    Database.open(url).close()
    with sqlite3.connect(tmp_path / "game.db") as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.close()

    with pytest.raises(DatabaseError, match="another version of Yummy"):
        Database.open(url)


def test_somebody_else_s_database_is_left_alone(url, tmp_path):
    with sqlite3.connect(tmp_path / "game.db") as plain:
        plain.execute("CREATE TABLE accounts (x)")
    plain.close()

    with pytest.raises(DatabaseError):
        Database.open(url)

    with sqlite3.connect(tmp_path / "game.db") as plain:
        assert [("accounts",)] == plain.execute("SELECT name FROM sqlite_master").fetchall()
    plain.close()


def test_a_database_that_another_process_keeps_locked_is_said_to_be_so(url, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.01)
    database = Database.open(url)
    other = sqlite3.connect(tmp_path / "game.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseError, match="locked"):
            database.write([ADA])
        assert [] == database.load_accounts(["ada"])
    finally:
        other.execute("ROLLBACK")
        other.close()

    database.write([ADA])
    assert [ADA] == database.load_accounts(["ada"])
    database.close()


async def test_the_event_loop_s_side_refuses_when_the_database_fails(database):
    store = AccountStore(database)
    await store.write([ADA, SessionRecord("s", "ada", 5)])
    assert (ADA, [ADA], 5) == (
        await store.find_account(IdentityKind.EMAIL, "a@b.io"),
        await store.load_accounts(["ada"]),
        (await store.find_session("s")).expires,
    )

    with pytest.raises(Refusal) as caught:
        await store.write([attrs.evolve(BOB, email="a@b.io")])

    assert ("storage_failed", 0) == (caught.value.code, store.statistics().borrowed_tokens)


async def test_a_write_whose_asker_is_cancelled_happens_all_the_same(url):
    database = Database.open(url)
    store = AccountStore(database)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.write, [ADA])
            await wait_all_tasks_blocked()
            scope.cancel()

    assert [ADA] == await store.load_accounts(["ada"])
    database.close()


async def test_many_at_once_lose_nothing(url):
    database = Database.open(url)
    store = AccountStore(database)
    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(store.write, [Account(f"u{number}", number)])

    assert 30 == len(await store.load_accounts([f"u{number}" for number in range(30)]))
    database.close()
