"""Records are taken, and added up."""

from benchmarks.record import Record


def test_a_record_that_was_taken_begins_anew():
    record = Record(events=2)
    record.latency.record(1.0)
    record.refused["busy"] += 1
    taken = record.take()
    assert (taken.events, taken.latency.count, taken.refused) == (2, 1, {"busy": 1})
    assert (record.events, record.latency.count, record.refused) == (0, 0, {})
    record.add(taken)
    record.add(taken)
    assert (record.events, record.latency.count, record.refused) == (4, 2, {"busy": 2})
