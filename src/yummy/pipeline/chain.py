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

A chain is a generator (`yummy.pipeline.steps`) that waits for turns, for hooks, for what the prepare step needs and
for durable writes, and only where there is something to wait for. A message that waits for nothing and has no hooks, as
most, takes a shorter way within one call (`Chain.run_at_once`). Once begun, a chain ends, whatever becomes of its
connection: who drives chains is the server's own.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import attrs
import structlog

from yummy import model as models
from yummy.core import sessions
from yummy.core.notices import Notice
from yummy.core.rules import RULES
from yummy.core.users import end_sessions
from yummy.core.values import OPERATORS_FIELDS, Session
from yummy.core.work import Common, EndSession, Rule, SessionEnded, Work, account_key
from yummy.model import HOOK_NAMES
from yummy.pipeline.commit import AfterEffect, Committer
from yummy.pipeline.desk import LookupStore, Passwords, ServiceDesk
from yummy.pipeline.driver import Driver
from yummy.pipeline.failures import Failures
from yummy.pipeline.message import Message, Superseded, answer_nobody, refuse, success_frame
from yummy.pipeline.room_turns import release_rooms, room_keys, rooms_are_free, take_free_rooms, take_rooms
from yummy.pipeline.scripts import HookStage, Scripts
from yummy.pipeline.steps import Steps, awaited
from yummy.pipeline.switchboard import Line, Switchboard
from yummy.pipeline.turns import Turns, Withdrawn
from yummy.pipeline.unit import UnitOfWork
from yummy.protocol.codec import Encoding
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer
from yummy.protocol.requests import Request
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
        common: What all messages have in common, the bounds among it.
        clock: Unix seconds, now.
        driver: Drives chains, and starts tasks of the server's own.
        turns: Who may change what now.
        failures: Counts the failures that clients are answered with.
    """

    world: World
    store: LookupStore
    hooks: Scripts
    passwords: Passwords
    switchboard: Switchboard
    common: Common
    clock: Callable[[], float]
    driver: Driver
    turns: Turns = attrs.field(factory=Turns)
    failures: Failures = attrs.field(factory=Failures)

    _committer: Committer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._committer = Committer(self.world, self.store, self.turns, self.switchboard)

    def run_at_once(self, request: Request, line: Line, session: Session | None) -> bool:
        """Run a message to its end within this call, if nothing in it waits and no script wants it.

        That is what `run` comes to then. Most messages are like that, and this is half the work.

        Args:
            request: What is asked for.
            line: The sender's line.
            session: The session that the line speaks for now.

        Returns:
            False if something does wait, or follows: nothing has happened, and it is for `run`.
        """
        model = request.model
        rule = RULES[type(model)]
        if rule.prepare is not None or self.hooks.wants_either(HOOK_NAMES[type(model)]):
            return False
        uow = UnitOfWork(self.world)
        work = Work(uow, self.common, self.clock(), line.number, line.address, session)
        try:
            if self.turns.held and not rooms_are_free(self.turns, work, rule, model):
                return False
            answer = rule.run(work, model)
            if uow.staged or (uow.journal and self._committer.is_durable(uow)):
                return False
            self._committer.commit_now(uow, partial(line.send, success_frame(request, answer)))
        except Refusal as refusal:
            refuse(line, request, refusal)
        except Exception:  # noqa: BLE001  # a fault of ours must cost this message only
            self._fault(Message(request, line, session))
        return True

    def run(self, message: Message) -> Steps[bool]:
        """Run a message through all stages. Its sender is answered in any case.

        Returns:
            False if its connection had to give way before it began: nothing has happened, nobody was answered.
        """
        model = message.request.model
        rule = RULES[type(model)]
        work = self._work(UnitOfWork(self.world), message.line, message.session)
        desk = None if rule.prepare is None else self._desk(work, message)
        try:
            if not take_free_rooms(self.turns, work, rule, model):
                yield from self._wait_for_rooms(work, rule, message)
            # The hooks of one revision of the scripts, from pre to post.
            hooks = self.hooks.pin()
            try:
                stage = HookStage(hooks, self.store, work, message.about)
                yield from self._stages(work, rule, message, desk, stage)
            finally:
                hooks.release()
        except Refusal as refusal:
            message.fail(refusal)
        except (Withdrawn, Superseded):
            return False
        except Exception:  # noqa: BLE001  # a fault of ours must cost this message only
            self._fault(message)
        finally:
            if desk is not None:
                desk.leave()
            release_rooms(self.turns, work)
        return True

    def _stages(
        self, work: Work, rule: Rule, message: Message, desk: ServiceDesk | None, stage: HookStage
    ) -> Steps[None]:
        model = yield from stage.pre(message.request.model)
        savepoint = None
        outcome: Answer | Refusal
        try:
            if desk is not None and rule.prepare is not None and rule.waits(work, model):
                yield awaited(self.driver.start, rule.prepare(work, model, desk))
            savepoint = work.uow.savepoint()
            outcome = rule.run(work, model)
        except Refusal as refusal:
            # What core staged is dropped, what pre did is kept.
            if savepoint is not None:
                work.uow.rollback(savepoint)
            outcome = refusal
        success = not isinstance(outcome, Refusal)
        if work.begun is not None and success:
            # Within the login, which fails with them.
            begun = yield from stage.pre(work.begun)
            yield from stage.post(begun, success=True)
        if success and work.made:
            model = attrs.evolve(model, **work.made)
        yield from stage.post(model, success=success)
        yield from self._commit(work, message.reply(outcome))

    def _commit(self, work: Work, answer: Callable[[], None]) -> Steps[None]:
        if self._committer.is_durable(work.uow):
            after = yield awaited(self.driver.start, self._committer.commit(work.uow, answer))
        else:
            after = self._committer.commit_now(work.uow, answer)
        self._follow(after, work)

    def end_session(self, session_id: str, reason: str) -> Steps[None]:
        """End a session of the server's own accord: its window is over, or its password has changed.

        Args:
            session_id: Which one; nothing happens if it has ended already.
            reason: "window" leaves a session alone that has a connection again.
        """
        message = _message_of_ours("EndSession", models.Logout())
        work = self._work(UnitOfWork(self.world))
        desk = self._desk(work, message)
        try:
            if reason != "window":
                yield awaited(self.driver.start, self._silence(session_id))
            yield from take_rooms(self.turns, work, _SESSION_ROOMS, session_id)
            session = self.world.sessions.get(session_id)
            if session is None:
                return
            yield awaited(self.driver.start, desk.take_turns([account_key(session.user_id)]))
            session = self.world.sessions.get(session_id)
            if session is None or (reason == "window" and session.connection is not None):
                return
            sessions.end(work, session, reason=reason)
            yield from self._commit(work, answer_nobody)
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            desk.leave()
            release_rooms(self.turns, work)

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

    def obey(self, notice: Notice) -> Steps[None]:
        """Carry out on the live state what an operator has changed in the store.

        Args:
            notice: Whose account it was. A session that has begun since then may end with those from before.
        """
        message = _message_of_ours("Operator", models.Logout())
        work = self._work(UnitOfWork(self.world))
        desk = self._desk(work, message)
        try:
            # A login that has read the account before it was changed holds this turn until its session is there.
            yield awaited(self.driver.start, desk.take_turns([account_key(notice.user_id)]))
            stored = yield awaited(self.driver.start, self.store.load_accounts([notice.user_id]))
            online = self.world.accounts.get(notice.user_id)
            if online is not None and stored:
                changed = {name: getattr(stored[0], name) for name in OPERATORS_FIELDS}
                work.uow.put_account(attrs.evolve(online, **changed))
            if notice.what.ends_sessions:
                end_sessions(work, notice.user_id, reason="operator")
            yield from self._commit(work, answer_nobody)
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            desk.leave()
            release_rooms(self.turns, work)

    def farewell(self, ended: SessionEnded, uow: UnitOfWork) -> Steps[None]:
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
        message = _message_of_ours("UserDisconnected", model)
        rule = RULES[models.UserDisconnected]
        work = self._work(uow)
        try:
            yield from take_rooms(self.turns, work, rule, model)
            hooks = self.hooks.pin()
            try:
                yield from self._say_farewell(work, rule, message, HookStage(hooks, self.store, work, message.about))
            finally:
                hooks.release()
        except Exception:  # noqa: BLE001  # nobody waits for an answer; the log is who hears of it
            self._fault(message)
        finally:
            release_rooms(self.turns, work)

    def _say_farewell(self, work: Work, rule: Rule, message: Message, stage: HookStage) -> Steps[None]:
        model: Any = message.model
        start = work.uow.savepoint()
        try:
            if work.uow.account(model.user_id) is None and self.hooks.wants_either(message.hook):
                work.uow.load((yield awaited(self.driver.start, self.store.load_accounts([model.user_id]))))
            model = yield from stage.pre(model)
        except Refusal as refusal:
            self._farewell_failed(work, message, start, refusal)
        rule.run(work, model)
        middle = work.uow.savepoint()
        try:
            yield from stage.post(model, success=True)
        except Refusal as refusal:
            self._farewell_failed(work, message, middle, refusal)
        try:
            yield from self._commit(work, answer_nobody)
        except Refusal as refusal:
            # Its rooms are told all the same.
            self._farewell_failed(work, message, start, refusal)
            rule.run(work, model)
            self._committer.commit_now(work.uow, answer_nobody)

    def _farewell_failed(self, work: Work, message: Message, savepoint: Any, refusal: Refusal) -> None:
        work.uow.rollback(savepoint)
        _log.warning("hook_failed", why=refusal.error, code=refusal.code, **message.about())

    def _work(self, uow: UnitOfWork, line: Line | None = None, session: Session | None = None) -> Work:
        """A message's work; without a line that of the server's own."""
        connection, address = (None, None) if line is None else (line.number, line.address)
        return Work(uow, self.common, self.clock(), connection, address, session)

    def _desk(self, work: Work, message: Message) -> ServiceDesk:
        return ServiceDesk(work.uow, message, self.store, self.passwords, self.turns, self.switchboard)

    def _wait_for_rooms(self, work: Work, rule: Rule, message: Message) -> Steps[None]:
        """Wait for the turns of a client's message, which is dropped if its connection has to give way meanwhile."""
        message.stop_waiting = partial(self.turns.withdraw, work.uow)
        try:
            yield from take_rooms(self.turns, work, rule, message.model)
        finally:
            message.stop_waiting = None
        if work.session is not None and work.uow.session(work.session.id) is None:
            # It was ended while the message waited.
            raise Refusal(ErrorCode.NOT_AUTHENTICATED)

    def _follow(self, effects: Iterable[AfterEffect], work: Work) -> None:
        """Start what follows from a commit, before its turns are given back."""
        for effect in effects:
            if isinstance(effect, EndSession):
                self.driver.launch(self.end_session(effect.session_id, effect.reason))
                continue
            uow = UnitOfWork(self.world)
            for key in room_keys(effect.rooms):
                if self.turns.holder(key) is work.uow:
                    self.turns.hand_over(key, uow)
                    uow.held.add(key)
            self.driver.launch(self.farewell(effect, uow))

    def _fault(self, message: Message) -> None:
        _log.exception("message_failed", **message.about())
        message.fail(Refusal(ErrorCode.INTERNAL))


def _message_of_ours(type_: str, model: models.Model) -> Message:
    """A message that no client has sent."""
    return Message(Request(type_, model, None, Encoding.MSGPACK))


def _no_answer(_work: Work, _model: Any) -> Answer:
    raise Refusal(ErrorCode.INTERNAL)


#: The turns for ending a session: those of all its rooms.
_SESSION_ROOMS = Rule(run=_no_answer, rooms=lambda work, session_id: work.uow.world.rooms_of(session_id))
