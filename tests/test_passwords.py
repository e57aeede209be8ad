"""Hashing of passwords, with real Argon2id of the least cost."""

import argon2
import pytest
import trio

from yummy.passwords import LANES, MEMORY, PASSES, Argon2Passwords


@pytest.fixture
def passwords():
    """The real thing, made cheap."""
    return Argon2Passwords(hasher=argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def test_a_hash_fits_its_password_only(passwords):
    made = await passwords.hash("correct horse")

    assert await passwords.verify(made, "correct horse")
    assert not await passwords.verify(made, "wrong horse")
    assert made != await passwords.hash("correct horse")


@pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$broken"])
async def test_what_is_no_hash_fits_nothing(passwords, stored):
    assert not await passwords.verify(stored, "correct horse")


async def test_of_an_unknown_account_as_much_is_computed(passwords):
    await passwords.verify(None, "guess")

    assert argon2.extract_parameters(await passwords.hash("x")) == argon2.extract_parameters(passwords._nobody)
    first = passwords._nobody
    await passwords.verify(None, "guess")
    assert first == passwords._nobody


async def test_the_cost_is_the_recommended_one():
    parameters = argon2.extract_parameters(await Argon2Passwords().hash("x"))

    assert (PASSES, MEMORY, LANES) == (parameters.time_cost, parameters.memory_cost, parameters.parallelism)
    assert (2, 19_456, 1) == (PASSES, MEMORY, LANES)


async def test_many_at_once_queue(passwords):
    made = await passwords.hash("x")
    fits = []

    async def verify():
        fits.append(await passwords.verify(made, "x"))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(verify)

    assert ([True] * 20, 0) == (fits, passwords._limiter.borrowed_tokens)
