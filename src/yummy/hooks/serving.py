"""Which revision serves which message: the newest for each that begins, and the same one until its end.

Owns the count of the messages that a revision still has to end. It knows neither trio nor frames.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define, field

from yummy.hooks.calls import PASSED_QUIETLY, HookCall, HookResult, Phase
from yummy.hooks.report import Place
from yummy.hooks.revision import NO_SCRIPTS, Revision


class Ask(Protocol):
    """What runs calls."""

    def __call__(self, call: HookCall, serving: "Serving", done: Callable[[HookResult], None], /) -> object:
        """Have all scripts' hooks of one half run, of a revision."""


@define(eq=False)
class Serving:
    """The hooks of one revision.

    Attributes:
        revision: The scripts.
        places: The hooks that do something, and where they are defined.
        run: Runs them.
        released: Called when the last message has ended that began with it.
        users: Messages that have begun and not ended with it.
        names: The names of hooks of which one half, or both, do something.
    """

    revision: Revision
    places: dict[str, Place | None]
    run: Ask
    released: Callable[["Serving"], None]
    users: int = 0
    names: frozenset[str] = field(init=False)
    _hooks: frozenset[tuple[str, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        pairs = [hook.split("_", 1) for hook in self.places]
        self._hooks = frozenset((phase, name) for phase, name in pairs)
        self.names = frozenset(name for _, name in pairs)

    def wants(self, phase: Phase, name: str) -> bool:
        """Whether any script has a hook there that does something; cheap."""
        return (phase, name) in self._hooks

    def ask(self, call: HookCall, done: Callable[[HookResult], None]) -> None:
        """Have all scripts' hooks of one half run, after those that were asked for before.

        Args:
            call: Which ones, and what they get.
            done: Gets the result, once; it may be called before this returns.

        Raises:
            HooksBusy: The queue is full; nothing runs.
        """
        self.run(call, self, done)

    def release(self) -> None:
        """The message that this was given to has ended."""
        self.users -= 1
        if not self.users:
            self.released(self)


def _ask_nobody(_call: HookCall, _serving: Serving, done: Callable[[HookResult], None]) -> None:
    done(PASSED_QUIETLY)


#: Stands where no scripts serve.
NOBODY = Serving(NO_SCRIPTS, {}, _ask_nobody, lambda _serving: None)
