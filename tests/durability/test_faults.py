"""A database that fails: clear words for clients and operators, nothing half done, and the server lives on."""

import ctypes
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from durability.process import PATIENCE, ServerProcess
from harness import SALT, dialled, log_in, logged_in, running, write_scripts

from yummy.parts import StartupError
from yummy.store import database as module

PAGE = 4096
"""Bytes of one page of the database."""

SCRIPTS = """
    from yummy import room, user

    def post_play(model, success):
        room.set_room_meta(model.room_id, "last", model.message, 0)
        room.message_to_room(model.room_id, "from the script")
        if model.message == "to be stored":
            user.set_user_meta(model.user_id, "played", 1, 0)
"""


@contextmanager
def started(folder, **options):
    """A server of its own."""
    server = ServerProcess.start(folder, **options)
    try:
        yield server
    finally:
        server.kill()


def refused_start(folder, **options):
    """The exit code and the last words of a server that cannot start."""
    ended = subprocess.run(
        [sys.executable, "-m", "yummy", "--port", "0"],
        timeout=PATIENCE,
        check=False,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def rows(file):
    """What lies in the database, of all that messages of this module could change."""
    with sqlite3.connect(file) as database:
        found = database.execute("SELECT id, name, metas, last_login_date FROM accounts ORDER BY id").fetchall()
        sessions = database.execute("SELECT id, ended FROM sessions ORDER BY id").fetchall()
    database.close()
    return found, sessions


def fill_disk(server, folder):
    """Let no file of the server's grow any more, as on a full disk."""
    largest = max(file.stat().st_size for file in folder.glob("yummy.db*"))
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest, hard))


def free_disk(server):
    """Let files grow again."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def nothing_can_be_stored(anna, bert, cy, file):
    """While the database fails: each kind of change is refused, nothing has happened, and the rest goes on.

    Args:
        anna: A player.
        bert: Another, in a room of anna's.
        cy: A connected client that has not logged in.
        file: The database.
    """
    room = (await anna.ok("CreateRoom"))["room_id"]
    await bert.ok("JoinToRoom", room_id=room)
    await anna.event("JoinToRoom")
    before, me = rows(file), await anna.ok("Me")

    assert await anna.refused("UpdateUser", name="never", metas={"k": "never" * 100}) == "storage_failed"
    assert await anna.refused("UpdateUser", password="a new password") == "storage_failed"
    assert await anna.refused("Logout") == "storage_failed"
    assert await anna.refused("AuthCustomId", id="another-account") == "storage_failed"
    assert await cy.refused("AuthCustomId", id="custom-of-cy") == "storage_failed"
    assert await cy.refused("Me") == "not_authenticated"
    assert await anna.refused("Play", room_id=room, message="to be stored") == "storage_failed"

    # Nobody heard anything, the script's messages included; anna is who and where she was.
    assert await anna.ok("Me") == me
    await bert.silent()
    assert (await bert.ok("GetRoom", room_id=room))["metas"] == {}
    assert len((await bert.ok("GetRoom", room_id=room))["users"]) == 2

    # What needs no storing goes on.
    await anna.ok("Play", room_id=room, message="e4")
    assert (await bert.event("Play"))["message"] == "e4"
    assert (await bert.event("MessageFromRoom"))["message"] == "from the script"
    assert (await anna.event("MessageFromRoom"))["message"] == "from the script"
    assert before == rows(file)


async def all_is_well_again(anna, cy):
    """Once the database works: the same requests succeed."""
    await anna.ok("UpdateUser", name="Anna", metas={"k": "kept" * 100})
    assert (await anna.ok("Me"))["name"] == "Anna"
    await cy.ok("AuthCustomId", id="custom-of-cy")
    await anna.ok("Logout")


def test_on_a_full_disk_changes_are_refused_whole_until_there_is_room_again(tmp_path):
    async def talk(server):
        async with dialled(server.url) as anna, dialled(server.url) as bert, dialled(server.url) as cy:
            await log_in(anna, "anna")
            await log_in(bert, "bert")
            fill_disk(server, tmp_path)
            await nothing_can_be_stored(anna, bert, cy, tmp_path / "yummy.db")
            free_disk(server)
            await all_is_well_again(anna, cy)

    write_scripts(tmp_path / "hooks", game=SCRIPTS)
    with started(tmp_path) as server:
        trio.run(talk, server)
        said = server.wait_for("storage_failed")
        assert (said["level"], said["what"]) == ("error", "write")
        assert "OperationalError: " in said["why"]
        assert server.stop() == 0
        assert not [line for line in server.said if line["event"] == "message_failed"]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A real file system of one MiB, where somebody may mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],  # noqa: S607  # wherever it is
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607  # wherever it is


def test_on_a_file_system_without_space_the_log_says_so(tmp_path):
    disk = tmp_path / "disk"

    async def talk(server):
        async with dialled(server.url) as anna:
            await log_in(anna, "anna")
            (disk / "others").write_bytes(b"x" * 600 * 1024)
            acknowledged = 0
            while (answer := await anna.call("UpdateUser", metas={"k": f"{acknowledged + 1:04}" * 1000}))["status"]:
                acknowledged += 1
            assert answer["code"] == "storage_failed"
            assert (await anna.ok("Me"))["metas"] == {"k": f"{acknowledged:04}" * 1000}
            (disk / "others").unlink()
            await anna.ok("UpdateUser", name="Anna")
            return acknowledged

    with small_disk(disk):
        with started(disk) as server:
            acknowledged = trio.run(talk, server)
            assert "disk is full" in server.wait_for("storage_failed")["why"]
        metas = rows(disk / "yummy.db")[0][0][2]
        assert f"{acknowledged:04}" * 1000 in metas


def test_a_server_that_finds_no_room_at_start_says_so(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, PAGE))

    code, said = refused_start(tmp_path, preexec_fn=limit)
    assert code == 1
    assert "the database (yummy.db) cannot be opened: OperationalError: " in said


def test_a_server_that_cannot_keep_its_key_says_so(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    code, said = refused_start(tmp_path, preexec_fn=limit)
    assert code == 2
    assert "yummy.db.salt cannot be read or made" in said


async def test_while_another_process_keeps_the_database_locked_changes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    file = tmp_path / "yummy.db"
    async with (
        running(write_scripts(tmp_path / "hooks", game=SCRIPTS), database_path=file) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
        dialled(server.url) as cy,
    ):
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            await nothing_can_be_stored(anna, bert, cy, file)
        finally:
            other.execute("ROLLBACK")
            other.close()
        await all_is_well_again(anna, cy)


async def test_a_lock_that_is_given_back_in_time_is_waited_for(tmp_path):
    file = tmp_path / "yummy.db"
    async with running(database_path=file) as server, logged_in(server, "anna") as anna:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await anna.send(type="UpdateUser", request_id=1, name="Anna")
        with trio.fail_after(PATIENCE):
            while not server.chain.store.statistics().borrowed_tokens:
                await trio.lowlevel.checkpoint()
        other.execute("ROLLBACK")
        other.close()
        assert (await anna.receive())["status"] is True


async def test_a_database_that_is_locked_at_start_is_said_to_be_so(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    file = tmp_path / "yummy.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StartupError, match=r"yummy\.db\) cannot be opened: .*locked") as caught:
            async with running(database_path=file):
                pass
    finally:
        other.close()
    assert caught.value.exit_code == 1


def make_database(file):
    """A database as a server leaves it."""
    module.Database.open(f"sqlite:///{file}").close()


def damage(file, page):
    """Overwrite one page of a database that is not open, or whose log has been written back."""
    with file.open("r+b") as bytes_:
        bytes_.seek((page - 1) * PAGE)
        bytes_.write(b"\xaa" * PAGE)


def write_back(file):
    """Let all that was committed stand in the database's own file."""
    with sqlite3.connect(file) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    other.close()


