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


class Watched(argon2.PasswordHasher):
    """Notes what it has computed: the parameters, and how long salt and digest are."""

    def __init__(self, **parameters):
        super().__init__(**parameters)
        self.computed = []

    def hash(self, password, *, salt=None):
        made = super().hash(password, salt=salt)
        self.computed.append(("hash", argon2.extract_parameters(made)))
        return made

    def verify(self, hash, password):  # noqa: A002  # the library's name
        self.computed.append(("verify", argon2.extract_parameters(hash)))
        return super().verify(hash, password)


async def test_of_an_unknown_account_the_same_is_computed_from_the_first_time_on():
    watched = Watched(time_cost=2, memory_cost=64, parallelism=2)
    passwords = Argon2Passwords(hasher=watched)
    assert not await passwords.verify(None, "guess")
    assert not await passwords.verify(None, "guess")
    unknown = watched.computed[:]
    watched.computed.clear()

    stored = await passwords.hash("correct horse")
    watched.computed.clear()
    assert not await passwords.verify(stored, "guess")
    assert not await passwords.verify(stored, "guess")
    assert unknown == watched.computed
    assert [("verify", argon2.extract_parameters(stored))] * 2 == unknown


async def test_nobody_s_hash_is_another_in_each_server():
    assert Argon2Passwords()._nobody != Argon2Passwords()._nobody
    assert argon2.extract_parameters(Argon2Passwords()._nobody) == argon2.extract_parameters(
        await Argon2Passwords().hash("x")
    )


async def test_a_hash_of_other_parameters_is_outdated_and_fits_all_the_same(passwords):
    made = await passwords.hash("correct horse")
    standard = Argon2Passwords()

    assert (False, True) == (passwords.is_outdated(made), standard.is_outdated(made))
    assert await standard.verify(made, "correct horse")
    assert not standard.is_outdated(await standard.hash("correct horse"))


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
