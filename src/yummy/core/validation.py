"""Checks of values that are the core's to refuse, after the pre hooks."""

import re
from collections.abc import Iterable

from yummy.protocol.errors import ErrorCode, Refusal

ID_LENGTH = (8, 128)
PASSWORD_LENGTH_MAX = 128
EMAIL_LENGTH_MAX = 254
"""RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, two of which are its angle brackets."""

# The valid e-mail address of the HTML standard (section 4.10.5.1.5), which browsers check forms by; with a dot in the
# domain, since players' addresses are on the internet.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")


def normal_email(email: str) -> str:
    """An e-mail address as it is stored and compared: without case."""
    return email.lower()


def email_problem(email: str) -> str | None:
    """What is wrong with an e-mail address, if anything."""
    if len(email) <= EMAIL_LENGTH_MAX and _EMAIL.fullmatch(email):
        return None
    return "email: Email address is not valid"


def length_problem(field: str, value: str, least: int, most: int) -> str | None:
    """What is wrong with the length of a text, if anything; lengths in characters."""
    if least <= len(value) <= most:
        return None
    return f"{field}: Length should be between {least} to {most} chars"


def excess_problem(field: str, value: str | None, most: int) -> str | None:
    """What is wrong with a text that is too long, if anything; in characters, 0 for no bound."""
    if value is None or not most or len(value) <= most:
        return None
    return f"{field}: Length should be at most {most} chars"


def refuse_problems(problems: Iterable[str | None]) -> None:
    """Refuse if there are any problems, with all of them, one a line.

    Raises:
        Refusal: `validation`.
    """
    found = [problem for problem in problems if problem is not None]
    if found:
        raise Refusal(ErrorCode.VALIDATION, "\n".join(found))
