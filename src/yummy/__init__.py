"""Yummy: a multiplayer game server whose game logic is plain Python scripts.

What a script imports stands here: ``from yummy import model, room, user, constants, fail, state``. The hook
interpreter imports this package too, so it is light: no event loop, no sockets, no SQL.
"""

from yummy import constants, model, room, user
from yummy.hooks.failure import HookFailure, HookTimeout, fail
from yummy.hooks.keep import state
from yummy.hooks.revoked import RetainedModelError
from yummy.hooks.sandbox import SandboxError
from yummy.plain import MetaValue as MetaType
from yummy.version import __version__

#: The name of `HookFailure` in scripts written for Yummy's earlier Rust server.
YummyValidationError = HookFailure

__all__ = [
    "HookFailure",
    "HookTimeout",
    "MetaType",
    "RetainedModelError",
    "SandboxError",
    "YummyValidationError",
    "__version__",
    "constants",
    "fail",
    "model",
    "room",
    "state",
    "user",
]

for _error in (HookFailure, HookTimeout, RetainedModelError, SandboxError):
    _error.__module__ = __name__  # reports call them as scripts do
