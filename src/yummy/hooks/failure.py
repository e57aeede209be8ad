"""How a hook ends early: ``fail``, by which a script refuses a message, and the interrupt of one that runs too long.

It knows nothing of the server.
"""

from typing import NoReturn

#: Characters of a failure's message and code that reach the client.
MESSAGE_LENGTH = 4096
CODE_LENGTH = 64

DEFAULT_CODE = "hook_failed"


class HookFailure(BaseException):  # scripts know it by this name; it is no error but a decision
    """A script refused the message; ``except Exception`` does not stop it.

    Attributes:
        message: What the client is told.
        code: What the client's program can tell it by.
    """

    def __init__(self, message: object = "", code: str = DEFAULT_CODE) -> None:
        self.message = _text(message, MESSAGE_LENGTH)
        self.code = _text(code, CODE_LENGTH) or DEFAULT_CODE
        super().__init__(self.message)


class HookTimeout(BaseException):  # scripts know it by this name; ``except Exception`` must not stop it
    """A hook has run for longer than HOOK_TIMEOUT: it is interrupted wherever it is.

    A script may clean up and let it pass. One that goes on instead is interrupted again, and at last given up with
    all variables of all scripts.
    """


def fail(message: str, code: str = DEFAULT_CODE) -> NoReturn:
    """Refuse the message: the client is answered ``status: false``, and nothing that the hooks did happens.

    Args:
        message: What the client is told.
        code: What the client's program can tell it by.

    Raises:
        HookFailure: Always.
    """
    raise HookFailure(message, code)


def _text(value: object, length: int) -> str:
    # The client's answer must be one that can be encoded, whatever a script made its message of.
    # A text of a script's own class may have methods of its own, so it is taken as the plain text that it is.
    return str.__str__(str(value))[:length].encode("utf-8", "backslashreplace").decode()
