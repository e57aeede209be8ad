"""The line that most likely kept a model, as a reader of the script would guess it."""

import pytest

from yummy.hooks.storing import SOURCE_BYTES, Storing
from yummy.hooks.traces import ScriptTexts
from yummy.hooks.wording import Holder

FILE = "/game/hooks/auth.py"


def place_of(source, *names, keys=(), holder=FILE, more=None):
    """The place, for the function ``pre_play`` of a script, and a holder with these names on its path."""
    texts = ScriptTexts()
    texts.add(FILE, "auth.py", source if isinstance(source, bytes) else source.encode())
    for name, text in (more or {}).items():
        texts.add(f"/game/hooks/{name}.py", f"{name}.py", text.encode())
    namespace = {"kept": [], "games": {}}
    exec(compile(source, FILE, "exec"), namespace)  # noqa: S102  # a script
    found = Holder("", holder, names, keys) if names else None
    return Storing(texts).place(namespace["pre_play"].__code__, found)


def marked(place):
    return place.source[place.column : place.end]


@pytest.mark.parametrize(
    ("body", "line", "text"),
    [
        ("print(model.message)\n    kept.append(model)", 3, "kept.append(model)"),
        ("kept.append(model.message)\n    kept.append(model)", 3, "kept.append(model)"),
        ("if model.message is None:\n        kept.append(model)", 3, "kept.append(model)"),
        ("if 1: pass\n    else: kept.append(model)", 3, "kept.append(model)"),
        ("for i in range(3):\n        kept.append((i, [model]))", 3, "kept.append((i, [model]))"),
        ("while 1:\n        kept.append(model)\n        break", 3, "kept.append(model)"),
        ("with open(model.message) as f:\n        kept.append({'f': f, 'm': model})", 3, None),
        ("try: pass\n    except OSError: pass\n    else: kept.append(model)\n    finally: pass", 4, None),
        ("try: pass\n    finally:\n        kept.append(model)", 4, None),
        ("match model.message:\n        case 1: kept.append(model)", 3, "kept.append(model)"),
        ("m = model\n    print(m)\n    kept.append(m)", 4, "kept.append(m)"),
        ("pair = (1, model)\n    games[1] = pair\n    kept.append(pair)", 4, "kept.append(pair)"),
        ("for m in [model]:\n        kept.append(m)", 3, "kept.append(m)"),
        ("def later(): print(model.message)\n    kept.append(later)", 3, "kept.append(later)"),
        ("def later():\n        kept.append(model)\n    later()", 3, "kept.append(model)"),
        ("kept.extend(x for x in (1, model))", 2, "kept.extend(x for x in (1, model))"),
        ("kept.append(lambda: model.message)", 2, "kept.append(lambda: model.message)"),
        ("kept.append(model.get_message)", 2, "kept.append(model.get_message)"),
        ("kept.append(model.get_message())\n    kept.append(model)", 3, "kept.append(model)"),
        ("kept[:] = [\n        model,\n    ]", 2, "kept[:] = ["),
        ("x = 'é', kept.append(model)", 2, "x = 'é', kept.append(model)"),
        ("é = 'ü'; kept.append(model)", 2, "kept.append(model)"),
        ("kept.append(len(model.message)); games[1] = [model]; store(1)", 2, "games[1] = [model]"),
    ],
)
def test_the_statement_that_names_the_variable_and_hands_the_model_on(body, line, text):
    place = place_of(f"def pre_play(model):\n    {body}", "kept")
    assert ("auth.py", line, "pre_play") == (place.file, place.line, place.function)
    if text is not None:
        assert text == marked(place)


def test_the_key_decides_between_two():
    source = "def pre_play(model):\n    games['a'] = model\n    games['b'] = model\n    games[3] = model"
    assert 2 == place_of(source, "games", keys=("a",)).line
    assert 3 == place_of(source, "games", keys=("b",)).line
    assert 4 == place_of(source, "games", keys=(3,)).line


