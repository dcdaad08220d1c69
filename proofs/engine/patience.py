"""Shipped code that asks nothing and does not end is given up, after so much processor time.

A loop over symbolic conditions is bounded by the decisions of its path. One over plain numbers is not, and
changed code may be stuck in one: its path then counts as too long, so nothing is proved by it. The time the
solver takes does not count.

Outside of the main thread there is no such limit.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

SECONDS = 10.0
"""Processor seconds between two questions; the code that ships takes a part of one."""

AGAIN = 1.0
"""And then each second: where Python drops the exception, it is raised once more."""


class TooLong(Exception):
    """The path that is followed takes more than is allowed."""


class Patience:
    """While it is entered code may take SECONDS from one ``renew()`` to the next."""

    def __init__(self) -> None:
        self.there = threading.current_thread() is threading.main_thread()
        self.before: Any = None

    def __enter__(self) -> Patience:
        if self.there:
            self.before = signal.signal(signal.SIGVTALRM, self._ended)
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()
        if self.there:
            signal.signal(signal.SIGVTALRM, self.before)

    def renew(self) -> None:
        """Code runs from here on."""
        if self.there:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, AGAIN)

    def pause(self) -> None:
        """It does not, for now."""
        if self.there:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _ended(self, *_: object) -> None:
        raise TooLong
