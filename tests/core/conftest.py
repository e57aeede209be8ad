"""A small world of real values, and the work of one message in it, run as the pipeline does but without hooks."""

from typing import Any

import attrs
import pytest

from yummy.constants import UserType
from yummy.core.rules import RULES
from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.values import Account, Member, Room, Session
from yummy.core.work import Common, Work
from yummy.pipeline.unit import Table, UnitOfWork
from yummy.protocol.errors import Refusal
from yummy.settings import Settings
from yummy.store.world import World

NOW = 1_000_000.0
SECRET = "only-for-tests-" * 4


@attrs.define
class Scene:
    """A world, and what happens in it."""

    world: World = attrs.field(factory=World)
    settings: Settings = attrs.field(factory=lambda: Settings(salt_key=SECRET))
    now: float = NOW
    tokens: Tokens = attrs.field(factory=lambda: Tokens(SECRET, 1000))
    throttles: Any = None
    work: Work | None = None

    def __attrs_post_init__(self):
        self.throttles = Throttles.of(self.settings)

    def user(self, name, user_type=UserType.USER, **fields):
        """An account with one session, ``s-NAME``."""
        account = Account(id=name, insert_date=1, name=name.title(), user_type=user_type, **fields)
        self.session(f"s-{name}", name)
        self.world.put_account(account)
        return account

    def session(self, session_id, user_id):
        """A session without a connection of its own."""
        self.world.put_session(session_id, Session(session_id, user_id, None))

    def room(self, *members, id="room", **fields):  # noqa: A002  # a room's field
        """A room; the first of the members owns it, others may be given as ``name=rank`` in ``ranks``."""
        ranks = fields.pop("ranks", {})
        order = [*members, *(name for name in ranks if name not in members)]
        people = {
            name: Member(ranks.get(name, 3 if name == order[0] and 3 not in ranks.values() else 1), (f"s-{name}",))
            for name in order
        }
        room = Room(id=id, insert_date=5, members=people, **fields)
        self.world.put_room(id, room)
        return room

    def begin(self, sender, *, session=None, **fields):
        """The work of one message."""
        self.work = Work(
            uow=UnitOfWork(self.world),
            common=Common(self.settings, self.tokens, self.throttles),
            now=self.now,
            session=self.world.sessions[session or f"s-{sender}"] if sender else None,
            **fields,
        )
        return self.work

    def run(self, sender, model, **fields):
        """The core stage of one message; gives the answer and keeps what it put."""
        work = self.begin(sender, **fields)
        answer = RULES[type(model)].run(work, model)
        for session_id, session in work.uow.puts(Table.SESSION).items():
            self.world.put_session(session_id, session)
        for room_id, room in work.uow.puts(Table.ROOM).items():
            self.world.put_room(room_id, room)
        for account in work.uow.puts(Table.ACCOUNT).values():
            self.world.put_account(account)
        return answer

    def refused(self, sender, model, **fields):
        """The code of a refusal, which has changed nothing."""
        before = dict(self.world.rooms), dict(self.world.sessions), dict(self.world.accounts)
        with pytest.raises(Refusal) as caught:
            self.run(sender, model, **fields)
        assert before == (self.world.rooms, self.world.sessions, self.world.accounts)
        return caught.value.code

    def sent(self):
        """The events of the last message: type, who hears it."""
        return [
            (type(item.event).__name__, tuple(session for session in item.sessions if session != item.but))
            for item in self.work.uow.deliveries
        ]

    def events(self):
        """The events of the last message."""
        return [item.event for item in self.work.uow.deliveries]

    def staged(self, kind):
        """What else the last message staged."""
        return [item for item in self.work.uow.staged if isinstance(item, kind)]

    def members(self, room_id="room"):
        """Ranks by member, in order of joining; None when the room has gone."""
        room = self.world.rooms.get(room_id)
        return None if room is None else {name: int(member.rank) for name, member in room.members.items()}


@pytest.fixture
def scene():
    """An empty world."""
    return Scene()
