"""The command from end to end, in its short form; what it measures is of no interest here."""

import json

from benchmarks.cli import main
from benchmarks.growth.dimensions import DIMENSIONS
from click.testing import CliRunner


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["growth", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_each_dimension_is_measured(tmp_path):
    output = run("--short", "--out", tmp_path)
    assert "MAX_MESSAGES_PER_SECOND=0" in output
    assert "MAX_CONNECTIONS=0" in output
    told = json.loads((tmp_path / "growth.json").read_text())
    for dimension in DIMENSIONS:
        assert f"\n{dimension.name}: " in output
        figures = told["curves"][dimension.name]["figures"]
        assert list(figures) == list(map(str, dimension.figures))
        assert list(figures[str(dimension.figures[0])]["rounds"]) == list(map(str, dimension.short))
    assert "one argon2 hash takes" in output
    assert set(told["logins"]["rounds"]) == {"device", "email"}
    page = (tmp_path / "index.html").read_text()
    assert page.count("<h2>") == len(DIMENSIONS) + 1


def test_what_needs_too_many_connections_says_so(monkeypatch):
    monkeypatch.setattr("benchmarks.descriptors.raise_descriptors", lambda _wanted: 1024)
    output = " ".join(run("--curve", "connections", code=2).split())
    assert "may have 1024 open files here, and 7642 are wanted: choose others by --curve" in output
