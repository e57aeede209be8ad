"""Hashing of passwords: Argon2id, in threads.

The parameters are those of OWASP's password storage cheat sheet (19 MiB, two passes, one lane). One hash takes tens of
milliseconds of a core on purpose; at most one runs for each core, so that a storm of logins queues here and not in the
event loop.
"""

import os

import argon2
import attrs
import trio
from argon2.exceptions import Argon2Error, InvalidHashError

PASSES = 2
MEMORY = 19_456
"""KiB."""
LANES = 1


@attrs.define(eq=False)
class Argon2Passwords:
    """Makes and checks hashes; at most one at a time for each core."""

    _hasher: argon2.PasswordHasher = attrs.field(
        factory=lambda: argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
    )
    _limiter: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(os.cpu_count() or 1))
    _nobody: str | None = None

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
        if password_hash is None and self._nobody is None:
            self._nobody = await self.hash(os.urandom(16).hex())
        against = password_hash or self._nobody or ""
        fits = await trio.to_thread.run_sync(self._fits, against, password, limiter=self._limiter)
        return fits and password_hash is not None

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
