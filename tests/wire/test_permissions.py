"""Who may do what: every request of the protocol, from everybody, against the real server.

One table; each cell is a test. All cells share one server, in a thread of its own, and the same players. Each begins
with a room as the table wants it: the one of the cell before, if that has changed nothing, else a new one.
"""

import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from harness import PATIENCE, Player, connected, log_in, logged_in, promote, running

from yummy.protocol.requests import WIRE

ROLES = ("anonymous", "outsider", "waiting", "member", "moderator", "owner", "global mod", "admin", "banned")
"""How somebody stands to the room that a request names. The global moderator and the admin are not in it."""

SHORT = {
    "ok": "ok",
    "auth": "not_authenticated",
    "login": "not_logged_in",
    "creds": "invalid_credentials",
    "in": "already_in_room",
    "asked": "already_requested",
    "ban": "banned",
    "pass": "wrong_password",
    "out": "not_in_room",
    "perm": "no_permission",
    "meta": "meta_access",
    "wait": "not_waiting",
    "room": "room_not_found",
    "user": "user_not_found",
}

# The room waits for approval of who joins ("asks"), has a member, a moderator, and two who wait.
TABLE = """
request                          anonymous outsider waiting member moderator owner  global_mod admin  banned

AuthEmail: right password        ok        ok       ok      ok     ok        ok     ok         ok     ok
AuthEmail: wrong password        creds     creds    creds   creds  creds     creds  creds      creds  creds
AuthEmail: unknown address       creds     creds    creds   creds  creds     creds  creds      creds  creds
AuthDeviceId                     ok        ok       ok      ok     ok        ok     ok         ok     ok
AuthCustomId                     ok        ok       ok      ok     ok        ok     ok         ok     ok
RefreshToken                     ok        ok       ok      ok     ok        ok     ok         ok     ok
RestoreToken                     ok        ok       ok      ok     ok        ok     ok         ok     ok
Logout                           login     ok       ok      ok     ok        ok     ok         ok     ok

Me                               auth      ok       ok      ok     ok        ok     ok         ok     ok
GetUser                          auth      ok       ok      ok     ok        ok     ok         ok     ok
GetUser: unknown                 auth      user     user    user   user      user   user       user   user
UpdateUser: oneself              auth      ok       ok      ok     ok        ok     ok         ok     ok
UpdateUser: oneself by id        auth      ok       ok      ok     ok        ok     ok         ok     ok
UpdateUser: one's own type       auth      perm     perm    perm   perm      perm   perm       ok     perm
UpdateUser: somebody else        auth      perm     perm    perm   perm      perm   perm       ok     perm
UpdateUser: somebody's type      auth      perm     perm    perm   perm      perm   perm       ok     perm
UpdateUser: metas for friends    auth      ok       ok      ok     ok        ok     ok         ok     ok
UpdateUser: metas for moderators auth      meta     meta    meta   meta      meta   ok         ok     meta
UpdateUser: metas for admins     auth      meta     meta    meta   meta      meta   meta       ok     meta
UpdateUser: metas for scripts    auth      meta     meta    meta   meta      meta   meta       meta   meta

CreateRoom                       auth      ok       ok      ok     ok        ok     ok         ok     ok
CreateRoom: private              auth      ok       ok      ok     ok        ok     ok         ok     ok
RoomList                         auth      ok       ok      ok     ok        ok     ok         ok     ok

JoinToRoom: asks                 auth      ok       asked   in     in        in     ok         ok     ban
JoinToRoom: open                 auth      ok       ok      in     in        in     ok         ok     ban
JoinToRoom: private, no password auth      pass     pass    in     in        in     pass       pass   ban
JoinToRoom: private, a wrong one auth      pass     pass    in     in        in     pass       pass   ban
JoinToRoom: private, its own     auth      ok       asked   in     in        in     ok         ok     ban
JoinToRoom: absent               auth      room     room    room   room      room   room       room   room
RoomDisconnect                   auth      out      ok      ok     ok        ok     out        out    out
RoomDisconnect: private          auth      out      ok      ok     ok        ok     out        out    out
RoomDisconnect: absent           auth      room     room    room   room      room   room       room   room

MessageToRoom                    auth      out      out     ok     ok        ok     ok         ok     out
MessageToRoom: private           auth      out      out     ok     ok        ok     ok         ok     out
MessageToRoom: absent            auth      room     room    room   room      room   room       room   room
Play                             auth      out      out     ok     ok        ok     ok         ok     out
Play: private                    auth      out      out     ok     ok        ok     ok         ok     out
Play: absent                     auth      room     room    room   room      room   room       room   room

GetRoom                          auth      ok       ok      ok     ok        ok     ok         ok     ok
GetRoom: private                 auth      perm     perm    ok     ok        ok     ok         ok     perm
GetRoom: absent                  auth      room     room    room   room      room   room       room   room

WaitingRoomJoins                 auth      out      out     perm   ok        ok     ok         ok     out
WaitingRoomJoins: private        auth      out      out     perm   ok        ok     ok         ok     out
WaitingRoomJoins: absent         auth      room     room    room   room      room   room       room   room
ProcessWaitingUser: let in       auth      out      out     perm   ok        ok     ok         ok     out
ProcessWaitingUser: decline      auth      out      out     perm   ok        ok     ok         ok     out
ProcessWaitingUser: private      auth      out      out     perm   ok        ok     ok         ok     out
ProcessWaitingUser: oneself      auth      out      out     perm   wait      wait   wait       wait   out
ProcessWaitingUser: who does not auth      out      out     perm   wait      wait   wait       wait   out
ProcessWaitingUser: absent       auth      room     room    room   room      room   room       room   room

KickUserFromRoom: member         auth      out      out     perm   ok        ok     ok         ok     out
KickUserFromRoom: private        auth      out      out     perm   ok        ok     ok         ok     out
KickUserFromRoom: moderator      auth      out      out     perm   perm      ok     perm       ok     out
KickUserFromRoom: owner          auth      out      out     perm   perm      perm   perm       perm   out
KickUserFromRoom: oneself        auth      out      out     perm   perm      perm   out        out    out
KickUserFromRoom: who waits      auth      out      out     perm   out       out    out        out    out
KickUserFromRoom: outsider       auth      out      out     perm   out       out    out        out    out
KickUserFromRoom: absent         auth      room     room    room   room      room   room       room   room
BanUserFromRoom: member          auth      out      out     perm   ok        ok     ok         ok     out
BanUserFromRoom: private         auth      out      out     perm   ok        ok     ok         ok     out
BanUserFromRoom: moderator       auth      out      out     perm   perm      ok     perm       ok     out
BanUserFromRoom: owner           auth      out      out     perm   perm      perm   perm       perm   out
BanUserFromRoom: oneself         auth      out      out     perm   perm      perm   out        out    out
BanUserFromRoom: who waits       auth      out      out     perm   ok        ok     ok         ok     out
BanUserFromRoom: outsider        auth      out      out     perm   out       out    out        out    out
BanUserFromRoom: absent          auth      room     room    room   room      room   room       room   room

UpdateRoom                       auth      out      out     perm   ok        ok     ok         ok     out
UpdateRoom: private              auth      out      out     perm   ok        ok     ok         ok     out
UpdateRoom: to private           auth      out      out     perm   ok        ok     ok         ok     out
UpdateRoom: raise a rank         auth      out      out     perm   perm      ok     perm       ok     out
UpdateRoom: one's own rank       auth      out      out     perm   perm      ok     perm       out    out
UpdateRoom: hand over            auth      out      out     perm   perm      ok     perm       ok     out
UpdateRoom: metas for moderators auth      out      out     perm   ok        ok     ok         ok     out
UpdateRoom: metas for owners     auth      out      out     perm   meta      ok     meta       ok     out
UpdateRoom: metas for admins     auth      out      out     perm   meta      meta   meta       ok     out
UpdateRoom: metas for scripts    auth      out      out     perm   meta      meta   meta       meta   out
UpdateRoom: absent               auth      room     room    room   room      room   room       room   room
"""

