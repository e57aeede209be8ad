"""Hashing of passwords: Argon2id, in threads.

The parameters are those of OWASP's password storage cheat sheet (19 MiB, two passes, one lane). One hash takes tens of
milliseconds of a core on purpose; at most one runs for each core, so that a storm of logins queues here and not in the
event loop.
"""

import os
from base64 import b64encode

import argon2
import attrs
import trio
from argon2.exceptions import Argon2Error, InvalidHashError

PASSES = 2
MEMORY = 19_456
"""KiB."""
LANES = 1


def standard_hasher() -> argon2.PasswordHasher:
    """Makes hashes with the parameters of today, in the caller's own thread."""
    return argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)


@attrs.define(eq=False)
class Argon2Passwords:
    """Makes and checks hashes; at most one at a time for each core."""

    _hasher: argon2.PasswordHasher = attrs.field(factory=standard_hasher)
    _limiter: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(os.cpu_count() or 1))
    _nobody: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._nobody = _nobody_s(self._hasher)

    async def hash(self, password: str) -> str:
        """A salted hash."""
        return await trio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits the hash.

        Args:
            password_hash: A stored hash. None if there is none: a hash of nobody's is checked instead, so that the
                answer takes as long, and it does not fit.
            password: What the client sent.
        """
        against = self._nobody if password_hash is None else password_hash
        fits = await trio.to_thread.run_sync(self._fits, against, password, limiter=self._limiter)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today, so that a new one should replace it."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


def _nobody_s(hasher: argon2.PasswordHasher) -> str:
    """A hash that nobody knows a password of: random, so that it need not be computed, but as dear to check as any."""
    salt, digest = (
        b64encode(os.urandom(length)).rstrip(b"=").decode() for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={argon2.low_level.ARGON2_VERSION}${cost}${salt}${digest}"
