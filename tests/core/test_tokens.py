"""Tokens: only ours, only unchanged, only for their time."""

import jwt
import pytest

from yummy.core.tokens import Claims, Tokens
from yummy.core.values import Account
from yummy.protocol.errors import Refusal

SECRET = "only-for-tests-" * 4
TOKENS = Tokens(SECRET, 100)
ADA = Account("u1", 1, name="Ada", email="a@b.io", user_type=2)
GOOD = {"iat": 1000, "exp": 1100, "user": {"id": "u1", "session": "s1"}}


def test_a_token_says_whose_it_is():
    token = TOKENS.issue(ADA, "s1", 1000.5)

    assert Claims(user_id="u1", session_id="s1") == TOKENS.read(token, 1099)
    assert {"id": "u1", "session": "s1", "name": "Ada", "email": "a@b.io", "user_type": 2} == jwt.decode(
        token, options={"verify_signature": False}
    )["user"]
    assert 1100 == TOKENS.expires(1000.5)


@pytest.mark.parametrize(("now", "valid"), [(999, True), (1099.9, True), (1100, False), (2000, False)])
def test_a_token_is_valid_for_its_time(now, valid):
    token = TOKENS.issue(ADA, "s1", 1000)

    if valid:
        TOKENS.read(token, now)
    else:
        with pytest.raises(Refusal):
            TOKENS.read(token, now)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "ä.ö.ü",
        "a" * 10_000,
        jwt.encode(GOOD, "another-key-" * 4, algorithm="HS256"),
        jwt.encode(GOOD, SECRET * 2, algorithm="HS512"),
        jwt.encode(GOOD, None, algorithm="none"),
        jwt.encode({**GOOD, "user": "u1"}, SECRET, algorithm="HS256"),
        jwt.encode({**GOOD, "user": {"id": "u1"}}, SECRET, algorithm="HS256"),
        jwt.encode({"iat": 1000, "user": GOOD["user"]}, SECRET, algorithm="HS256"),
        jwt.encode({**GOOD, "exp": "soon"}, SECRET, algorithm="HS256"),
        jwt.encode(GOOD, SECRET, algorithm="HS256")[:-2],
    ],
)
def test_anything_else_is_refused(token):
    with pytest.raises(Refusal) as caught:
        TOKENS.read(token, 1000)

    assert "invalid_token" == caught.value.code


def test_the_key_is_not_shown():
    assert SECRET not in repr(TOKENS)
