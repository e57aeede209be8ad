"""The pipeline without sockets, SQL and interpreters: connections, store, hashing and scripts are plain fakes."""

import inspect
import itertools
import json
from typing import Any

import attrs
import msgpack
import pytest
import trio

from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.values import Account
from yummy.core.work import Common, RevokeSessions, SessionRecord, SetUserType
from yummy.hooks.calls import Passed
from yummy.pipeline.chain import Chain
from yummy.pipeline.driver import Driver
from yummy.pipeline.intake import Intake
from yummy.pipeline.switchboard import Switchboard
from yummy.pipeline.windows import Windows
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.settings import Settings
from yummy.store.world import World

SECRET = "only-for-tests-" * 4
NUMBERS = itertools.count(1)


@attrs.define
class FakeStore:
    """Accounts in dictionaries. ``broken`` fails every write; ``gate`` holds writes up."""

    accounts: dict[str, Account] = attrs.field(factory=dict)
    sessions: dict[str, SessionRecord] = attrs.field(factory=dict)
    writes: list[Any] = attrs.field(factory=list)
    broken: bool = False
    gate: trio.Event | None = None

    async def find_account(self, kind, value):
        await trio.lowlevel.checkpoint()
        return next((one for one in self.accounts.values() if getattr(one, kind.value) == value), None)

    async def load_accounts(self, user_ids):
        await trio.lowlevel.checkpoint()
        return [self.accounts[user_id] for user_id in user_ids if user_id in self.accounts]

    async def find_session(self, session_id):
        await trio.lowlevel.checkpoint()
        return self.sessions.get(session_id)

    async def find_session_and_account(self, session_id, user_id):
        await trio.lowlevel.checkpoint()
        return self.sessions.get(session_id), self.accounts.get(user_id)

    async def write(self, records):
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise Refusal(ErrorCode.STORAGE_FAILED)
        self.writes.append(records)
        for record in records:
            match record:
                case Account():
                    self.accounts[record.id] = record
                case SessionRecord():
                    self.sessions[record.session_id] = record
                case RevokeSessions(user_id, but):
                    for one in list(self.sessions.values()):
                        if one.user_id == user_id and one.session_id != but:
                            self.sessions[one.session_id] = attrs.evolve(one, ended=True)
                case SetUserType():
                    pass


class FakePasswords:
    """Hashes that are no hashes."""

    async def hash(self, password):
        await trio.lowlevel.checkpoint()
        return f"hash of {password}"

    async def verify(self, password_hash, password):
        await trio.lowlevel.checkpoint()
        return password_hash == f"hash of {password}"

    def is_outdated(self, password_hash):
        return False


@attrs.define
class FakeHooks:
    """Scripts as plain functions of a `HookCall`: ``hooks["pre_play"] = lambda call: Failed("no", "code")``."""

    nursery: trio.Nursery
    functions: dict[str, Any] = attrs.field(factory=dict)
    calls: list[Any] = attrs.field(factory=list)
    pinned: int = 0

    def pin(self):
        self.pinned += 1
        return self

    def release(self):
        self.pinned -= 1

    def __setitem__(self, name, function):
        self.functions[name] = function

    def wants(self, phase, name):
        return f"{phase}_{name}" in self.functions

    def wants_either(self, name):
        return self.wants("pre", name) or self.wants("post", name)

    def ask(self, call, done):
        self.calls.append(call)
        result = self.functions[call.hook](call)
        if inspect.isawaitable(result):
            self.nursery.start_soon(self._wait, result, done)
        else:
            done(result or Passed({}, ()))

    async def _wait(self, result, done):
        done(await result or Passed({}, ()))

    @property
    def names(self):
        """The hooks that were called, in order."""
        return [call.hook for call in self.calls]


@attrs.define(eq=False)
class FakeConnection:
    """The transport's half: what was sent, as maps, and how it was closed."""

    address: str = "127.0.0.1"
    subprotocol: str | None = None
    id: int = attrs.field(factory=lambda: next(NUMBERS))
    authenticated: bool = False
    working: bool = False
    out: list[dict[str, Any]] = attrs.field(factory=list)
    kinds: list[str] = attrs.field(factory=list)
    closed: tuple[int, str] | None = None

    def send(self, frame):
        # RFC 6455, section 5.2: a server's frames are not masked.
        start = {126: 4, 127: 10}.get(frame[1], 2)
        text = frame[0] == 0x81
        self.kinds.append("text" if text else "binary")
        self.out.append(json.loads(frame[start:]) if text else msgpack.unpackb(frame[start:]))

    def close(self, code, reason=""):
        self.closed = (code, reason)


