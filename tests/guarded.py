"""Scripts whose hooks are called as the loop calls them, with the guard looking on; and the ways to keep a model.

It needs neither pytest nor the host, so that it runs in a hook interpreter as well as in this one.
"""

import gc
import sys
import weakref
from types import ModuleType

from yummy.hooks.copies import COPIERS
from yummy.hooks.guard import Guard
from yummy.hooks.holders import SearchBounds
from yummy.hooks.keep import state
from yummy.hooks.traces import ScriptTexts

FOLDER = "/game/hooks"
HOOK = "pre_play"
#: The process of the tests holds more objects than a hook interpreter does.
BOUNDS = SearchBounds(seconds=30.0)


def nothing(model):
    """A hook that does nothing."""


class Scripts:
    """Scripts as modules, a guard, and models for hooks."""

    def __init__(self, **options):
        self.texts = ScriptTexts()
        self.guard = Guard(self.texts, **{"bounds": BOUNDS, **options})
        self.modules = {}
        state.open()
        self.guard.usual = self._count(nothing)

    def load(self, **sources):
        """Run scripts as modules: ``load(auth="...")``."""
        for name, source in sources.items():
            filename = f"{FOLDER}/{name}.py"
            self.texts.add(filename, f"{name}.py", source.encode())
            module = ModuleType(name)
            module.__file__ = filename
            sys.modules[name] = self.modules[name] = module
            exec(compile(source, filename, "exec"), vars(module))  # noqa: S102  # running scripts is the point
        self.guard.settle()
        return self

    def call(self, script="auth", message="hi"):
        """Call a script's hook; the guard's report, if there is one. It must hold the model as the loop does."""
        function = getattr(self.modules[script], HOOK)
        model = make(message)
        run(function, model)
        if sys.getrefcount(model) <= self.guard.usual:
            return None
        reference = weakref.ref(model)
        del model
        return self.guard.examine(reference, hook=HOOK, function=function)

    def close(self):
        """Undo what loading and calling did to the interpreter."""
        for name, module in self.modules.items():
            if "clean_up" in vars(module):
                module.clean_up()
            sys.modules.pop(name, None)
        self.modules.clear()
        state._data = None
        gc.unfreeze()
        gc.collect()

    def _count(self, function):
        model = make("hi")
        run(function, model)
        return sys.getrefcount(model)


def make(message):
    """A model as the loop makes it."""
    return COPIERS["play"].make(["u1", "s1", 7, "r1", message])


def run(function, *arguments):
    """Call a hook, and hold nothing of it afterwards."""
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001  # what a script raises
        return type(error).__name__
    return None


#: Hooks that keep nothing, by what they do.
CLEAN = {
    "reads and writes": "def pre_play(model): model.message = [model.room_id, model.get_message()]",
    "raises": "def pre_play(model): raise ValueError(model.message)",
    "raises with the model": "def pre_play(model): raise ValueError(model)",
    "chains exceptions": """
def pre_play(model):
    try: 1 / 0
    except ZeroDivisionError as error: raise ValueError from error
""",
    "logs an exception": """
import logging, traceback
def pre_play(model):
    try: 1 / 0
    except ZeroDivisionError:
        traceback.format_exc()
        logging.getLogger("quiet").debug("odd: %s", model, exc_info=True)
""",
    "leaves an exception in a local variable": """
def pre_play(model):
    try: 1 / 0
    except ZeroDivisionError as error: again = error
""",
    "leaves a model that holds itself": "def pre_play(model): model.message = [model]",
    "leaves a cycle": """
class Node: pass
def pre_play(model):
    node = Node()
    node.node, node.model = node, model
""",
    "leaves a recursive inner function": """
def pre_play(model):
    def count(n): return n if n < 1 else count(n - 1) + len(model.message)
    count(3)
""",
    "keeps values": "kept = []\ndef pre_play(model): kept.append((model.message, model.user_id))",
    "keeps weak references": """
import weakref
by_name, latest = weakref.WeakValueDictionary(), []
def pre_play(model):
    by_name["x"] = model
    latest[:] = [weakref.ref(model)]
""",
    "keeps an exception's text": """
last = None
def pre_play(model):
    global last
    try: 1 / 0
    except ZeroDivisionError as error: last = str(error)
""",
    "is looked at by a debugger": """
import bdb, sys
debugger = bdb.Bdb()
def pre_play(model):
    debugger.curframe = sys._getframe()
""",
    "is traced": """
import sys
class Tracer:
    def trace(self, frame, event, argument): self.frame = frame
tracer = Tracer()
def pre_play(model):
    sys.settrace(tracer.trace)
    look(model)
def look(model): pass
def clean_up(): sys.settrace(None)
""",
}

