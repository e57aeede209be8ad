"""Metadata: keys with values and levels, who may read them and who may write them.

The rules are those of the protocol's section on metadata; they are the same for users and rooms, but for the levels.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import attrs

from yummy.constants import MetaAction, RoomMetaAccess, UserMetaAccess
from yummy.core.values import Meta, Metas
from yummy.plain import PlainDataError, check_plain, encoded_size
from yummy.protocol.errors import ErrorCode, Refusal

KEY_BYTES = 64
VALUE_BYTES = 4096

ACCESS = "access"
VALUE = "value"


@attrs.frozen
class MetaRules:
    """What differs between users' and rooms' metadata.

    Attributes:
        levels: The levels.
        limit: Keys at most; 0 for no limit.
    """

    levels: type[IntEnum]
    limit: int


def user_rules(limit: int) -> MetaRules:
    """The rules of users' metadata."""
    return MetaRules(UserMetaAccess, limit)


def room_rules(limit: int) -> MetaRules:
    """The rules of rooms' metadata."""
    return MetaRules(RoomMetaAccess, limit)


def visible(metas: Metas, level: int) -> dict[str, Any]:
    """The plain values that one reads at a level."""
    return {key: meta.value for key, meta in metas.items() if meta.access <= level}


def update(
    metas: Metas,
    given: Mapping[str, Any] | None,
    *,
    action: int,
    level: int,
    rules: MetaRules,
    scripted: frozenset[str] = frozenset(),
) -> Metas:
    """What metadata becomes when a client sends some.

    Args:
        metas: What is stored.
        given: What came: a plain value, a ``{"access", "value"}`` map, or None to remove the key.
        action: A `MetaAction`.
        level: The writer's level.
        rules: Of users or rooms.
        scripted: Keys that a script set; their levels are not held against the writer's.

    Raises:
        Refusal: `meta_access`, `meta_limit` or `validation`; nothing is changed then.
    """
    given = given or {}
    changed = dict(metas)
    if action == MetaAction.REMOVE_ALL:
        given = {}
    if action in (MetaAction.REMOVE_ALL, MetaAction.REMOVE_UNUSED):
        changed = {key: meta for key, meta in metas.items() if meta.access > level or key in given}
    for key, wire in given.items():
        stored = metas.get(key)
        by_client = key not in scripted
        if by_client and stored is not None and stored.access > level:
            raise Refusal(ErrorCode.META_ACCESS, key=key)
        if wire is None:
            changed.pop(key, None)
            continue
        meta = read_meta(key, wire, rules)
        if by_client and meta.access > level:
            raise Refusal(ErrorCode.META_ACCESS, key=key)
        changed[key] = meta
    check_limit(metas, changed, rules)
    return changed


def check_limit(before: Metas, after: Metas, rules: MetaRules) -> None:
    """Refuse more keys than allowed; but who has more, since the limit was lowered, may still change and remove."""
    if rules.limit and len(after) > max(rules.limit, len(before)):
        raise Refusal(ErrorCode.META_LIMIT)


def read_meta(key: str, wire: Any, rules: MetaRules) -> Meta:
    """Read one value as a client or a script sends it.

    Raises:
        Refusal: `validation`, naming the key.
    """
    value, access = wire, 0
    if isinstance(wire, dict):
        if wire.keys() != {ACCESS, VALUE}:
            raise _invalid(key, 'a value is null, a boolean, a number, text, a list or {"access": …, "value": …}')
        value, access = wire[VALUE], wire[ACCESS]
        if type(access) is not int or access not in list(rules.levels):
            raise _invalid(key, f"access level {access!r} is none of 0 to {max(rules.levels)}")
    return make_meta(key, value, access)


def make_meta(key: str, value: Any, access: int) -> Meta:
    """Check key and value, whoever sends them.

    Raises:
        Refusal: `validation`, naming the key.
    """
    if len(key.encode()) > KEY_BYTES:
        raise _invalid(f"{key[:20]}…", f"a key has at most {KEY_BYTES} bytes")
    try:
        check_plain(value, allow_bytes=False)
    except PlainDataError as error:
        raise _invalid(key, str(error)) from None
    if _holds_map(value):
        raise _invalid(key, "a value cannot hold maps")
    # What is neither text nor list is always short.
    if isinstance(value, str | list) and encoded_size(value) > VALUE_BYTES:
        raise _invalid(key, f"a value has at most {VALUE_BYTES} bytes")
    return Meta(value, access)


def _holds_map(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_map, value))
    return isinstance(value, dict)


def _invalid(key: str, problem: str) -> Refusal:
    return Refusal(ErrorCode.VALIDATION, f"metas: '{key}': {problem}")
