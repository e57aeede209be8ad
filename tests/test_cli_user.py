"""The commands for operators, on a real database in the working directory."""

import json
import os
import pty
import re
import subprocess
import sys

import attrs
import pytest
from click.testing import CliRunner

from yummy.cli import main
from yummy.core.values import Account, IdentityKind, Meta
from yummy.core.work import SessionRecord
from yummy.passwords import standard_hasher
from yummy.store.database import Database

ANNA = Account(
    "0190-anna",
    86_400,
    name="Anna",
    email="anna@example.org",
    password_hash="$argon2id$of-the-old-one",
    metas={"level": Meta([1, "ä"], 6)},
    last_login_date=90_061,
)
BERT = Account("0191-bert", 172_800, device_id="device-of-bert", user_type=2)
CARL = Account("0192-carl", 259_200, name="Carl\x1b[31m\n", custom_id="c" * 60, disabled=True)
FOREVER = 2**40


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch):
    """Three users; and where the commands look for them."""
    monkeypatch.chdir(tmp_path)
    opened = Database.open("sqlite:///yummy.db")
    opened.write([ANNA, BERT, CARL, SessionRecord("s1", ANNA.id, FOREVER), SessionRecord("s2", BERT.id, FOREVER)])
    yield opened
    opened.close()


def call(*args, given=None):
    return CliRunner().invoke(main, ["user", *args], input=given, prog_name="yummy")


def ids(*args):
    result = call("list", "--format", "json", *args)
    assert (result.exit_code, result.stderr) == (0, "")
    return [user["id"][5:] for user in json.loads(result.stdout)["users"]]


def stored(database, account):
    return next(iter(database.load_accounts([account.id])), None)


def test_users_are_listed_newest_first_as_a_table():
    result = call("list")

    assert (result.exit_code, result.stderr) == (0, "")
    *rows, last = result.stdout.splitlines()
    assert [re.split(r"  +", row) for row in rows] == [
        ["id", "type", "name", "email", "device id", "custom id", "last login"],
        ["0192-carl", "user (disabled)", r"Carl\x1b[31m\n", "-", "-", f"{'c' * 37}...", "-"],
        ["0191-bert", "moderator", "-", "-", "device-of-bert", "-", "-"],
        ["0190-anna", "user", "Anna", "anna@example.org", "-", "-", "1970-01-02 01:01:01 UTC"],
    ]
    assert len({row.index(cell) for row, cell in zip(rows, ("type", "user", "moderator", "user"), strict=True)}) == 1
    assert last == "3 users, page 1 of 1"


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ((), ["carl", "bert", "anna"]),
        (("--type", "moderator"), ["bert"]),
        (("--type", "1"), ["carl", "anna"]),
        (("--text", "EXAMPLE"), ["anna"]),
        (("--text", "of-bert"), ["bert"]),
        (("--text", "019"), ["carl", "bert", "anna"]),
        (("--text", "019", "--type", "admin"), []),
        (("--text", "%"), []),
        (("--limit", "2"), ["carl", "bert"]),
        (("--limit", "2", "--page", "2"), ["anna"]),
        (("--limit", "2", "--page", "3"), []),
    ],
)
def test_the_list_is_filtered_and_paged(args, found):
    assert found == ids(*args)


def test_the_list_for_programs_says_how_much_there_is():
    document = json.loads(call("list", "--format", "json", "--limit", "1", "--page", "3").stdout)

    assert (document["total"], document["page"], document["limit"]) == (3, 3, 1)
    assert document["users"] == [
        {
            "id": "0190-anna",
            "user_type": 1,
            "disabled": False,
            "name": "Anna",
            "email": "anna@example.org",
            "device_id": None,
            "custom_id": None,
            "has_password": True,
            "insert_date": 86_400,
            "last_login_date": 90_061,
            "metas": {"level": {"access": 6, "value": [1, "ä"]}},
        }
    ]


def test_a_list_of_nobody_says_so():
    assert call("list", "--type", "admin").stdout == "0 users, page 1 of 1\n"


@pytest.mark.parametrize("name", ["0190-anna", "ANNA@example.org"])
def test_a_user_is_shown_without_the_password_s_hash(name):
    result = call("show", name)

    assert (result.exit_code, result.stderr) == (0, "")
    assert dict(line.split(maxsplit=1) for line in result.stdout.splitlines()) == {
        "id": "0190-anna",
        "user_type": "user",
        "disabled": "no",
        "name": "Anna",
        "email": "anna@example.org",
        "device_id": "-",
        "custom_id": "-",
        "has_password": "yes",
        "insert_date": "1970-01-02 00:00:00 UTC",
        "last_login_date": "1970-01-02 01:01:01 UTC",
        "metas": '{"level": {"access": 6, "value": [1, "ä"]}}',
        "sessions": "1",
    }
    document = json.loads(call("show", name, "--format", "json").stdout)
    assert (document["id"], document["sessions"]) == ("0190-anna", 1)
    assert "argon2" not in result.stdout + str(document)


@pytest.mark.parametrize(("word", "number"), [("user", 1), ("moderator", 2), ("ADMIN", 3), ("1", 1), ("3", 3)])
def test_a_user_s_type_is_set(database, word, number):
    result = call("set-type", "anna@example.org", word)

    name = {1: "user", 2: "moderator", 3: "admin"}[number]
    assert (result.exit_code, result.stdout) == (0, f"0190-anna is now: {name}\n")
    assert attrs.evolve(ANNA, user_type=number) == stored(database, ANNA)


