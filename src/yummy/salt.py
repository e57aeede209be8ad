"""The key that signs tokens, when the operator gave none: made once, and kept beside the database.

Only development mode may do so; `yummy.settings` refuses a missing key elsewhere. Runs at start, before anything
listens; knows nothing of tokens.
"""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

import attrs

from yummy.setting import salt_key_check
from yummy.settings import Problem, Settings, SettingsError

#: Random bytes of a key that is made here; as text it is a third longer.
SALT_BYTES = 48


def salt_file(settings: Settings) -> Path | None:
    """Where the key is kept; None if the database lives in memory, whose accounts end with the process anyway."""
    database = settings.sqlite_file
    return None if database is None else database.with_name(f"{database.name}.salt")


def with_secrets(settings: Settings) -> Settings:
    """Complete the settings with a `salt_key`, if they have none. Completing them again changes nothing.

    Raises:
        SettingsError: If a key is required from the operator, or the kept one cannot be read, made or used.
    """
    if settings.salt_key:
        return settings
    if not (settings.development and settings.loopback):
        raise SettingsError([Problem(names[0].upper(), "default", text) for names, text in settings.contradictions()])
    file = salt_file(settings)
    return attrs.evolve(settings, salt_key=secrets.token_urlsafe(SALT_BYTES) if file is None else _kept(file))


def _kept(file: Path) -> str:
    try:
        try:
            salt = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            _make(file)
            salt = file.read_text(encoding="utf-8")
        salt = salt.strip()
        if not salt:
            raise ValueError("it is empty")  # noqa: TRY301  # the same report as for one that is too short
        salt_key_check(salt)
    except OSError as error:
        problem = f"{file} cannot be read or made ({error.strerror}); make its folder writable, or set SALT_KEY"
    except ValueError:
        problem = f"{file} holds no usable key; remove it for a new one (everybody has to log in again)"
    else:
        return salt
    raise SettingsError([Problem("SALT_KEY", "default", problem)])


def _make(file: Path) -> None:
    """Put a new key there whole, or leave the one that another process put there first."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(secrets.token_urlsafe(SALT_BYTES) + "\n")
        with suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink()
