"""What players did, as counts and histograms. Pure."""

from collections import Counter

from attrs import define, field

from benchmarks.histogram import Histogram
from benchmarks.wire import ConnectionLost


@define(eq=False)
class Record:
    """What players did; several may share one.

    Attributes:
        latency: From when each request was due to its answer.
        heard: From when each stamped message was due to when others heard it.
        events: How many events came.
        refused: How often each error code came.
        lost: How often connections were lost, by what ended them.
        tolerant: Whether a lost connection is counted here, instead of ending everything.
    """

    latency: Histogram = field(factory=Histogram)
    heard: Histogram = field(factory=Histogram)
    events: int = 0
    refused: Counter[str] = field(factory=Counter)
    lost: Counter[str] = field(factory=Counter)
    tolerant: bool = False

    def lose(self, error: ConnectionLost) -> None:
        """Count a lost connection, or raise it where that ends everything."""
        if not self.tolerant:
            raise error
        self.lost[error.code] += 1

    def take(self) -> "Record":
        """What there is, which is forgotten here."""
        taken = Record(self.latency, self.heard, self.events, self.refused, self.lost)
        self.latency, self.heard, self.events = Histogram(), Histogram(), 0
        self.refused, self.lost = Counter(), Counter()
        return taken

    def add(self, other: "Record") -> None:
        """Take all that another one holds."""
        self.latency.add(other.latency)
        self.heard.add(other.heard)
        self.events += other.events
        self.refused += other.refused
        self.lost += other.lost
