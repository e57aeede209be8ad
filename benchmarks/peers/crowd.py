"""The players of one workload at one server, and what they measure.

Owns what counts. Knows neither how a server is started nor how one gets into its rooms.
"""

from attrs import define, field, frozen

from benchmarks.beat import Beat
from benchmarks.generator import Generator, clock
from benchmarks.kernel import ONE_CORE, placed, usage
from benchmarks.peers.seats import Seats
from benchmarks.peers.talker import Talker
from benchmarks.peers.workloads import Workload
from benchmarks.wire import PATIENCE, ConnectionLost

#: Seconds before each measurement that do not count.
WARM_UP = 0.3
#: The share of the time that a server has to get a core for, at least, so that there is something to measure.
ENOUGH = 0.25


@frozen
class Measured:
    """What one server did in one round.

    Attributes:
        count: What counts of the workload: answers, or what others heard.
        seconds: How long it took.
        cpu: Seconds of a core that all threads of the server used.
        generator: The share of a core that the generator used.
    """

    count: int
    seconds: float
    cpu: float
    generator: float

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds

    @property
    def per_cpu(self) -> float:
        """How many for each second of a core that the server used."""
        return self.count / self.cpu


@frozen
class Running:
    """A server that runs.

    Attributes:
        pid: Its process.
        seats: How players get into its rooms.
    """

    pid: int
    seats: Seats


@define(eq=False)
class Crowd:
    """The players of one workload at one server.

    Attributes:
        pid: The server's process.
        workload: What they do.
        generator: Serves them.
        talkers: They themselves.
        speakers: Those of them who say anything.
    """

    pid: int
    workload: Workload
    generator: Generator
    talkers: list[Talker] = field(factory=list)
    speakers: list[Talker] = field(factory=list)

    @classmethod
    def gather(cls, running: Running, workload: Workload, generator: Generator) -> "Crowd":
        """Bring all players into their rooms.

        Each says something before the next one comes, so that it is known how many have heard of it.

        Raises:
            ConnectionLost: The server does not take them.
        """
        crowd = cls(running.pid, workload, generator)
        for number in range(workload.rooms):
            room = []
            for talker in running.seats(workload, number):
                talker.ask()
                room.append(talker)
            crowd.talkers += room
            crowd.speakers += room[: workload.speakers]
        generator.add(crowd.talkers)
        return crowd

    def play(self, seconds: float) -> Measured:
        """Measure one round, server and generator on cores of their own.

        Raises:
            ConnectionLost: A connection was, or not everything came.
        """
        with placed(self.pid, ONE_CORE):
            beat = self._start()
            self.generator.run(WARM_UP, due=beat)
            measured = self._measure(seconds, beat)
            self.generator.drain()
            self._check()
        return measured

    def _start(self) -> Beat | None:
        """Begin to speak; the beat by which it goes on, if there is one."""
        if self.workload.rate is not None:
            return Beat(self.speakers, 1 / self.workload.rate)
        for talker in self.speakers:
            talker.repeats = True
            talker.say(self.workload.ahead)
        return None

    def _measure(self, seconds: float, beat: Beat | None) -> Measured:
        """Measure until the server has used enough CPU, which takes longer where others hardly let it run."""
        before, cpu = self._counted(), usage(self.pid).cpu
        took = busy = 0.0
        while True:
            sample = self.generator.run(seconds, due=beat)
            took += sample.seconds
            busy += sample.seconds * sample.generator
            count, used = self._counted() - before, usage(self.pid).cpu - cpu
            if count and used >= seconds * ENOUGH:
                return Measured(count, took, used, busy / took)
            if took > seconds + PATIENCE:
                raise ConnectionLost(f"{self.workload.name}: the server got {used:.2f} s of CPU within {took:.0f} s")

    def _counted(self) -> int:
        return sum(talker.heard if self.workload.relays else talker.answers for talker in self.talkers)

    def _check(self) -> None:
        """Whether everybody has heard everything.

        Raises:
            ConnectionLost: That is not so.
        """
        size, rooms = self.workload.size, self.workload.rooms
        # While a room filled up, each of its players was heard by those who were there.
        answers = sum(talker.answers for talker in self.talkers) - rooms * size
        expected = answers * (size - 1) + rooms * size * (size - 1) // 2
        if self._heard() < expected:
            # Others may hear of a message after its sender does.
            self.generator.turn(lambda: self._heard() >= expected, clock() + PATIENCE)
        if self._heard() != expected:
            raise ConnectionLost(f"{self.workload.name}: {self._heard()} messages were heard instead of {expected}")

    def _heard(self) -> int:
        return sum(talker.heard for talker in self.talkers)
