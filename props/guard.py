"""A limit on the time that a run may take: the only way to meet a port that never answers.

Where time runs out in the middle of an operation of the implementation, the port answers with a crash.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

PATIENCE = 60.0
"""Seconds after which a short run is taken to hang. Only a port that hangs ever gets there."""

STEP_PATIENCE = 10.0
"""Seconds after which one step of a case is taken to hang."""


HANG = "no answer within"
"""How a hang is told, with the seconds after it."""


class Hang(AssertionError):
    """A port did not come back."""


@contextmanager
def time_limit(seconds: float = PATIENCE) -> Iterator[None]:
    """Raise Hang in what runs for longer. Signals reach the main thread only: elsewhere there is no limit.

    Within a limit that ends earlier it is that one which holds; one that ends later goes on afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    around, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < around <= seconds:
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Hang(f"{HANG} {seconds:g} seconds")

    begun = time.monotonic()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if around:
            signal.setitimer(signal.ITIMER_REAL, max(around - (time.monotonic() - begun), 1e-6))


def step_limit() -> AbstractContextManager[None]:
    """The limit on one step of a case."""
    return time_limit(STEP_PATIENCE)


def is_hang(told: object) -> bool:
    """Whether what is told of a crash is that there was no answer."""
    return isinstance(told, str) and HANG in told
