"""``yummy.state``: what scripts keep together, apart from their own variables.

Owns the map and its copy as bytes. The map lives in the hook interpreter alone; in any other place each use is an
error that says so.
"""

import marshal
from collections.abc import Iterator, MutableMapping
from typing import Any, override

from attrs import define, frozen

#: Room for what a copy adds to its parts, in bytes.
_FRAMING = 16


class State(MutableMapping[str, Any]):
    """A dict that all scripts share and that belongs to none of them; what is plain data in it can be copied."""

    def __init__(self) -> None:
        self._data: dict[str, Any] | None = None

    def open(self, copy: bytes = b"") -> None:
        """Begin to hold things; only the hook interpreter does.

        Args:
            copy: What `copied` made of an earlier interpreter's state, or nothing.
        """
        self._data = marshal.loads(copy) if copy else {}  # noqa: S302  # written by `copied` of this very program

    def copied(self, limit: int) -> "StateCopy":
        """Copy what is plain data.

        Args:
            limit: Bytes that the copy may have; keys are left out, the latest first, once it is reached.
        """
        kept: dict[Any, Any] = {}
        left_out = []
        size = _FRAMING
        for key, value in list(self._held().items()):
            try:
                cost = len(marshal.dumps((key, value)))
            except BaseException:  # noqa: BLE001  # no plain data; of a script's own class it may raise anything
                left_out.append(_shown(key))
                continue
            if size + cost > limit:
                left_out.append(_shown(key))
                continue
            size += cost
            kept[key] = value
        return StateCopy(marshal.dumps(kept) if kept else b"", tuple(left_out))

    @override
    def __getitem__(self, key: str) -> Any:
        return self._held()[key]

    @override
    def __setitem__(self, key: str, value: Any) -> None:
        self._held()[key] = value

    @override
    def __delitem__(self, key: str) -> None:
        del self._held()[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    @override
    def __len__(self) -> int:
        return len(self._held())

    @override
    def __repr__(self) -> str:
        return "yummy.state (not in the hook interpreter)" if self._data is None else repr(self._data)

    def _held(self) -> dict[str, Any]:
        if self._data is None:
            raise RuntimeError(
                "yummy.state lives in the hook interpreter: it can be used by scripts in the server only"
            )
        return self._data


def _shown(key: object) -> str:
    return key if type(key) is str else f"(a key of type {type(key).__name__})"


@frozen
class StateCopy:
    """What was copied, and the keys that were not: no plain data, or too much of it."""

    data: bytes
    left_out: tuple[str, ...]


@define
class StateWatch:
    """Decides when ``state`` is copied to the host: when idle, and now and then under load.

    A copy walks all that is kept, so it must not follow each call: at most one in ``pause`` seconds, and only if
    something ran since the last.
    """

    pause: float
    _due: float = 0.0
    _stale: bool = False
    _last: bytes = b""

    def ran(self, now: float) -> bool:
        """Something ran that may have changed the state; whether a copy is due."""
        self._stale = True
        return now >= self._due

    def hurry(self) -> None:
        """Make a copy due at once: it is the last."""
        self._stale, self._due = True, 0.0

    def wait(self, now: float) -> float | None:
        """Seconds until the next copy should be made, or None when there is nothing to copy."""
        return max(self._due - now, 0.0) if self._stale else None

    def is_due(self, now: float) -> bool:
        """Whether `take` would look at what has changed."""
        return self._stale and now >= self._due

    def take(self, state: State, limit: int, now: float) -> StateCopy | None:
        """The copy that is due, or None if it is not, or nothing has changed.

        Args:
            state: What to copy.
            limit: Bytes that the copy may have.
            now: Seconds on the clock that `wait` is asked with.
        """
        if not self.is_due(now):
            return None
        self._stale = False
        self._due = now + self.pause
        copy = state.copied(limit)
        if copy.data == self._last:
            return None
        self._last = copy.data
        return copy


state = State()
