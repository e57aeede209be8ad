"""Random requests, lost connections, restores, windows that end and hooks that fail, against a simple model.

After each step: the answer is the model's; each connection heard exactly what the model says, in that order, and the
answer before it; rooms, members, ranks, requests and metadata are the model's; and every room has one owner. At the
end nothing is left.

Longer: LONG_TESTS=30 python3 -m uv run pytest --timeout 0 tests/order/test_model.py
"""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
import structlog
from bounds import bounded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from order.rules import OWNER, USER, Event, Refused, Room, Rules
from order.stage import PLANS, WINDOW, Stage, staged

USERS = ("anna", "bert", "cy")
PLACES = range(5)
ROOMS = 3
"""Rooms at a time, so that players meet."""
SHOWN = [2, 3, 4, 7, 9, 10]
"""What of a room is looked at: all that the model knows."""
GAP = 1.0
"""Seconds between two losses of connections."""

place = st.sampled_from(PLACES)
pick = st.integers(0, 11)
plan = st.sampled_from([0] * 10 + [1, 2, 3, 4])
#: True so seldom that sessions and rooms come to something in between.
seldom = st.sampled_from([False, False, False, True])

type Effect = Callable[[Rules, str], Any]


@attrs.define
class Token:
    """What was issued for a session."""

    token: str
    session: str
    user: str
    dead: bool = False


def heard_as(message: dict[str, Any]) -> Event:
    """An event as the model tells it."""
    kind, room_id = message["type"], message["room_id"]
    if kind == "JoinToRoom" and "result" in message:
        users = tuple((user["user_id"], user["type"]) for user in message.get("users", ()))
        return ("Joined", room_id, users) if message["result"] == "Joined" else ("Declined", room_id)
    match kind:
        case "JoinToRoom" | "UserDisconnectedFromRoom":
            return (kind, room_id, message["user_id"])
        case "NewJoinRequest":
            return (kind, room_id, message["user_id"], message["user_type"])
        case "DisconnectedFromRoom":
            return (kind, room_id)
        case _:
            return (kind, room_id, message["message"], message.get("user_id"))


