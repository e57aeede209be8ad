"""How one setting is declared: its default, what it means, and which values it takes.

The checks of single values stand here, each with a text that says what was expected; `yummy.settings` is the list
that they serve. Knows nothing of where values come from.
"""

import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import attrs

from yummy.plain import is_unicode

#: HS256 wants a key at least as long as its hash (RFC 7518, section 3.2). In bytes.
SALT_KEY_MIN_BYTES = 32
#: The command that an error text offers to whoever needs a secret.
MAKE_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105  # a command, no secret

#: In a field's metadata: one sentence with the unit, for people.
DOC = "doc"
#: In a field's metadata: the function that refuses bad values.
CHECK = "check"
#: In a field's metadata: its value is never shown.
SECRET = "secret"  # noqa: S105  # the name of a mark, no secret
#: In a field's metadata: further names that sources may use.
ALIASES = "aliases"

type Check = Callable[[Any], None]


def setting[T](default: T, doc: str, check: Check | None = None, *, secret: bool = False, also: str = "") -> T:
    """Declare one setting.

    Args:
        default: What holds when no source names it. A type checker takes the field's type from here.
        doc: One sentence with the unit; the page of all settings is made of these.
        check: Raises ValueError, saying what was expected, for a value that is not allowed.
        secret: Whether the value is never shown, neither in errors nor in logs.
        also: A further name under which sources may give it.
    """

    def validate(_settings: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if check is not None:
            try:
                check(value)
            except ValueError as error:
                raise ValueError(f"{field.name.upper()}: {error}") from None

    metadata = {DOC: doc, CHECK: check, SECRET: secret, ALIASES: (also,) if also else ()}
    field: T = attrs.field(default=default, validator=validate, repr=not secret, metadata=metadata)
    return field


def at_least(minimum: float, maximum: float | None = None) -> Check:
    """Take finite numbers from the minimum to the maximum, both included."""
    expected = f"expected {minimum:g} or more" if maximum is None else f"expected {minimum:g} to {maximum:g}"

    def check(value: float) -> None:
        if not isfinite(value) or value < minimum or (maximum is not None and value > maximum):
            raise ValueError(expected)

    return check


def positive(value: float) -> None:
    """Take finite numbers above 0."""
    if not isfinite(value) or value <= 0:
        raise ValueError("expected more than 0")


def matching(pattern: str, expected: str) -> Check:
    """Take texts that match the pattern as a whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> None:
        if compiled.fullmatch(value) is None:
            raise ValueError(expected)

    return check


def limit[T: (int, float)](default: T, doc: str, maximum: float | None = None) -> T:
    """A field that bounds something, and that 0 switches off."""
    return setting(default, f"{doc} 0 switches it off.", at_least(0, maximum))


def salt_key_check(value: str) -> None:
    """Take no key, or one that is long enough to sign with."""
    if value and len(value.encode(errors="replace")) < SALT_KEY_MIN_BYTES:
        raise ValueError(f"expected at least {SALT_KEY_MIN_BYTES} bytes; make one with: {MAKE_SECRET}")


def charset_check(value: str) -> None:
    """Take characters that a random password can be drawn from, each as likely as the others."""
    if not is_unicode(value) or not value.isprintable() or len(set(value)) < 2 or len(set(value)) != len(value):
        raise ValueError("expected two or more printable characters, each of them once")


def origins_check(value: tuple[str, ...]) -> None:
    """Take origins as browsers send them (RFC 6454, section 6.1)."""
    for origin in value:
        if origin != "null" and re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#@,*]+", origin) is None:
            raise ValueError(
                "expected origins such as https://example.org (no path, no wildcard; leave it empty for any)"
            )


def database_url_check(value: str) -> None:
    """Take SQLite; say plainly that other databases are not there yet, rather than ignore them."""
    if not value:
        return
    if re.match(r"postgres(ql)?(\+\w+)?:", value):
        raise ValueError("PostgreSQL is not supported by this version; expected sqlite:///FILE")
    if re.fullmatch(r"sqlite(\+pysqlite)?://(/(?!file:)[^?#]*)?", value) is None:
        raise ValueError("expected a database that this version supports, spelt sqlite:///FILE")


def database_path_check(value: Path) -> None:
    """Take file names that can stand in a URL as they are, which is how SQLAlchemy is told."""
    if value == Path() or str(value).startswith("file:") or set("?#") & set(str(value)):
        raise ValueError("expected the name of a file, without ? and #, or :memory:")


def redis_url_check(value: str) -> None:
    """Take nothing: a setting that would have no effect is refused rather than ignored."""
    if value:
        raise ValueError("Redis and Valkey are not supported by this version, which runs as one instance; remove it")
