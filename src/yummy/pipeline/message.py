"""A message on its way: what the pipeline keeps of it from reading to answer."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import attrs
import structlog

from yummy.core.values import Session
from yummy.model import HOOK_NAMES, Model
from yummy.pipeline.switchboard import Line, encode_frame
from yummy.protocol.codec import Encoding, encode
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Answer, Done, answer_document, failure_document
from yummy.protocol.requests import Request
from yummy.transport.frames import frame_binary

_log = structlog.get_logger("yummy.pipeline")


class Superseded(Exception):  # noqa: N818  # it says a state: another connection has taken the session over
    """The message had not begun its chain when its connection had to give way; it is dropped."""


@attrs.define(eq=False)
class Message:
    """One message that does not end at once, and the way back to its sender.

    Attributes:
        request: What is asked for, and how the answer is written.
        line: The sender's line; None for a chain of the server's own, which nobody waits for.
        session: The session that the line speaks for, as it was when the message began.
        stop_waiting: Ends what the message waits for, while it only waits and has changed nothing; then it is dropped.
    """

    request: Request
    line: Line | None = None
    session: Session | None = None
    stop_waiting: Callable[[], None] | None = None

    @property
    def model(self) -> Model:
        """What hooks and core work with."""
        return self.request.model

    @property
    def hook(self) -> str:
        """The name that its hooks go by."""
        return HOOK_NAMES[type(self.request.model)]

    def about(self) -> dict[str, Any]:
        """What log lines say of the message."""
        request = self.request
        said = {"type": request.type, "request_id": request.request_id, "user": self.model.user_id}
        room = getattr(self.model, "room_id", None)
        return {key: value for key, value in {**said, "room": room}.items() if value is not None}

    def reply(self, outcome: Answer | Refusal) -> Callable[[], None]:
        """What answers with what was done, or why not.

        A success is made ready before, so that nothing can happen that cannot be told.
        """
        if isinstance(outcome, Refusal):
            return partial(self.fail, outcome)
        frame = success_frame(self.request, outcome)
        return answer_nobody if self.line is None else partial(self.line.send, frame)

    def fail(self, refusal: Refusal) -> None:
        """Answer with why it was not done."""
        if self.line is not None:
            refuse(self.line, self.request, refusal)

    def interrupt(self) -> None:
        """Drop the message if it has not begun its chain; else it ends it."""
        if self.stop_waiting is not None:
            self.stop_waiting()


def success_frame(request: Request, answer: Answer) -> bytes:
    """The frame of an answer that says what was done.

    Raises:
        ValueError, TypeError, OverflowError: It cannot be encoded, which is a fault of ours.
    """
    if type(answer) is Done and request.encoding is Encoding.MSGPACK and request.request_id is not None:
        before, after = _around_number(request.type)
        return frame_binary(before + encode(request.request_id, Encoding.MSGPACK) + after)
    return encode_frame(answer_document(request.type, request.request_id, answer), request.encoding)


@cache
def _around_number(type_: str) -> tuple[bytes, bytes]:
    """What stands before and behind the request's number in the answer that says no more than that it is done."""
    before, after = encode(answer_document(type_, 0, Done()), Encoding.MSGPACK).split(b"\0")
    return before, after


def refuse(line: Line, request: Request, refusal: Refusal) -> None:
    """Answer with why something was not done.

    Args:
        line: The sender's line.
        request: What was asked for.
        refusal: Why not.
    """
    try:
        frame = encode_frame(failure_document(request.type, request.request_id, refusal), request.encoding)
    except (ValueError, TypeError, OverflowError):
        # Whatever is wrong with it is a fault of ours; the client still gets an answer.
        _log.exception("answer_not_encoded", type=request.type)
        refusal = Refusal(ErrorCode.INTERNAL)
        frame = encode_frame(failure_document(request.type, request.request_id, refusal), request.encoding)
    line.failures.count(refusal)
    line.send(frame)


def answer_nobody() -> None:
    """The answer to a message of the server's own, which nobody has sent."""
