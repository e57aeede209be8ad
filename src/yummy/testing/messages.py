"""What players hear, and how it is compared with what a test expects. Knows no server."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, override

#: Characters of one message that a failed expectation shows.
SHOWN_LENGTH = 500


class Message(dict[str, Any]):
    """A reply or an event, as a client decodes it: a dict whose fields can also be read as attributes.

    Names that the protocol spells with a hyphen have an underscore there: ``room.max_user`` is ``room["max-user"]``.
    """

    def __getattr__(self, name: str) -> Any:
        """Read a field.

        Raises:
            AttributeError: There is no such field; it says which there are.
        """
        for spelt in (name, name.replace("_", "-")):
            if spelt in self:
                return self[spelt]
        raise AttributeError(f"{self.get('type', 'the message')} has no field {name}; it has {', '.join(self)}")

    @override
    def __str__(self) -> str:
        """The message for people: its type, then its fields but for what only a program can read."""
        fields = {name: value for name, value in self.items() if name not in ("type", "request_id", "token")}
        text = f"{self.get('type', 'no type')} {fields}"
        return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What keeps a message from being the expected one.

    Of a map only the keys that are expected are looked at, at every depth; a list has to have as many items as the
    expected one. A boolean equals no number; all else is compared by ``==``, so that objects such as
    `unittest.mock.ANY` may stand anywhere.

    Args:
        expected: The fields that matter.
        actual: What came.
        path: Where in the message these two are.
    """
    for name, value in expected.items():
        where = f"{path}{name}"
        if name not in actual:
            yield f"{where}: expected {value!r}, but it is missing"
        else:
            yield from _value_differences(value, actual[name], where)


def _value_differences(expected: Any, actual: Any, where: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        yield from differences(expected, actual, f"{where}.")
    elif _is_list(expected) and _is_list(actual):
        if len(expected) != len(actual):
            yield f"{where}: expected {len(expected)} items, {expected!r}, got {len(actual)}, {actual!r}"
            return
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _value_differences(one, other, f"{where}[{index}]")
    elif not _equal(expected, actual):
        yield f"{where}: expected {expected!r}, got {actual!r}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _equal(expected: Any, actual: Any) -> bool:
    if isinstance(expected, int) and isinstance(actual, int) and isinstance(expected, bool) != isinstance(actual, bool):
        return False
    return bool(expected == actual)
