"""A limit on the time that a run may take: the only way to meet a port that never answers.

Where time runs out in the middle of an operation of the implementation, the port answers with a crash.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 60.0
"""Seconds after which a short run is taken to hang. Only a port that hangs ever gets there."""


class Hang(AssertionError):
    """A port did not come back."""


@contextmanager
def time_limit(seconds: float = PATIENCE) -> Iterator[None]:
    """Raise Hang in what runs for longer. Signals reach the main thread only: elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Hang(f"no answer within {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
