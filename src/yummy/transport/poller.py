"""One task that waits for the sockets of all connections, and has each of them read as soon as something has come.

To wait for a socket by itself costs a system call and a turn of the scheduler for each time, which is as much as all
that is done with a message then. Here a socket is registered once with the kernel (`epoll`), and stays so for as long
as what comes can be dealt with on the spot. All that have something to read are read first, and then what they said is
dealt with: the processor forgets less of either when it does much of the same in a row. Last, what all were told is
written, for which the scheduler would take another turn else. Where there is no `epoll`, every socket is waited for by
itself.
"""

import select
import socket
from collections.abc import Callable, Iterable, Iterator
from itertools import batched

import attrs
import trio

from yummy.transport.hub import Hub

AT_A_TIME = 256
"""Sockets that are asked for at once."""

TURN = 0.01
"""Seconds after which other tasks get their turn, whatever is left to be read."""

_LOOK = 8
"""Sockets after which the time is looked at, which takes a while itself."""

_HAS_EPOLL = hasattr(select, "epoll")


@attrs.define(eq=False)
class _Watch:
    """A socket that is waited for.

    Attributes:
        take: Takes what has come off the socket; gets trio's time.
        deal: Deals with that; returns whether the task shall go on.
        task: Who waits.
        error: What it is woken up with.
    """

    take: Callable[[float], None]
    deal: Callable[[], bool]
    task: trio.lowlevel.Task
    error: Exception | None = None


@attrs.define(eq=False)
class Poller:
    """The sockets that are waited for, by file descriptor."""

    _epoll: "select.epoll | None" = attrs.field(factory=lambda: select.epoll() if _HAS_EPOLL else None)
    _hub: Hub = attrs.field(factory=Hub, kw_only=True)
    _watches: dict[int, _Watch] = attrs.field(factory=dict)

    async def watch(self, sock: socket.socket, take: Callable[[float], None], deal: Callable[[], bool]) -> None:
        """Have a socket read whenever something has come, until there is something for the caller to do.

        Args:
            sock: In non-blocking mode. Only one task may wait for it.
            take: Takes what has come off the socket, which may be nothing after all; gets trio's time.
            deal: Called soon after that, unless the waiting has ended meanwhile. Deals with what was taken, and returns
                whether the caller shall go on.

        Raises:
            trio.ClosedResourceError: It was released.
            OSError: The kernel waits for no more sockets.
            Exception: Whatever these raise.
        """
        if self._epoll is None or self._epoll.closed:
            # Closed: everything is being cancelled, and who has not heard of it yet hears of it here.
            await self._read_alone(sock, take, deal)
            return
        number = sock.fileno()
        # First, as it may fail: nobody may seem to wait who does not.
        self._epoll.register(number, select.EPOLLIN)
        watch = self._watches[number] = _Watch(take, deal, trio.lowlevel.current_task())

        def abort(_: object) -> trio.lowlevel.Abort:
            self._forget(number)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if watch.error is not None:
            raise watch.error

    def release(self, sock: socket.socket) -> None:
        """Let who waits for a socket fail, as it is about to be closed. Harmless if nobody does."""
        number = sock.fileno()
        trio.lowlevel.notify_closing(sock)
        if number in self._watches:
            self._wake(number, trio.ClosedResourceError("the connection was closed"))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Have sockets read until cancelled.

        All that are ready are read before any of them is read again, so nobody waits for long. What was read of who
        has gone meanwhile is not dealt with.
        """
        task_status.started()
        if self._epoll is None:
            return
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                # The kernel gives those first that it has not given for longest.
                taken = batched(self._take(self._epoll.poll(0, AT_A_TIME)), _LOOK, strict=False)
                while not self._deal_with(taken):
                    await trio.lowlevel.checkpoint()
        finally:
            self._epoll.close()

    def _take(self, ready: Iterable[tuple[int, int]]) -> list[tuple[int, _Watch]]:
        """Take what has come off the sockets; gives those of them that go on, with whose they are."""
        now = trio.current_time()
        taken = []
        for number, _ in ready:
            watch = self._watches.get(number)
            if watch is None:
                continue
            try:
                watch.take(now)
            except Exception as error:  # noqa: BLE001  # it is for who waits
                self._end(number, watch, error)
            else:
                taken.append((number, watch))
        return taken

    def _deal_with(self, taken: Iterator[tuple[tuple[int, _Watch], ...]]) -> bool:
        """Deal with what was taken, and write what that makes others say; whether it was all within the turn."""
        began = trio.current_time()
        self._hub.gather()
        try:
            for some in taken:
                for number, watch in some:
                    if self._watches.get(number) is not watch:
                        # What another one said has ended it.
                        continue
                    try:
                        if watch.deal():
                            self._end(number, watch, None)
                    except Exception as error:  # noqa: BLE001  # it is for who waits
                        self._end(number, watch, error)
                if trio.current_time() - began > TURN:
                    return False
        finally:
            self._hub.write()
        return True

    def _end(self, number: int, watch: _Watch, error: Exception | None) -> None:
        if self._watches.get(number) is watch:
            self._wake(number, error)

    def _wake(self, number: int, error: Exception | None) -> None:
        watch = self._forget(number)
        watch.error = error
        trio.lowlevel.reschedule(watch.task)

    def _forget(self, number: int) -> _Watch:
        if self._epoll is not None and not self._epoll.closed:
            self._epoll.unregister(number)
        return self._watches.pop(number)

    async def _read_alone(self, sock: socket.socket, take: Callable[[float], None], deal: Callable[[], bool]) -> None:
        while True:
            await trio.lowlevel.wait_readable(sock)
            take(trio.current_time())
            if deal():
                return
