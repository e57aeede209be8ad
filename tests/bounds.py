"""How much the tests try that try random cases: little in every run, and as many times more as `LONG_TESTS` says.

    LONG_TESTS=100 python3 -m uv run pytest --timeout 0 tests/protocol/test_fuzz.py

In every run the cases are the same, so that a change that breaks something is told from luck; a long one tries others
each time.
"""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

FACTOR = int(os.environ.get("LONG_TESTS", "1"))


def bounded(cases: int, *, shrinks: bool = True, **options: Any) -> settings:
    """Settings of a test that tries this many random cases in every run.

    Args:
        cases: How many.
        shrinks: Whether a short run looks for the smallest case that fails, for which a slow test takes too long.
        **options: Others of Hypothesis's settings.
    """
    phases = [Phase.explicit, Phase.reuse, Phase.generate, Phase.target]
    if shrinks or FACTOR > 1:
        phases.append(Phase.shrink)
    # Phase.explain is left out: it traces lines, which is not safe while another interpreter runs.
    return settings(
        max_examples=cases * FACTOR,
        derandomize=FACTOR == 1,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        phases=phases,
        **options,
    )
