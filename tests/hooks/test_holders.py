"""What holds a model, as the reports say it."""

import gc
import json
import sys
import threading
from pathlib import Path

import pytest
from guarded import CLEAN, KEPT, Scripts

from yummy.hooks.holders import SearchBounds
from yummy.hooks.interpreter import run_isolated


@pytest.fixture
def scripts():
    made = Scripts()
    yield made
    made.close()


def place_of(trouble):
    return trouble.headline.split("; ", 1)[1].removeprefix("it is still held by ")


@pytest.mark.parametrize(("source", "path", "line", "marked"), KEPT.values(), ids=KEPT)
def test_the_report_names_what_holds_the_model_and_the_line(source, path, line, marked, scripts):
    trouble = scripts.load(auth=source).call()
    place = trouble.place
    assert (path, line, marked) == (place_of(trouble), place.line, place.source[place.column : place.end])
    assert "auth.py" == place.file
    assert 1 == scripts.guard.retained


@pytest.mark.parametrize("source", CLEAN.values(), ids=CLEAN)
def test_a_hook_that_keeps_nothing_is_not_accused(source, scripts):
    assert scripts.load(auth=source).call() is None
    assert 0 == scripts.guard.retained == scripts.guard.unaccused


def test_all_of_it_holds_in_a_hook_interpreter(tmp_path):
    """With a GIL of its own, and with other interpreters beside it; only ``sys.settrace`` has no place there."""
    found = tmp_path / "found.json"
    source = f"""
import json, sys
sys.path[:] = {[str(Path(__file__).parents[1]), *sys.path]!r}
from pathlib import Path
from guarded import CLEAN, KEPT, Scripts
found = {{}}
del CLEAN["is traced"]
for name, source in CLEAN.items():
    scripts = Scripts()
    found[name] = scripts.load(auth=source).call() is None
    scripts.close()
for name, (source, path, line, _) in KEPT.items():
    scripts = Scripts()
    trouble = scripts.load(auth=source).call()
    found[name] = trouble is not None and trouble.headline.endswith(path) and trouble.place.line == line
    scripts.close()
Path({str(found)!r}).write_text(json.dumps(found))
"""
    problems = []
    thread = threading.Thread(target=run_isolated, args=(source, problems.append))
    thread.start()
    thread.join()
    assert [None] == problems
    assert dict.fromkeys({*CLEAN, *KEPT} - {"is traced"}, True) == json.loads(found.read_text())


class TestWhereSeveralThingsHoldIt:
    def test_a_variable_of_the_hooks_own_script_comes_first(self, scripts):
        lobby = "players = []"
        auth = "from lobby import players\nimport math\ndef pre_play(model):\n    math.kept = model\n"
        auth += "    players.append(model)\ndef clean_up(): del math.kept"
        trouble = scripts.load(lobby=lobby, auth=auth).call()
        assert "auth.py: players[0]" == place_of(trouble)
        assert 5 == trouble.place.line

    def test_a_script_comes_before_a_nearer_module(self, scripts):
        auth = "import math\nkept = []\ndef pre_play(model):\n    math.kept = model\n    kept.append([[[model]]])\n"
        auth += "def clean_up(): del math.kept"
        assert "auth.py: kept[0][0][0][0]" == place_of(scripts.load(auth=auth).call())

    def test_another_script_is_named_by_its_own_file(self, scripts):
        lobby = "players = {}\ndef join(player): players[player.user_id] = player"
        auth = "import lobby\ndef pre_play(model): lobby.join(model)"
        trouble = scripts.load(lobby=lobby, auth=auth).call()
        assert "lobby.py: players['u1']" == place_of(trouble)
        assert ("lobby.py", 2) == (trouble.place.file, trouble.place.line)

    def test_a_script_that_was_edited_since_is_said_so(self, scripts):
        timers = "later = []"
        auth = "import timers\nkept = []\ndef keep(m): kept.append(m)\nif not timers.later: timers.later.append(keep)\n"
        auth += "def pre_play(model): timers.later[0](model)"
        scripts.load(timers=timers, auth=auth).load(auth=auth)
        trouble = scripts.call()
        assert "auth.py, as it was before an edit: kept[0]" == place_of(trouble)
        assert 3 == trouble.place.line


class TestBounds:
    def test_a_search_ends_where_its_bounds_are(self):
        scripts = Scripts(bounds=SearchBounds(nodes=20, depth=3))
        try:
            auth = "kept = []\ndef pre_play(model):\n    box = model\n    for _ in range(50): box = [box]\n"
            auth += "    kept.append(box)"
            trouble = scripts.load(auth=auth).call()
            assert place_of(trouble).startswith("something that no variable leads to: a list")
            assert 5 == trouble.place.line
        finally:
            scripts.close()

    def test_a_search_that_takes_too_long_ends_without_an_answer(self):
        scripts = Scripts(bounds=SearchBounds(seconds=-1.0))
        try:
            trouble = scripts.load(auth="kept = []\ndef pre_play(model): kept.append(model)").call()
            assert "what holds it is not known" in trouble.headline
            assert 2 == trouble.place.line
        finally:
            scripts.close()

    def test_a_search_leaves_the_collector_as_it_was(self, scripts):
        scripts.load(auth="kept = []\ndef pre_play(model): kept.append(model)").call()
        assert gc.isenabled()
        gc.disable()
        try:
            scripts.call()
            assert not gc.isenabled()
        finally:
            gc.enable()

    def test_what_holds_it_in_many_places_is_found_soon(self, scripts):
        auth = "class S: pass\nmany = [S() for _ in range(5000)]\ndef pre_play(model):\n    S.last = model\n"
        trouble = scripts.load(auth=auth).call()
        assert "auth.py: S.last" == place_of(trouble)
