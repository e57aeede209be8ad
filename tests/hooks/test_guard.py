"""What the guard decides, what it may cost, and what becomes of a model that was kept."""

import copy
import gc
import logging
import pickle
import re
import sys
import weakref

import attrs
import pytest
from guarded import Scripts, make

from yummy import model as models
from yummy.hooks import guard as guard_module
from yummy.hooks.copies import COPIERS
from yummy.hooks.guard import COLLECTING, SEARCHES_A_SECOND, Guard
from yummy.hooks.report import Trouble, format_report
from yummy.hooks.revoked import RetainedModelError, is_revoked, revoke
from yummy.hooks.traces import ScriptTexts

KEEPS = "messages = {}\n\n\ndef pre_play(model):\n    messages['pre_auth'] = model\n"
#: Leaves a model that only a full collection frees: the cycle has seen two younger ones.
OLD_GARBAGE = """
import gc
class Node: pass
def pre_play(model):
    node = Node()
    node.node, node.model = node, model
    gc.collect(0)
    gc.collect(1)
"""


#: Uses of a model, each of which reads or changes it.
USES = {
    "field": lambda kept: kept.message,
    "id": lambda kept: kept.user_id,
    "getter": lambda kept: kept.get_message(),
    "setter": lambda kept: kept.set_message(1),
    "setting a field": lambda kept: setattr(kept, "message", 1),
    "deleting a field": lambda kept: delattr(kept, "message"),
    "no such field": lambda kept: kept.no_such_thing,
    "getter of the class": models.Play.get_message,
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "log record": lambda kept: logging.getLogger().makeRecord("x", 30, "f", 1, "%s", (kept,), None).getMessage(),
    "dir": dir,
    "vars": vars,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "asdict": attrs.asdict,
    "evolve": attrs.evolve,
}


class Clock:
    """Seconds that pass when a test says so, or a few at each look."""

    def __init__(self):
        self.now = 100.0
        self.step = 0.0

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scripts(clock):
    made = Scripts(clock=clock)
    yield made
    made.close()


class TestReport:
    def test_it_says_what_happened_where_it_is_kept_the_line_and_what_to_do(self, scripts):
        trouble = scripts.load(auth=KEEPS).call()
        assert [
            (
                "retained: pre_play of auth.py kept the Play that it was given; "
                "it is still held by auth.py: messages['pre_auth']"
            ),
            "  --> auth.py:5 in pre_play",
            "  |",
            "5 |     messages['pre_auth'] = model",
            "  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
            "  = hook: pre_play of revision 3",
            (
                "  = to do: copy the values that you need (model.message, for example) and keep those: "
                "a model ends with its hook"
            ),
        ] == format_report(trouble, revision="3").splitlines()
        assert trouble == Trouble.from_plain(trouble.to_plain())

    def test_the_advice_names_a_field_of_that_model_and_the_hooks_own_parameter(self, scripts):
        scripts.load(auth="kept = []\ndef pre_play(move): kept.append(move)")
        assert "move.message" in scripts.call().advice

    @pytest.mark.parametrize(("kind", "field"), [(models.EmailAuth, "email"), (models.Logout, "user_id")])
    def test_the_advice_never_names_a_secret(self, kind, field):
        assert f"(m.{field}, " in guard_module._advice(kind, "m")

    def test_a_decorated_hook_is_looked_through(self, scripts):
        auth = """
import functools
kept = []
def logged(hook):
    @functools.wraps(hook)
    def inner(model): return hook(model)
    return inner
@logged
def pre_play(model):
    kept.append(model)
"""
        assert 10 == scripts.load(auth=auth).call().place.line

    @pytest.mark.parametrize(
        "hook",
        [
            "pre_play = functools.partial(keep, 1)",
            "pre_play = Keeper()",
            "pre_play = Keeper().keep",
        ],
    )
    def test_hooks_that_are_no_functions_are_named_with_their_script(self, hook, scripts):
        auth = f"""
import functools
kept = []
def keep(_, model): kept.append(model)
class Keeper:
    keep = keep
    __call__ = keep
{hook}
"""
        trouble = scripts.load(auth=auth).call()
        assert trouble.headline.startswith("pre_play of auth.py kept")
        assert 4 == trouble.place.line

    def test_a_hook_that_is_no_script_has_a_report_without_a_place(self, scripts):
        kept = []
        scripts.load(auth="x = 1").modules["auth"].pre_play = kept.append
        trouble = scripts.call()
        assert trouble.headline.startswith("pre_play kept the Play that it was given")
        kept.clear()


