"""The guard rails of scripts: what they may not do, and the error that says so. Runs inside the hook interpreter.

Owns the table of what is denied. Python reports most of it as audit events, and a hook on these cannot be taken off
again; for what it reports nothing of, the functions are replaced. Both keep honest scripts honest. Neither is a jail:
a script shares memory and descriptors with the server, and who looks for a way around this finds one.

Denied is what starts or touches other programs, reaches the network, leaves the hook thread, writes outside the
scripts' own folder, or changes something that the whole process has only once. Reading is not.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any, NoReturn, override

from attrs import define, frozen

from yummy.hooks.datafolder import NO_DESCRIPTOR, DataFolder, plain

type Arguments = tuple[Any, ...]
#: What of an event's arguments is to be shown in the error, or None if the event is permitted.
type Check = Callable[[Arguments], str | None]
type Deny = Callable[[str, str, str], NoReturn]

#: Modules that scripts may not import: native code, and interpreters that no sandbox is in.
BARRED_MODULES = {
    "ctypes": "call native code",
    "_ctypes": "call native code",
    "cffi": "call native code",
    "_cffi_backend": "call native code",
    "_interpreters": "make interpreters",
    "_xxsubinterpreters": "make interpreters",
}

#: What an audit event means, where each of its kind is denied.
DENIED_EVENTS = {
    "start programs": (
        "os.exec os.fork os.forkpty os.posix_spawn os.spawn os.startfile os.startfile/2 os.system pty.spawn "
        "subprocess.Popen"
    ),
    "send signals": "os.kill os.killpg signal.pthread_kill",
    "start threads": "_thread.start_joinable_thread _thread.start_new_thread",
    "use the network": (
        "socket.__new__ socket.bind socket.connect socket.getaddrinfo socket.gethostbyaddr socket.gethostbyname "
        "socket.getnameinfo socket.sendmsg socket.sendto"
    ),
    "call native code": (
        "ctypes.addressof ctypes.call_function ctypes.cdata ctypes.cdata/buffer ctypes.dlopen ctypes.dlsym "
        "ctypes.dlsym/handle ctypes.memoryview_at ctypes.PyObj_FromPtr ctypes.string_at ctypes.wstring_at "
        "sqlite3.enable_load_extension sqlite3.load_extension"
    ),
    "change the whole process": (
        "os.chdir os.putenv os.unsetenv resource.setrlimit socket.sethostname sys.addaudithook sys.remote_exec"
    ),
}

#: Functions that raise no audit event, or raise it too late, by the modules that they are found in.
DENIED_FUNCTIONS: Mapping[tuple[str, tuple[str, ...]], str] = {
    ("start programs", ("os", "posix")): "execv execve fork forkpty",
    ("start programs", ("_posixsubprocess",)): "fork_exec",
    ("send or take signals", ("signal", "_signal")): (
        "alarm pause pidfd_send_signal pthread_sigmask raise_signal set_wakeup_fd setitimer siginterrupt signal "
        "sigtimedwait sigwait sigwaitinfo"
    ),
    ("send or take signals", ("_thread",)): "interrupt_main",
    ("end the process", ("os", "posix")): "_exit abort",
    ("make special files", ("os", "posix")): "mkfifo mknod",
    ("change the whole process", ("os", "posix")): (
        "chroot closerange initgroups login_tty nice sched_setaffinity sched_setparam sched_setscheduler setegid "
        "seteuid setgid setgroups setns setpgid setpgrp setpriority setregid setresgid setresuid setreuid setsid "
        "setuid tcsetpgrp umask unshare"
    ),
    ("change the whole process", ("time",)): "clock_settime clock_settime_ns",
    ("change the whole process", ("sys",)): "addaudithook",
}

#: Of these, what a subinterpreter cannot do in any case.
_NEVER = {"os.execv", "os.execve", "os.fork", "os.forkpty"}

#: Where events of file operations have a path whose last name is changed, and the descriptor that it starts from.
_ENTRIES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "os.link": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
}
#: The same where that which the path leads to is changed; it may be a descriptor. None: there is no such argument.
_FILES: Mapping[str, int | None] = {
    "os.chflags": None,
    "os.chmod": 2,
    "os.chown": 3,
    "os.removexattr": None,
    "os.setxattr": None,
    "os.truncate": None,
    "os.utime": 3,
}

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class SandboxError(PermissionError):
    """A script did what scripts may not do; nothing of it has happened.

    It is a `PermissionError`, as if the system had refused: libraries that can do without what was denied go on.
    """

    @override
    def __str__(self) -> str:
        # Of system errors, Python shows number and file instead, once somebody adds a file to them; `shutil` does.
        return f"{self.args[0]}" if self.args else ""


@frozen
class _Rule:
    """What is denied: what a script would be doing, the name to call it by, and what is checked (None: all of it)."""

    doing: str
    name: str
    check: Check | None = None


@define
class _Installation:
    """The audit hook of this interpreter, which has no more than one."""

    folder: str | None = None


_installation = _Installation()


def install(folder: str, tell: Callable[[str], None] | None = None) -> None:
    """Put up the guard rails in this interpreter, for good. Doing it again changes nothing.

    What the engine itself needs that scripts may not have (its socket, its threads, `ctypes`) has to be there before.

    Args:
        folder: The scripts folder, absolute; its ``data/`` may be written to.
        tell: Gets the text of the first violation of each kind, since a library may catch the error and say nothing.
    """
    if _installation.folder is not None:
        return
    _installation.folder = folder
    told: set[str] = set()

    def deny(doing: str, name: str, detail: str) -> NoReturn:
        text = _text(doing, name, detail)
        if tell is not None and name not in told:
            told.add(name)
            # A host that has gone is no news here. What ends the hook itself, such as its deadline, is let through.
            with suppress(Exception):
                tell(text)
        raise SandboxError(text)

    rules = dict(_rules(DataFolder.of(folder)))
    sys.dont_write_bytecode = True  # an import would write beside the library, and be refused
    _forget_modules()
    sys.addaudithook(_audit_hook(rules, deny))
    _replace_functions(deny)


def _text(doing: str, name: str, detail: str) -> str:
    shown = f"{name}: {detail}" if detail else name
    if name in _NEVER:
        remedy = "Python's subinterpreters cannot do it, with HOOK_SANDBOX=off as little as with on"
    else:
        remedy = "the sandbox denies it; HOOK_SANDBOX=off lifts it, for scripts that you trust"
    return f"a hook script may not {doing} ({shown}): {remedy}"


def _audit_hook(rules: dict[str, _Rule], deny: Deny) -> Callable[[str, Arguments], None]:
    # Closed over, not global: it is called for every event of this interpreter, some of them in each frame.
    find = rules.get

    def audit(event: str, arguments: Arguments) -> None:
        rule = find(event)
        if rule is None:
            return
        detail: str | None = ""
        if rule.check is not None:
            try:
                detail = rule.check(arguments)
            except Exception:  # noqa: BLE001  # what cannot be judged is denied
                detail = "what it was given cannot be read"
        if detail is not None:
            deny(rule.doing, rule.name, detail)

    return audit


def _rules(data: DataFolder) -> Iterator[tuple[str, _Rule]]:
    for doing, events in DENIED_EVENTS.items():
        for event in events.split():
            yield event, _Rule(doing, event.replace("__new__", "socket"))
    yield "import", _Rule("call native code or make interpreters", "import", _check_import)
    yield "resource.prlimit", _Rule("change the whole process", "resource.prlimit", _check_limits)
    writing = f"write outside {data.path}"
    yield "open", _Rule(writing, "open", partial(_check_open, data))
    yield "os.mkdir", _Rule(writing, "os.mkdir", partial(_check_mkdir, data))
    yield "sqlite3.connect", _Rule(writing, "sqlite3.connect", partial(_check_database, data))
    for event, places in _ENTRIES.items():
        yield event, _Rule(writing, event, partial(_check_entries, data, places))
    for event, place in _FILES.items():
        yield event, _Rule(writing, event, partial(_check_file, data, place))


def _check_import(arguments: Arguments) -> str | None:
    name = plain(arguments[0])
    return repr(name) if name in BARRED_MODULES else None


def _check_limits(arguments: Arguments) -> str | None:
    return None if arguments[2] is None else ""


def _check_open(data: DataFolder, arguments: Arguments) -> str | None:
    path, mode, flags = arguments
    if not flags & _WRITING and (mode is None or set(mode).isdisjoint("wax+")):
        return None
    where = plain(path)
    # A descriptor is open already, and nobody can tell whose it is.
    if isinstance(where, int) or data.holds(where) or os.path.realpath(where) == os.devnull:
        return None
    return repr(where)


def _check_mkdir(data: DataFolder, arguments: Arguments) -> str | None:
    path, _, directory = arguments
    return None if data.holds_entry(path, directory) or data.is_at(path, directory) else repr(plain(path))


def _check_database(data: DataFolder, arguments: Arguments) -> str | None:
    if data.holds_database(arguments[0]):
        return None
    return f"{plain(arguments[0])!r}; to read it, open 'file:PATH?mode=ro' with uri=True"


def _check_entries(data: DataFolder, places: tuple[tuple[int, int], ...], arguments: Arguments) -> str | None:
    for path, directory in places:
        if not data.holds_entry(arguments[path], arguments[directory]):
            return repr(plain(arguments[path]))
    return None


def _check_file(data: DataFolder, place: int | None, arguments: Arguments) -> str | None:
    path, directory = plain(arguments[0]), NO_DESCRIPTOR if place is None else arguments[place]
    # Whether a link itself is meant or what it leads to is not told: both have to be inside.
    inside = data.holds(path, directory) and (isinstance(path, int) or data.holds_entry(path, directory))
    return None if inside else repr(path)


def _replace_functions(deny: Deny) -> None:
    for (doing, modules), names in DENIED_FUNCTIONS.items():
        for module in filter(None, map(_module, modules)):
            for name in names.split():
                if hasattr(module, name):  # else this system has no such function
                    setattr(module, name, _denied(deny, doing, f"{modules[0]}.{name}"))
    _replace_setlocale(deny)


def _module(name: str) -> Any:
    with suppress(ImportError):  # of another system
        return import_module(name)
    return None


def _denied(deny: Deny, doing: str, name: str) -> Callable[..., NoReturn]:
    def denied(*_arguments: object, **_options: object) -> NoReturn:
        deny(doing, name, "")

    return denied


def _replace_setlocale(deny: Deny) -> None:
    locale = import_module("locale")
    ask = locale.setlocale

    def setlocale(category: int, locale: object = None) -> str:
        if locale is not None:
            deny("change the whole process", "locale.setlocale", "")
        answer: str = ask(category)
        return answer

    locale.setlocale = setlocale  # type: ignore[attr-defined]  # a module, seen as one by name


def _forget_modules() -> None:
    """Have scripts import anew what the engine itself may have imported, so that it can be denied them."""
    for name in list(sys.modules):
        if name.split(".", 1)[0] in BARRED_MODULES:
            del sys.modules[name]
