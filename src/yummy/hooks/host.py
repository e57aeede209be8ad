"""The hook engine as the server sees it: asked by the pipeline for hooks, given scripts to load, closed.

Owns which interpreter serves and which revision: it starts interpreters, has scripts loaded into them, and replaces
one that has ended or does not react. It knows no rooms' rules and no connection: what a call may read and what becomes
of its writes is the pipeline's.
"""

import time
from contextlib import suppress
from pathlib import Path

import attrs
import structlog
import trio
from attrs import define, field

from yummy.hooks import frames
from yummy.hooks.calls import HookCall, HookLimits, HookResult, ScriptsBroken
from yummy.hooks.dispatch import Dispatch
from yummy.hooks.peer import LOADING, LoadedScripts, LoadNotBegun, Peer
from yummy.hooks.report import Notice, Trouble
from yummy.hooks.reports import ReportBook
from yummy.hooks.revision import Revision, Sources
from yummy.hooks.serving import NOBODY, Serving
from yummy.hooks.statistics import Counts, HookStatistics, resident_bytes
from yummy.hooks.watch import watch_sources

#: Seconds between two replacements of an interpreter, at least; each costs some memory that Python does not give back.
REPLACE_PAUSE = 1.0
#: Seconds before another interpreter is tried, where the last one could not load what had served.
RETRY_PAUSE = 5.0

_log = structlog.get_logger("yummy.hooks")


