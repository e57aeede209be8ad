"""What Linux says of a process: what it has used and holds, and which cores it may use."""

import os
import platform
import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from attrs import frozen

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
#: Descriptors that a generator has open beside its connections.
OTHER_DESCRIPTORS = 32
#: Load for each core from which on a machine is too busy to measure on.
BUSY = 0.5
#: How a server is placed, beside a generator that has a core to itself as far as there are enough.
ONE_CORE, ALL_CORES = "one core", "all cores"


@frozen
class Usage:
    """What a process has used and holds.

    Attributes:
        main_cpu: Seconds of a core that its first thread has used; in a server, the event loop.
        other_cpu: Seconds that its other threads have used; in a server, above all the one that scripts run in.
        resident: Bytes of memory.
        threads: Threads.
        descriptors: Open files and sockets.
    """

    main_cpu: float
    other_cpu: float
    resident: int
    threads: int
    descriptors: int

    @property
    def cpu(self) -> float:
        """Seconds of a core that it has used in all."""
        return self.main_cpu + self.other_cpu


def usage(pid: int) -> Usage:
    """What a process of this user has used and holds."""
    home = Path(f"/proc/{pid}")
    # In nanoseconds, while there are only hundredths of a second for a thread of another process.
    everything, main = time.clock_gettime(_clock_of(pid)), _cpu(home / "task" / str(pid))
    return Usage(
        main_cpu=min(everything, main),
        other_cpu=max(0.0, everything - main),
        resident=int((home / "statm").read_text().split()[1]) * _PAGE,
        threads=len(list((home / "task").iterdir())),
        descriptors=len(list((home / "fd").iterdir())),
    )


def _clock_of(pid: int) -> int:
    """The clock of what a process uses: what clock_getcpuclockid(3) gives, which Python does not have."""
    return ~pid << 3 | 2


def _cpu(home: Path) -> float:
    # The name, in parentheses, may hold anything.
    user, system = (home / "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def raise_descriptors(wanted: int) -> int:
    """Let this process, and those that it starts, have so many open files and sockets, or as many as can be.

    Returns:
        How many they may have now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def cores() -> list[int]:
    """The cores that this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


def place(pid: int, allowed: Iterable[int]) -> None:
    """Let all threads of a process run on these cores only; those that it starts later, too."""
    wanted = set(allowed)
    for thread in list(Path(f"/proc/{pid}/task").iterdir()):
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), wanted)


@contextmanager
def placed(pid: int, placement: str) -> Iterator[None]:
    """Give a server and this process, the generator, their cores for the length of a block.

    Args:
        pid: The server's process.
        placement: `ONE_CORE` or `ALL_CORES`; on a machine of one core, both have that.
    """
    allowed = cores()
    if len(allowed) == 1:
        yield
        return
    place(pid, allowed[:1] if placement == ONE_CORE else allowed)
    place(os.getpid(), allowed[-1:])
    try:
        yield
    finally:
        place(os.getpid(), allowed)


@frozen
class Machine:
    """The machine that something is measured on.

    Attributes:
        cores: Those that this process may use.
        system: Its name and release.
        python: The version of the generator's Python.
        load: The load average at the start.
    """

    cores: int
    system: str
    python: str
    load: float

    @classmethod
    def now(cls) -> Self:
        """This one, as it is now."""
        system = f"{platform.system()} {platform.release()}"
        return cls(len(cores()), system, platform.python_version(), round(os.getloadavg()[0], 2))

    def __str__(self) -> str:
        busy = " (others are at work: rates and latencies say little)" if self.load > BUSY * self.cores else ""
        return f"{self.cores} cores, {self.system}, Python {self.python}; load average at start {self.load:.1f}{busy}"


def machine() -> str:
    """One line on the machine, as it is now."""
    return f"machine      {Machine.now()}"
