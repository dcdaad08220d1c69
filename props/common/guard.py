"""Limits on the time and the memory that runs and their steps may take.

They are the only way to meet a port that never answers, or that fills the machine.

There are two kinds. Where a *step* passes its limit, Hang is raised in the middle of it, and a port answers
with a crash: that is a finding. Where a *run* passes its budget, OutOfTime is raised, which no port takes for
a crash: the run is given up, and nothing is said of it.

Signals reach the main thread only: elsewhere there is no limit.
"""

from __future__ import annotations

import gc
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType, TracebackType

STEP_PATIENCE = 2.0
"""Seconds of processor time after which one step of a case is taken to hang: fewer than those of a unit, so
that what hangs there does so in its case."""

UNIT_STEP_PATIENCE = 3.0
"""Seconds of processor time after which one step of a unit of work is taken to hang: a long one takes less
than 0.2."""

MEMORY = 1 << 30
"""Bytes that a step may take on top of what its process had before the run."""

TICK = 0.1
"""Seconds between two looks at the limits."""

GRACE = 1.0
"""Seconds after which a limit that was passed is passed again, for what goes on after that."""

SLEEP = 20
"""A limit on processor time ends what only waits after so many times that long."""

HANG = "no answer"
"""How a hang is told, with what was waited for after it."""

Clock = Callable[[], float]

WALL: Clock = time.monotonic
PROCESSOR: Clock = time.process_time
"""What a limit is measured by. Processor time does not depend on what else the machine does."""


class Hang(AssertionError):
    """A step did not come to its end within its time, or its memory."""


class OutOfTime(BaseException):
    """A run's budget is used up. Not an Exception, so that no port answers with it."""


class _Limit:
    """One limit in force: it ``ends`` by its clock, or ``late`` by the clock on the wall."""

    __slots__ = ("clock", "ends", "error", "late", "seconds")

    def __init__(self, seconds: float, clock: Clock, error: type[BaseException]) -> None:
        self.seconds = seconds
        self.clock = clock
        self.error = error
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """So many seconds from now on."""
        self.ends = self.clock() + seconds
        self.late = time.monotonic() + (seconds if self.clock is WALL else SLEEP * seconds)

    def look(self) -> None:
        """Raise its error where it was passed."""
        if self.clock() > self.ends or time.monotonic() > self.late:
            self.extend(GRACE)
            raise self.error(f"{HANG} within {self.seconds:g} seconds")


class _Steps:
    """What holds for each step within :func:`limited_steps`: the limit of the one under way, None between
    two; and the memory that it may go up to."""

    limit: _Limit | None = None
    seconds: float | None = None
    most = 0

    @classmethod
    def look(cls) -> None:
        if cls.limit is not None:
            cls.limit.look()
            if cls.most and resident() > cls.most:
                cls.most += MEMORY // 4
                raise Hang(f"{HANG} before it had taken {MEMORY / 2**30:g} GiB")


_limits: list[_Limit] = []
"""Those in force, the innermost last."""


def _look(number: int, frame: FrameType | None) -> None:
    if frame is not None and any(frame.f_code is getattr(one, "__code__", None) for one in gc.callbacks):
        # What is raised in a callback of the garbage collector is printed and lost: just behind it
        signal.setitimer(signal.ITIMER_REAL, 0.001, signal.getitimer(signal.ITIMER_REAL)[1])
        return
    _Steps.look()
    for limit in _limits:
        limit.look()


@contextmanager
def _ticking(every: float) -> Iterator[None]:
    """Look at the limits from time to time."""
    before = signal.signal(signal.SIGALRM, _look)
    around = signal.getitimer(signal.ITIMER_REAL)[1]
    every = max(0.001, min(every, TICK, around or TICK))
    signal.setitimer(signal.ITIMER_REAL, every, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, around, around)
        signal.signal(signal.SIGALRM, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _limited(limit: _Limit) -> Iterator[None]:
    if not _in_main_thread():
        yield
        return
    _limits.append(limit)
    try:
        with _ticking(limit.seconds):
            yield
    finally:
        _limits.remove(limit)


def time_limit(seconds: float, clock: Clock = WALL) -> AbstractContextManager[None]:
    """Raise Hang in what runs for longer. Of limits within one another each holds."""
    return _limited(_Limit(seconds, clock, Hang))


def budget(seconds: float, clock: Clock = PROCESSOR) -> AbstractContextManager[None]:
    """Raise OutOfTime in what runs for longer."""
    return _limited(_Limit(seconds, clock, OutOfTime))


def step_limit() -> AbstractContextManager[None]:
    """The limit on one step of a case."""
    return time_limit(STEP_PATIENCE, PROCESSOR)


@contextmanager
def limited_steps(seconds: float | None = None, memory: int = MEMORY) -> Iterator[None]:
    """Every :func:`step` in here is limited to so many seconds of processor time, UNIT_STEP_PATIENCE unless
    told otherwise, and its process to so much more memory than it has now. Limits that hold already and are
    stricter stay."""
    if not _in_main_thread():
        yield
        return
    before = _Steps.seconds, _Steps.most
    seconds = UNIT_STEP_PATIENCE if seconds is None else seconds
    _Steps.seconds = seconds if before[0] is None else min(seconds, before[0])
    _Steps.most = before[1] or resident() + memory
    try:
        with _ticking(seconds):
            yield
    finally:
        _Steps.seconds, _Steps.most = before


class step:
    """One step of a run, as a context: what a port puts around whatever it carries out."""

    __slots__ = ("around",)

    def __enter__(self) -> None:
        self.around = _Steps.limit
        if _Steps.seconds is not None:
            _Steps.limit = _Limit(_Steps.seconds, PROCESSOR, Hang)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        _Steps.limit = self.around


def resident() -> int:
    """Bytes of memory that this process holds; without /proc, the most that it ever held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def is_hang(told: object) -> bool:
    """Whether what is told of a crash is that there was no answer."""
    return isinstance(told, str) and HANG in told
