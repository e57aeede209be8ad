"""What scripts print and log, on its way to the server's log. Runs inside the hook interpreter.

Owns the standard streams and the root logger there. A line is sent at once, not with the call's result: what a
script printed before it hung is what its author needs most.
"""

import io
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, override

from attrs import define, field, frozen

from yummy.hooks.frames import LOG, Frame
from yummy.hooks.traces import ScriptTexts

if TYPE_CHECKING:
    from types import FrameType


#: Lines of threads that scripts started, which wait for the end of a call.
FOREIGN_LINES = 1000


class Speaker(Protocol):
    """What code runs, so that its lines can be told from others'."""

    @property
    def id(self) -> int:
        """The number of the call; 0 for what runs outside of any."""

    @property
    def hook(self) -> str:
        """The name of the hook, or of the step of a load; empty where no script speaks."""

    @property
    def revision(self) -> int:
        """The number of the revision."""


@frozen
class Step:
    """A speaker that is no call."""

    hook: str
    revision: int
    id: int = 0


NOBODY = Step("", 0)


@define
class Output:
    """Sends lines to the host, and bounds them.

    Attributes:
        line_bytes: Bytes of a line; the rest is cut off.
        max_lines: Lines of one call; the rest is counted.
        speaker: Whose code runs.
        said: Whether anything was written since `end` was called last; else it has nothing to do.
    """

    _send: Callable[[Frame], None]
    _texts: ScriptTexts
    line_bytes: int
    max_lines: int
    _streams: "tuple[ScriptStream, ...]" = ()
    speaker: Speaker = NOBODY
    said: bool = False
    _lines: int = 0
    _thread: int = field(factory=threading.get_ident)
    _foreign: deque[Frame] = field(factory=lambda: deque(maxlen=FOREIGN_LINES))

    def begin(self, speaker: Speaker) -> None:
        """A call begins, or a step of a load; lines belong to it until the next begins."""
        self.speaker = speaker
        self._lines = 0

    def end(self) -> None:
        """The call has ended: what it printed without a line end is sent, and what was too much is told."""
        self.said = False  # first, as a thread may write something meanwhile
        for stream in self._streams:
            if stream.begun:
                stream.finish()
        while self._foreign:
            self._send(self._foreign.popleft())
        if self._lines > self.max_lines:
            suppressed = self._lines - self.max_lines
            self._transmit(
                "warning", f"{suppressed} more lines of this call suppressed (at most {self.max_lines} a call)", "", 0
            )
        self._lines = 0

    def take_streams(self) -> None:
        """Make the interpreter's standard streams and its root logger this."""
        self._streams = (ScriptStream(self, "info"), ScriptStream(self, "warning"))
        sys.stdout, sys.stderr = self._streams
        sys.stdin = None  # input() in a hook shall fail, not wait for the operator
        root = logging.getLogger()
        root.addHandler(ScriptLogHandler(self))
        root.setLevel(logging.DEBUG)  # what is shown is the server's choice

    def line(self, level: str, text: str, place: tuple[str, int] | None = None, dropped: int = 0) -> None:
        """Send one line.

        Args:
            level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
            text: The line.
            place: File and line number; None looks for the script's line that led here.
            dropped: Bytes of the line that are missing already.
        """
        self.said = True
        self._lines += 1
        if self._lines <= self.max_lines:
            file, line = place or self._caller()
            self._transmit(level, text, file, line, dropped)

    def path(self, filename: str) -> str | None:
        """The path below the scripts folder, or None for code that is no script's."""
        return self._texts.path(filename)

    def _transmit(self, level: str, text: str, file: str, line: int, dropped: int = 0) -> None:
        encoded = _encoded(text)
        line = line if type(line) is int else 0  # a script can make records of its own
        shown = encoded[: self.line_bytes].decode("utf-8", "ignore")
        dropped += len(encoded[self.line_bytes :])
        if dropped:
            shown += f" [{dropped} more bytes]"
        speaker = self.speaker
        frame = (LOG, speaker.id, level, shown, file, line, speaker.hook, speaker.revision)
        if threading.get_ident() == self._thread:
            self._send(frame)
        else:
            # The channel belongs to one thread, and a lock that a hook may be interrupted in would never open again.
            self._foreign.append(frame)
            self.said = True

    def _caller(self) -> tuple[str, int]:
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # the only way to the line that printed
        while frame is not None:
            path = self._texts.path(frame.f_code.co_filename)
            if path is not None:
                return path, frame.f_lineno
            frame = frame.f_back
        return "", 0


class ScriptStream(io.TextIOBase):
    """A standard stream of the hook interpreter: each line that is written to it goes to the log.

    Attributes:
        begun: What was written of a line that has not ended.
    """

    def __init__(self, output: Output, level: str) -> None:
        super().__init__()
        self._output = output
        self._level = level
        self.begun = ""
        self._dropped = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        # As the plain text that it is, whatever methods a script's own class of texts has.
        *lines, self.begun = (self.begun + str.__str__(text)).split("\n")
        self._output.said = True  # now that there is something to send
        for line in lines:
            self._end(line)
        # A line without end shall not grow without bound.
        limit = self._output.line_bytes
        if len(self.begun) > limit:
            self._dropped += len(_encoded(self.begun[limit:]))
            self.begun = self.begun[:limit]
        return len(text)

    def finish(self) -> None:
        """Send what was written without a line end."""
        if self.begun:
            begun, self.begun = self.begun, ""
            self._end(begun)

    def _end(self, line: str) -> None:
        dropped, self._dropped = self._dropped, 0
        self._output.line(self._level, line, dropped=dropped)


class ScriptLogHandler(logging.Handler):
    """The root handler of the hook interpreter."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001  # a wrong format string must not end the hook that logs
            text = f"{record.msg!r} cannot be formatted: {error}"
        path = self._output.path(record.pathname)
        place: Any = (path, record.lineno) if path else None
        self._output.line(_level(record.levelno), text, place)


def _level(number: int) -> str:
    for floor, name in ((50, "critical"), (40, "error"), (30, "warning"), (20, "info")):
        if number >= floor:
            return name
    return "debug"


def _encoded(text: str) -> bytes:
    # A log may be no place for lone surrogates, but a script's text may have them.
    return str.encode(text, "utf-8", "backslashreplace")
