"""Clients that change accounts as fast as they can, several requests at a time, and note what they were told."""

import itertools
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import attrs
import trio
from durability.ledger import Change, Ledger, Subject, Values
from harness import Player

SCRIPTS = {
    "game": """
        from yummy import user

        def post_play(model, success):
            # Two accounts, of which one is not the sender's, in the commit of one message.
            if success:
                user.set_user_meta(model.user_id, "score", model.message["score"], 0)
                user.set_user_meta(model.message["to"], "heard", model.message["score"], 0)
    """
}

PASSWORD = "password number {}"


@attrs.define
class Asked:
    """A request that was sent, and what follows from its answer."""

    request_id: int
    expect: str | None
    done: Callable[[dict[str, Any]], None]


@attrs.define(eq=False)
class Client:
    """One connection, whose requests are noted in the ledger.

    Attributes:
        player: The connection.
        ledger: What was told to all.
        answered: Called after each answer.
        random: Draws what it does.
        name: Begins the names of its accounts.
    """

    player: Player
    ledger: Ledger
    answered: Callable[[], None]
    random: Random
    name: str
    _numbers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    _asked: list[Asked] = attrs.field(factory=list)

    async def make(self, custom_id: str) -> Subject:
        """Make an account, which is not waited for."""
        subject = self.ledger.open(custom_id)
        place = subject.ask(lambda values: values)

        def done(answer: dict[str, Any]) -> None:
            subject.sure = place
            _logged_in(subject, answer)

        await self.ask("AuthCustomId", done, id=custom_id)
        return subject

    async def make_by_email(self, custom_id: str, password: str) -> Subject:
        """Make an account with a password, and give it the name that it is found by."""
        subject = self.ledger.open(custom_id)
        subject.email = f"{custom_id}@example.org"
        subject.passwords.append(password)

        def made(answer: dict[str, Any]) -> None:
            _logged_in(subject, answer)

        def named(_answer: dict[str, Any]) -> None:
            subject.sure = place

        await self.ask("AuthEmail", made, email=subject.email, password=password, create=True)
        await self.wait()
        place = subject.ask(lambda values: values)
        await self.ask("UpdateUser", named, custom_id=custom_id)
        await self.wait()
        return subject

    async def log_in_by_email(self, subject: Subject) -> None:
        """Begin another session."""
        login = {"email": subject.email, "password": subject.passwords[-1]}
        await self.ask("AuthEmail", lambda answer: _logged_in(subject, answer), **login)
        await self.wait()

    async def change_password(self, subject: Subject, password: str) -> None:
        """Change the password by the newest session; the tokens of all others are dead from the answer on."""
        *others, _newest = subject.tokens
        subject.tokens.update({token: None for token in others if subject.tokens[token] is not False})
        subject.passwords.append(password)

        def changed(_answer: dict[str, Any]) -> None:
            subject.sure_password = len(subject.passwords) - 1
            subject.tokens.update(dict.fromkeys(others, False))

        await self.ask("UpdateUser", changed, password=password)
        await self.wait()

    async def change(self, subject: Subject, type_: str, change: Change, **fields: Any) -> None:
        """Ask for a change of an account."""
        place = subject.ask(change)

        def done(_answer: dict[str, Any]) -> None:
            subject.sure = place

        await self.ask(type_, done, **fields)

    async def update(self, subject: Subject) -> None:
        """Change name and metadata at once; at times a name that accounts are found by as well."""
        number = next(self._numbers)
        name = f"{self.name}-{number}"
        metas = {"left": number, "right": number}
        extra = {"device_id": f"device-of-{name}"} if number % 5 == 0 else {}
        await self.change(
            subject,
            "UpdateUser",
            lambda values: attrs.evolve(values, name=name, left=number, right=number, **extra),
            name=name,
            metas=metas,
            **extra,
        )

    async def update_too_much(self) -> None:
        """Ask for a change that is refused as a whole."""
        metas = {f"key-{number}": number for number in range(20)}
        await self.ask("UpdateUser", lambda _answer: None, expect="meta_limit", name="never", metas=metas)

    async def log_out(self, subject: Subject) -> None:
        """End the session; its tokens are dead from the answer on."""
        tokens = [token for token, works in subject.tokens.items() if works]
        subject.tokens.update(dict.fromkeys(tokens))

        def done(_answer: dict[str, Any]) -> None:
            subject.tokens.update(dict.fromkeys(tokens, False))

        await self.ask("Logout", done)

    async def ask(
        self, type_: str, done: Callable[[dict[str, Any]], None], *, expect: str | None = None, **fields: Any
    ) -> None:
        """Send a request without waiting for its answer."""
        request_id = next(self._numbers)
        self._asked.append(Asked(request_id, expect, done))
        await self.player.send(type=type_, request_id=request_id, **fields)

    async def wait(self) -> None:
        """Read the answers to all that was asked."""
        while self._asked:
            message = await self.player.receive()
            if "status" not in message:
                continue
            asked = self._asked.pop(0)
            assert (asked.request_id, asked.expect) == (message["request_id"], message.get("code")), message
            asked.done(message)
            self.ledger.answers += 1
            self.answered()


def _logged_in(subject: Subject, answer: dict[str, Any]) -> None:
    subject.user_id = answer["user_id"]
    subject.tokens[answer["token"]] = True
    subject.sessions[answer["token"]] = answer["session_id"]


async def make_accounts(client: Client) -> None:
    """Make accounts, name them and leave them, for ever."""
    for number in itertools.count():
        subject = await client.make(f"{client.name}-account-{number}")
        await client.update(subject)
        if client.random.random() < 0.5:
            await client.wait()
            await client.log_out(subject)
        if client.random.random() < 0.7:
            await client.wait()


async def play_together(one: Client, other: Client) -> None:
    """Two clients in one room: each changes itself, and one of them plays, which changes both."""
    first, second = await one.make(f"{one.name}-owner"), await other.make(f"{other.name}-member")
    rooms: list[str] = []
    await one.ask("CreateRoom", lambda answer: rooms.append(answer["room_id"]))
    await one.wait()
    await other.ask("JoinToRoom", lambda _answer: None, room_id=rooms[0])
    await other.wait()
    one.ledger.partners.append((first, second))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_update, other, second)
        for score in itertools.count():
            message = {"to": second.user_id, "score": score}
            scored = partial(_scored, score=score)
            await one.change(first, "Play", scored, room_id=rooms[0], message=message)
            if one.random.random() < 0.5:
                await one.update(first)
            if one.random.random() < 0.2:
                await one.update_too_much()
            if one.random.random() < 0.6:
                await one.wait()


async def _update(client: Client, subject: Subject) -> None:
    while True:
        for _ in range(client.random.randint(1, 4)):
            await client.update(subject)
        await client.wait()


def _scored(values: Values, score: int) -> Values:
    return attrs.evolve(values, score=score)


async def change_passwords(here: Client, there: Client) -> None:
    """Change a password again and again, each time by a new session, which ends all others."""
    subject = await here.make_by_email(f"{here.name}-email", PASSWORD.format(0))
    for number in itertools.count(1):
        await there.log_in_by_email(subject)
        await there.change_password(subject, PASSWORD.format(number))
