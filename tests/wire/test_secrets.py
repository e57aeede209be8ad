"""No password, token, hash or key ever stands in a log, whatever goes wrong and however much is logged."""

import io
import logging
import sqlite3

import msgpack
import pytest
import structlog
import trio
from harness import connected, dialled, running, write_scripts
from trio_websocket import ConnectionRejected

from yummy import model as models
from yummy.core.rules import RULES
from yummy.core.work import Rule
from yummy.logs import REDACTED, configure
from yummy.settings import LogFormat, LogLevel

KEY = "Key-of-the-game-7f3a"
SALT = "Salt-of-the-tokens-" * 3
RIGHT, WRONG, NEW = "right-horse-5d1c", "wrong-horse-8e2b", "brand-new-horse-1a9f"
ODD = 'it\'s \\ an "odd-horse-4c7d"\nor two'
MADE_UP = "no.token-made-up.6b2e"
PARTS = ("Key-of-the-game", "Salt-of-the-tokens", "right-horse", "wrong-horse", "brand-new", "odd-horse", "made-up")

SCRIPT = """
    import logging
    from yummy import fail

    kept = []

    def pre_email_auth(model):
        print("trying", model.password, model)
        logging.getLogger("auth").debug("with %r", [model.password])
        if model.email.startswith("fails"):
            fail("not today", "later")
        if model.email.startswith("raises"):
            int(model.password)
        if model.email.startswith("nested"):
            try:
                {}[model.password]
            except KeyError:
                raise ValueError(model.password)
        if model.email.startswith("exits"):
            raise SystemExit(model.password)
        if model.email.startswith("keeps"):
            kept.append(model)
        if model.email.startswith("sets"):
            model.password = [model.password]
        if model.email.startswith("slow"):
            while True:
                pass

    def post_email_auth(model, success):
        if model.email.startswith("late"):
            return {}[model.password]

    def pre_refresh_token(model):
        print(model.token)
        if "made-up" in model.token:
            int(model.token)

    def pre_restore_token(model):
        logging.warning("%s", model.token)

    def pre_update_user(model):
        print(f"{model.password=}")
        if model.name == "raises":
            int(model.password)

    def pre_join_to_room(model):
        print(model.password)
        if model.password:
            int(model.password)
"""


