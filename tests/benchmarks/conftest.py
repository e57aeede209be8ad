"""A load's outcome for tests of what is made of it."""

from benchmarks.histogram import Histogram
from benchmarks.kernel import Machine
from benchmarks.outcome import Outcome, Point, ServerUse

OUTCOME = Outcome(
    scenario="relay",
    made="2026-01-02 03:04:05+0000",
    machine=Machine(2, "Linux 6", "3.13.0", 0.1),
    options={
        "url": "ws://127.0.0.1:9090/v1/socket",
        "connections": 8,
        "rate": 100.0,
        "closed_loop": False,
        "ahead": 64,
    },
    limits={"MAX_MESSAGES_PER_SECOND": "0"},
    seconds=10.0,
    latency=Histogram.of([0.001] * 990 + [0.1] * 10),
    heard=Histogram.of([0.002] * 3000),
    answered=1000,
    events=3000,
    refused={},
    lost={},
    overdue=0,
    unanswered=0,
    late=0.0001,
    generator=[0.25],
    server=ServerUse(0.5, 0.4, 0.0005, 80 << 20, 81 << 20, 82 << 20),
    notes={},
    points=[Point(float(at), 1.0, 100.0, 0, 0.001, 0.002, 0.1) for at in range(10)],
)
