"""How much is fuzzed: a bounded number of cases, always the same ones; more and other ones with ``YUMMY_FUZZ``.

``YUMMY_FUZZ=100`` asks for a hundred times as many, chosen anew in each run.
"""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("YUMMY_FUZZ", "1"))


def fuzzed(cases: int) -> Callable[[Any], Any]:
    """Settings of a property that is tried so many times in the bounded form."""
    return settings(
        max_examples=cases * FACTOR,
        derandomize=FACTOR == 1,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