@attrs.define(eq=False)
class Client:
    """One client: says things, and has heard things."""

    connection: FakeConnection
    intake: Intake
    ids: Any = attrs.field(factory=lambda: itertools.count(1))
    user_id: str = ""
    token: str = ""

    def tell(self, type_, **fields):
        """Say something; gives the id of the request."""
        request_id = next(self.ids)
        self.intake.receive(msgpack.packb({"type": type_, "request_id": request_id, **fields}))
        return request_id

    def answer(self, request_id):
        """The answer to a request, if it has come."""
        return next((one for one in self.connection.out if one.get("request_id") == request_id), None)

    async def quiet(self):
        """Until everything that was received is handled."""
        while self.intake._working:
            await self.intake._change()

    async def ask(self, type_, **fields):
        """Say something and wait for the answer."""
        request_id = self.tell(type_, **fields)
        await self.quiet()
        return self.answer(request_id)

    async def ok(self, type_, **fields):
        """Ask for something that succeeds."""
        answer = await self.ask(type_, **fields)
        assert answer["status"] is True, answer
        return answer

    async def refused(self, type_, **fields):
        """Ask for something that is refused; gives the code."""
        answer = await self.ask(type_, **fields)
        assert answer["status"] is False, answer
        return answer["code"]

    @property
    def events(self):
        """The events that came."""
        return [one for one in self.connection.out if "status" not in one]

    async def log_in(self, name):
        """Log in by a device id made of a name."""
        answer = await self.ok("AuthDeviceId", id=f"device-of-{name}")
        self.user_id, self.token = answer["user_id"], answer["token"]
        return self

    @property
    def session_id(self):
        return self.intake.session_id


@attrs.define(eq=False)
class Game:
    """All parts of the pipeline, joined."""

    nursery: trio.Nursery
    settings: Settings = attrs.field(
        factory=lambda: Settings(salt_key=SECRET, max_messages_per_second=0, debug_hooks=False)
    )
    world: World = attrs.field(factory=World)
    store: FakeStore = attrs.field(factory=FakeStore)
    now: float = 1_000_000.0
    steady: float = 0.0
    hooks: Any = None
    driver: Any = None
    chain: Any = None
    windows: Any = None

    def __attrs_post_init__(self):
        self.hooks = FakeHooks(self.nursery)
        self.driver = Driver(self.nursery)
        self.nursery.start_soon(self.driver.run)
        self.chain = Chain(
            world=self.world,
            store=self.store,
            hooks=self.hooks,
            passwords=FakePasswords(),
            switchboard=Switchboard(),
            common=Common(self.settings, Tokens(SECRET, 1000), Throttles.of(self.settings)),
            clock=lambda: self.now,
            driver=self.driver,
        )
        self.windows = Windows(
            self.world, 10, lambda session_id: self.driver.launch(self.chain.end_session(session_id, "window"))
        )

    def use(self, **settings):
        """Change settings, before anybody connects."""
        self.settings = attrs.evolve(self.settings, **settings)
        throttles = Throttles.of(self.settings)
        self.chain.common = attrs.evolve(self.chain.common, settings=self.settings, throttles=throttles)

    def hold(self, hook):
        """Have a hook wait; gives the event that lets it go on."""
        goes_on = trio.Event()

        async def wait(_call):
            await goes_on.wait()

        self.hooks[hook] = wait
        return goes_on

    def connect(self, **fields):
        """A client that has not logged in."""
        connection = FakeConnection(**fields)
        return Client(connection, Intake(connection, self.chain, self.driver, self.windows.open, lambda: self.steady))

    async def run(self, steps):
        """Run a chain of the server's own to its end."""
        ended = trio.Event()
        if not self.driver.begin(steps, lambda _: ended.set()):
            await ended.wait()

    async def player(self, name):
        """A client that has logged in."""
        return await self.connect().log_in(name)

    async def players(self, *names):
        """Clients that are all in one room, which the first of them owns; and the room's id."""
        clients = [await self.player(name) for name in names]
        room_id = (await clients[0].ok("CreateRoom"))["room_id"]
        for client in clients[1:]:
            await client.ok("JoinToRoom", room_id=room_id)
        for client in clients:
            client.connection.out.clear()
        return (*clients, room_id)

    def snapshot(self):
        """All of the live state."""
        return dict(self.world.rooms), dict(self.world.sessions), dict(self.world.accounts)


@pytest.fixture
async def game(nursery):
    """The pipeline; what it starts ends with the test, having left no turn behind."""
    game = Game(nursery)
    yield game
    await trio.testing.wait_all_tasks_blocked()
    assert 0 == game.chain.turns.statistics().held