MESSAGE = {"message": {"cell": 4}}
LOOKING = {"GetRoom", "WaitingRoomJoins", "MessageToRoom", "Play"}
"""Requests that leave the room as it was."""
DESTRUCTIVE = {"AuthEmail", "AuthDeviceId", "AuthCustomId", "RestoreToken", "Logout"}
"""Requests that change who a connection speaks for: these come from a second session of the same user."""


@attrs.frozen
class Ask:
    """What a row asks: the fields, of what stands in the room; and what is to be done to the room first."""

    fields: Callable[["Scene"], dict[str, Any]] = lambda _scene: {}
    room: dict[str, Any] = attrs.field(factory=dict)


def in_room(names: str = "", **fields: Any) -> Callable[["Scene"], dict[str, Any]]:
    """The room's id, somebody of the cast, and more."""
    return lambda scene: {
        "room_id": scene.room,
        **({"user_id": scene.id_of(names)} if names else {}),
        **fields,
    }


def metas(level: int) -> dict[str, Any]:
    return {"metas": {"k": {"access": level, "value": 1}}}


def fixed(**fields: Any) -> Callable[["Scene"], dict[str, Any]]:
    return lambda _scene: fields


PRIVATE = {"access_type": 1}
OPEN = {"join_request": False}
ABSENT = "absent"
NOWHERE = fixed(room_id=ABSENT)

