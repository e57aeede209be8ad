"""Users, for hook scripts: read accounts, keep metadata, send messages.

Everything here works while a hook runs, and only then. A user that does not exist gives None or False and a warning
in the log. What is set or sent takes effect when the message is committed, and is visible to the hook at once.
"""

from typing import Any

from attrs import frozen

from yummy.constants import UserMetaAccess
from yummy.hooks.calls import UserSnapshot
from yummy.hooks.context import current
from yummy.hooks.values import read


@frozen
class User:
    """An account as it stands; a copy, which may be kept.

    Attributes:
        user_type: One of ``constants.USER_TYPE_*``.
        online: Whether it has a live session.
        metas: Each key's value.
        insert_date: When the account was made, in Unix seconds.
        last_login_date: When the user last logged in, in Unix seconds.
    """

    user_id: str
    name: str | None
    user_type: int
    online: bool
    email: str | None
    device_id: str | None
    custom_id: str | None
    metas: dict[str, Any]
    insert_date: int
    last_login_date: int | None

    @classmethod
    def of(cls, found: UserSnapshot) -> "User":
        """A copy for a script of what the server has looked up."""
        return cls(
            found.user_id,
            found.name,
            found.user_type,
            found.online,
            found.email,
            found.device_id,
            found.custom_id,
            _values(found),
            found.insert_date,
            found.last_login_date,
        )


def get_user(user_id: str | None) -> User | None:
    """An account: its name, type and so on; None if there is none."""
    found = current("get_user").user("get_user", user_id)
    return None if found is None else User.of(found)


def get_user_meta(user_id: str | None, key: str) -> Any:
    """The value under a key of a user's metadata; None if there is none."""
    found = current("get_user_meta").user("get_user_meta", user_id)
    if found is None or key not in found.metas:
        return None
    return read(found.metas[key][0])


def get_user_meta_access(user_id: str | None, key: str) -> int | None:
    """The level that a key of a user's metadata is kept at; None if there is no such key."""
    found = current("get_user_meta_access").user("get_user_meta_access", user_id)
    if found is None or key not in found.metas:
        return None
    return UserMetaAccess(found.metas[key][1])


def get_user_metas(user_id: str | None) -> dict[str, Any] | None:
    """All of a user's metadata, whatever its levels; None if there is no such user."""
    found = current("get_user_metas").user("get_user_metas", user_id)
    return None if found is None else _values(found)


def set_user_meta(user_id: str | None, key: str, value: Any, access_level: int | None = UserMetaAccess.SYSTEM) -> bool:
    """Keep a value under a key of a user's metadata.

    Args:
        user_id: The user.
        key: At most 64 bytes.
        value: None, a bool, a number, a text or a list of these; at most 4 KiB, encoded. None is kept as None.
        access_level: One of ``constants.USER_META_ACCESS_*``: who may read and write it. None means SYSTEM.

    Returns:
        Whether it was set: False if there is no such user, or a limit is reached.

    Raises:
        TypeError: The value is nothing that metadata can hold.
        ValueError: There is no such level.
    """
    return current("set_user_meta").set_user_meta("set_user_meta", user_id, key, value, access_level)


def remove_user_meta(user_id: str | None, key: str) -> bool:
    """Remove a key of a user's metadata; whether it was there."""
    return current("remove_user_meta").remove_user_meta("remove_user_meta", user_id, key)


def remove_user_metas(user_id: str | None) -> bool:
    """Remove all of a user's metadata; False if there is no such user."""
    return current("remove_user_metas").remove_user_metas("remove_user_metas", user_id)


def message_to_user(user_id: str | None, message: dict[str, Any]) -> bool:
    """Send a whole message, as it is, to all live sessions of a user.

    Args:
        user_id: The user.
        message: All that the sessions get; clients look at its ``type``.

    Returns:
        Whether it will be sent: False if there is no such user, or the message is larger than 256 KiB, encoded.

    Raises:
        TypeError: The message is no dict, or holds something that is no plain data.
    """
    return current("message_to_user").message_to_user("message_to_user", user_id, message)


def _values(found: UserSnapshot) -> dict[str, Any]:
    return {key: read(value) for key, (value, _) in found.metas.items()}