#: Hooks that keep the model: the source, the path in the report, the line, and the marked text.
KEPT = {
    "variable": (
        "kept = None\ndef pre_play(model):\n    global kept\n    kept = model",
        "auth.py: kept",
        4,
        "kept = model",
    ),
    "dict": (
        "messages = {}\ndef pre_play(model): messages['pre_auth'] = model",
        "auth.py: messages['pre_auth']",
        2,
        "messages['pre_auth'] = model",
    ),
    "dict key": (
        "seen = {}\ndef pre_play(model): seen[model] = 1",
        "auth.py: seen, a key of the dict",
        2,
        "seen[model] = 1",
    ),
    "list": ("log = []\ndef pre_play(model): log.append(model)", "auth.py: log[0]", 2, "log.append(model)"),
    "list in dict": (
        "by = {}\ndef pre_play(model): by.setdefault(7, []).append((1, model))",
        "auth.py: by[7][0][1]",
        2,
        "by.setdefault(7, []).append((1, model))",
    ),
    "set": (
        "seen = set()\ndef pre_play(model): seen.add(model)",
        "auth.py: seen, an element of the set",
        2,
        "seen.add(model)",
    ),
    "attribute": (
        "class S: pass\nstate = S()\ndef pre_play(model):\n    state.last = model",
        "auth.py: state.last",
        4,
        "state.last = model",
    ),
    "attribute of an object whose dict was looked at": (
        "class S: pass\nstate = S()\nvars(state)\ndef pre_play(model):\n    state.last = [model]",
        "auth.py: state.last[0]",
        5,
        "state.last = [model]",
    ),
    "slot": (
        "class S: __slots__ = ('last',)\nstate = S()\ndef pre_play(model): state.last = model",
        "auth.py: state.last",
        3,
        "state.last = model",
    ),
    "class attribute": (
        "class S: last = None\ndef pre_play(model): S.last = model",
        "auth.py: S.last",
        2,
        "S.last = model",
    ),
    "function attribute": (
        "def pre_play(model): pre_play.last = model",
        "auth.py: pre_play.last",
        1,
        "pre_play.last = model",
    ),
    "attribute of a module": (
        "import math\ndef pre_play(model): math.kept = model\ndef clean_up(): del math.kept",
        "module math: math.kept",
        2,
        "math.kept = model",
    ),
    "closure": (
        "callbacks = []\ndef pre_play(model):\n    def later(): return model.message\n    callbacks.append(later)",
        "auth.py: callbacks[0], a closure over 'model'",
        4,
        "callbacks.append(later)",
    ),
    "closure over a list": (
        "callbacks = []\ndef pre_play(model):\n    box = [model]\n    callbacks.append(lambda: box)",
        "auth.py: callbacks[0], a closure over 'box': box[0]",
        4,
        "callbacks.append(lambda: box)",
    ),
    "default of a lambda": (
        "callbacks = []\ndef pre_play(model): callbacks.append(lambda a, m=model: m)",
        "auth.py: callbacks[0], the default argument 'm' of <lambda>",
        2,
        "callbacks.append(lambda a, m=model: m)",
    ),
    "mutable default": (
        "def pre_play(model, seen=[]):\n    seen.append(model)",
        "auth.py: the default argument 'seen' of pre_play: seen[0]",
        2,
        "seen.append(model)",
    ),
    "keyword default": (
        "def pre_play(model, *, seen={}):\n    seen['x'] = model",
        "auth.py: the default argument 'seen' of pre_play: seen['x']",
        2,
        "seen['x'] = model",
    ),
    "bound method": (
        "callbacks = []\ndef pre_play(model): callbacks.append(model.get_message)",
        "auth.py: callbacks[0], the bound method get_message of the model",
        2,
        "callbacks.append(model.get_message)",
    ),
    "method of an object": (
        (
            "class S:\n    def f(self): pass\ncallbacks = []\ndef pre_play(model):\n"
            "    s = S()\n    s.model = model\n    callbacks.append(s.f)"
        ),
        "auth.py: callbacks[0].__self__.model",
        6,
        "s.model = model",
    ),
    "partial": (
        "import functools\ncallbacks = []\ndef pre_play(model): callbacks.append(functools.partial(print, model, x=1))",
        "auth.py: callbacks[0].args[0]",
        3,
        "callbacks.append(functools.partial(print, model, x=1))",
    ),
    "generator": (
        (
            "g = None\ndef gen(m):\n    yield m\n    yield 2\ndef pre_play(model):\n    global g\n"
            "    g = gen(model)\n    next(g)"
        ),
        "auth.py: g, local 'm' of the generator gen (line 3)",
        7,
        "g = gen(model)",
    ),
    "generator expression": (
        "g = None\ndef pre_play(model):\n    global g\n    g = (x for x in [model])",
        "auth.py: g, a generator expression (line 4)",
        4,
        "g = (x for x in [model])",
    ),
    "coroutine": (
        (
            "c = None\nasync def co(m): return m\ndef pre_play(model):\n    global c\n    c = co([model])\n"
            "def clean_up(): c.close()"
        ),
        "auth.py: c, local 'm' of the coroutine co (line 2): m[0]",
        5,
        "c = co([model])",
    ),
    "lru_cache": (
        "import functools\n@functools.lru_cache(maxsize=8)\ndef score(m): return 1\ndef pre_play(model): score(model)",
        "auth.py: score, the cache of its lru_cache",
        4,
        "score(model)",
    ),
    "cache": (
        "import functools\n@functools.cache\ndef score(m): return 1\ndef pre_play(model): score((model, 1))",
        "auth.py: score, the cache of its lru_cache",
        4,
        "score((model, 1))",
    ),
    "exception": (
        "last = None\ndef pre_play(model):\n    global last\n    try: 1 / 0\n    except Exception as e: last = e",
        "auth.py: last, the traceback of a ZeroDivisionError: local 'model' of pre_play (line 5)",
        5,
        "last = e",
    ),
    "exception of another function": (
        (
            "last = []\ndef check(m): raise KeyError('no')\ndef pre_play(model):\n"
            "    try: check([model])\n    except KeyError as e: last.append(e)\n    model = None"
        ),
        "auth.py: last[0], the traceback of a KeyError: local 'm' of check (line 2): m[0]",
        5,
        "last.append(e)",
    ),
    "exception arguments": (
        (
            "last = None\ndef pre_play(model):\n    global last\n    try: raise ValueError(model)\n"
            "    except ValueError as e: last = e"
        ),
        "auth.py: last.args[0]",
        5,
        "last = e",
    ),
    "sys.last_exc": (
        (
            "import sys\ndef pre_play(model):\n    try: 1 / 0\n    except Exception as e: sys.last_exc = e\n"
            "def clean_up(): del sys.last_exc"
        ),
        "module sys: sys.last_exc, the traceback of a ZeroDivisionError: local 'model' of pre_play (line 4)",
        4,
        "sys.last_exc = e",
    ),
    "thread-local": (
        "import threading\nlocal = threading.local()\ndef pre_play(model): local.last = model",
        "auth.py: local.last",
        3,
        "local.last = model",
    ),
    "context variable": (
        (
            "import contextvars\ncurrent = contextvars.ContextVar('now')\ndef pre_play(model): current.set([model])\n"
            "def clean_up(): current.set(None)"
        ),
        "auth.py: the context variable current: current[0]",
        3,
        "current.set([model])",
    ),
    "context": (
        (
            "import contextvars\nnow = contextvars.ContextVar('now')\nctx = contextvars.Context()\n"
            "def pre_play(model): ctx.run(now.set, model)"
        ),
        "auth.py: ctx, the context variable 'now'",
        4,
        "ctx.run(now.set, model)",
    ),
    "argument of a running thread": (
        (
            "import threading\ndone, begun = threading.Event(), threading.Event()\n"
            "def work(m):\n    begun.set()\n    done.wait()\n"
            "def pre_play(model):\n    threading.Thread(target=work, args=(model,)).start()\n    begun.wait()\n"
            "def clean_up():\n    done.set()\n"
            "    for t in threading.enumerate():\n        if type(t) is threading.Thread: t.join()"
        ),
        "a thread that still runs: argument 'm' of work (auth.py:3)",
        7,
        "threading.Thread(target=work, args=(model,)).start()",
    ),
    "keyword argument of a running thread": (
        (
            "import threading\ndone, begun = threading.Event(), threading.Event()\n"
            "def work(m):\n    begun.set()\n    done.wait()\n"
            "def pre_play(model):\n    threading.Thread(target=work, kwargs={'m': [model]}).start()\n    begun.wait()\n"
            "def clean_up():\n    done.set()\n"
            "    for t in threading.enumerate():\n        if type(t) is threading.Thread: t.join()"
        ),
        "a thread that still runs: argument 'm' of work (auth.py:3): m[0]",
        7,
        "threading.Thread(target=work, kwargs={'m': [model]}).start()",
    ),
    "variable of a running thread": (
        (
            "import threading, queue\ndone, begun, jobs = threading.Event(), threading.Event(), queue.SimpleQueue()\n"
            "def work():\n    m = jobs.get()\n    begun.set()\n    done.wait()\n"
            "def pre_play(model):\n    threading.Thread(target=work, name='w').start()\n"
            "    jobs.put(model)\n    begun.wait()\n"
            "def clean_up():\n    done.set()\n"
            "    for t in threading.enumerate():\n        if type(t) is threading.Thread: t.join()"
        ),
        "probably a thread that still runs (w)",
        9,
        "jobs.put(model)",
    ),
    "deque": (
        "import collections\nq = collections.deque(maxlen=3)\ndef pre_play(model): q.append(model)",
        "auth.py: q[0]",
        3,
        "q.append(model)",
    ),
    "queue": (
        "import queue\nq = queue.SimpleQueue()\ndef pre_play(model): q.put(model)",
        "auth.py: q, inside a SimpleQueue",
        3,
        "q.put(model)",
    ),
    "itertools": (
        "import itertools\nit = None\ndef pre_play(model):\n    global it\n    it = itertools.repeat(model)",
        "auth.py: it, inside a repeat",
        5,
        "it = itertools.repeat(model)",
    ),
    "dataclass": (
        (
            "import dataclasses\n@dataclasses.dataclass\nclass Game:\n    last: object = None\ngames = {'r1': Game()}\n"
            "def pre_play(model): games[model.room_id].last = model"
        ),
        "auth.py: games['r1'].last",
        6,
        "games[model.room_id].last = model",
    ),
    "attrs class": (
        (
            "import attrs\n@attrs.define\nclass Game:\n    turns: list = attrs.field(factory=list)\ngame = Game()\n"
            "def pre_play(model): game.turns.append(model)"
        ),
        "auth.py: game.turns[0]",
        6,
        "game.turns.append(model)",
    ),
    "named tuple": (
        (
            "import collections\nTurn = collections.namedtuple('Turn', 'who model')\nturns = []\n"
            "def pre_play(model): turns.append(Turn(model.user_id, model))"
        ),
        "auth.py: turns[0].model",
        4,
        "turns.append(Turn(model.user_id, model))",
    ),
    "cycle in a module": (
        "ring = []\nring.append([ring])\ndef pre_play(model): ring[0].append({'m': model})",
        "auth.py: ring[0][1]['m']",
        3,
        "ring[0].append({'m': model})",
    ),
    "object that holds itself": (
        "class Node: pass\nnode = Node()\nnode.me = node\ndef pre_play(model): node.me.me.model = model",
        "auth.py: node.model",
        4,
        "node.me.me.model = model",
    ),
    "yummy.state": (
        "from yummy import state\ndef pre_play(model):\n    state['y'] = 1\n    state['x'] = {'m': model}",
        "yummy.state['x']['m']",
        4,
        "state['x'] = {'m': model}",
    ),
    "log record": (
        (
            "import logging, logging.handlers\nlog = logging.getLogger('kept')\nlog.propagate = False\n"
            "memory = logging.handlers.MemoryHandler(100)\nlog.addHandler(memory)\n"
            "def pre_play(model): log.warning('%s said', model)\n"
            "def clean_up(): log.handlers.clear()"
        ),
        "auth.py: memory.buffer[0].args[0]",
        6,
        "log.warning('%s said', model)",
    ),
    "frame": (
        "import sys\nkept = []\ndef pre_play(model): kept.append(sys._getframe())",
        "auth.py: kept[0], a frame: local 'model' of pre_play (line 3)",
        3,
        "kept.append(sys._getframe())",
    ),
    "frozen dict": (
        "import types\nold = None\ndef pre_play(model):\n    global old\n    old = types.MappingProxyType({1: model})",
        "auth.py: old[1]",
        5,
        "old = types.MappingProxyType({1: model})",
    ),
    "property that raises": (
        (
            "class S:\n    @property\n    def last(self): raise SystemExit\n    def __eq__(self, o): raise SystemExit\n"
            "    def __repr__(self): raise SystemExit\n    def __hash__(self): return 1\n"
            "    def __getattribute__(self, n): raise SystemExit\n"
            "s, kept = S(), {}\nkept[s] = s\ndef pre_play(model): object.__setattr__(s, 'own', [model])"
        ),
        "auth.py: s.own[0]",
        10,
        "object.__setattr__(s, 'own', [model])",
    ),
    "class that raises": (
        (
            "class M(type):\n    def __eq__(self, o): raise SystemExit\n    def __hash__(self): raise SystemExit\n"
            "    def __getattribute__(self, n): raise SystemExit\n"
            "class S(metaclass=M): pass\nclass L(list, metaclass=M): pass\nkept = L([S()])\n"
            "def pre_play(model):\n    kept[0].m = model"
        ),
        "auth.py: kept[0].m",
        9,
        "kept[0].m = model",
    ),
    "key that raises": (
        (
            "class K:\n    def __eq__(self, o): raise SystemExit\n    def __repr__(self): raise SystemExit\n"
            "    def __hash__(self): return 1\nkept, key = {}, K()\ndef pre_play(model): kept[(key, 'x' * 99)] = model"
        ),
        f"auth.py: kept[(<K>, '{'x' * 60}'...)]",
        6,
        "kept[(key, 'x' * 99)] = model",
    ),
}
