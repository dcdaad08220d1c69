"""Induction over a loop of shipped code: what ships is run from an arbitrary state of its loop, for one turn.

``turn`` calls a function; as soon as the named variables of its frame are set they get the values that stand
for any number of turns before, as a debugger would set them. What comes behind the VMA at hand is a ``Rest``:
as soon as anything is asked of it, the turn is over, and the frame's variables are the state after it. What a
claim shows of one turn then holds of all, if the state assumed before is the state claimed after.

Not covered: that loops end, which they do since each turn moves the cursor up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Cut(Exception):
    """The code looks at what comes behind: the turn is over."""


class Rest:
    """The next VMA, and those behind it, of which nothing is known here."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Rest
        raise Cut


def turn(function: Any, state: dict[str, Any], call: Callable[[], object]) -> dict[str, Any] | None:
    """Run ``call()``, which comes to ``function``, whose variables get the values in ``state`` once all are
    set. The frame's variables at the end of the turn, or None where the function has returned."""
    with _setting(function, state):
        try:
            call()
        except Cut as cut:
            return _variables(function, cut.__traceback__)
    return None


@contextmanager
def _setting(function: Any, state: dict[str, Any]) -> Iterator[None]:
    if not state:
        yield
        return
    done = False

    def in_frame(frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal done
        if not done and all(name in frame.f_locals for name in state):
            frame.f_locals.update(state)
            done = True
        return None if done else in_frame

    def on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return in_frame if not done and frame.f_code is function.__code__ else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)


def _variables(function: Any, trace: TracebackType | None) -> dict[str, Any]:
    while trace is not None:
        if trace.tb_frame.f_code is function.__code__:
            return dict(trace.tb_frame.f_locals)
        trace = trace.tb_next
    raise AssertionError(f"{function.__qualname__} is not what looked at the VMA behind")
