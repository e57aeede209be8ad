"""What clients were told about their accounts, and how that compares with what lies in the database.

A client that loses its server knows the values that were acknowledged, and those of requests that were under way. An
account may have any of the values from the last acknowledged one on, in the order in which they were asked for; never
a mixture of two, and never an older one.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import attrs


@attrs.frozen
class Values:
    """What one account holds. Name and the two metas are always changed together, by one request."""

    name: str | None = None
    left: int | None = None
    right: int | None = None
    score: int | None = None
    device_id: str | None = None


type Change = Callable[[Values], Values]


@attrs.define(eq=False)
class Subject:
    """One account, as its client knows it.

    Attributes:
        custom_id: The name that it is made and found by.
        history: Its values after each request that was sent, oldest first; None while it is not made.
        sure: Which of these the server has acknowledged last.
        user_id: Its id, once that was acknowledged.
        passwords: Its passwords in the order in which they were set, if it has an e-mail address.
        sure_password: Which of these was acknowledged last.
        tokens: Whether each token works: True, False, or None while a request that ends it is under way.
        sessions: The id of each token's session.
    """

    custom_id: str
    history: list[Values | None] = attrs.field(factory=lambda: [None])
    sure: int = 0
    user_id: str | None = None
    email: str | None = None
    passwords: list[str] = attrs.field(factory=list)
    sure_password: int = 0
    tokens: dict[str, bool | None] = attrs.field(factory=dict)
    sessions: dict[str, str] = attrs.field(factory=dict)

    def ask(self, change: Change) -> int:
        """Note that a request is sent that changes the account; gives its place in the history."""
        self.history.append(change(self.history[-1] or Values()))
        return len(self.history) - 1

    def settle(self, found: "Values | None") -> None:
        """Compare the account with what was found after a restart; from now on it is that."""
        possible = self.history[self.sure :]
        assert found in possible, f"{self.custom_id}: found {found}, acknowledged {possible[0]}, asked {possible[1:]}"
        self.history, self.sure = [found], 0


@attrs.define(eq=False)
class Ledger:
    """All accounts, and who they play with."""

    subjects: list[Subject] = attrs.field(factory=list)
    partners: list[tuple[Subject, Subject]] = attrs.field(factory=list)
    answers: int = 0

    def open(self, custom_id: str) -> Subject:
        """A new account that is to be made."""
        subject = Subject(custom_id)
        self.subjects.append(subject)
        return subject

    def compare(self, file: Path) -> None:
        """Compare all accounts with a server's database, and settle them.

        Raises:
            AssertionError: An acknowledged change is missing, or one was half done.
        """
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        try:
            assert ("ok",) == tuple(database.execute("PRAGMA integrity_check").fetchone())
            accounts = {row["custom_id"]: row for row in database.execute("SELECT * FROM accounts")}
            sessions = {row["id"]: row["ended"] for row in database.execute("SELECT * FROM sessions")}
            users = {row["user_id"] for row in database.execute("SELECT user_id FROM sessions")}
        finally:
            database.close()
        for subject in self.subjects:
            self._compare_one(subject, accounts.get(subject.custom_id), sessions)
        for one, other in self.partners:
            played = [accounts.get(subject.custom_id) for subject in (one, other)]
            if all(played):
                score, heard = _meta(played[0], "score"), _meta(played[1], "heard")
                assert score == heard, f"{one.custom_id} has {score}, but {other.custom_id} {heard}"
        # A login makes an account and its session in one transaction.
        assert {row["id"] for row in accounts.values()} <= users

    def _compare_one(self, subject: Subject, row: sqlite3.Row | None, sessions: dict[str, int]) -> None:
        subject.settle(None if row is None else _values(row))
        if row is None:
            return
        assert subject.user_id in (None, row["id"])
        subject.user_id = row["id"]
        for token, session_id in subject.sessions.items():
            works = session_id in sessions and not sessions[session_id]
            assert subject.tokens[token] in (None, works), f"{subject.custom_id}: a token works: {works}"
            subject.tokens[token] = works


def _values(row: sqlite3.Row) -> Values:
    metas = {key: _meta(row, key) for key in ("left", "right", "score")}
    return Values(name=row["name"], device_id=row["device_id"], **metas)


def _meta(row: sqlite3.Row | None, key: str) -> int | None:
    found = json.loads(row["metas"]).get(key) if row is not None else None
    return None if found is None else int(found[0])
