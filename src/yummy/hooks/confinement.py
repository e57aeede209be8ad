"""Confines a hook thread by the kernel, where there is one that can: Landlock for files, seccomp for everything else.

Host side, but called in the hook's own thread, before the interpreter is made on it. Owns both layers and what is said
of them; it never fails: a layer that cannot be had is named, and scripts run without it. They back up the audit hook
of `yummy.hooks.sandbox` where Python reports nothing to that.

Both bind one thread, and those that it starts, until it ends. The rest of the server is not touched, so the thread
should run nothing of the server's but the hook interpreter.
"""

import ctypes
import os
import platform
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from yummy.hooks.revision import DATA_FOLDER
from yummy.hooks.seccomp import filter_program

# System calls have the same numbers everywhere since Linux 5.1; that of seccomp is older.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER = 1
_PR_SET_NO_NEW_PRIVS = 38

_ASK_FOR_ABI = 1
_RULE_PATH_BENEATH = 1
_WRITE_FILE = 1 << 1
# Writing and removing files, folders and links of every kind; what is not named here is not restricted.
_WRITE = _WRITE_FILE | 0b1_1111_1111 << 4
_REFER = 1 << 13  # moving and linking between folders, since ABI 2
_TRUNCATE = 1 << 14  # since ABI 3
_TCP = 0b11  # bind and connect, since ABI 4
_SCOPES = 0b11  # abstract Unix sockets and signals to processes outside, since ABI 6


@frozen
class Confinement:
    """Which layers hold a hook thread.

    Attributes:
        landlock: The version of Landlock's interface that is in force; 0 without.
        seccomp: Whether system calls are filtered.
        reason: Why not all of it is in force; empty if it is.
    """

    landlock: int
    seccomp: bool
    reason: str = ""


def confine_thread(scripts: str) -> Confinement:
    """Confine the thread that calls this, for good.

    It may then write in the scripts' ``data/`` only, which is made if it is not there: the kernel grants nothing to
    a folder that does not exist.

    Args:
        scripts: The scripts folder, absolute.

    Returns:
        What is in force.
    """
    data = Path(scripts, DATA_FOLDER)
    with suppress(OSError):  # a folder that is not there or not ours to write in: then scripts write nothing
        data.mkdir(exist_ok=True)
    machine = platform.machine()
    if sys.platform != "linux" or sys.maxsize < 2**32 or machine not in _SECCOMP:
        return Confinement(0, seccomp=False, reason=f"not supported on {platform.system()} {machine}")
    reasons = []
    abi, filtered = 0, False
    try:
        abi = _restrict_files(data)
    except OSError as error:
        reasons.append(f"Landlock: {error.strerror}")
    try:
        _filter_calls(machine)
        filtered = True
    except OSError as error:
        reasons.append(f"seccomp: {error.strerror}")
    return Confinement(abi, filtered, "; ".join(reasons))


def _restrict_files(data: Path) -> int:
    """Let this thread write beneath one folder only.

    Returns:
        The version of Landlock.

    Raises:
        OSError: The kernel has no Landlock, or it is switched off, or forbidden in this container.
    """
    abi = _call(_LANDLOCK_CREATE_RULESET, None, 0, _ASK_FOR_ABI)
    files = _WRITE | (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    bounds = [files, _TCP if abi >= 4 else 0, _SCOPES if abi >= 6 else 0]
    # An older kernel takes the longer structure, too, as long as there are zeros in what it does not know.
    attributes = struct.pack("<3Q", *bounds)
    rules = _call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        _permit(rules, data, files)
        _permit(rules, Path(os.devnull), files & (_WRITE_FILE | _TRUNCATE))
        _gain_nothing()
        _call(_LANDLOCK_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return abi


def _permit(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there, so there is nothing to permit
    try:
        _call(_LANDLOCK_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("<Qi", rights, place), 0)
    finally:
        os.close(place)


def _filter_calls(machine: str) -> None:
    """Refuse this thread system calls that no hook needs.

    Raises:
        OSError: The kernel does not filter, or does not let us.
    """
    program = filter_program(machine) or b""
    steps = ctypes.create_string_buffer(program, len(program))
    _gain_nothing()
    description = struct.pack("<H6xQ", len(program) // 8, ctypes.addressof(steps))
    _call(_SECCOMP[machine], _SECCOMP_SET_MODE_FILTER, 0, description)


def _gain_nothing() -> None:
    """Give up what a program that is run could gain; the kernel asks that of who confines without being root."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_ulong(value) for value in (1, 0, 0, 0)]
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, *arguments) != 0:
        raise _last_error()


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call that the C library has no function for.

    Raises:
        OSError: It failed.
    """
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = call(ctypes.c_long(number), *wide)
    if result < 0:
        raise _last_error()
    return result


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
