"""What of a message must not reach the log, whatever a script's error or print says: passwords and tokens.

An exception's text may quote them (``int(model.password)``), and authors print models while they look for a mistake.
Known are the secrets that the message itself brought; what a script makes of them is beyond this.
"""

from collections.abc import Iterator

import attrs

from yummy.hooks.report import Trouble
from yummy.logs import REDACTED
from yummy.model import Model

#: Characters of the shortest text that is looked for; shorter ones stand in everything.
SHORTEST = 4


def secrets_of(model: Model) -> tuple[str, ...]:
    """The secrets that a message brought, and how they may be written; the longest first.

    Args:
        model: The message. Its secret fields are those that its repr leaves out.
    """
    values = (getattr(model, field.name) for field in attrs.fields(type(model)) if not field.repr)
    found = {written for value in values if isinstance(value, str) for written in _ways_to_write(value)}
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


def _ways_to_write(secret: str) -> Iterator[str]:
    yield secret
    yield repr(secret)[1:-1]
    # A print is logged line by line, an exception's text on one line.
    yield from secret.split("\n")
    yield " ".join(secret.split())


def without(text: str, secrets: tuple[str, ...]) -> str:
    """A text without these secrets."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text


def redacted(trouble: Trouble, secrets: tuple[str, ...]) -> Trouble:
    """A report without these secrets, which may stand in its sentences; lines of scripts stay as they are."""
    if not secrets:
        return trouble
    return attrs.evolve(trouble, headline=without(trouble.headline, secrets), advice=without(trouble.advice, secrets))
