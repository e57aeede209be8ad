"""What scripts print and log while a check runs them; everything else that is logged meanwhile is dropped.

The hook engine logs what it finds. A check reads it from the engine instead, and says it once, in its own order.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, WrappedLogger

from yummy.checking.problems import Problem, Severity
from yummy.hooks.report import Place, Trouble

#: The logger of what scripts print and log.
SCRIPTS = "yummy.scripts"
#: The kind of what they say.
PRINTED = "printed"


@contextmanager
def hearing() -> Iterator[list[Problem]]:
    """Hear scripts for the length of a block; gives the list that their lines come into."""
    heard: list[Problem] = []

    def hear(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if logger.name == SCRIPTS:
            text = str(event["event"]) if method == "info" else f"{method}: {event['event']}"
            place = Place(event["file"], event["line"]) if event["file"] else None
            heard.append(Problem(Severity.INFO, Trouble(PRINTED, text, place, hook=event["hook"])))
        raise structlog.DropEvent

    configured, before = structlog.is_configured(), structlog.get_config()
    structlog.configure(
        processors=[hear],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield heard
    finally:
        if configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()
