"""Where a search for a holder can end: the variables of modules, `yummy.state`, threads. Runs inside the interpreter.

Owns what a script's module is, also one that has been edited since, and which answer is better than another.
"""

import sys
import threading
from types import ModuleType
from typing import Any

from attrs import frozen

from yummy.hooks.insides import is_a
from yummy.hooks.keep import state
from yummy.hooks.traces import ScriptTexts

# How good an answer is; the lowest is best.
OWN_SCRIPT, SCRIPT, THREAD, MODULE = range(4)

_module_dict = vars(ModuleType)["__dict__"].__get__


@frozen(eq=False)
class Root:
    """Where a search can end: a namespace, the running threads, `yummy.state`.

    Attributes:
        rank: How good an answer it is.
        place: What is said before the variable.
        held: The namespace or map itself.
        name: The expression for the root itself, if it has one.
        filename: The script's file name.
    """

    rank: int
    place: str
    held: Any
    name: str = ""
    filename: str | None = None


def find_roots(texts: ScriptTexts, own: str | None) -> dict[int, Root]:
    """All of them by their identity.

    Args:
        texts: The scripts.
        own: The file name of the script whose variables are preferred.
    """
    roots = {id(state): Root(SCRIPT, "", state, "yummy.state")}
    for name, module in list(sys.modules.items()):
        if not is_a(module, ModuleType):
            continue
        names = _module_dict(module)
        if type(names) is not dict or id(names) in roots:
            continue
        filename = names.get("__file__")
        path = texts.path(filename) if type(filename) is str else None
        if path is None:
            roots[id(names)] = Root(MODULE, f"module {name}", names, str(name))
        else:
            rank = OWN_SCRIPT if filename == own else SCRIPT
            roots[id(names)] = Root(rank, path, names, "", filename)
    threads = running_threads()
    roots[id(threads)] = Root(THREAD, "a thread that still runs", threads)
    return roots


def running_threads() -> dict[int, Any]:
    """The threads of this interpreter by their identity."""
    threads = getattr(threading, "_active", None)  # what `threading.enumerate` lists, but without its lock
    return threads if type(threads) is dict else {}


def module_name(module: ModuleType) -> str:
    """What a module calls itself."""
    return str(_module_dict(module).get("__name__", "?"))


def former_script(holder: Any, texts: ScriptTexts) -> Root | None:
    """The root of a script's module that another has taken the place of, but whose functions live on."""
    if type(holder) is not dict or "__builtins__" not in holder:
        return None
    filename = holder.get("__file__")
    path = texts.path(filename) if type(filename) is str else None
    return None if path is None else Root(SCRIPT, f"{path}, as it was before an edit", holder, "", filename)
