"""The server as a process: how it begins, what it says, and how it ends."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from harness import connected, dialled, running, write_scripts
from trio_websocket import ConnectionRejected

from yummy.server import _spare_the_collector

PATIENCE = 30.0
"""Seconds for a process to begin or to end."""


def command(*arguments):
    return [sys.executable, "-m", "yummy", *arguments]


def environment(folder):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {"env": kept, "cwd": folder, "stderr": subprocess.PIPE, "text": True}


@contextmanager
def process(folder, *arguments):
    """A server of its own; gives the process and its line that says where it listens."""
    server = subprocess.Popen(command("--port", "0", "--log-format", "json", *arguments), **environment(folder))
    try:
        line = next(said for said in map(json.loads, server.stderr) if said["event"] == "listening")
        yield server, line
    finally:
        server.kill()
        server.communicate(timeout=PATIENCE)


def stop(server, number=signal.SIGTERM):
    server.send_signal(number)
    _, rest = server.communicate(timeout=PATIENCE)
    return server.returncode, rest


def test_it_says_in_one_line_where_it_listens_with_which_scripts_and_how(tmp_path):
    write_scripts(tmp_path / "hooks", game="def pre_play(model):\n    model.message = 1\n", _no="1 / 0")
    with process(tmp_path) as (server, line):
        assert line["address"].startswith("ws://127.0.0.1:")
        assert line["scripts"] == ["game.py"]
        assert line["mode"] == "development"
        assert (tmp_path / "yummy.db").exists()
        code, rest = stop(server)
        assert (code, "Traceback" in rest) == (0, False)


def test_what_is_there_for_good_is_out_of_the_collectors_sight():
    try:
        _spare_the_collector()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_connections_with_going_away_and_ends_with_0(tmp_path, number):
    async def talk(server, url):
        async with dialled(url) as anna:
            await anna.ok("AuthDeviceId", id="some-device")
            server.send_signal(number)
            assert await anna.close_code() == 1001

    with process(tmp_path) as (server, line):
        trio.run(talk, server, line["address"])
        server.communicate(timeout=PATIENCE)
        assert server.returncode == 0


def test_broken_scripts_are_reported_and_end_with_2(tmp_path):
    write_scripts(tmp_path / "hooks", game="def pre_play(model)\n    pass\n")
    ended = subprocess.run(command("--port", "0"), timeout=PATIENCE, check=False, **environment(tmp_path))
    assert ended.returncode == 2
    assert "game.py:1" in ended.stderr
    assert "^" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_script_that_never_ends_at_import_is_reported_and_ends_with_2(tmp_path):
    write_scripts(tmp_path / "hooks", game="while True:\n    pass\n")
    environ = environment(tmp_path)
    environ["env"]["HOOK_LOAD_TIMEOUT"] = "1"
    ended = subprocess.run(command("--port", "0"), timeout=PATIENCE, check=False, **environ)
    assert ended.returncode == 2
    assert "game.py" in ended.stderr


def test_a_script_that_never_ends_does_not_keep_the_server_from_ending(tmp_path):
    async def spin(url):
        async with dialled(url) as anna:
            await anna.ok("AuthDeviceId", id="some-device")
            await anna.send(type="CreateRoom")
            await anna.send(type="CreateRoom")

    write_scripts(tmp_path / "hooks", game="def pre_create_room(model):\n    while True:\n        pass\n")
    (tmp_path / ".env").write_text("DRAIN_TIMEOUT=1\nHOOK_LOAD_TIMEOUT=1\n", encoding="utf-8")
    with process(tmp_path) as (server, line):
        trio.run(spin, line["address"])
        code, rest = stop(server)
        assert (code, "Traceback" in rest) == (0, False)


HANGS = """
import os

reads, _ = os.pipe()

def pre_create_room(model):
    os.read(reads, 1)  # nothing comes, and nothing interrupts it
