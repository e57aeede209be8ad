"""The stage chain: turns, pre, prepare, core, post, commit, and then the answer.

What becomes of the effects, whichever stage fails:

=====================  ============  ============  =============  =============================
what happened          core's        pre's         post's         the client hears
=====================  ============  ============  =============  =============================
all well               kept          kept          kept           success
pre failed             not run       dropped       not run        pre's failure
core refused           dropped       kept          kept           core's refusal
... and post failed    dropped       dropped       dropped        post's failure
post failed            dropped       dropped       dropped        post's failure
durable write failed   dropped       dropped       dropped        ``storage_failed``
=====================  ============  ============  =============  =============================

A message without hooks whose preparation needs nothing runs through `Chain.run_now` without ever waiting; everything
else through `Chain.run`. Both use the same rules and the same commit. Once begun, a chain ends, whatever becomes of
its connection: the tasks that run chains are the pipeline's own, and are not cancelled with a connection.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import structlog

from yummy import model as models
from yummy.core import sessions
from yummy.core.notices import Notice
from yummy.core.rules import RULES
from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.users import end_sessions
from yummy.core.values import OPERATORS_FIELDS
from yummy.core.work import EndSession, Rule, SessionEnded, Work, account_key
from yummy.pipeline.commit import AfterEffect, Committer
from yummy.pipeline.desk import LookupStore, Passwords, ServiceDesk
from yummy.pipeline.failures import Failures
from yummy.pipeline.message import Message, Superseded
from yummy.pipeline.scripts import HookStage, Scripts
from yummy.pipeline.switchboard import Switchboard
from yummy.pipeline.turns import Turns
from yummy.pipeline.unit import Table, UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer
from yummy.settings import Settings
from yummy.store.world import World

_log = structlog.get_logger("yummy.pipeline")


@attrs.define(eq=False)
class Chain:
    """Runs messages.

    Attributes:
        world: The committed live state.
        store: Accounts and issued sessions.
        hooks: The scripts.
        passwords: Hashing in threads.
        switchboard: Who speaks for which session.
        settings: The bounds.
        tokens: Makes and reads tokens.
        throttles: Who has failed too often lately.
        clock: Unix seconds, now.
        start: Starts a task of the server's own.
        turns: Who may change what now.
        failures: Counts the failures that clients are answered with.
    """

    world: World
    store: LookupStore
    hooks: Scripts
    passwords: Passwords
    switchboard: Switchboard
    settings: Settings
    tokens: Tokens
    throttles: Throttles
    clock: Callable[[], float]
    start: Callable[..., None]
    turns: Turns = attrs.field(factory=Turns)
    failures: Failures = attrs.field(factory=Failures)

    _committer: Committer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._committer = Committer(self.world, self.store, self.turns, self.switchboard)

    def run_now(self, message: Message) -> bool:
        """Run a message if nothing in it waits.

        Returns:
            False if something would wait; nothing has happened then.
        """
        if self.hooks.wants_either(message.hook):
            return False
        rule = RULES[type(message.model)]
        work = self._work(message)
        rooms = [(Table.ROOM, room_id) for room_id in rule.rooms(work, message.model)]
        if rule.waits(work, message.model) or not self.turns.free(rooms):
            return False
        work.uow.held.update(rooms)
        try:
            answer = rule.run(work, message.model)
            committer = self._committer
            if work.begun is not None or committer.is_durable(work.uow):
                return False
            self._follow(committer.commit_now(work.uow, lambda: message.succeed(answer)), work)
        except Refusal as refusal:
            message.fail(refusal)
        except Exception:  # noqa: BLE001  # a fault of ours must cost this message only
            self._fault(message)
        return True

    async def run(self, message: Message) -> None:
        """Run a message through all stages. Its sender is answered in any case.

        Raises:
            Superseded: Its connection had to give way before it began.
        """
        rule = RULES[type(message.model)]
        work = self._work(message)
        desk = ServiceDesk(work.uow, message, self.store, self.passwords, self.turns, self.switchboard)
        try:
            if not self._take_free_rooms(work, rule, message.model):
                async with message.interruptible():
                    await self._take_rooms(work, rule, message.model)
            with self._hooks() as stage:
                await self._stages(work, rule, message, desk, stage)
        except Refusal as refusal:
            message.fail(refusal)
        except Superseded:
            raise
        except Exception:  # noqa: BLE001  # a fault of ours must cost this message only
            self._fault(message)
        finally:
            desk.release_lines()
            desk.release_turns()
            self._release_rooms(work)

    async def _stages(self, work: Work, rule: Rule, message: Message, desk: ServiceDesk, stage: HookStage) -> None:
        if work.session is not None and work.uow.session(work.session.id) is None:
            # It was ended while the message waited for its turn.
            raise Refusal(ErrorCode.NOT_AUTHENTICATED)
        about = message.about()
        model = await stage.pre(work, message.model, about)
        answer, refusal = await self._core(work, rule, model, desk)
        if work.begun is not None and refusal is None:
            # Within the login, which fails with them.
            begun = await stage.pre(work, work.begun, about)
            await stage.post(work, begun, success=True, about=about)
        if refusal is None and work.made:
            model = attrs.evolve(model, **work.made)
        await stage.post(work, model, success=refusal is None, about=about)
        after = await self._committer.commit(work.uow, lambda: _answer(message, answer, refusal))
        self._follow(after, work)

    async def _core(
        self, work: Work, rule: Rule, model: models.Model, desk: ServiceDesk
    ) -> tuple[Answer | None, Refusal | None]:
        """Prepare and core; a refusal drops what core staged and keeps what pre did."""
        savepoint = None
        try:
            if rule.waits(work, model) and rule.prepare is not None:
                await rule.prepare(work, model, desk)
            savepoint = work.uow.savepoint()
            return rule.run(work, model), None
        except Refusal as refusal:
            if savepoint is not None:
                work.uow.rollback(savepoint)
            return None, refusal

    async def end_session(self, session_id: str, reason: str) -> None:
        """End a session of the server's own accord: its window is over, or its password has changed.

        Args:
            session_id: Which one; nothing happens if it has ended already.
            reason: "window" leaves a session alone that has a connection again.
        """
        message = Message(models.Logout(), type="EndSession")
        work = self._work(message)
        desk = ServiceDesk(work.uow, message, self.store, self.passwords, self.turns, self.switchboard)
        try:
            if reason != "window":
                await self._silence(session_id)
            await self._take_rooms(work, _SESSION_ROOMS, session_id)
            session = self.world.sessions.get(session_id)
            if session is None:
                return
            await desk.take_turns([account_key(session.user_id)])
            session = self.world.sessions.get(session_id)
            if session is None or (reason == "window" and session.connection is not None):
                return
            sessions.end(work, session, reason=reason)
            self._follow(await self._committer.commit(work.uow, lambda: None), work)
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            desk.release_turns()
            self._release_rooms(work)

    async def _silence(self, session_id: str) -> None:
        """Wait for what the session has begun, holding nothing; else that could put it into a room after its end."""
        while True:
            session = self.world.sessions.get(session_id)
            line = None if session is None else self.switchboard.line(session.connection)
            if line is None:
                return
            await line.give_way()
            if line.session_id == session_id:
                line.hang_up(1008, "session ended")
                return
            # What it had begun has made it speak for another session.
            line.go_on()

    async def obey(self, notice: Notice) -> None:
        """Carry out on the live state what an operator has changed in the store.

        Args:
            notice: Whose account it was. A session that has begun since then may end with those from before.
        """
        message = Message(models.Logout(), type="Operator")
        work = self._work(message)
        desk = ServiceDesk(work.uow, message, self.store, self.passwords, self.turns, self.switchboard)
        try:
            # A login that has read the account before it was changed holds this turn until its session is there.
            await desk.take_turns([account_key(notice.user_id)])
            stored = await self.store.load_accounts([notice.user_id])
            online = self.world.accounts.get(notice.user_id)
            if online is not None and stored:
                changed = {name: getattr(stored[0], name) for name in OPERATORS_FIELDS}
                work.uow.put_account(attrs.evolve(online, **changed))
            if notice.what.ends_sessions:
                end_sessions(work, notice.user_id, reason="operator")
            self._follow(await self._committer.commit(work.uow, lambda: None), work)
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            desk.release_turns()
            self._release_rooms(work)

    async def farewell(self, ended: SessionEnded, uow: UnitOfWork) -> None:
        """Tell a session's rooms that it has gone, and run the hooks of disconnecting.

        Core has nothing to refuse here. A hook that fails loses its own effects only, and is logged.

        Args:
            ended: Which session, and the rooms that it has left.
            uow: Holds the turns of these rooms already, so that nobody comes back before its rooms are told.
        """
        session = ended.session
        model = models.UserDisconnected(
            user_id=session.user_id, session_id=session.id, rooms=ended.rooms, reason=ended.reason
        )
        message = Message(model, type="UserDisconnected")
        rule = RULES[models.UserDisconnected]
        work = attrs.evolve(self._work(message), uow=uow)
        try:
            await self._take_rooms(work, rule, model)
            with self._hooks() as stage:
                await self._say_farewell(work, rule, message, stage)
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            self._release_rooms(work)

    async def _say_farewell(self, work: Work, rule: Rule, message: Message, stage: HookStage) -> None:
        model: Any = message.model
        start = work.uow.savepoint()
        try:
            if work.uow.account(model.user_id) is None and self.hooks.wants_either(message.hook):
                work.uow.load(await self.store.load_accounts([model.user_id]))
            model = await stage.pre(work, model, message.about())
        except Refusal as refusal:
            self._farewell_failed(work, message, start, refusal)
        rule.run(work, model)
        middle = work.uow.savepoint()
        try:
            await stage.post(work, model, success=True, about=message.about())
        except Refusal as refusal:
            self._farewell_failed(work, message, middle, refusal)
        try:
            await self._committer.commit(work.uow, lambda: None)
        except Refusal as refusal:
            # Its rooms are told all the same.
            self._farewell_failed(work, message, start, refusal)
            rule.run(work, model)
            self._committer.commit_now(work.uow, lambda: None)

    def _farewell_failed(self, work: Work, message: Message, savepoint: Any, refusal: Refusal) -> None:
        work.uow.rollback(savepoint)
        _log.warning("hook_failed", why=refusal.error, code=refusal.code, **message.about())

    @contextmanager
    def _hooks(self) -> Iterator[HookStage]:
        """The hook stages of one message, which are those of one revision of the scripts from its pre to its post."""
        hooks = self.hooks.pin()
        try:
            yield HookStage(hooks, self.store)
        finally:
            hooks.release()

    def _work(self, message: Message) -> Work:
        session = None if message.session_id is None else self.world.sessions.get(message.session_id)
        return Work(
            uow=UnitOfWork(self.world),
            settings=self.settings,
            tokens=self.tokens,
            throttles=self.throttles,
            now=self.clock(),
            connection=message.connection,
            address=message.address,
            session=session,
        )

    def _take_free_rooms(self, work: Work, rule: Rule, model: Any) -> bool:
        """Take the turns of rooms if nobody has any of them; whether they were taken."""
        wanted = _room_keys(rule.rooms(work, model))
        if not self.turns.free(wanted):
            return False
        for key in wanted:
            self.turns.take_free(key, work.uow)
        work.uow.held |= wanted
        return True

    async def _take_rooms(self, work: Work, rule: Rule, model: Any) -> None:
        """Take the turns of rooms in the order of their ids; look again once held, and repeat if the set grew."""
        wanted = _room_keys(rule.rooms(work, model))
        while not wanted <= work.uow.held:
            self._release_rooms(work)
            for key in sorted(wanted, key=lambda key: key[1]):
                await self.turns.take(key, work.uow)
                work.uow.held.add(key)
            wanted |= _room_keys(rule.rooms(work, model))

    def _release_rooms(self, work: Work) -> None:
        for key in [key for key in work.uow.held if self.turns.holder(key) is work.uow]:
            self.turns.release(key)
        work.uow.held.clear()

    def _follow(self, effects: list[AfterEffect], work: Work) -> None:
        """Start what follows from a commit, before its turns are given back."""
        for effect in effects:
            if isinstance(effect, EndSession):
                self.start(self.end_session, effect.session_id, effect.reason)
                continue
            uow = UnitOfWork(self.world)
            for key in _room_keys(effect.rooms):
                if self.turns.holder(key) is work.uow:
                    self.turns.hand_over(key, uow)
                    uow.held.add(key)
            self.start(self.farewell, effect, uow)

    def _fault(self, message: Message) -> None:
        _log.exception("message_failed", **message.about())
        message.fail(Refusal(ErrorCode.INTERNAL))


def _answer(message: Message, answer: Answer | None, refusal: Refusal | None) -> None:
    if answer is not None:
        message.succeed(answer)
    elif refusal is not None:
        message.fail(refusal)


def _room_keys(room_ids: Iterable[str]) -> set[tuple[Table, str]]:
    return {(Table.ROOM, room_id) for room_id in room_ids}


def _no_answer(_work: Work, _model: Any) -> Answer:
    raise Refusal(ErrorCode.INTERNAL)


#: The turns for ending a session: those of all its rooms.
_SESSION_ROOMS = Rule(run=_no_answer, rooms=lambda work, session_id: work.uow.world.rooms_of(session_id))
