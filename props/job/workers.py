"""Processes that carry out units, and end when they must.

Each worker is one process with a pipe. It leads a process group of its own, so that a Ctrl-C of the terminal
does not reach it and all that it has started ends with it. A worker that dies, or takes too long for a unit,
is replaced; what had been told of that unit by then is known.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from mapleproof.props.common.guard import HANG

PR_SET_PDEATHSIG = 1
"""For prctl(): which signal a process gets when the one that started it has ended."""

PATIENCE = 300.0
"""Seconds without a word from a unit after which its worker is ended. Units give up by themselves long before
that, unless they sit in code that takes no signal."""

LOOK = 1.0
"""Seconds between two looks at how long the workers have been silent."""

Tell = Callable[[Any], None]
Work = Callable[[Any, Tell], Any]
"""Carries a task out in a worker; what it tells on the way reaches the caller at once."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something about a task: ``told`` on the way, its ``result``, ``lost``, how its worker ended, or
    ``failed``, the traceback of an exception that the work did not expect."""

    task: Any
    told: Any = None
    result: Any = None
    lost: str = ""
    failed: str = ""

    def must_not_fail(self) -> None:
        """Raises WorkFailed for such an exception."""
        if self.failed:
            raise WorkFailed(self.failed)


class WorkFailed(Exception):
    """An exception in a worker; ``str()`` is its traceback there."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Any = None
    heard: float = field(default_factory=time.monotonic)


def _nothing() -> None:
    """What is done in a worker before its first task, unless told otherwise."""


class Workers:
    """``count`` processes that call ``work`` for each task. ``begin`` is called in each before its first.
    With ``anew`` they import everything anew, instead of having what this process has.

    Use as a context manager: at its end all are gone, with all that they have started.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        begin: Callable[[], None] = _nothing,
        patience: float = PATIENCE,
        *,
        anew: bool = False,
    ) -> None:
        self._context: Any = multiprocessing.get_context("spawn" if anew else "fork")
        self._work = work
        self._begin = begin
        self._patience = patience
        self._workers = [self._start() for _ in range(count)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            _end(worker)

    @property
    def idle(self) -> bool:
        """Whether a worker has nothing to do."""
        return any(worker.task is None for worker in self._workers)

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""
        return any(worker.task is not None for worker in self._workers)

    def submit(self, task: Any) -> None:
        """Give a task to an idle worker."""
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task, worker.heard = task, time.monotonic()
        with suppress(OSError):  # a worker that is gone is met in wait()
            worker.pipe.send(task)

    def wait(self) -> Iterator[Event]:
        """What has happened, as soon as something has."""
        while True:
            ready = connection.wait([worker.pipe for worker in self._workers if worker.task], LOOK)
            events = [self._hear(worker) for worker in self._workers if worker.pipe in ready]
            events += [
                self._lose(worker, f"{HANG} {self._patience:g} seconds")
                for worker in self._workers
                if worker.task is not None and time.monotonic() - worker.heard > self._patience
            ]
            if events:
                yield from events
                return

    def _hear(self, worker: _Worker) -> Event:
        task = worker.task
        try:
            kind, what = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            return self._lose(worker, _how_ended(worker.process.exitcode))
        worker.heard = time.monotonic()
        if kind == "told":
            return Event(task, told=what)
        worker.task = None
        return Event(task, failed=what) if kind == "failed" else Event(task, result=what)

    def _lose(self, worker: _Worker, how: str) -> Event:
        task = worker.task
        _end(worker)
        self._workers[self._workers.index(worker)] = self._start()
        return Event(task, lost=how)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        ends = (ours, theirs)
        process = self._context.Process(target=_serve, args=(ends, self._work, self._begin), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _serve(ends: tuple[Connection, Connection], work: Work, begin: Callable[[], None]) -> None:
    """What a worker does, until nobody asks any more; it ends with the process that started it."""
    theirs, pipe = ends
    theirs.close()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    begin()
    with suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            try:
                done = ("done", work(task, lambda what: pipe.send(("told", what))))
            except Exception:
                done = ("failed", traceback.format_exc())
            pipe.send(done)


def _end(worker: _Worker) -> None:
    """End a worker and all that it has started."""
    worker.pipe.close()
    pid = worker.process.pid
    assert pid is not None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    worker.process.kill()
    worker.process.join()


def _how_ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