ASKS: dict[str, Ask] = {
    "AuthEmail: right password": Ask(fixed(email="known@example.org", password="correct horse")),
    "AuthEmail: wrong password": Ask(fixed(email="known@example.org", password="another horse")),
    "AuthEmail: unknown address": Ask(fixed(email="nobody@example.org", password="correct horse")),
    "AuthDeviceId": Ask(fixed(id="device-of-somebody")),
    "AuthCustomId": Ask(fixed(id="custom-of-somebody")),
    "RefreshToken": Ask(lambda scene: {"token": scene.cast.players["somebody"].token}),
    "RestoreToken": Ask(lambda scene: {"token": scene.spare.token}),
    "Logout": Ask(),
    "Me": Ask(),
    "GetUser": Ask(lambda scene: {"user_id": scene.id_of("somebody")}),
    "GetUser: unknown": Ask(fixed(user_id="nobody")),
    "UpdateUser: oneself": Ask(fixed(name="Somebody")),
    "UpdateUser: oneself by id": Ask(lambda scene: {"target_user_id": scene.id_of("oneself"), "name": "Somebody"}),
    "UpdateUser: one's own type": Ask(fixed(user_type=3)),
    "UpdateUser: somebody else": Ask(lambda scene: {"target_user_id": scene.id_of("somebody"), "name": "Other"}),
    "UpdateUser: somebody's type": Ask(lambda scene: {"target_user_id": scene.id_of("somebody"), "user_type": 1}),
    "UpdateUser: metas for friends": Ask(fixed(**metas(2))),
    "UpdateUser: metas for moderators": Ask(lambda _scene: {"metas": {"m": {"access": 4, "value": 1}}}),
    "UpdateUser: metas for admins": Ask(lambda _scene: {"metas": {"a": {"access": 5, "value": 1}}}),
    "UpdateUser: metas for scripts": Ask(lambda _scene: {"metas": {"s": {"access": 6, "value": 1}}}),
    "CreateRoom": Ask(),
    "CreateRoom: private": Ask(fixed(access_type=1)),
    "RoomList": Ask(),
    "JoinToRoom: asks": Ask(in_room()),
    "JoinToRoom: open": Ask(in_room(), OPEN),
    "JoinToRoom: private, no password": Ask(in_room(), PRIVATE),
    "JoinToRoom: private, a wrong one": Ask(in_room(password="wrong"), PRIVATE),
    "JoinToRoom: private, its own": Ask(lambda scene: {"room_id": scene.room, "password": scene.password}, PRIVATE),
    "JoinToRoom: absent": Ask(NOWHERE),
    "RoomDisconnect": Ask(in_room()),
    "RoomDisconnect: private": Ask(in_room(), PRIVATE),
    "RoomDisconnect: absent": Ask(NOWHERE),
    "MessageToRoom": Ask(in_room(**MESSAGE)),
    "MessageToRoom: private": Ask(in_room(**MESSAGE), PRIVATE),
    "MessageToRoom: absent": Ask(fixed(room_id=ABSENT, **MESSAGE)),
    "Play": Ask(in_room(**MESSAGE)),
    "Play: private": Ask(in_room(**MESSAGE), PRIVATE),
    "Play: absent": Ask(fixed(room_id=ABSENT, **MESSAGE)),
    "GetRoom": Ask(in_room()),
    "GetRoom: private": Ask(in_room(), PRIVATE),
    "GetRoom: absent": Ask(NOWHERE),
    "WaitingRoomJoins": Ask(in_room()),
    "WaitingRoomJoins: private": Ask(in_room(), PRIVATE),
    "WaitingRoomJoins: absent": Ask(NOWHERE),
    "ProcessWaitingUser: let in": Ask(in_room("hopeful", status=True)),
    "ProcessWaitingUser: decline": Ask(in_room("hopeful", status=False)),
    "ProcessWaitingUser: private": Ask(in_room("hopeful", status=True), PRIVATE),
    "ProcessWaitingUser: oneself": Ask(in_room("oneself", status=True)),
    "ProcessWaitingUser: who does not": Ask(in_room("somebody", status=True)),
    "ProcessWaitingUser: absent": Ask(fixed(room_id=ABSENT, user_id="x", status=True)),
    "UpdateRoom": Ask(in_room(name="Another")),
    "UpdateRoom: private": Ask(in_room(name="Another"), PRIVATE),
    "UpdateRoom: to private": Ask(in_room(access_type=1)),
    "UpdateRoom: raise a rank": Ask(lambda scene: scene.rank("target", 2)),
    "UpdateRoom: one's own rank": Ask(lambda scene: scene.rank("oneself", 3)),
    "UpdateRoom: hand over": Ask(lambda scene: scene.rank("target", 3)),
    "UpdateRoom: metas for moderators": Ask(in_room(**metas(2))),
    "UpdateRoom: metas for owners": Ask(in_room(**metas(3))),
    "UpdateRoom: metas for admins": Ask(in_room(**metas(4))),
    "UpdateRoom: metas for scripts": Ask(in_room(**metas(5))),
    "UpdateRoom: absent": Ask(fixed(room_id=ABSENT, name="Another")),
    **{
        f"{kind}: {case}": ask
        for kind in ("KickUserFromRoom", "BanUserFromRoom")
        for case, ask in {
            "member": Ask(in_room("target")),
            "private": Ask(in_room("target"), PRIVATE),
            "moderator": Ask(in_room("second")),
            "owner": Ask(in_room("owner")),
            "oneself": Ask(in_room("oneself")),
            "who waits": Ask(in_room("hopeful")),
            "outsider": Ask(in_room("somebody")),
            "absent": Ask(fixed(room_id=ABSENT, user_id="x")),
        }.items()
    },
}


