"""The system calls that a hook thread may not make, as a filter program for Linux's seccomp. Pure: it makes no call.

Owns the table and the program's text, classic BPF. The filter is a list of what is denied: it backs the sandbox up
where Python reports nothing, and must never get in the way of what Python or a C library may need next year. So new
threads stay possible (the interpreter starts its own), and so does everything about descriptors that are open. What
changes the user ids is left alone as well: the C library makes such a call in all threads, and ends the process when
one of them answers otherwise.
"""

import errno
import struct
from typing import Final

from attrs import frozen

#: System calls by what they would do, each with its number on x86_64 and on aarch64; 0 where there is none.
_DENIED: Final = {
    "start programs, look into others": {
        "execve": (59, 221),
        "execveat": (322, 281),
        "fork": (57, 0),
        "vfork": (58, 0),
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "process_madvise": (440, 440),
        "kcmp": (312, 272),
        "pidfd_open": (434, 434),
        "pidfd_getfd": (438, 438),
    },
    "send signals": {
        "kill": (62, 129),
        "tkill": (200, 130),
        "tgkill": (234, 131),
        "rt_sigqueueinfo": (129, 138),
        "rt_tgsigqueueinfo": (297, 240),
        "pidfd_send_signal": (424, 424),
        "alarm": (37, 0),
        "setitimer": (38, 103),
        "timer_create": (222, 107),
    },
    "make sockets": {
        "socket": (41, 198),
        "connect": (42, 203),
        "bind": (49, 200),
        "listen": (50, 201),
        "accept": (43, 202),
        "accept4": (288, 242),
    },
    "change the whole process": {
        "chdir": (80, 49),
        "fchdir": (81, 50),
        "chroot": (161, 51),
        "umask": (95, 166),
        "setpgid": (109, 154),
        "setsid": (112, 157),
        "setrlimit": (160, 164),
        "unshare": (272, 97),
        "setns": (308, 268),
        "personality": (135, 92),
    },
    "change the system": {
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "open_tree": (428, 428),
        "move_mount": (429, 429),
        "fsopen": (430, 430),
        "fsconfig": (431, 431),
        "fsmount": (432, 432),
        "fspick": (433, 433),
        "mount_setattr": (442, 442),
        "open_by_handle_at": (304, 265),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "userfaultfd": (323, 282),
        "fanotify_init": (300, 262),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "delete_module": (176, 106),
        "kexec_load": (246, 104),
        "kexec_file_load": (320, 294),
        "reboot": (169, 142),
        "swapon": (167, 224),
        "swapoff": (168, 225),
        "sethostname": (170, 161),
        "setdomainname": (171, 162),
        "settimeofday": (164, 170),
        "clock_settime": (227, 112),
        "clock_adjtime": (305, 266),
        "adjtimex": (159, 171),
        "add_key": (248, 217),
        "request_key": (249, 218),
        "keyctl": (250, 219),
        "acct": (163, 89),
        "quotactl": (179, 60),
        "iopl": (172, 0),
        "ioperm": (173, 0),
    },
}

#: Makes a thread or a process, as its first argument says.
_CLONE: Final = (56, 220)
_CLONE_THREAD: Final = 0x10000
#: The same, with its arguments where a filter cannot look; the C library falls back to the one above.
_CLONE3: Final = 435

#: Above these numbers x86_64 has the same calls once more, for programs of another kind.
_X32: Final = 0x4000_0000

_ALLOW: Final = 0x7FFF_0000
_REFUSE: Final = 0x0005_0000  # and the error's number

# Operations of the filter's machine, and where it finds things.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16


@frozen
class _Machine:
    """A processor: its place in the table of numbers, and how the kernel calls it."""

    column: int
    code: int


_MACHINES: Final = {"x86_64": _Machine(0, 0xC000_003E), "aarch64": _Machine(1, 0xC000_00B7)}


def filter_program(machine: str) -> bytes | None:
    """The filter for a machine.

    Args:
        machine: As `platform.machine` calls it.

    Returns:
        The instructions, 8 bytes each; None if the machine's numbers are not known.
    """
    known = _MACHINES.get(machine)
    if known is None:
        return None
    numbers = sorted(number for calls in _DENIED.values() for number in _column(calls, known.column) if number)
    # Every step jumps over as many as are between it and the end, where these four stand.
    end = [
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE | errno.EPERM),
        _step(_RETURN, _REFUSE | errno.ENOSYS),
    ]
    steps = [
        _step(_LOAD, _MACHINE),
        _step(_EQUAL, known.code, 1, 0),
        _step(_RETURN, _REFUSE | errno.EPERM),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _REFUSE | errno.EPERM),
        _step(_EQUAL, _CLONE3, len(numbers) + 5, 0),
        *(_step(_EQUAL, number, len(numbers) - place + 3, 0) for place, number in enumerate(numbers)),
        _step(_EQUAL, _CLONE[known.column], 0, 2),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, 0, 1),
        *end,
    ]
    return b"".join(steps)


def _column(calls: dict[str, tuple[int, int]], column: int) -> list[int]:
    return [numbers[column] for numbers in calls.values()]


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """An instruction; jumps count the instructions that are passed over."""
    return struct.pack("<HBBI", operation, if_true, if_false, value)
