"""Finds what holds an object: by way of all that refers to it, to a variable. Runs inside the hook interpreter.

Owns the search and its bounds; the words are `yummy.hooks.holding`'s. A search is not cheap (each round looks at every
object of the interpreter), and it sees nothing that is frozen: whoever calls it unfreezes first.

Two traps shape this code. What the search itself holds must not be taken for a holder: its frames are left out, and
so is each list of its own, which is why it uses no comprehension or generator with an object in it. And variables of
other threads' frames cannot be looked at: ``sys._current_frames()`` reaches into the frames of all interpreters of
the process, and corrupts memory where these have a GIL of their own. Only what a running thread was given is seen.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from types import FrameType, ModuleType, TracebackType
from typing import Any

from attrs import define, field, frozen

from yummy.hooks.holding import write_path, write_thread
from yummy.hooks.insides import instance_dict, is_a, key_of, variables
from yummy.hooks.keep import state
from yummy.hooks.roots import MODULE, SCRIPT, THREAD, Root, find_roots, former_script, module_name, running_threads
from yummy.hooks.suspended import runs_now
from yummy.hooks.traces import ScriptTexts, kind_of
from yummy.hooks.wording import Holder, Path

#: Objects that a search looks at, and how far it goes from the one that is kept.
NODES = 2000
DEPTH = 24
#: Seconds that a search may last; it ends with the round that is under way.
SECONDS = 0.1
#: Objects whose referrers are looked for in one round: its cost is this many comparisons for each reference.
ROUND = 32


@frozen
class SearchBounds:
    """How much a search may cost.

    Attributes:
        nodes: Objects that it looks at.
        depth: How far it goes from the one that is kept.
        seconds: How long it may last.
    """

    nodes: int = NODES
    depth: int = DEPTH
    seconds: float = SECONDS


def find_holder(
    reference: Callable[[], object], texts: ScriptTexts, own: str | None, bounds: SearchBounds
) -> Holder | None:
    """Look for what holds an object, in scripts before all others.

    Args:
        reference: Gives the object, if it still is.
        texts: The scripts.
        own: The file name of the script whose variables are preferred.
        bounds: How much it may cost.

    Returns:
        None if nothing is found.
    """
    target = reference()
    if target is None:
        return None
    search = _Search(target, find_roots(texts, own), texts, bounds)
    del target
    collects = gc.isenabled()
    gc.disable()  # what a script's finalizers do now would move what is looked at
    try:
        search.run()
        return search.answer()
    finally:
        search.forget()
        if collects:
            gc.enable()


@define
class _Search:
    """One search, breadth first. Objects are told by their place in ``_nodes``, which holds them all.

    Attributes:
        roots: By identity.
    """

    target: Any
    roots: dict[int, Root]
    _texts: ScriptTexts
    _bounds: SearchBounds
    _nodes: list[Any] = field(factory=list)
    _parents: list[int] = field(factory=list)
    #: Whether the way to a node leads through a frame that no exception carries.
    _watching: list[bool] = field(factory=list)
    _seen: set[int] = field(factory=set)
    _level: list[int] = field(factory=list)
    _next: list[int] = field(factory=list)
    #: The best root so far, and the node that it holds.
    _best: tuple[Root, int] | None = None
    _excused: bool = False
    _traced: bool = field(factory=lambda: sys.gettrace() is not None)
    _debugger: Any = field(factory=lambda: getattr(sys.modules.get("bdb"), "Bdb", None))

    def run(self) -> None:
        """Go until a script's variable is found, or all is looked at that the bounds allow."""
        self._leave_out_own()
        self._add(self.target, -1, watching=False)
        self.target = None
        deadline = time.monotonic() + self._bounds.seconds
        for _ in range(self._bounds.depth):
            self._level, self._next = self._next, self._level
            self._next.clear()
            for start in range(0, len(self._level), ROUND):
                if time.monotonic() > deadline or len(self._nodes) > self._bounds.nodes:
                    return
                self._look(self._level[start : start + ROUND])
            if not self._next or (self._best is not None and self._best[0].rank <= SCRIPT):
                return

    def answer(self) -> Holder | None:
        """What was found, in words."""
        if self._best is not None and self._best[0].rank <= THREAD:
            return self._written(*self._best)
        variable = self._context_variable()
        if variable is not None:
            return variable
        if self._best is not None:
            return self._written(*self._best)
        return self._nameless()

    def forget(self) -> None:
        """Let go of all objects."""
        self._nodes.clear()
        self._best = None

    def _leave_out_own(self) -> None:
        self._seen |= {id(self), id(self._nodes), id(self.roots)}
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # the only way to the stack
        while frame is not None:
            self._seen.add(id(frame))
            for _, value in variables(frame):
                if type(value) is tuple:  # the arguments that the hook was called with
                    self._seen.add(id(value))
            frame = frame.f_back

    def _look(self, places: list[int]) -> None:
        """One round: what refers to some of the nodes."""
        asked: list[Any] = []
        for place in places:
            asked.append(self._nodes[place])  # noqa: PERF401  # a comprehension's own list could be found
        self._seen.add(id(asked))
        found = gc.get_referrers(*asked)
        own = {id(asked), id(found)}
        self._seen |= own
        by_id = dict(zip(map(id, asked), places, strict=True))
        for holder in found:
            if id(holder) not in self._seen:
                self._visit(holder, places[0] if len(places) == 1 else _child(holder, by_id))
        self._seen -= own

    def _visit(self, holder: Any, place: int) -> None:
        child, kind = self._nodes[place], type(holder)
        root = self.roots.get(id(holder)) or former_script(holder, self._texts)
        watching = self._watching[place]
        runs = runs_now(holder)
        if type(child) is FrameType and runs is None and kind is not TracebackType and kind is not FrameType:
            watching = True
        if watching and self._looks_on(holder, root):
            self._excused = True
        elif root is not None:
            if self._best is None or root.rank < self._best[0].rank:
                self._best = (root, place)
        elif kind is ModuleType:
            # Not by way of its variables: it is written in C, and holds things of its own.
            if self._best is None:
                self._best = (Root(MODULE, f"module {module_name(holder)}", holder), place)
        elif child is kind or runs:
            return  # an object that merely is of a class; or what runs now, and so is on a stack
        else:
            self._add(holder, place, watching=watching)

    def _add(self, node: Any, parent: int, *, watching: bool) -> None:
        self._seen.add(id(node))
        self._nodes.append(node)
        self._parents.append(parent)
        self._watching.append(watching)
        self._next.append(len(self._nodes) - 1)

    def _looks_on(self, holder: Any, root: Root | None) -> bool:
        """Whether what holds a frame is a debugger or the like: no script, or on behalf of a trace function."""
        if root is not None:
            return self._traced or root.rank > SCRIPT
        return self._debugger is not None and is_a(holder, self._debugger)

    def _chain(self, place: int) -> list[Any]:
        """The nodes from one to the object that is kept."""
        chain: list[Any] = []
        while place >= 0:
            chain.append(self._nodes[place])
            place = self._parents[place]
        return chain

    def _written(self, root: Root, place: int) -> Holder:
        chain, path = self._chain(place), Path(root.name)
        if root.rank == THREAD:
            write_thread(chain, path)
        elif root.held is state:
            path.names.append("state")
            kept = (instance_dict(state) or {}).get("_data")
            while len(chain) > 1 and chain[0] is not kept:
                del chain[0]
            write_path(chain, path)
        else:
            name = key_of(root.held, chain[0]) if type(root.held) is dict else None
            if type(name) is not str:
                path.inside("inside it")
            elif root.name:
                path.attribute(name)
            else:
                path.here = name
                path.names.append(name)
            write_path(chain, path)
        text = f"{root.place}: {path}" if root.place else str(path)
        return Holder(text, root.filename, tuple(path.names), tuple(path.keys))

    def _context_variable(self) -> Holder | None:
        """What holds it, if that is a context variable as it is set here."""
        for variable, value in copy_context().items():
            for place, node in enumerate(self._nodes):
                if node is value:
                    named = self._script_name(variable)
                    where, name, filename = named or ("", variable.name, None)
                    path = Path(name, names=[name])
                    path.variable("", name, instead=True)
                    path.done = f"{where}the context variable {name}"
                    write_path(self._chain(place), path)
                    return Holder(str(path), filename, tuple(path.names[1:]), tuple(path.keys))
        return None

    def _script_name(self, value: object) -> tuple[str, str, str | None] | None:
        for root in self.roots.values():
            if root.rank <= SCRIPT and type(root.held) is dict:
                name = key_of(root.held, value)
                if type(name) is str:
                    return f"{root.place}: ", name, root.filename
        return None

    def _nameless(self) -> Holder | None:
        """What can be said where no variable leads to it."""
        thread = _other_thread()
        if self._excused or (self._ends_in_frame() and (self._traced or thread is None)):
            return Holder("", excused=True)
        place = len(self._nodes) - 1
        path = Path(f"a {kind_of(self._nodes[place])}")
        write_path(self._chain(place), path)
        if thread is not None:
            where = f": {path}" if self._ends_in_frame() else ""
            return Holder(f"probably a thread that still runs ({thread}){where}", None, tuple(path.names))
        return Holder(f"something that no variable leads to: {path}", None, tuple(path.names)) if place else None

    def _ends_in_frame(self) -> bool:
        """Whether only frames hold it that nothing leads to but Python itself: a debugger's, or another thread's."""
        held = set(self._parents)
        ends = [place for place in range(1, len(self._nodes)) if place not in held]
        return bool(ends) and all(self._watching[place] or type(self._nodes[place]) is FrameType for place in ends)


def _other_thread() -> str | None:
    """The name of a thread that scripts started and that still runs."""
    own = threading.main_thread()  # in the hook interpreter, this is the process's: it is there, but runs no script
    for thread_id, thread in list(running_threads().items()):
        if thread is not own and thread_id != threading.get_ident():
            return str((instance_dict(thread) or {}).get("_name"))
    return None


def _child(holder: Any, by_id: dict[int, int]) -> int:
    """Which of some nodes an object refers to; the first, if several."""
    places = map(by_id.get, map(id, gc.get_referents(holder)))
    return next((place for place in places if place is not None), next(iter(by_id.values())))
