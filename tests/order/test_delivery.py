"""Order and delivery under load: rooms full of clients that send many requests at a time, with and without scripts.

Held of what each client hears, in the order in which it came: answers in the order of the requests; an answer before
the events of its request; nothing before its cause; the same order for all members of a room; each success with its
effects, each failure with none; and a restored session goes on where it is, without old news.
"""

import itertools
from collections import defaultdict
from typing import Any

import attrs
import pytest
import trio
from harness import Player, connected, log_in, running, write_scripts

ROOMS = 4
STEADY = 4
"""Members of each room that are there from the beginning to the end; beside them one comes late, and one is lost."""
REQUESTS = 30
"""Requests of each client."""
AT_A_TIME = 12
"""Requests of one client that wait for their answers."""
LOSSES = 3

SCRIPTS = """
    from yummy import fail, room

    count = {}

    def pre_play(model):
        if model.message["fails"] == "pre":
            room.message_to_room(model.room_id, "never")
            fail("planned", "planned")

    def post_play(model, success):
        if model.message["fails"] == "post":
            room.message_to_room(model.room_id, "never")
            fail("planned", "planned")
        if success:
            count[model.room_id] = count.get(model.room_id, 0) + 1
            room.message_to_room(model.room_id, {"number": count[model.room_id], "cause": model.message})
"""

type Cause = tuple[str, int]
"""Who sent a request, and its number."""


@attrs.define(eq=False)
class Talk:
    """All that is said on a server.

    Attributes:
        scripted: Whether scripts run.
        sent: What was sent, noted before it is.
        accepted: What was answered with success.
        refused: What was answered with a failure.
    """

    scripted: bool
    sent: set[Cause] = attrs.field(factory=set)
    accepted: set[Cause] = attrs.field(factory=set)
    refused: set[Cause] = attrs.field(factory=set)


@attrs.define(eq=False)
class Talker:
    """A client in a room.

    Attributes:
        talk: All that is said.
        player: Its connection.
        room: Its room.
        name: Its own.
        logs: What came on each of its connections, in order.
    """

    talk: Talk
    player: Player
    room: str
    name: str
    logs: list[list[dict[str, Any]]] = attrs.field(factory=list)
    _numbers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))

    async def speak(self, requests: int, *, waits: bool = True) -> None:
        """Send requests, several at a time, and read what comes; without waiting, some answers are never read."""
        log: list[dict[str, Any]] = []
        self.logs.append(log)
        window = trio.Semaphore(AT_A_TIME)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, log, window)
            for _ in range(requests):
                await window.acquire()
                await self._send(next(self._numbers))
            if waits:
                for _ in range(AT_A_TIME):
                    await window.acquire()
            nursery.cancel_scope.cancel()

    async def hear_out(self) -> None:
        """Read what has come meanwhile."""
        await self.player.call("RoomList", limit=1)
        self.logs[-1] += self.player.events
        self.player.events.clear()

    async def _send(self, number: int) -> None:
        kind = number % 5
        fields: dict[str, Any] = {"room_id": self.room}
        if kind in (0, 1, 2):
            fails = {7: "pre", 11: "post"}.get(number % 13, "") if self.talk.scripted and kind else ""
            fields["message"] = {"from": self.name, "number": number, "fails": fails}
            self.talk.sent.add((self.name, number))
            type_ = "Play" if kind else "MessageToRoom"
        elif kind == 3:
            fields["metas"] = {self.name: number}
            type_ = "UpdateRoom"
        else:
            type_ = "GetRoom"
        await self.player.send(type=type_, request_id=number, **fields)

    async def _read(self, log: list[dict[str, Any]], window: trio.Semaphore) -> None:
        while True:
            message = await self.player.receive()
            log.append(message)
            if "status" in message:
                window.release()
                cause = (self.name, message["request_id"])
                (self.talk.accepted if message["status"] else self.talk.refused).add(cause)
            elif (said := said_in(message)) is not None:
                assert said in self.talk.sent, f"{said} was heard before it was sent"


def said_in(event: dict[str, Any]) -> Cause | None:
    """Whose words an event repeats; None if it is no player's."""
    message = event.get("message")
    if event["type"] not in ("Play", "MessageFromRoom") or not isinstance(message, dict):
        return None
    words = message.get("cause", message)
    return words["from"], words["number"]


def heard_by(talker: Talker) -> list[Cause]:
    """The words of other players that a client heard, in order."""
    events = [event for log in talker.logs for event in log if "status" not in event and "user_id" in event]
    return [said for event in events if (said := said_in(event)) is not None]


def counted_by(log: list[dict[str, Any]]) -> list[int]:
    """The numbers that the scripts gave to the plays that a client heard of."""
    said = [event["message"] for event in log if event["type"] == "MessageFromRoom" and "user_id" not in event]
    return [message["number"] for message in said]