class TestCost:
    def test_a_clean_call_is_not_even_suspicious(self, scripts):
        scripts.load(auth="def pre_play(model): model.message = [model.message]")
        for _ in range(10):
            assert scripts.call() is None
        assert 0 == scripts.guard.suspicious

    def test_garbage_is_counted(self, scripts):
        scripts.load(auth="def pre_play(model):\n    x = [model]\n    x.append(x)")
        assert scripts.call() is None
        guard = scripts.guard
        assert (1, 1, 0) == (guard.suspicious, guard.collected, guard.retained)

    def test_full_collections_are_bounded_and_beyond_that_nobody_is_accused(self, scripts, clock):
        scripts.load(auth=OLD_GARBAGE)
        clock.step = COLLECTING / 3.5  # what each collection seems to take
        for _ in range(4):
            assert scripts.call() is None
        assert (4, 0) == (scripts.guard.collected, scripts.guard.unaccused)
        assert scripts.call() is None
        assert (4, 1) == (scripts.guard.collected, scripts.guard.unaccused)
        clock.now += 1.0
        assert scripts.call() is None
        assert (5, 1) == (scripts.guard.collected, scripts.guard.unaccused)

    def test_a_model_that_nobody_is_accused_of_is_revoked_all_the_same(self, scripts, clock):
        scripts.load(auth=KEEPS)
        clock.step = 1.1 * COLLECTING
        assert scripts.call() is not None
        assert scripts.call() is None
        with pytest.raises(RetainedModelError, match=r"given to a call of pre_play of auth\.py that has ended"):
            _ = scripts.modules["auth"].messages["pre_auth"].message

    def test_searches_are_bounded_and_beyond_that_the_report_says_so(self, scripts, clock):
        scripts.load(auth=KEEPS)
        for _ in range(SEARCHES_A_SECOND):
            assert "messages['pre_auth']" in scripts.call().headline
        trouble = scripts.call()
        assert "was not looked for, because too many models are kept at once" in trouble.headline
        assert 5 == trouble.place.line
        assert (SEARCHES_A_SECOND + 1, SEARCHES_A_SECOND) == (scripts.guard.retained, scripts.guard.searches)
        clock.now += 1.0
        assert "messages['pre_auth']" in scripts.call().headline

    def test_until_it_is_calibrated_it_looks_closer_each_time_and_is_still_right(self):
        guard = Guard(ScriptTexts())
        play = make("hi")
        assert sys.getrefcount(play) > guard.usual
        reference = weakref.ref(play)
        del play
        assert guard.examine(reference, hook="pre_play", function=print) is None


class TestFreezing:
    def test_what_stands_after_a_load_is_frozen_and_still_found(self, scripts):
        scripts.load(auth="class S: pass\nheld = {'s': [S()]}\ndef pre_play(model): held['s'][0].m = model")
        assert gc.get_freeze_count() > 0
        assert "auth.py: held['s'][0].m" in scripts.call().headline
        assert gc.get_freeze_count() > 0

    def test_a_load_frees_what_earlier_revisions_left(self, scripts):
        text = "class Big: pass\nbig = Big()\nbig.me = big\ndef pre_play(model): print(big)"
        scripts.load(auth=text)
        gone = weakref.ref(scripts.modules["auth"].big)
        scripts.load(auth=text)
        assert gone() is None

    def test_garbage_is_not_frozen(self, scripts):
        class Node:
            pass

        node = Node()
        node.me = node
        gone = weakref.ref(node)
        del node
        scripts.guard.settle()
        assert gone() is None


