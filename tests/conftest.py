"""What tests of several folders share."""

import os

import pytest
from attrs import define


@define
class Pipe:
    """What a script can wait for in a call that nothing interrupts: ``os.read(reads, 1)``."""

    reads: int
    writes: int

    def let_go(self):
        """End the wait of everybody, now and later."""
        if self.writes >= 0:
            os.close(self.writes)
            self.writes = -1


@pytest.fixture
def pipe():
    waits = Pipe(*os.pipe())
    yield waits
    waits.let_go()
