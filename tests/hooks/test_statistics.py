from pathlib import Path

import attrs

from yummy.hooks.statistics import Counts, HookStatistics, resident_bytes


def test_each_count_is_told_under_its_name():
    counts = {field.name for field in attrs.fields(Counts)}
    told = {field.name for field in attrs.fields(HookStatistics)}
    assert {"revision", "waiting", "state_bytes", "spinning", "reports"} == told - counts
    assert set() == counts - told


def test_the_memory_in_use_is_that_of_this_process():
    assert resident_bytes() > 10_000_000


def test_a_system_that_does_not_tell_is_no_error(monkeypatch):
    def absent(*_arguments, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert 0 == resident_bytes()
