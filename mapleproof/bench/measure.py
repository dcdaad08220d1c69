"""Measuring on one core: the median of several rounds, the spread, and when it is too slow to wait for.

Times are those of the thread on its processor, so that others who run there do not count.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

CHUNK = 32
"""Calls between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``rounds`` of each measurement; ``seconds`` after which one is given up."""

    rounds: int = 5
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """Nanoseconds (or bytes) for one: the median, the lowest and the highest; or the reason why not."""

    median: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    missing: str = ""

    def __str__(self) -> str:
        if self.missing:
            return self.missing
        digits = 1 if self.median < 100 else 0
        spread = (
            max(self.highest - self.median, self.median - self.lowest) / self.median if self.median else 0
        )
        return f"{self.median:,.{digits}f} ±{spread:.0%}"

    def as_json(self) -> dict[str, Any]:
        return {"missing": self.missing} if self.missing else asdict(self)


class TooSlow(Exception):
    """A measurement took longer than anyone would wait."""


def figure(rounds: Sequence[float]) -> Figure:
    """The figure of several rounds."""
    return Figure(statistics.median(rounds), min(rounds), max(rounds))


def each(step: Callable[[Any], object], items: Sequence[Any], limits: Limits) -> float:
    """Nanoseconds for each call of ``step``. Raises TooSlow."""
    clock = time.thread_time
    spent = 0.0
    for at in range(0, len(items), CHUNK):
        chunk = items[at : at + CHUNK]
        start = clock()
        for item in chunk:
            step(item)
        spent += clock() - start
        if spent > limits.seconds:
            raise TooSlow(f"over {limits.seconds:g} s")
    return spent * 1e9 / len(items)


def whole(work: Callable[[], object], count: int, limits: Limits) -> float:
    """Nanoseconds for each of ``count`` things that one call does; small calls are repeated."""
    clock = time.thread_time
    repeats = max(1, 2000 // count)
    start = clock()
    for _ in range(repeats):
        work()
    spent = clock() - start
    if spent > limits.seconds:
        raise TooSlow(f"over {limits.seconds:g} s")
    return spent * 1e9 / (count * repeats)


def rounds(measure: Callable[[], float], limits: Limits) -> Figure:
    """The median of several rounds, or of as many as there is time for, the collector off."""
    found: list[float] = []
    end = time.perf_counter() + limits.seconds
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        while len(found) < limits.rounds and (not found or time.perf_counter() < end):
            found.append(measure())
    except TooSlow as slow:
        return Figure(missing=str(slow))
    finally:
        if enabled:
            gc.enable()
    return figure(found)


def resident() -> int | None:
    """Bytes of this process that are in memory; None where that is not told."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def grown(make: Callable[[], object], copies: int) -> int | None:
    """How many bytes a process grows by that makes so many things: counted in a child of this one."""
    if resident() is None or not hasattr(os, "fork"):
        return None
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        kept = [make()]
        before = resident() or 0
        kept += [make() for _ in range(copies)]
        os.write(writer, str((resident() or 0) - before).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return int(said) if said else None


@contextmanager
def one_core() -> Iterator[None]:
    """Stay on one processor meanwhile, where that can be asked for."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