@attrs.define
class Cast:
    """The server, its players, and the way into their event loop from the tests' thread."""

    server: Any
    players: dict[str, Player] = attrs.field(factory=dict)
    token: Any = None
    over: Any = None
    stage: Any = None

    async def scene(self, role: str, room: dict[str, Any]) -> "Scene":
        """A scene with such a room: the one that there is, or a new one."""
        if self.stage is None or self.stage.kind != room:
            await self.clear()
            self.stage = Scene(self, role, kind=room)
            await self.stage.set_up()
        self.stage.role = role
        return self.stage

    async def clear(self) -> None:
        """End the room that there is; nobody stays in it, so that nobody carries rooms about."""
        if self.stage is not None:
            for player in self.players.values():
                if player.token:
                    await player.call("RoomDisconnect", room_id=self.stage.room)
                player.events.clear()
        self.stage = None

    def __call__[R](self, play: Callable[..., Awaitable[R]], *arguments: Any) -> R:
        """Run something in the cast's event loop."""

        async def bounded() -> R:
            with trio.fail_after(PATIENCE):
                return await play(*arguments)

        return trio.from_thread.run(bounded, trio_token=self.token)


@attrs.define
class Scene:
    """A room with everybody in their place, and who of them asks."""

    cast: Cast
    role: str
    kind: dict[str, Any] = attrs.field(factory=dict)
    room: str = ""
    password: str = ""
    spare: Any = None

    def id_of(self, name: str) -> str:
        return self.cast.players[self.role if name == "oneself" else name].user_id

    def rank(self, name: str, rank: int) -> dict[str, Any]:
        return {"room_id": self.room, "user_permission": {self.id_of(name): rank}}

    async def set_up(self) -> None:
        """Make the room and put everybody into their place."""
        players = self.cast.players
        owner = players["owner"]
        self.room = (await owner.ok("CreateRoom"))["room_id"]
        for name in ("member", "moderator", "second", "target", "banned"):
            await players[name].ok("JoinToRoom", room_id=self.room)
        await owner.ok("BanUserFromRoom", room_id=self.room, user_id=self.id_of("banned"))
        ranks = {self.id_of("moderator"): 2, self.id_of("second"): 2}
        await owner.ok("UpdateRoom", room_id=self.room, join_request=True, user_permission=ranks)
        for name in ("waiting", "hopeful"):
            await players[name].ok("JoinToRoom", room_id=self.room)
        if self.kind:
            self.password = (await owner.ok("UpdateRoom", room_id=self.room, **self.kind)).get("password", "")