async def test_a_database_that_is_damaged_while_it_is_used_is_reported_and_nothing_else_stops(tmp_path):
    file = tmp_path / "yummy.db"
    async with (
        running(write_scripts(tmp_path / "hooks", game=SCRIPTS), database_path=file) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
        dialled(server.url) as cy,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        write_back(file)
        for page in range(2, file.stat().st_size // PAGE + 1):
            damage(file, page)
        with sqlite3.connect(file) as other:
            # So that nobody goes by what they remember of these pages.
            other.execute("PRAGMA user_version = 1")
        other.close()
        assert await cy.refused("AuthCustomId", id="custom-of-cy") == "storage_failed"
        assert await anna.refused("UpdateUser", name="never") == "storage_failed"
        assert (await anna.ok("Me"))["name"] is None
        await anna.ok("Play", room_id=room, message="e4")
        assert (await bert.event("Play"))["message"] == "e4"
        assert (await bert.event("MessageFromRoom"))["message"] == "from the script"


@pytest.mark.parametrize("damaged", ["not json", "[]", '{"k": 5}', '{"k": [1]}', '{"k": ["v", 0, 0]}', "5"])
async def test_an_account_whose_values_are_damaged_is_a_failure_of_the_storage(tmp_path, damaged):
    file = tmp_path / "yummy.db"
    async with running(database_path=file) as server:
        async with logged_in(server, "anna") as anna:
            await anna.ok("Logout")
        with sqlite3.connect(file) as other:
            other.execute("UPDATE accounts SET metas = ?", (damaged,))
        other.close()
        async with dialled(server.url) as anna, logged_in(server, "bert") as bert:
            assert await anna.refused("AuthDeviceId", id="device-of-anna") == "storage_failed"
            await bert.ok("Me")


@pytest.mark.parametrize("page", ["the first", "the tables'", "half"])
def test_a_database_that_is_damaged_at_start_is_named_and_left_alone(tmp_path, page):
    file = tmp_path / "yummy.db"
    make_database(file)
    if page == "half":
        with file.open("r+b") as bytes_:
            bytes_.truncate(PAGE + PAGE // 2)
    else:
        damage(file, 1 if page == "the first" else 2)
        if page != "the first":
            for other in range(2, file.stat().st_size // PAGE + 1):
                damage(file, other)
    before = file.read_bytes()
    code, said = refused_start(tmp_path)
    assert code == 1
    assert "the database (yummy.db) cannot be opened: DatabaseError: " in said
    assert before == file.read_bytes()


def obey_modes():
    """Let root obey the modes of files as others do."""
    drop_from_bounding_set, override_modes, override_read_modes = 24, 1, 2
    for capability in (override_modes, override_read_modes):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


@pytest.mark.parametrize(
    ("made_before", "file_mode", "folder_mode"),
    [(True, 0o444, 0o755), (True, 0o444, 0o555), (True, 0o000, 0o755), (False, None, 0o555)],
    ids=["file", "file and folder", "file that cannot be read", "folder"],
)
def test_what_cannot_be_written_at_start_is_named(tmp_path, made_before, file_mode, folder_mode):
    folder = tmp_path / "server"
    folder.mkdir()
    file = folder / "yummy.db"
    if made_before:
        make_database(file)
        file.chmod(file_mode)
    folder.chmod(folder_mode)
    try:
        code, said = refused_start(folder, preexec_fn=obey_modes, env={**os.environ, "SALT_KEY": SALT})
    finally:
        folder.chmod(0o755)
    assert code == 1
    assert "the database (yummy.db) cannot be opened: OperationalError: " in said
