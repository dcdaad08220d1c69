"""How long making a failing run smaller goes on, and that it says so where it had to leave off."""

from __future__ import annotations

from mapleproof.props.common.guard import PROCESSOR, Clock

SECONDS = 20.0
"""How long reducing one failure may go on: processor time, or time on the clock where a process of its own
does the work. Most take less than two."""


class Spent(Exception):
    """The time is over; raised by who is asked too, where there will be no more answers."""


class Patience:
    """The time for reducing one failure. ``over`` is whether it ended before nothing smaller was found."""

    def __init__(self, seconds: float | None = None, clock: Clock = PROCESSOR) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self.clock = clock
        self.end = clock() + self.seconds
        self.over = False

    def check(self) -> None:
        """Raise Spent where the time is over."""
        if self.clock() > self.end:
            self.over = True
            raise Spent

    @property
    def told(self) -> str:
        """What there is to say of it; empty where it was long enough."""
        return f"not reduced to the end: {self.seconds:g} seconds were over" if self.over else ""