async def outcome(cast: Cast, row: str, role: str) -> str:
    """What the server answers: "ok" or the code."""
    ask, type_ = ASKS[row], row.partition(":")[0]
    scene = Scene(cast, role)
    if type_ not in DESTRUCTIVE:
        if ask.fields(scene).get("room_id", ABSENT) != ABSENT:
            scene = await cast.scene(role, ask.room)
        answer = await cast.players[role].call(type_, **ask.fields(scene))
        if scene.room and answer["status"] and type_ not in LOOKING:
            await cast.clear()
    else:
        async with connected(cast.server) as player, connected(cast.server) as spare:
            scene.spare = await log_in(spare, "spare")
            if role != "anonymous":
                await log_in(player, role)
            answer = await player.call(type_, **ask.fields(scene))
            await player.call("Logout")
    return "ok" if answer["status"] else answer["code"]


@contextmanager
def performing(folder: Path):
    """The cast, for the length of a block; everything async runs in one thread of its own."""
    cast, ready, failure = Cast(None), threading.Event(), []

    async def perform() -> None:
        options = {
            "database_path": folder / "yummy.db",
            # Who waits for their turn reads nothing: no answer to a heartbeat, nor a login in time.
            "heartbeat_interval": 0,
            "heartbeat_timeout": 0,
            "auth_timeout": 0,
            "login_failures_per_minute": 0,
            "connection_restore_wait_timeout": 0,
        }
        async with running(**options) as server, AsyncExitStack() as stack:
            cast.server, cast.token, cast.over = server, trio.lowlevel.current_trio_token(), trio.Event()
            for name in (*ROLES, "second", "target", "hopeful", "somebody"):
                player = cast.players[name] = await stack.enter_async_context(connected(server))
                if name != "anonymous":
                    await log_in(player, name)
            await promote(server, cast.players["global mod"], 2)
            await promote(server, cast.players["admin"], 3)
            known = await stack.enter_async_context(connected(server))
            await known.ok("AuthEmail", email="known@example.org", password="correct horse", create=True)
            ready.set()
            await cast.over.wait()
            await cast.clear()

    def run() -> None:
        try:
            trio.run(perform)
        except BaseException as error:  # noqa: BLE001  # raised in the tests' thread
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="the cast")
    thread.start()
    ready.wait()
    try:
        if not failure:
            yield cast
    finally:
        if not failure:
            cast(_end, cast)
        thread.join()
    if failure:
        raise failure[0]


async def _end(cast: Cast) -> None:
    await trio.lowlevel.checkpoint()
    cast.over.set()


@pytest.fixture(scope="module")
def cast(tmp_path_factory):
    with performing(tmp_path_factory.mktemp("permissions")) as cast:
        yield cast


def cells():
    """Each cell of the table: the row, the role, and what is expected."""
    _, *rows = (line for line in TABLE.splitlines() if line)
    for line in rows:
        row = line[:32].rstrip()
        for role, short in zip(ROLES, line[32:].split(), strict=True):
            yield pytest.param(row, role, SHORT[short], id=f"{row}, {role}")


@pytest.mark.parametrize(("row", "role", "expected"), list(cells()))
def test_who_may_do_what(cast, row, role, expected):
    assert expected == cast(outcome, cast, row, role)