class Game(RuleBasedStateMachine):
    """Clients of one server, and what they should find."""

    def __init__(self, stage: Stage, *, scripted: bool) -> None:
        super().__init__()
        self.stage = stage
        self.scripted = scripted
        self.rules = Rules()
        self.sessions: dict[int, str] = {}
        self.tokens: list[Token] = []
        self.lost: dict[str, float] = {}
        self.rooms: list[str] = []
        self.passwords: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.numbers = 0

    @initialize()
    def begin(self):
        for where, name in enumerate((*USERS, USERS[0])):
            self.log_in(where, name, 0, surely=True)
            # Accounts outlast a game.
            self.change_oneself(where, 0, {"name": "", "meta_action": 2})
        self.create(0, 0, 0, asks=False, private=False)
        for where in (1, 2):
            self.join(where, 0, 0, knows=True)

    # Connections and sessions

    @rule(where=place)
    def connect(self, where):
        if where not in self.stage.lines:
            self.stage.call(self.stage.connect, where)

    @rule(where=place, name=st.sampled_from(USERS), plan=plan, surely=seldom)
    def log_in(self, where, name, plan, surely):
        if where in self.sessions and not surely:
            return
        answer = self.request(where, plan, "AuthDeviceId", None, id=f"device-of-{name}")
        if answer["status"]:
            self.ids[name] = answer["user_id"]
            self.check(self.begun(where, answer))

    @rule(where=place, plan=plan, surely=seldom)
    def log_out(self, where, plan, surely):
        if not surely:
            return
        answer = self.request(where, plan, "Logout", None)
        session = self.sessions.get(where)
        if session is None:
            assert answer["code"] in ("not_logged_in", PLANS[plan])
        elif answer["status"]:
            for token in self.tokens:
                token.dead |= token.session == session
            trial = self.rules.copy()
            trial.end(session)
            del self.sessions[where]
            self.check(trial)

    @precondition(lambda self: self.tokens)
    @rule(where=place, pick=pick, plan=plan)
    def restore(self, where, pick, plan):
        token = self.tokens[pick % len(self.tokens)]
        answer = self.request(where, plan, "RestoreToken", None, token=token.token)
        if not answer["status"]:
            assert answer["code"] == (self.planned(plan) or "invalid_token")
            assert token.dead or self.planned(plan)
            self.check(self.rules.copy())
            return
        assert not token.dead
        assert answer["restored"] is (token.session in self.rules.users)
        if not answer["restored"]:
            assert answer["rooms"] == []
            self.check(self.begun(where, answer))
            return
        assert (answer["session_id"], answer["user_id"]) == (token.session, token.user)
        self.tokens.append(Token(answer["token"], token.session, token.user))
        trial = self.rules.copy()
        earlier = self.sessions.get(where)
        if earlier not in (None, token.session):
            trial.end(earlier)
        rival = next((one for one, session in self.sessions.items() if session == token.session), where)
        if rival != where:
            assert self.stage.call(self.stage.closed, rival) == 4003
            del self.sessions[rival]
        self.sessions[where] = token.session
        self.lost.pop(token.session, None)
        mine = [room for room in trial.order[token.session] if token.session in trial.rooms[room].hearers()]
        assert answer["rooms"] == mine
        self.check(trial)

    @precondition(lambda self: self.tokens)
    @rule(where=place, pick=pick, plan=plan)
    def refresh(self, where, pick, plan):
        token = self.tokens[pick % len(self.tokens)]
        answer = self.request(where, plan, "RefreshToken", None, token=token.token)
        if answer["status"]:
            assert not token.dead
            self.tokens.append(Token(answer["token"], token.session, token.user))
            self.check(self.rules.copy())
        else:
            assert answer["code"] == (self.planned(plan) or "invalid_token")
            assert token.dead or self.planned(plan)

    @rule(where=place, surely=seldom)
    def lose(self, where, surely):
        if where in self.stage.lines and surely:
            # No two windows end at once, so that their order is known.
            self.let_pass(GAP)
            now = self.stage.call(self.stage.drop, where)
            session = self.sessions.pop(where, None)
            if session is not None:
                self.lost[session] = now + WINDOW
            self.check(self.rules.copy())

    @precondition(lambda self: self.lost)
    @rule()
    def end_window(self):
        session, deadline = next(iter(self.lost.items()))
        self.stage.call(self.stage.advance, deadline + GAP / 10)
        del self.lost[session]
        trial = self.rules.copy()
        trial.end(session)
        self.check(trial)

    def let_pass(self, seconds):
        """Let time pass; windows that end meanwhile end one after another."""
        until = self.stage.clock.current_time() + seconds
        while self.lost and min(self.lost.values()) <= until:
            self.end_window()
        self.stage.call(self.stage.advance, until)

    # Users

    @rule(
        where=place,
        plan=plan,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["", "A", "Ä"]),
                "metas": st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2),
                "meta_action": st.sampled_from([0, 1, 2]),
            },
        ),
    )
    def change_oneself(self, where, plan, changes):
        where = self.acting(where)
        effect = lambda rules, session: rules.tell_of_oneself(session, changes)  # noqa: E731  # as the others
        self.request(where, plan, "UpdateUser", effect, **changes)

    @precondition(lambda self: self.ids)
    @rule(where=place, plan=plan, whom=pick)
    def look_at_user(self, where, plan, whom):
        where = self.acting(where)
        session = self.sessions.get(where)
        ids = list(self.ids.values())
        user = ids[whom % len(ids)]
        found = []
        effect = lambda rules, _session: found.append(rules.show_user(user))  # noqa: E731  # as the others
        if session is not None and self.rules.users[session] == user:
            answer = self.request(where, plan, "Me", effect)
        else:
            answer = self.request(where, plan, "GetUser", effect, user_id=user)
        if answer["status"]:
            assert {key: answer[key] for key in found[0]} == found[0]

    # Rooms

    @precondition(lambda self: len(self.rules.rooms) < ROOMS)
    @rule(where=place, plan=plan, most=st.sampled_from([0, 0, 0, 2]), asks=st.booleans(), private=seldom)
    def create(self, where, plan, most, asks, private):
        where = self.acting(where)
        fields = {"max_user": most, "join_request": asks, "access_type": int(private), "metas": {"k": most}}
        answer = self.request(where, plan, "CreateRoom", lambda _rules, _session: None, **fields)
        if answer["status"]:
            room_id = answer["room_id"]
            self.rooms.append(room_id)
            trial = self.rules.copy()
            room = Room(most, asks, answer.get("password"), {"k": most})
            trial.create(self.sessions[where], room_id, room)
            self.check(trial)

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan, knows=st.sampled_from([True, True, True, False]))
    def join(self, where, pick, plan, knows):
        where = self.acting(where)
        room = self.room(pick)
        known = self.rules.rooms.get(room, Room()).password
        password = known if knows else "no"
        fields = {} if password is None else {"password": password}
        result = []

        def effect(rules, session):
            result.append(rules.join(session, room, password))

        answer = self.request(where, plan, "JoinToRoom", effect, room_id=room, **fields)
        if answer["status"]:
            assert answer["result"] == result[0]

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan)
    def leave(self, where, pick, plan):
        where = self.acting(where)
        room = self.room(pick)
        self.request(where, plan, "RoomDisconnect", lambda rules, session: rules.leave(session, room), room_id=room)

    @precondition(lambda self: self.rooms and self.ids)
    @rule(where=place, pick=pick, plan=plan, whom=pick, ban=st.booleans())
    def remove(self, where, pick, plan, whom, ban):
        room = self.room(pick)
        where = self.in_charge(where, room)
        user = self.near(room, whom)
        type_ = "BanUserFromRoom" if ban else "KickUserFromRoom"
        fields = {"room_id": room, "user_id": user}
        self.request(where, plan, type_, lambda rules, session: rules.remove(session, room, user, ban=ban), **fields)

    @precondition(lambda self: self.rooms and self.ids)
    @rule(where=place, pick=pick, plan=plan, whom=pick, status=st.booleans())
    def process(self, where, pick, plan, whom, status):
        room = self.room(pick)
        where = self.in_charge(where, room)
        user = self.near(room, whom)
        fields = {"room_id": room, "user_id": user, "status": status}

        def effect(rules, session):
            rules.process(session, room, user, status=status)

        self.request(where, plan, "ProcessWaitingUser", effect, **fields)

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan)
    def look_who_waits(self, where, pick, plan):
        room = self.room(pick)
        where = self.in_charge(where, room)
        found = []

        def effect(rules, session):
            found.append(rules.waiting(session, room))

        answer = self.request(where, plan, "WaitingRoomJoins", effect, room_id=room)
        if answer["status"]:
            assert answer["users"] == found[0]

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan)
    def look_at_room(self, where, pick, plan):
        where = self.acting(where)
        room = self.room(pick)
        found = []
        effect = lambda rules, session: found.append(rules.show(session, room))  # noqa: E731  # as the others
        answer = self.request(where, plan, "GetRoom", effect, room_id=room, members=SHOWN)
        if answer["status"]:
            assert shown_of(answer) == found[0]

    @rule(where=place, plan=plan, limit=st.integers(1, ROOMS))
    def look_at_rooms(self, where, plan, limit):
        where = self.acting(where)
        found = []
        effect = lambda rules, _session: found.extend(rules.listed())  # noqa: E731  # as the others
        answer = self.request(where, plan, "RoomList", effect, limit=limit, members=SHOWN)
        if not answer["status"]:
            return
        pages = [answer]
        while "cursor" in pages[-1]:
            fields = {"limit": limit, "members": SHOWN, "cursor": pages[-1]["cursor"]}
            pages.append(self.request(where, 0, "RoomList", lambda _rules, _session: None, **fields))
        assert all(len(page["rooms"]) == limit for page in pages[:-1])
        assert [shown_of(room) for page in pages for room in page["rooms"]] == found

    @precondition(lambda self: self.rooms and self.ids)
    @rule(
        where=place,
        pick=pick,
        plan=plan,
        changes=st.fixed_dictionaries(
            {"metas": st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2)},
            optional={"max_user": st.sampled_from([0, 0, 2, 3]), "join_request": st.booleans()},
        ),
        ranks=st.none() | st.dictionaries(pick, st.sampled_from([3, 2, 1]), min_size=1, max_size=2),
        fills=seldom,
    )
    def update(self, where, pick, plan, changes, ranks, fills):
        room = self.room(pick)
        where = self.in_charge(where, room)
        if fills:
            changes = {**changes, "max_user": len(self.rules.rooms.get(room, Room()).members)}
        if ranks is not None:
            changes = {**changes, "user_permission": {self.near(room, whom): rank for whom, rank in ranks.items()}}
        effect = lambda rules, session: rules.update(session, room, changes)  # noqa: E731  # as the others
        self.request(where, plan, "UpdateRoom", effect, room_id=room, **changes)

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan, message=st.integers(0, 99))
    def talk(self, where, pick, plan, message):
        where = self.acting(where)
        room = self.room(pick)
        effect = lambda rules, session: rules.say(session, room, "MessageFromRoom", message)  # noqa: E731  # as above
        self.request(where, plan, "MessageToRoom", effect, room_id=room, message=message)

    @precondition(lambda self: self.rooms)
    @rule(where=place, pick=pick, plan=plan, message=st.integers(0, 99))
    def play(self, where, pick, plan, message):
        where = self.acting(where)
        room = self.room(pick)
        effect = lambda rules, session: rules.say(session, room, "Play", message)  # noqa: E731  # as above
        self.request(where, plan, "Play", effect, said=(room, message), room_id=room, message=message)

    # What they have in common

    def request(self, where, plan, type_, effect, *, said=None, **fields):
        """Send a request and compare what comes of it; without an effect, the caller compares a success."""
        if where not in self.stage.lines:
            self.stage.call(self.stage.connect, where)
        self.numbers += 1
        answer = self.stage.call(self.stage.ask, where, self.numbers * 10 + plan, type_, fields)
        session = self.sessions.get(where)
        if effect is None:
            if self.planned(plan):
                assert answer.get("code") == self.planned(plan)
            if not answer["status"]:
                self.check(self.rules.copy())
            return answer
        code, trial = self.outcome(session, effect, said)
        if session is not None and self.planned(plan):
            code, trial = self.planned(plan), self.rules.copy()
        assert answer.get("code") == code, (type_, fields, answer)
        if type_ != "CreateRoom" or code is not None:
            self.check(trial)
        return answer

    def outcome(self, session, effect, said):
        """Let the model do it; gives its refusal's code, and the world after it."""
        if session is None:
            return "not_authenticated", self.rules.copy()
        code, trial = None, self.rules.copy()
        self.script_says(trial, "pre", said)
        try:
            effect(trial, session)
        except Refused as refused:
            # It changes nothing but what scripts did before.
            code, trial = refused.code, self.rules.copy()
            self.script_says(trial, "pre", said)
        self.script_says(trial, "post", said)
        return code, trial

    def script_says(self, trial, word, said):
        """What the scripts of Play do; it stays when core refuses."""
        if said is not None and self.scripted and said[0] in trial.rooms:
            room, message = trial.rooms[said[0]], said[1]
            room.metas[word] = message
            trial.tell(room.hearers(), "MessageFromRoom", said[0], [word, message], None)

    def check(self, trial):
        """Compare everything with the model after a step; from now on the model is this."""
        came = self.stage.call(self.stage.events)
        self.rules = trial
        for where, events in came.items():
            expected = trial.heard.get(self.sessions.get(where), [])
            assert expected == [heard_as(event) for event in events]
        world = self.stage.server.world
        assert {one.id: one.user_id for one in world.sessions.values()} == trial.users
        assert {room_id: as_model(room) for room_id, room in world.rooms.items()} == {
            room_id: as_comparable(room) for room_id, room in trial.rooms.items()
        }
        for room in world.rooms.values():
            assert [member.rank for member in room.members.values()].count(OWNER) == 1

    def begun(self, where, answer):
        """A new session on a connection; an earlier one on it has ended."""
        trial = self.rules.copy()
        if where in self.sessions:
            trial.end(self.sessions[where])
        trial.begin(answer["session_id"], answer["user_id"])
        self.sessions[where] = answer["session_id"]
        self.tokens.append(Token(answer["token"], answer["session_id"], answer["user_id"]))
        return trial

    def planned(self, plan):
        return PLANS[plan] if self.scripted else None

    def acting(self, where):
        """A connection that has a session, mostly."""
        there = sorted(self.sessions)
        return where if where in self.sessions or where == PLACES[-1] or not there else there[where % len(there)]

    def in_charge(self, where, room_id):
        """A connection of a moderator or owner of a room, mostly."""
        room, users = self.rules.rooms.get(room_id, Room()), self.rules.users
        there = [one for one, session in sorted(self.sessions.items()) if room.rank(users[session]) > USER]
        return there[where % len(there)] if there and where != PLACES[-1] else self.acting(where)

    def room(self, number):
        """One of the rooms there are, mostly; else one that is gone."""
        there = list(self.rules.rooms) or self.rooms
        return self.rooms[0] if number == 0 else there[number % len(there)]

    def near(self, room_id, number):
        """Somebody who has to do with a room, mostly; else anybody."""
        room = self.rules.rooms.get(room_id, Room())
        near = [*room.requests, *room.members, *self.ids.values()]
        return near[number % len(near)]

    def teardown(self):
        self.stage.call(self.stage.clear)
        server = self.stage.server
        assert (server.world.rooms, server.world.sessions, server.world.accounts) == ({}, {}, {})
        assert (server.driver.running, server.chain.turns.statistics().held) == (0, 0)