async def talk_in_a_room(server, talk, number):
    """Fill a room and let everybody speak at once; gives the steady members, the late and the lost one."""
    names = [f"room-{number}-{member}" for member in range(STEADY + 2)]
    async with (
        connected(server) as owner,
        connected(server) as second,
        connected(server, "json") as third,
        connected(server) as fourth,
        connected(server) as late,
    ):
        players = [owner, second, third, fourth]
        for player, name in zip((*players, late), names, strict=False):
            await log_in(player, name)
        room = (await owner.ok("CreateRoom"))["room_id"]
        for player in players[1:]:
            await player.ok("JoinToRoom", room_id=room)
        await owner.ok("UpdateRoom", room_id=room, user_permission={player.user_id: 2 for player in players[1:]})
        for player in players:
            await player.ok("GetRoom", room_id=room)
            player.events.clear()
        *steady, newcomer = (
            Talker(talk, player, room, name) for player, name in zip((*players, late), names, strict=False)
        )
        lost = Talker(talk, owner, room, names[-1])
        async with trio.open_nursery() as nursery:
            for talker in steady:
                nursery.start_soon(talker.speak, REQUESTS)
            nursery.start_soon(come_late, newcomer)
            nursery.start_soon(be_lost_and_restored, server, lost)
        for talker in (*steady, newcomer):
            await talker.hear_out()
        return steady, newcomer, lost


async def come_late(talker):
    """Join while others speak, and speak too."""
    await talker.player.ok("JoinToRoom", room_id=talker.room)
    assert talker.player.events == []
    await talker.speak(REQUESTS)


async def be_lost_and_restored(server, talker):
    """Join, and lose the connection again and again, with requests under way."""
    token = None
    for loss in range(LOSSES + 1):
        async with connected(server) as player:
            talker.player = player
            if token is None:
                token = (await log_in(player, talker.name)).token
                await player.ok("JoinToRoom", room_id=talker.room)
            else:
                restored = await player.ok("RestoreToken", token=token)
                assert (restored["restored"], restored["rooms"]) == (True, [talker.room])
            # What came behind the answer, while it was waited for.
            before, player.events = player.events, []
            assert before == []
            await talker.speak(REQUESTS // LOSSES, waits=loss == LOSSES)
            if loss == LOSSES:
                await talker.hear_out()


def check_answers(talker):
    """Answers came in the order of the requests, each before what follows from it; and what was written is read."""
    for log in talker.logs:
        numbers = [message["request_id"] for message in log if "request_id" in message]
        assert all(second == first + 1 for first, second in itertools.pairwise(numbers))
        answered = set()
        for message in log:
            if "status" in message:
                answered.add((talker.name, message.get("request_id")))
            elif (said := said_in(message)) is not None and said[0] == talker.name:
                assert said in answered, f"{said} was heard before its answer"
        written = {message["request_id"]: message["status"] for message in log if message.get("type") == "UpdateRoom"}
        for message in log:
            before = message.get("request_id", 0) - 1
            if message.get("type") == "GetRoom" and written.get(before):
                assert message["metas"][talker.name] == before


def check_order(talkers):
    """All heard what they all heard in one order, that of each sender kept; and who joined before they spoke."""
    heard = [heard_by(talker) for talker in talkers]
    for one, other in itertools.combinations(heard, 2):
        common = set(one) & set(other)
        assert [said for said in one if said in common] == [said for said in other if said in common]
    for words in heard:
        assert len(words) == len(set(words))
        by_sender = defaultdict(list)
        for sender, number in words:
            by_sender[sender].append(number)
        assert all(numbers == sorted(numbers) for numbers in by_sender.values())
    for talker in talkers:
        for log in talker.logs:
            spoken = set()
            for event in log:
                if "status" not in event and event["type"] == "JoinToRoom":
                    assert event["user_id"] not in spoken
                elif "status" not in event:
                    spoken.add(event.get("user_id"))


def check_effects(talk, steady, newcomer, lost):
    """Each success was heard by all who were there, each failure by nobody."""
    everybody = {talker.name for talker in steady} | {newcomer.name}
    for talker in steady:
        heard = set(heard_by(talker))
        due = {said for said in talk.accepted & talk.sent if said[0] in everybody - {talker.name}}
        assert due <= heard
    for talker in (*steady, newcomer, lost):
        assert not set(heard_by(talker)) & talk.refused
        previous = 0
        for log in talker.logs:
            numbers = counted_by(log)
            if talk.scripted and numbers:
                # All of them from the first one on, and nothing from before the connection was lost.
                assert all(second == first + 1 for first, second in itertools.pairwise(numbers))
                assert numbers[0] > previous
                previous = numbers[-1]
    if talk.scripted:
        last = {numbers[-1] for talker in (*steady, newcomer) if (numbers := counted_by(talker.logs[-1]))}
        assert len(last) == 1
        assert all(len(counted_by(talker.logs[0])) == last.copy().pop() for talker in steady)


@pytest.mark.parametrize("scripted", [False, True], ids=["without scripts", "with scripts"])
async def test_under_load_everybody_hears_the_same_in_the_same_order_and_nothing_too_early(tmp_path, scripted):
    rooms = []
    talk = Talk(scripted)

    async def fill(server, number):
        rooms.append(await talk_in_a_room(server, talk, number))

    async with running(write_scripts(tmp_path / "hooks", game=SCRIPTS) if scripted else None) as server:
        async with trio.open_nursery() as nursery:
            for number in range(ROOMS):
                nursery.start_soon(fill, server, number)
        await server.driver.wait_idle()
        assert server.chain.turns.statistics().held == 0
    assert len(talk.accepted) > ROOMS * STEADY * REQUESTS // 2
    for steady, newcomer, lost in rooms:
        for talker in (*steady, newcomer, lost):
            check_answers(talker)
        check_order([*steady, newcomer, lost])
        check_effects(talk, steady, newcomer, lost)
