"""The loop itself; what players do in it is tested with them."""

import gc
import os
import select

import pytest
from benchmarks.generator import Generator, generating


def test_an_empty_loop_ends_in_time():
    with generating() as generator:
        generator.turn(lambda: False, 0.0)


def test_what_is_due_is_told_the_time_but_none_after_the_end():
    told = []

    def due(now):
        told.append(now)
        return now + 1000

    with generating() as generator:
        generator.turn(lambda: False, 0.5, due)
    assert told == [0.5]


def test_other_descriptors_are_served_beside_players():
    reads, writes = os.pipe()
    heard = []
    with generating() as generator:
        generator.wait(reads, select.EPOLLIN, lambda: heard.append(os.read(reads, 10)))
        os.write(writes, b"hello")
        generator.turn(lambda: bool(heard), float("inf"))
        generator.wait_no_more(reads)
        os.write(writes, b"again")
        generator.turn(lambda: False, 0.0)
    assert heard == [b"hello"]
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_waits_until_all_is_over(enabled):
    was_enabled = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        with generating():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if was_enabled else gc.disable()


def test_a_sample_has_a_rate_with_refusals():
    with generating() as generator:
        sample = generator.run(0.01)
    assert sample.seconds >= 0.01
    assert (sample.answers, sample.rate) == (0, 0.0)
    sample.record.latency.record(0.5)
    sample.record.refused["busy"] += 1
    assert sample.answers == 2
    assert sample.latency.most == 0.5


def test_a_loop_that_was_closed_serves_nobody():
    generator = Generator()
    generator.close()
    with pytest.raises(ValueError, match="closed epoll"):
        generator.turn(lambda: False, float("inf"))