def shown_of(room):
    """Of a room in an answer, what the model shows of one."""
    return {key: value for key, value in room.items() if key not in ("type", "request_id", "status")}


def as_comparable(room):
    """A room of the model, with the order of its members."""
    return (
        [(user, member.rank, tuple(member.sessions)) for user, member in room.members.items()],
        [(user, request.rank, tuple(request.sessions)) for user, request in room.requests.items()],
        room.banned,
        room.metas,
        (room.max_user, room.join_request, room.password),
    )


def as_model(room):
    """A room of the server in the same form."""
    return (
        [(user, member.rank, member.sessions) for user, member in room.members.items()],
        [(user, request.rank, request.sessions) for user, request in room.requests.items()],
        set(room.banned),
        {key: meta.value for key, meta in room.metas.items()},
        (room.max_user, room.join_request, room.password),
    )


@pytest.mark.parametrize("scripted", [False, True], ids=["without scripts", "with scripts"])
def test_whatever_clients_do_they_find_what_the_model_says(tmp_path, scripted):
    with structlog.testing.capture_logs() as logs, staged(tmp_path, scripted=scripted) as stage:
        run_state_machine_as_test(
            lambda: Game(stage, scripted=scripted), settings=bounded(15, shrinks=False, stateful_step_count=50)
        )
    assert not [line for line in logs if line["event"] in ("message_failed", "task_failed", "connection_failed")]