class TestRevoked:
    @pytest.fixture
    def kept(self, scripts):
        scripts.load(auth=KEEPS).call("auth", {"board": [1, 2]})
        return scripts.modules["auth"].messages["pre_auth"]

    @pytest.mark.parametrize("use", USES.values(), ids=USES)
    def test_every_use_raises_and_repeats_the_report(self, use, kept):
        says = re.escape(
            "pre_play of auth.py kept the Play that it was given; it is still held by auth.py: messages['pre_auth'] "
            "(at auth.py:5: messages['pre_auth'] = model); copy the values that you need"
        )
        with pytest.raises(RetainedModelError, match=says):
            use(kept)

    def test_what_it_is_can_be_asked_and_it_can_be_cleared_away(self, kept):
        assert isinstance(kept, models.Play)
        assert not isinstance(kept, str)
        assert "RevokedPlay" in str(type(kept))
        assert is_revoked(kept)
        seen = {kept}
        seen.discard(kept)
        assert not seen
        assert 0 == [kept].index(kept)

    def test_it_holds_nothing_any_more(self, kept):
        assert {str, type} == {type(held) for held in gc.get_referents(kept)}
        with pytest.raises(AttributeError):
            object.__getattribute__(kept, "message")

    def test_each_has_a_report_of_its_own(self, scripts):
        scripts.load(auth="kept = {}\ndef pre_play(model): kept[model.message] = model")
        scripts.call(message="a")
        scripts.call(message="b")
        for name in ("a", "b"):
            with pytest.raises(RetainedModelError, match=rf"kept\['{name}'\]"):
                scripts.modules["auth"].kept[name].get_message()

    def test_a_model_that_is_kept_twice_is_reported_twice_and_values_never(self, scripts):
        scripts.load(auth="kept = []\ndef pre_play(model): kept.append(model.message); kept.append(model)")
        assert scripts.call(message=["x"]) is not None
        assert scripts.call(message=["x"]) is not None
        assert [["x"], ["x"]] == scripts.modules["auth"].kept[::2]

    def test_every_kind_of_model_can_be_revoked(self):
        for copier in COPIERS.values():
            model = copier.make([None] * len(copier.fields))
            assert revoke(model, "it ended")
            with pytest.raises(RetainedModelError, match="it ended"):
                repr(model)

    def test_a_model_whose_class_a_script_changed_is_revoked_all_the_same(self, scripts):
        auth = """
from yummy.model import Play
class Mine(Play):
    __slots__ = ()
    def __getattribute__(self, name): raise SystemExit
kept = []
def pre_play(model):
    object.__setattr__(model, "__class__", Mine)
    kept.append(model)
"""
        trouble = scripts.load(auth=auth).call()
        assert "kept the Play" in trouble.headline
        with pytest.raises(RetainedModelError):
            _ = scripts.modules["auth"].kept[0].message


def test_the_seeds_own_example_gets_the_error_that_it_deserves(scripts):
    scripts.load(auth="messages = {}\ndef pre_play(model):\n    messages.pre_auth = model")
    assert scripts.call() is None
    with pytest.raises(AttributeError, match="'dict' object has no attribute 'pre_auth'"):
        scripts.modules["auth"].pre_play(make("hi"))


def test_a_search_that_fails_still_gives_a_report(scripts, monkeypatch):
    def fail(*_):
        raise SystemExit

    scripts.load(auth=KEEPS)
    monkeypatch.setattr(guard_module, "find_holder", fail)
    monkeypatch.setattr(guard_module.Storing, "place", fail)
    trouble = scripts.call()
    assert "what holds it is not known" in trouble.headline
    assert 4 == trouble.place.line
