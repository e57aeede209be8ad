import types

import pytest

from yummy.hooks.signatures import HOOK_ARGUMENTS, find_hooks
from yummy.hooks.traces import ScriptTexts
from yummy.model import HOOK_MODELS


def find(text, /, *, strict=False, **names):
    module = types.ModuleType("game")
    vars(module).update(names)
    texts = ScriptTexts()
    texts.add("/x/game.py", "game.py", text.encode())
    exec(compile(text, "/x/game.py", "exec"), vars(module))  # noqa: S102  # a script
    return find_hooks(module, "game.py", {"game", "other"}, texts, strict=strict)


def test_every_hook_has_two_halves():
    assert len(HOOK_ARGUMENTS) == 2 * len(HOOK_MODELS)
    assert HOOK_ARGUMENTS["pre_play"] == ("model",)
    assert HOOK_ARGUMENTS["post_play"] == ("model", "success")


def test_the_last_definition_counts():
    found = find("def pre_play(model): print()\ndef pre_play(model): pass\n")
    assert found.hooks == {}


def test_an_empty_hook_with_wrong_arguments_is_noticed_and_still_absent():
    found = find("def pre_play(): pass\ndef post_play(model): ...\ndef pre_logout(model): pass\n")
    assert found.hooks == {}
    assert [(1, "pre_play()"), (2, "post_play(model)")] == [(one.line, one.text.split(" ")[0]) for one in found.notices]
    assert "it does nothing and is not called" in found.notices[0].text


def test_a_hook_that_cannot_be_called_is_an_error_where_something_serves():
    text = "def pre_play(): print()\ndef post_play(model): ...\ndef pre_pley(): print()\n"
    found = find(text, strict=True)
    (trouble,) = found.troubles
    assert "pre_play() cannot be called as pre_play(model)" == trouble.headline
    assert ("game.py", 1, "def pre_play(): print()") == (trouble.place.file, trouble.place.line, trouble.place.source)
    assert "write it as def pre_play(model)" == trouble.advice
    assert ["post_play(model)", "pre_pley"] == [notice.text.split(" ")[0] for notice in found.notices]


@pytest.mark.parametrize(
    "call",
    ["async def __call__(self, model): pass", "def __call__(self, model): yield", "async def __call__(self): yield"],
)
def test_an_object_that_is_called_later_is_no_hook(call):
    found = find(f"class Late:\n    {call}\npre_play = Late()\n")
    assert found.hooks == {}
    (trouble,) = found.troubles
    assert "pre_play is an async function or a generator" in trouble.headline
    assert ("game.py", 2) == (trouble.place.file, trouble.place.line)


def test_an_object_that_is_called_at_once_is_a_hook():
    found = find("class Now:\n    def __call__(self, model): pass\npre_play = Now()\n")
    assert list(found.hooks) == ["pre_play"]
    assert (found.notices, found.troubles) == ([], [])


def test_wrappers_count_as_they_are_called():
    text = """
import functools
def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper
@logged
def pre_play(model):
    pass
"""
    found = find(text)
    assert list(found.hooks) == ["pre_play"]
    assert found.notices == []


def test_what_belongs_to_another_script_is_left_alone():
    def pre_play(model):
        return model.colour

    def pre_nothing(model):
        return model.colour

    pre_play.__module__ = pre_nothing.__module__ = "other"
    found = find("", pre_play=pre_play, pre_nothing=pre_nothing)
    assert (found.hooks, found.notices) == ({}, [])


def test_classes_and_values_with_unknown_names_are_no_matter():
    found = find("pre_count = 3\nclass pre_thing: pass\n")
    assert (found.hooks, found.notices) == ({}, [])
