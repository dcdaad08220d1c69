"""A writer and a reader on a kernel's own maple tree as two threads of the machine: the client of the process
in `explore/threads`.

What it is: a scenario is run again and again, from the same tree, with the two threads begun at points of
time that are drawn; each run is judged as the explorer judges an interleaving. What is met was met for real,
and how often says how likely it is here. What is not met may still be there.

Not covered: which interleaving a run was.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from mapleproof.impl.kernel.scenario import Failure, Reader, ScenarioProcess, no_answer, reader_lines

MOST_RUNS = 1 << 62
GRACE = 30.0
"""Seconds after which the process is ended where it does not answer."""


@dataclass(frozen=True)
class Stressed:
    """What came of it: runs, those of them in which both were inside at the same time, the seconds that they
    took, and of each sort of failure how often it was met. ``paths`` are the kernel's functions that the
    writes went through, by their tracepoints."""

    runs: int
    together: int
    seconds: float
    failures: tuple[Failure, ...]
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.runs:,} runs, {self.together:,} with both threads inside, in {self.seconds:.1f} s"


class Stress(ScenarioProcess):
    """Scenarios with two threads."""

    called = "the process under stress"
    beside = "threads"

    def run(self, reader: Reader, seconds: float, seed: int = 0, first_only: bool = False) -> Stressed:
        """Run a reader beside the writer of the scenario that was loaded last, for so many seconds, or until
        it fails where ``first_only``. Raises ProcessEnded."""
        asked = f"stress {round(seconds * 1000)} {MOST_RUNS} {seed} {+first_only}"
        lines = [*reader_lines(reader), asked]
        self._start()
        assert self._process is not None
        too_late = threading.Timer(seconds + GRACE, self._process.kill)
        too_late.start()
        try:
            said = self._ask(lines)
        finally:
            too_late.cancel()
        try:
            failures = tuple(self._failure(each) for each in said["findings"])
            paths = tuple(said["paths"])
            return Stressed(said["runs"], said["together"], said["seconds"], failures, paths)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise no_answer(error) from None
