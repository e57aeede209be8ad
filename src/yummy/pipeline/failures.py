"""Failures: how often clients were answered with each code of the table of errors.

Scripts choose codes of their own, any number of them; all of these count as ``hook_failed``, so that there are never
more counters than rows in the table.
"""

from collections import Counter
from collections.abc import Mapping

import attrs

from yummy.protocol.errors import ErrorCode, Refusal


@attrs.define(eq=False)
class Failures:
    """The running counts since the start."""

    _counts: Counter[ErrorCode] = attrs.field(factory=Counter)

    def count(self, refusal: Refusal) -> None:
        """A client is answered with this, if it is still there."""
        self._counts[refusal.row] += 1

    def statistics(self) -> Mapping[ErrorCode, int]:
        """How many failures there were of each code so far; codes without any are left out."""
        return dict(self._counts)