@pytest.fixture(params=list(LogFormat))
def log(request):
    """Everything is logged into a text; afterwards the logs are as they were."""
    root, own = logging.getLogger(), logging.getLogger("yummy")
    handlers, levels = root.handlers[:], (root.level, own.level)
    stream = io.StringIO()
    configure(LogLevel.DEBUG, request.param, stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


async def drive_accounts(server):
    """All requests with secrets in them, as they should be and not; gives the tokens that were issued."""
    async with connected(server, key=KEY) as anna, connected(server, "json", key=KEY) as bert:
        tokens = []
        emails = ("anna", "fails", "raises", "nested", "exits", "keeps", "sets", "slow", "late")
        for player, password in ((anna, RIGHT), (bert, ODD)):
            for email in emails:
                answer = await player.call("AuthEmail", email=f"{email}@b.io", password=password, create=True)
                tokens.append(answer.get("token"))
        await anna.refused("AuthEmail", email="anna@b.io", password=WRONG)
        await anna.refused("AuthEmail", email="nobody@b.io", password=WRONG)
        await anna.ok("AuthEmail", email="anna@b.io", password=RIGHT)
        tokens.append((await bert.ok("AuthEmail", email="bert@b.io", password=RIGHT, create=True))["token"])
        for fields in ({"name": "raises"}, {"name": "x" * 65}, {"metas": {"k": {"access": 6, "value": 1}}}, {}):
            await anna.call("UpdateUser", password=NEW, **fields)
        for token in (MADE_UP, *filter(None, tokens)):
            tokens.append((await anna.call("RefreshToken", token=token)).get("token"))
            tokens.append((await bert.call("RestoreToken", token=token)).get("token"))
        return {token for token in tokens if token}


async def drive_rooms(server):
    """Private rooms; gives their passwords."""
    async with connected(server, key=KEY) as anna, connected(server, "json", key=KEY) as bert:
        for player, name in ((anna, "anna"), (bert, "bert")):
            await player.ok("AuthDeviceId", id=f"device-of-{name}")
        made = await anna.ok("CreateRoom", access_type=1)
        for password in (None, WRONG, made["password"]):
            await bert.call("JoinToRoom", room_id=made["room_id"], password=password)
        await anna.ok("UpdateRoom", room_id=made["room_id"], name="Another")
        return {made["password"]}


async def drive_faults(server):
    """What is no request, and what does not even become a connection."""
    async with connected(server, key=KEY) as player:
        for fields in (
            {"type": "AuthEmail", "email": 5, "password": RIGHT},
            {"type": "AuthEmail", "email": "a@b.io", "password": [RIGHT]},
            {"type": "AuthEmail", "password": {RIGHT: RIGHT}},
            {"type": "RefreshToken", "token": {"token": MADE_UP}},
            {"type": "RestoreToken", "token": None},
            {"type": "UpdateUser", "password": 12345678, "name": RIGHT.encode()},
        ):
            assert (await player.call(**{"type_" if key == "type" else key: value for key, value in fields.items()}))[
                "code"
            ] in {"wrong_format", "not_authenticated"}
        await player.socket.send_message(msgpack.packb({"type": "AuthEmail", "password": RIGHT})[:-3])
        await player.receive()
        await player.socket.send_message(f'{{"type": "AuthEmail", "password": "{RIGHT}", ')
        player.encoding = "json"
        await player.receive()
    with pytest.raises(BaseExceptionGroup) as rejected:
        async with dialled(server.url, key="wrong-horse-as-a-key"):
            pass
    assert rejected.group_contains(ConnectionRejected)
    host, port = server.url.rpartition("/")[2].rsplit(":", 1)
    for head in (
        f"GET /v1/socket?x-yummy-api={KEY} HTTP/1.1\r\n\r\n",
        f"GET /v1/socket?x-yummy-api={KEY} HTTP/9.9\r\nx-yummy-api {KEY}\r\n\r\n",
        f"GET /v1/socket HTTP/1.1\r\nhost: h\r\nx-yummy-api: {KEY}\r\n\r\n",
        f"GET /v1/elsewhere?x-yummy-api={KEY}&password={RIGHT} HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\n\r\n",
        f"{KEY} {RIGHT}\r\n\r\n",
    ):
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(head.encode())
            with trio.fail_after(10):
                while await stream.receive_some(1000):
                    pass


async def drive_internal_faults(server, file, monkeypatch):
    """A fault of the server's own, with the secrets in its frames; and then a database that fails."""

    def faulty(work, model):
        raise RuntimeError(f"no rule for {model!r} of {work!r}")

    async with connected(server, key=KEY) as player:
        await player.ok("AuthEmail", email="anna@b.io", password=NEW)
        with monkeypatch.context() as patch:
            for kind in (models.EmailAuth, models.RestoreToken, models.UpdateUser):
                patch.setitem(RULES, kind, Rule(run=faulty))
            assert await player.refused("AuthEmail", email="anna@b.io", password=NEW) == "internal"
            assert await player.refused("RestoreToken", token=MADE_UP) == "internal"
            assert await player.refused("UpdateUser", password=NEW) == "internal"
        plain = sqlite3.connect(file, isolation_level=None)
        plain.execute("CREATE TRIGGER no BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END")
        assert await player.refused("UpdateUser", password=NEW) == "storage_failed"
        assert await player.refused("AuthEmail", email="anna@b.io", password=NEW) == "storage_failed"
        plain.execute("DROP TABLE sessions")
        assert await player.refused("RefreshToken", token="x") == "invalid_token"
        plain.execute("ALTER TABLE accounts RENAME TO others")
        assert await player.refused("AuthEmail", email="anna@b.io", password=NEW) == "storage_failed"
        plain.close()


async def test_no_secret_is_ever_logged_or_printed(tmp_path, log, capfd, monkeypatch):
    options = {
        "database_path": tmp_path / "yummy.db",
        "integration_key": KEY,
        "salt_key": SALT,
        "debug_hooks": True,
        "log_level": LogLevel.DEBUG,
        "hook_timeout": 0.05,
        "room_password_length": 24,
        "login_failures_per_minute": 0,
    }
    async with running(write_scripts(tmp_path / "hooks", game=SCRIPT), **options) as server:
        secrets = await drive_accounts(server)
        secrets |= await drive_rooms(server)
        hashes = [one.password_hash for one in server.database.load_accounts(list(server.world.accounts))]
        secrets |= {one.rpartition("$")[2] for one in hashes if one}
        await drive_faults(server)
        await drive_internal_faults(server, tmp_path / "yummy.db", monkeypatch)
    printed = capfd.readouterr()
    said = log.getvalue() + printed.out + printed.err

    # What should be there is there, so that what should not be is missing for the right reason.
    for expected in ("trying", "pre_email_auth", "RuntimeError", "storage_failed", "request_refused", REDACTED):
        assert expected in said
    assert len(secrets) >= 4
    found = [secret for secret in (*PARTS, *secrets, "$argon2id$") if secret in said]
    assert [line for line in said.splitlines() if any(secret in line for secret in found)] == []