class TestWithoutTheVariablesName:
    def test_a_name_further_on_the_path_counts(self):
        source = "def pre_play(model):\n    print([model])\n    f(model)\n    find().last = model"
        assert 4 == place_of(source, "games", "last").line

    def test_a_statement_that_hands_the_model_on_comes_next(self):
        source = "def pre_play(model):\n    m = model\n    print(model)\n    isinstance(model, int)\n    store(m)"
        assert 5 == place_of(source, "games").line
        assert 5 == place_of(source).line

    def test_a_statement_that_names_the_variable_comes_after_that(self):
        source = "import sys\ndef pre_play(model):\n    x = 1\n    kept.append(sys._getframe())"
        assert 4 == place_of(source, "kept").line

    def test_the_definition_of_the_hook_is_the_last_resort(self):
        source = "def pre_logout(model):\n    kept.append(model)\n\ndef pre_play(model):\n    return model.message"
        place = place_of(source)
        assert (4, "") == (place.line, place.function)


class TestOtherFunctions:
    def test_what_the_hook_calls_in_its_own_script(self):
        source = """
def keep_other(x): kept.append(x)
def keep(first, m=None):
    kept.append(m)
def pre_play(model):
    keep(1, model)
"""
        place = place_of(source, "kept")
        assert (4, "keep") == (place.line, place.function)

    def test_what_it_calls_in_another_script_under_another_name(self):
        lobby = "players = {}\nclass Lobby:\n    def join(self, who): players[1] = who\n"
        source = "import sys as lobby\ndef pre_play(model):\n    lobby.join(model)"
        place = place_of(source, "players", holder="/game/hooks/lobby.py", more={"lobby": lobby})
        assert ("lobby.py", 3, "join") == (place.file, place.line, place.function)
        assert "players[1] = who" == marked(place)

    def test_the_hook_itself_comes_first(self):
        source = "def keep(m): kept.append(m)\ndef pre_play(model): kept.append(model)"
        assert 2 == place_of(source, "kept").line


def test_a_place_without_a_holder_is_looked_for_once_until_scripts_change():
    texts = ScriptTexts()
    storing = Storing(texts)
    namespace = {}
    exec(compile("def pre_play(model): keep(model)", FILE, "exec"), namespace)  # noqa: S102  # a script
    code = namespace["pre_play"].__code__
    assert storing.place(code, None) is None
    texts.add(FILE, "auth.py", b"def pre_play(model): keep(model)")
    assert storing.place(code, None) is None
    storing.forget()
    assert "keep(model)" == marked(storing.place(code, None))


class TestSources:
    def test_a_hook_that_is_a_lambda(self):
        assert "kept.append(model)" == marked(place_of("pre_play = lambda model: kept.append(model)", "kept"))

    def test_a_hook_below_a_decorator_and_of_a_name_that_comes_twice(self):
        source = """
if True:
    def pre_play(model): kept.append(model)
@(lambda f: f)
def pre_play(model):
    kept.append(model)
"""
        assert 6 == place_of(source, "kept").line

    def test_what_is_no_script_has_no_place(self):
        assert Storing(ScriptTexts()).place(place_of.__code__, None) is None
        assert Storing(ScriptTexts()).place(None, None) is None

    def test_a_script_of_unusual_size_is_not_read(self):
        source = f"def pre_play(model):\n    kept.append(model)\n#{'x' * SOURCE_BYTES}"
        assert 1 == place_of(source, "kept").line

    def test_a_text_that_cannot_be_read_gives_the_definition(self):
        texts = ScriptTexts()
        texts.add(FILE, "auth.py", b"def pre_play(model: 5")
        namespace = {}
        exec(compile("def pre_play(model): pass", FILE, "exec"), namespace)  # noqa: S102  # a script
        assert 1 == Storing(texts).place(namespace["pre_play"].__code__, Holder("", FILE, ("kept",))).line

    def test_a_changed_text_is_read_again(self):
        texts = ScriptTexts()
        storing = Storing(texts)
        for spaces in ("", "\n"):
            source = f"def pre_play(model):\n{spaces}    kept.append(model)"
            texts.add(FILE, "auth.py", source.encode())
            namespace = {}
            exec(compile(source, FILE, "exec"), namespace)  # noqa: S102  # a script
            line = storing.place(namespace["pre_play"].__code__, Holder("", FILE, ("kept",))).line
            assert 2 + len(spaces) == line
