"""Steps: how a chain waits without a task of its own.

A chain is a generator. Where it has to wait it yields a `Wait`, and it goes on with what came of that, as a coroutine
does after ``await``. Who drives it (`yummy.pipeline.driver`) need not know what it waits for. Most chains wait for
nothing or for their hooks only, and to start, wake and end a task for each of them costs as much as all that a chain
does by itself.
"""

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Protocol


class Waiter(Protocol):
    """Who waits. Told one of these two, once; it goes on a little later, never within the call."""

    def resume(self, value: Any = None) -> None:
        """What was waited for has come."""

    def throw(self, error: Exception) -> None:
        """It will not come."""


type Wait = Callable[[Waiter], None]
"""Begins what is waited for, and remembers who waits. What it raises is raised in the chain."""

type Steps[R] = Generator[Wait, Any, R]
"""A chain, or a part of one, and what it returns in the end."""


def awaited(start: Callable[..., None], work: Coroutine[Any, Any, Any]) -> Wait:
    """Wait for async work, which does have a task.

    Args:
        start: Starts a task of the server's own.
        work: What to do. The chain gets what it returns or raises.
    """
    return partial(_start, start, work)


def _start(start: Callable[..., None], work: Coroutine[Any, Any, Any], waiter: Waiter) -> None:
    start(_finish, work, waiter)


async def _finish(work: Coroutine[Any, Any, Any], waiter: Waiter) -> None:
    try:
        value = await work
    except Exception as error:  # noqa: BLE001  # whatever it is, the chain knows what it means
        waiter.throw(error)
    else:
        waiter.resume(value)