"""


async def hang(url, times=1):
    """Run into that hook; the connection lives on, and messages without hooks are answered."""
    async with dialled(url) as anna:
        await anna.ok("AuthDeviceId", id="some-device")
        for _ in range(times):
            assert await anna.refused("CreateRoom") == "hook_timeout"
            await anna.ok("Me")


@pytest.mark.parametrize("allowed", [0, 1])
def test_with_too_many_hooks_that_do_not_react_it_drains_and_ends_with_70(tmp_path, allowed):
    async def hang_once_more(url):
        await hang(url, allowed)
        async with dialled(url) as bert:
            await bert.ok("AuthDeviceId", id="another-device")
            assert await bert.refused("CreateRoom") == "hook_timeout"
            assert await bert.close_code() == 1001

    write_scripts(tmp_path / "hooks", game=HANGS)
    settings = f"HOOK_TIMEOUT=0.2\nHOOK_ABANDON_AFTER=0.2\nHOOK_MAX_ABANDONED={allowed}\nDRAIN_TIMEOUT=60\n"
    (tmp_path / ".env").write_text(settings, encoding="utf-8")
    with process(tmp_path) as (server, line):
        trio.run(hang_once_more, line["address"])
        _, rest = server.communicate(timeout=PATIENCE)
        assert server.returncode == 70
        said = [json.loads(line) for line in rest.splitlines()]
        assert [line["level"] for line in said if "HOOK_MAX_ABANDONED" in line["event"]] == ["critical"]
        assert [line["code"] for line in said if line["event"] == "stopped"] in ([], [70])
        assert "Traceback" not in rest


def test_after_a_hook_was_given_up_it_ends_cleanly_and_does_not_wait_for_it(tmp_path):
    write_scripts(tmp_path / "hooks", game=HANGS)
    # Longer than a test waits for the end: nothing of what it waits for may be that hook.
    settings = "HOOK_TIMEOUT=0.2\nHOOK_ABANDON_AFTER=0.2\nDRAIN_TIMEOUT=60\nHOOK_LOAD_TIMEOUT=60\n"
    (tmp_path / ".env").write_text(settings, encoding="utf-8")
    with process(tmp_path) as (server, line):
        trio.run(hang, line["address"])
        code, rest = stop(server)
        assert (code, "Traceback" in rest) == (0, False)
        assert "has to be ended by force" in rest


def test_a_script_that_does_not_react_at_import_is_reported_and_ends_with_2(tmp_path):
    write_scripts(tmp_path / "hooks", game="import os\nos.read(os.pipe()[0], 1)\n")
    environ = environment(tmp_path)
    environ["env"] |= {"HOOK_LOAD_TIMEOUT": "0.5", "HOOK_ABANDON_AFTER": "0.2"}
    ended = subprocess.run(command("--port", "0"), timeout=PATIENCE, check=False, **environ)
    assert ended.returncode == 2
    assert "HOOK_LOAD_TIMEOUT" in ended.stderr
    assert "--> game.py" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_signal_ends_it_at_once_whatever_scripts_do(tmp_path):
    write_scripts(
        tmp_path / "hooks",
        game="def on_unload():\n    while True:\n        pass\n\ndef pre_play(model):\n    model.message = 1\n",
    )
    with process(tmp_path) as (server, _):
        server.send_signal(signal.SIGTERM)
        assert any("draining" in said for said in server.stderr)
        code, rest = stop(server)
        assert (code, "second signal" in rest) == (1, True)


def test_a_signal_while_it_begins_ends_it(tmp_path):
    write_scripts(tmp_path / "hooks", game="print('importing')\nwhile True:\n    pass\n")
    server = subprocess.Popen(command("--port", "0", "--log-format", "json"), **environment(tmp_path))
    assert any("importing" in said for said in server.stderr)
    code, rest = stop(server)
    assert (code, "Traceback" in rest) == (0, False)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "cert.pem").write_text("nonsense", encoding="utf-8")
    (tmp_path / ".env").write_text("TLS_CERT_PATH=cert.pem\nTLS_KEY_PATH=cert.pem\n", encoding="utf-8")
    ended = subprocess.run(command("--port", "0"), timeout=PATIENCE, check=False, **environment(tmp_path))
    assert ended.returncode == 1
    assert "cert.pem" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_in_use_ends_with_1(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ended = subprocess.run(command("--port", port), timeout=PATIENCE, check=False, **environment(tmp_path))
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_is_no_database_ends_with_1_and_is_left_alone(tmp_path):
    file = tmp_path / "notes.db"
    file.write_text("not a database, but somebody's notes " * 100, encoding="utf-8")
    before = file.read_bytes()
    ended = subprocess.run(
        command("--port", "0", "--database", str(file)), timeout=PATIENCE, check=False, **environment(tmp_path)
    )
    assert ended.returncode == 1
    assert "notes.db" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert before == file.read_bytes()


def test_an_operator_makes_the_first_admin(tmp_path):
    async def user_type(url):
        async with dialled(url) as anna:
            await anna.ok("AuthCustomId", id="custom-of-anna")
            return (await anna.ok("Me"))["user_type"]

    with process(tmp_path) as (_, line):
        assert trio.run(user_type, line["address"]) == 1
        done = subprocess.run(
            command("user", "set-type", "custom-of-anna", "admin"),
            timeout=PATIENCE,
            check=False,
            stdout=subprocess.PIPE,
            **environment(tmp_path),
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("is now: admin\n")
        assert trio.run(user_type, line["address"]) == 3
    nobody = subprocess.run(
        command("user", "set-type", "nobody", "admin"), timeout=PATIENCE, check=False, **environment(tmp_path)
    )
    assert nobody.returncode == 1
    assert "nobody" in nobody.stderr


def test_an_acknowledged_account_survives_kill_9(tmp_path):
    async def log_in(server, url):
        async with dialled(url) as anna:
            made = await anna.ok("AuthCustomId", id="custom-of-anna")
            await anna.ok("UpdateUser", name="Anna")
            server.kill()
            return made["user_id"]

    async def again(url):
        async with dialled(url) as anna:
            await anna.ok("AuthCustomId", id="custom-of-anna")
            me = await anna.ok("Me")
            return me["id"], me["name"]

    with process(tmp_path) as (server, line):
        user_id = trio.run(log_in, server, line["address"])
    with process(tmp_path) as (_, line):
        assert (user_id, "Anna") == trio.run(again, line["address"])


async def test_a_wrong_key_is_refused_before_the_upgrade():
    async with running() as server:
        with pytest.RaisesGroup(pytest.RaisesExc(ConnectionRejected, match="401"), flatten_subgroups=True):
            async with connected(server, key="wrong"):
                pass


async def test_the_project_s_own_reference_scripts_load_and_cost_nothing():
    async with running(Path(__file__).parents[1] / "hooks") as server:
        assert server.hooks.scripts == ("reference.py",)
        assert not server.hooks.wants_either("play")


def test_what_has_begun_ends_before_the_server_does(tmp_path):
    async def log_out(server, url):
        async with dialled(url) as anna:
            await anna.ok("AuthDeviceId", id="some-device")
            await anna.ok("CreateRoom")
            await anna.send(type="Logout")
            server.send_signal(signal.SIGTERM)
            assert await anna.close_code() == 1001

    scripts = """
        def post_user_disconnected(model, success):
            print("goodbye", model.reason)
    """
    write_scripts(tmp_path / "hooks", game=scripts)
    with process(tmp_path) as (server, line):
        trio.run(log_out, server, line["address"])
        _, rest = server.communicate(timeout=PATIENCE)
        assert server.returncode == 0
        assert "goodbye logout" in rest