@pytest.mark.parametrize("args", [("anna@example.org", "king"), ("anna@example.org",), ()])
def test_set_type_without_a_known_type_changes_nothing(database, args):
    assert call("set-type", *args).exit_code == 2
    assert stored(database, ANNA) == ANNA


@pytest.mark.parametrize(
    "args",
    [
        ("show", "nobody"),
        ("set-type", "nobody", "admin"),
        ("set-password", "nobody"),
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("delete", "nobody", "--yes"),
    ],
)
def test_an_unknown_user_is_reported(args):
    result = call(*args)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "No user has the id, e-mail address, device id or custom id 'nobody'" in result.stderr


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    result = call("list", "--database", "absent.db")

    assert result.exit_code == 1
    assert "There is no database absent.db" in result.stderr
    assert not (tmp_path / "absent.db").exists()


def test_the_commands_use_the_server_s_settings(database, monkeypatch):
    monkeypatch.setenv("DATABASE_PATH", "configured.db")
    assert "There is no database configured.db" in call("list").stderr
    assert call("list", "--database", "yummy.db").exit_code == 0

    monkeypatch.setenv("BIND_PORT", "x")
    assert call("disable", ANNA.id, "--database", "yummy.db").exit_code == 2
    assert stored(database, ANNA) == ANNA


@pytest.mark.parametrize("given", ["correct horse\n", "correct horse", "correct horse\r\nmore\n"])
def test_a_password_is_read_from_standard_input(database, given):
    result = call("set-password", ANNA.id, given=given)

    assert (result.exit_code, result.stdout) == (0, "0190-anna has a new password; all sessions have ended\n")
    assert standard_hasher().verify(stored(database, ANNA).password_hash, "correct horse")
    assert (True, False) == (database.find_session("s1").ended, database.find_session("s2").ended)


def test_a_password_for_who_has_no_address_says_what_is_missing(database):
    result = call("set-password", BERT.id, given="correct horse\n")

    assert result.exit_code == 0
    assert "no e-mail address yet" in result.stdout


@pytest.mark.parametrize("given", ["", "short\n", "x" * 129 + "\n"])
def test_a_password_of_wrong_length_changes_nothing(database, given):
    result = call("set-password", ANNA.id, given=given)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "password: Length should be between 8 to 128 chars" in result.stderr
    assert (ANNA, False) == (stored(database, ANNA), database.find_session("s1").ended)


def test_a_password_is_no_argument():
    assert call("set-password", ANNA.id, "correct horse").exit_code == 2


def typed(lines):
    """Run set-password on a terminal of its own, where these lines are typed; gives code and what it shows."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "yummy", "user", "set-password", ANNA.id]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True
    ) as process:
        os.close(theirs)
        shown = b""
        for prompt, line in lines:
            while prompt not in shown:
                shown += os.read(ours, 1000)
            shown = b""
            os.write(ours, line + b"\n")
        try:
            while more := os.read(ours, 1000):
                shown += more
        except OSError:
            pass  # that is how the end of a terminal reads on Linux
        os.close(ours)
        return process.wait(timeout=30), shown.decode()


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(database):
    code, shown = typed([(b"New password: ", b"correct horse"), (b"again: ", b"correct horse")])

    assert code == 0
    assert "has a new password" in shown
    assert "correct horse" not in shown
    assert standard_hasher().verify(stored(database, ANNA).password_hash, "correct horse")


def test_a_user_is_disabled_and_enabled_again(database):
    result = call("disable", "anna@example.org")

    assert (result.exit_code, result.stdout) == (0, "0190-anna is now: disabled\n")
    assert attrs.evolve(ANNA, disabled=True) == stored(database, ANNA)
    assert (True, False) == (database.find_session("s1").ended, database.find_session("s2").ended)
    assert "user (disabled)" in call("list", "--text", "anna").stdout

    assert call("enable", "anna@example.org").stdout == "0190-anna is now: enabled\n"
    assert stored(database, ANNA) == ANNA
    assert database.find_session("s1").ended


@pytest.mark.parametrize(("args", "given"), [(("--yes",), None), ((), "y\n")])
def test_a_deleted_user_s_names_are_free_again(database, args, given):
    result = call("delete", "anna@example.org", *args, given=given)

    assert result.exit_code == 0
    assert result.stdout.endswith("0190-anna is deleted\n")
    assert stored(database, ANNA) is None
    assert database.find_account(IdentityKind.EMAIL, ANNA.email) is None
    assert database.find_session("s1").ended
    database.write([attrs.evolve(BERT, email=ANNA.email)])


def test_deleting_asks_first_and_says_whom(database):
    result = call("delete", CARL.id, given="n\n")

    assert result.exit_code == 1
    assert result.stdout.startswith(f"Delete 0192-carl (name Carl\\x1b[31m\\n, custom_id {'c' * 37}...)? [y/N]")
    assert stored(database, CARL) == CARL
    assert call("delete", CARL.id, given="").exit_code == 1
    assert stored(database, CARL) == CARL
