"""Players who come all at once: who log in, and who take their sessions up again after a lost connection."""

import select
from collections.abc import Callable, Generator
from contextlib import closing
from socket import socket

import msgpack
from attrs import define

from benchmarks.frames import is_answer, is_success, request_frame
from benchmarks.generator import Generator as Loop
from benchmarks.generator import clock
from benchmarks.record import Record
from benchmarks.scenarios.stage import Scenario, Stage
from benchmarks.wire import ConnectionLost, Where, Wire, dial

type Steps = Generator[tuple[socket, int]]

_PASSWORD = "only for benchmarks"  # noqa: S105  # accounts of a load, made by it
_LOGOUT = request_frame("Logout")


def _ask(wire: Wire, frame: bytes) -> Generator[tuple[socket, int], None, bytes]:
    """Send a request, and return its answer once it is there; without blocking."""
    wire.send(frame)
    while True:
        yield wire.socket, select.POLLIN
        for payload in wire.receive():
            if is_answer(payload):
                return payload


@define(eq=False)
class Comer:
    """A player who comes again and again, as its steps say.

    Attributes:
        steps: What it does each time, told when that was due.
        where: The server.
        record: Where it counts.
        request: What it says as soon as it is connected.
        wire: Its connection between two times, if it stays.
    """

    steps: Callable[["Comer", float], Steps]
    where: Where
    record: Record
    request: bytes
    wire: Wire | None = None
    repeats: bool = False
    freed: Callable[[], None] | None = None
    lost: bool = False
    _going: Steps | None = None
    _waits_at: int | None = None
    _loop: Loop | None = None

    @property
    def waiting(self) -> int:
        """Whether it is coming."""
        return self._going is not None

    @property
    def free(self) -> bool:
        """Whether it is not."""
        return self._going is None

    def join(self, generator: Loop) -> None:
        """Be served by a generator."""
        self._loop = generator
        self._stay()

    def begin(self, due: float) -> None:
        """Come.

        Raises:
            ConnectionLost: It could not even begin to connect.
        """
        if self.free:
            self.drop()
            self._going = self.steps(self, due)
            self._wait(*next(self._going))

    def _go_on(self) -> None:
        """Do the next step."""
        self._wait_no_more()
        if self._going is None:
            return
        try:
            step = next(self._going, None)
        except ConnectionLost as error:
            self.record.lose(error)
            step = None
        if step is not None:
            self._wait(*step)
            return
        self._going = None
        self._stay()
        if self.repeats:
            self.begin(clock())
        elif self.freed is not None:
            self.freed()

    def _wait(self, end: socket, events: int) -> None:
        if self._loop is not None:
            self._waits_at = end.fileno()
            self._loop.wait(self._waits_at, events, self._go_on)

    def _wait_no_more(self) -> None:
        if self._waits_at is not None and self._loop is not None:
            self._loop.wait_no_more(self._waits_at)
        self._waits_at = None

    def _stay(self) -> None:
        """Listen until it comes the next time, so that pings are answered."""
        if self.wire is not None and self._loop is not None:
            self.wire.socket.settimeout(0)
            self._loop.serve(self.wire, self._listen)

    def _listen(self) -> None:
        try:
            if self.wire is not None:
                self.wire.receive()
        except ConnectionLost as error:
            self.record.lost[error.code] += 1
            self.drop()

    def drop(self) -> None:
        """Lose the connection, if there is one."""
        if self.wire is not None:
            if self._loop is not None:
                self._loop.forget(self.wire)
            self.wire.close()
            self.wire = None

    def close(self) -> None:
        """Hang up, wherever it is."""
        self._wait_no_more()
        if self._going is not None:
            self._going.close()
            self._going = None
        self.drop()


def _log_in(comer: Comer, due: float) -> Steps:
    wire = yield from dial(comer.where)
    try:
        answer = yield from _ask(wire, comer.request)
        if is_success(answer):
            comer.record.latency.record(clock() - due)
            # Or the session would outlive its connection, and the user would have one more each time.
            yield from _ask(wire, _LOGOUT)
        else:
            comer.record.refused[msgpack.unpackb(answer)["code"]] += 1
    finally:
        wire.close()


def _restore(comer: Comer, due: float) -> Steps:
    wire = yield from dial(comer.where)
    try:
        answer = yield from _ask(wire, comer.request)
    except BaseException:
        wire.close()
        raise
    fields = msgpack.unpackb(answer)
    if not is_success(answer):
        comer.record.refused[fields["code"]] += 1
        wire.close()
        return
    if fields["restored"]:
        comer.record.latency.record(clock() - due)
    else:
        comer.record.refused[NOT_RESTORED] += 1
        comer.request = request_frame("RestoreToken", token=fields["token"])
    comer.wire = wire


def _prepare_logins(stage: Stage) -> None:
    for number in stage.numbers:
        name = stage.name(number)
        if stage.plan.by == "email":
            type_, fields = "AuthEmail", {"email": f"{name}@example.org", "password": _PASSWORD}
            create = {"create": True}
        else:
            type_, fields, create = "AuthDeviceId", {"id": name}, {}
        with closing(stage.connect()) as wire:
            wire.ask(type_, **fields, **create)
            wire.ask("Logout")
        stage.add(Comer(_log_in, stage.plan.where, stage.record, request_frame(type_, **fields)))


def _prepare_reconnects(stage: Stage) -> None:
    for room in stage.rooms():
        room_id = None
        for number in room:
            wire, answer = stage.come(number)
            if room_id is None:
                room_id = wire.ask("CreateRoom", name=stage.name(number))["room_id"]
            else:
                wire.ask("JoinToRoom", room_id=room_id)
            request = request_frame("RestoreToken", token=answer["token"])
            stage.add(Comer(_restore, stage.plan.where, stage.record, request, wire))


#: What counts as a refusal although it is a success: the session was no longer there.
NOT_RESTORED = "not_restored"

LOGIN = Scenario(
    "Connect, log in, log out, again and again.",
    _prepare_logins,
    details="Measured from when it was due until the login is answered: TCP, the handshakes and the login. By e-mail "
    "(--by), each login hashes a password, as dear as the server wants it.",
    options=frozenset({"by"}),
)
RECONNECT = Scenario(
    "Lose the connection and take the session up again (RestoreToken), again and again; in rooms.",
    _prepare_reconnects,
    details="Measured from when it was due until the session is there again, with its rooms. A session that had ended "
    f"counts as refused ({NOT_RESTORED}): CONNECTION_RESTORE_WAIT_TIMEOUT says how long one waits.",
    in_rooms=True,
)