def test_the_table_has_every_request_of_the_protocol():
    assert set(WIRE) == {row.partition(":")[0] for row in ASKS}
    assert set(ASKS) == {cell.values[0] for cell in cells()}


@asynccontextmanager
async def room_of_two():
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert") as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        yield server, anna, bert, room


async def test_who_was_kicked_hears_nothing_more_and_may_come_back(encoding):
    async with room_of_two() as (_, anna, bert, room):
        await anna.ok("KickUserFromRoom", room_id=room, user_id=bert.user_id)
        await anna.ok("MessageToRoom", room_id=room, message="gone?")
        await bert.event("DisconnectedFromRoom")
        await bert.silent()
        assert await bert.refused("MessageToRoom", room_id=room, message=1) == "not_in_room"
        assert (await bert.ok("JoinToRoom", room_id=room))["result"] == "Joined"


async def test_who_was_banned_stays_out_in_every_way():
    async with room_of_two() as (server, anna, bert, room), logged_in(server, "bert") as again:
        await again.ok("JoinToRoom", room_id=room)
        await anna.ok("BanUserFromRoom", room_id=room, user_id=bert.user_id)
        await bert.event("DisconnectedFromRoom")
        await again.event("DisconnectedFromRoom")
        await anna.ok("MessageToRoom", room_id=room, message="gone?")
        for session in (bert, again):
            await session.silent()
            assert await session.refused("JoinToRoom", room_id=room) == "banned"
            assert await session.refused("Play", room_id=room, message=1) == "not_in_room"
            assert "banned-users" not in await session.ok("GetRoom", room_id=room)
        assert (await anna.ok("GetRoom", room_id=room))["banned-users"] == [bert.user_id]
        # By another session, with the password of a room that has become private, and by asking to be let in.
        async with logged_in(server, "bert") as third:
            assert await third.refused("JoinToRoom", room_id=room) == "banned"
        password = (await anna.ok("UpdateRoom", room_id=room, access_type=1, join_request=True))["password"]
        assert await bert.refused("JoinToRoom", room_id=room, password=password) == "banned"
        assert (
            await anna.refused("ProcessWaitingUser", room_id=room, user_id=bert.user_id, status=True) == "not_waiting"
        )
        await promote(server, bert, 3)
        assert await bert.refused("JoinToRoom", room_id=room, password=password) == "banned"


@pytest.mark.parametrize("user_type", [2, 3])
async def test_a_user_whose_type_is_lowered_while_inside_loses_the_rights_at_once(user_type):
    async with (
        room_of_two() as (server, anna, bert, room),
        logged_in(server, "root") as root,
        logged_in(server, "mod") as mod,
    ):
        await promote(server, root, 3)
        await promote(server, mod, user_type)
        await mod.ok("UpdateRoom", room_id=room, name="with rights")
        assert (await mod.ok("GetUser", user_id=anna.user_id))["device_id"] == "device-of-anna"

        await root.ok("UpdateUser", target_user_id=mod.user_id, user_type=1)
        assert await mod.refused("UpdateRoom", room_id=room, name="x") == "not_in_room"
        assert await mod.refused("KickUserFromRoom", room_id=room, user_id=bert.user_id) == "not_in_room"
        assert await mod.refused("UpdateUser", user_type=3) == "no_permission"
        assert (await mod.ok("GetUser", user_id=anna.user_id))["device_id"] is None
        # Nor does an old token, which says the old type, bring it back.
        assert (await mod.ok("RestoreToken", token=mod.token))["restored"] is True
        assert (await mod.ok("Me"))["user_type"] == 1
        await mod.ok("JoinToRoom", room_id=room, room_user_type=2)
        assert await mod.refused("UpdateRoom", room_id=room, name="x") == "no_permission"


async def test_a_rank_that_is_lowered_takes_the_rights_along():
    async with room_of_two() as (_, anna, bert, room):
        await anna.ok("UpdateRoom", room_id=room, user_permission={bert.user_id: 2})
        await bert.ok("UpdateRoom", room_id=room, name="with rights")
        await anna.ok("UpdateRoom", room_id=room, user_permission={bert.user_id: 1})
        assert await bert.refused("UpdateRoom", room_id=room, name="x") == "no_permission"
        assert await bert.refused("WaitingRoomJoins", room_id=room) == "no_permission"
