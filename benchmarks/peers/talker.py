"""A player who says the same again and again, and counts what comes.

Servers that do little for a message are quick, and a generator that looks at each frame would be slower than they are.
So what comes is not taken apart: answers and what others said have marks of `MARK_BYTES` bytes, and these are counted
over whatever was received. Whether all came that should have is seen once nobody says anything any more.
"""

from collections.abc import Callable

from attrs import define

from benchmarks.generator import Generator
from benchmarks.peers.workloads import MARK_BYTES, Words
from benchmarks.wire import Wire


@define(eq=False)
class Talker:
    """A player on one connection.

    Attributes:
        wire: The connection.
        words: What is said there.
        said: Requests.
        answers: Answers that have come.
        heard: What has come of others.
    """

    wire: Wire
    words: Words
    repeats: bool = False
    freed: Callable[[], None] | None = None
    lost: bool = False
    said: int = 0
    answers: int = 0
    heard: int = 0
    _tail: bytes = b""
    _generator: Generator | None = None

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return self.said - self.answers

    @property
    def free(self) -> bool:
        """Whether it may say something now."""
        return not self.waiting

    def ask(self) -> None:
        """Say something, and wait for the answer.

        Raises:
            ConnectionLost: None comes.
        """
        self.begin(0.0)
        while self.waiting:
            self._count()

    def join(self, generator: Generator) -> None:
        """Be served by a generator, so that the connection no longer blocks."""
        self._generator = generator
        self.wire.socket.settimeout(0)
        generator.serve(self.wire, self.receive)

    def begin(self, due: float) -> None:  # noqa: ARG002  # nobody measures how long an answer takes
        """Say something."""
        self.say(1)

    def say(self, count: int) -> None:
        """Say it so many times, at once.

        Raises:
            ConnectionLost: The connection has ended.
        """
        self.said += count
        if not self.wire.send(self.words.request * count) and self._generator is not None:
            self._generator.serve(self.wire, self.receive, unsent=True)

    def receive(self) -> None:
        """Take what has come.

        Raises:
            ConnectionLost: The connection has ended.
        """
        answers = self._count()
        if not answers:
            return
        if self.repeats:
            self.say(answers)
        elif self.freed is not None:
            self.freed()

    def _count(self) -> int:
        # A mark may have come in two parts. None fits into what is kept, so none is counted twice.
        data = self._tail + self.wire.read()
        self._tail = data[1 - MARK_BYTES :]
        answers = data.count(self.words.answer)
        self.answers += answers
        if self.words.heard:
            self.heard += data.count(self.words.heard)
        return answers

    def close(self) -> None:
        """Hang up."""
        if self._generator is not None:
            self._generator.forget(self.wire)
        self.wire.close()