@define(eq=False)
class HookHost:
    """The hook engine; `opening.open_hooks` makes it.

    Attributes:
        limits: The bounds of the engine.
        serving: The revision for messages that begin now.
        reports: What went wrong in scripts.
        notices: What looks like a slip in what the last load ran.
        exhausted: Set when too many interpreters were given up: the server should end, and be started again.
    """

    limits: HookLimits
    serving: Serving = NOBODY
    reports: ReportBook = field(factory=ReportBook)
    notices: tuple[Notice, ...] = ()
    exhausted: trio.Event = field(factory=trio.Event)
    _folder: Path | None = None
    _nursery: trio.Nursery | None = None
    _peer: Peer | None = None
    _starting: Peer | None = None
    _sources: Sources | None = None
    _older: dict[int, Serving] = field(factory=dict)
    _given_up: list[Peer] = field(factory=list)
    _changing: trio.Lock = field(factory=trio.Lock)
    _closing: bool = False
    _retrying: bool = False
    _replaced: float = -REPLACE_PAUSE
    _counts: Counts = field(factory=Counts)
    _dispatch: Dispatch = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._dispatch = Dispatch(self.limits, self.reports, self._counts, self._revision_of)

    @property
    def revision(self) -> Revision:
        """The scripts that serve."""
        return self.serving.revision

    @property
    def scripts(self) -> tuple[str, ...]:
        """The file names of the scripts that serve, in the order in which their hooks run."""
        return self.revision.files

    @property
    def stuck(self) -> bool:
        """Whether a script spins in a thread that nobody can end: the process ends only by `os._exit`."""
        return any(peer.alive for peer in self._given_up)

    def wants_either(self, name: str) -> bool:
        """Whether any script has a pre or post hook of this name that does something; cheap."""
        return name in self.serving.names

    def pin(self) -> Serving:
        """The hooks for a message that begins now, the same ones until `Serving.release`."""
        self.serving.users += 1
        return self.serving

    async def call(self, call: HookCall, serving: Serving | None = None) -> HookResult:
        """Run hooks of a revision, of the one that serves if none is named; see `Dispatch.call`."""
        return await self._dispatch.call(call, serving or self.serving)

    def statistics(self) -> HookStatistics:
        """What the hook engine has done since its start."""
        return HookStatistics(
            revision=self.revision.number,
            waiting=self._dispatch.waiting,
            state_bytes=len(self._dispatch.state),
            spinning=sum(peer.alive for peer in self._given_up),
            reports=dict(self.reports.counts),
            **attrs.asdict(self._counts),
        )

    async def load(self, sources: Sources) -> None:
        """Load scripts; messages that begin from then on are theirs.

        Raises:
            ScriptsBroken: They cannot be loaded; what served before serves on.
            RuntimeError: There was no interpreter, and none can be started.
        """
        async with self._changing:
            number = self.revision.number + 1
            while True:
                before = resident_bytes()
                peer = await self._living(sources.folder)
                # What hangs in front of the load is no fault of these scripts; they may well be its remedy.
                with suppress(LoadNotBegun):
                    loaded = await self._load_into(peer, number, sources)
                    break
            self._sources = sources
            self._accept(peer, sources.revision(number), loaded, resident_bytes() - before)

    async def _load_into(self, peer: Peer, number: int, sources: Sources) -> LoadedScripts:
        try:
            return await peer.load(number, sources)
        except ScriptsBroken:
            self._counts.refused_loads += 1
            raise

    async def _living(self, folder: str) -> Peer:
        """The interpreter that scripts can be loaded into; the lock is held."""
        if self._peer is not None and self._peer.over.is_set():
            self._let_go(self._peer)
            await self._replace()
        if self.exhausted.is_set():
            raise RuntimeError("the hook engine has ended: too many interpreters had to be given up")
        return self._peer or await self._start(folder)

    async def reload(self, sources: Sources) -> None:
        """Load edited scripts; if they are broken, that is reported, and what served before serves on."""
        if self._sources is not None and sources.texts == self._sources.texts:
            # An edit that was refused was taken back.
            _log.info("the scripts are again as they serve", revision=str(self.revision))
            return
        try:
            await self.load(sources)
        except ScriptsBroken as broken:
            self.refuse(broken)
        except RuntimeError as error:
            self.refuse(ScriptsBroken(Trouble("broken", str(error))))

    def refuse(self, broken: ScriptsBroken) -> None:
        """Report scripts that cannot serve."""
        for trouble in broken.troubles:
            self.reports.record(trouble, f"{self.revision.number + 1} (refused)", {})
        if self.revision.number:
            _log.warning("the scripts were not taken; those before serve on", revision=str(self.revision))
        else:
            _log.warning("the scripts were not taken; messages run without hooks")

    async def close(self) -> None:
        """End the interpreter; calls that were sent run to their end first. Bounded in time."""
        self._closing = True
        if self._starting is not None:
            self._starting.give_up()
            await self._starting.join()
        if self._peer is not None and not await self._peer.close():
            self._given_up.append(self._peer)
        for peer in self._given_up:
            await peer.join()
        self._dispatch.fail_all(Trouble("error", "the server ends", advice="nothing: the client may try again later"))
        if self.stuck:
            _log.critical(
                "a hook thread does not end, a script still runs in it: the process has to be ended by force",
                revision=str(self.revision),
            )

    async def _start(self, folder: str) -> Peer:
        if self._nursery is None:
            raise RuntimeError("the hook engine is not open")
        peer = self._starting = Peer(self.limits, folder, self._dispatch.take)
        try:
            await peer.start(self._nursery, self._dispatch.state)
        except BaseException:
            peer.give_up()
            self._given_up.append(peer)
            raise
        finally:
            self._starting = None
        self._peer = peer
        self._nursery.start_soon(self._tend, peer)
        return peer

    def _accept(self, peer: Peer, revision: Revision, loaded: LoadedScripts, growth: int) -> None:
        """Scripts were loaded: they serve, beside those that still have messages to end."""
        before = self.serving
        self.serving = Serving(revision, loaded.hooks, self._dispatch.ask, self._retire)
        self._older[before.revision.number] = before
        if not before.users:
            self._retire(before)
        if self._dispatch.peer is not peer:
            self._dispatch.serve(peer, revision.number)
        self._counts.loads += 1
        self._counts.live_objects = loaded.live_objects
        self.notices = loaded.notices
        for notice in loaded.notices:
            _log.warning(notice.text, file=notice.file, line=notice.line, revision=str(revision))
        _log.info(
            "scripts loaded",
            revision=str(revision),
            scripts=list(revision.files),
            hooks=sorted(loaded.hooks),
            live_objects=loaded.live_objects,
            process_growth_bytes=growth,
        )

    def _retire(self, serving: Serving) -> None:
        """The last message of a revision has ended."""
        if serving is self.serving:
            return
        self._older.pop(serving.revision.number, None)
        if self._dispatch.peer is not None:
            self._dispatch.peer.send((frames.RETIRE, serving.revision.number))

    def _revision_of(self, number: int) -> str:
        serving = self.serving if number == self.revision.number else self._older.get(number)
        # While scripts load, their revision has a number only.
        return str(number) if serving is None else str(serving.revision)

    async def _tend(self, peer: Peer) -> None:
        """When nothing more is to be had from an interpreter, another one takes its place."""
        await peer.over.wait()
        async with self._changing:
            if self._closing or peer is not self._peer:
                return
            self._let_go(peer)
            await self._replace()

    def _abandon(self, peer: Peer) -> None:
        peer.give_up()
        self._peer = self._dispatch.peer = None
        self._given_up = [*(one for one in self._given_up if one.alive), peer]
        self._counts.given_up += 1

    def _let_go(self, peer: Peer) -> None:
        self._abandon(peer)
        running = peer.running
        trouble = self._end_of(peer, running)
        _log.critical(
            "the hook interpreter was given up: all variables of scripts are lost, yummy.state comes back",
            why=trouble.headline,
            revision=str(self.revision),
            spinning=sum(one.alive for one in self._given_up),
        )
        if running is not None and running != LOADING:
            self._dispatch.fail(running, trouble)

    def _end_of(self, peer: Peer, running: int | None) -> Trouble:
        found = None if running is None else self._dispatch.hook_of(running)
        hook, place = ("", None) if found is None else (found[0], found[1].places.get(found[0]))
        if not peer.overdue:
            why = f": {peer.problem}" if peer.problem else ""
            return Trouble("error", f"the hook interpreter has ended{why}", place, hook=hook)
        return Trouble(
            "timeout",
            f"{hook or 'a load'} did not react to its interrupt and was given up {self.limits.abandon_after:g} s "
            "(HOOK_ABANDON_AFTER) past its deadline, with all variables of all scripts",
            peer.late or place,
            advice="let HookTimeout pass, and avoid single calls that take long in C code (a regular expression, "
            "a large power, a sort), which nothing can interrupt",
            hook=hook,
        )

    async def _replace(self) -> None:
        """Have the scripts that serve loaded anew, most often into a new interpreter; the lock is held."""
        if len([peer for peer in self._given_up if peer.alive]) > self.limits.max_abandoned:
            _log.critical(
                f"more than {self.limits.max_abandoned} hook interpreters spin (HOOK_MAX_ABANDONED): the server ends"
            )
            self._dispatch.fail_all(
                Trouble("timeout", "the hook engine has ended: too many interpreters had to be given up")
            )
            self.exhausted.set()
            return
        if self._sources is None:
            return  # nothing has ever served
        pause = self._replaced + REPLACE_PAUSE - time.monotonic()
        if pause > 0:
            # In real time, as all that goes on in interpreters, whatever trio's clock does.
            await trio.to_thread.run_sync(time.sleep, pause, abandon_on_cancel=True)
        self._replaced = time.monotonic()
        try:
            peer = self._peer or await self._start(self._sources.folder)
            loaded = await peer.load(self.revision.number, self._sources)
        except (RuntimeError, ScriptsBroken, LoadNotBegun) as error:
            if self._closing:
                return
            _log.critical(
                "the scripts that served cannot be loaded again: their messages fail until they can",
                revision=str(self.revision),
                problem=str(error),
            )
            if self._peer is not None and self._peer.over.is_set():
                self._abandon(self._peer)  # or it would be replaced at once, again and again
            self._dispatch.fail_all(Trouble("error", "the scripts cannot be loaded again", advice="see the log"))
            if self._nursery is not None and not self._retrying:
                self._retrying = True
                self._nursery.start_soon(self._retry)
            return
        self._counts.live_objects = loaded.live_objects
        self._dispatch.serve(peer, self.revision.number)
        _log.warning("a new hook interpreter serves", revision=str(self.revision))

    async def _retry(self) -> None:
        await trio.sleep(RETRY_PAUSE)
        async with self._changing:
            self._retrying = False
            if not (self._closing or self._dispatch.peer is not None or self.exhausted.is_set()):
                await self._replace()

    def open(self, nursery: trio.Nursery) -> None:
        """Begin; the nursery owns reader, writer and clock of each interpreter, and the hooks' look-ups."""
        self._nursery = self._dispatch.nursery = nursery

    async def watch(self) -> None:
        """Load the scripts of the folder whenever they have been edited, until cancelled."""
        if self._folder is not None:
            await watch_sources(self._folder, self._sources, self.reload, self.refuse)

    def look_at_clock(self) -> None:
        """Give up an interpreter that is overdue by now: for whoever lets trio's clock stand still."""
        if self._peer is not None:
            self._peer.look_at_clock()
