"""A process with a kernel's tree within it, which runs the loop at the pace of C.

It is forked, loads the tree as a library (see ``impl/kernel/shim/seat.c``) and carries out run after run. Its
steps lie in memory that both processes share. So a crash in C ends a run and not the job: what was done up to
there is read from it, and done again where each step is looked at.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from mapleproof.impl.compiled import is_compiled
from mapleproof.impl.kernel.build import Build
from mapleproof.impl.kernel.wire import STEP, decode_events
from mapleproof.props.common.guard import OutOfTime
from mapleproof.props.common.port import Port
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.kernel_port import KernelPort, named
from mapleproof.props.maple.loop.codes import EVENTS, NEVER, RESET
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.loop.loop import Loop
from mapleproof.props.maple.loop.ours import Ours
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.mixes import draw_mix
from mapleproof.props.maple.ports import ImplPort

ROOM = 1 << 26
"""Bytes for the steps of one run, of which only what is used is ever taken."""

HEAD = 64
KEPT = 2
"""Builds for which a process keeps one: a review goes between two."""

HANG_TICKS = 20
"""Tenths of a second of processor time in one step that are taken for a hang."""


_SEATS: dict[tuple[int, str], Seat] = {}
"""By process, and by the key of a build: a process that was forked has none of its parent's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One run: of which seed, how long, with care or without; what the kernel's tree has not got; whether a
    tree is looked at after each write."""

    seed: int
    operations: int
    careful: bool
    lacks: frozenset[str]
    locks: bool
    closely: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did, where both sides agreed all along, and the seconds of processor time it took, those of
    the kernel's tree included where that is in the same process."""

    operations: int
    seconds: float
    events: Counter[str]


class Seat:
    """The process for one build. It is started by the first run, and anew after one that ended it."""

    def __init__(self, build: Build) -> None:
        assert build.seat is not None
        self._library = str(build.seat)
        self._shared = mmap.mmap(-1, ROOM)
        self._child = 0
        self._connection: Connection | None = None

    def run(self, wanted: Wanted) -> Ran | None:
        """Carry out a run; None where the sides did not agree, or the process died. Raises RuntimeError
        with the traceback where the suite itself went wrong there."""
        connection = self._connection or self._start()
        self._shared[:8] = bytes(8)
        try:
            connection.send(wanted)
            ran: Ran | str | None = connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            ran = None
        except BaseException:  # out of time, interrupted: what it would answer later is for nobody
            self.close()
            raise
        if not isinstance(ran, Ran):
            self.close()
        if isinstance(ran, str):
            raise RuntimeError(ran)
        return ran

    def steps(self) -> Iterator[tuple[int, ...]]:
        """What was done in the last run, up to the step that ended it, as it goes over the pipe."""
        count = int.from_bytes(self._shared[:8], "little")
        return STEP.iter_unpack(self._shared[HEAD : HEAD + count * STEP.size])

    def close(self) -> None:
        """End the process. It would not see that the pipe is closed: those forked since hold it open too."""
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        with warnings.catch_warnings():
            # of threads in this process: the other takes none of their locks
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            ours.close()
            self._serve(theirs)
        theirs.close()
        self._connection = ours
        return ours

    def _serve(self, connection: Connection) -> None:
        """What the child does. It never returns."""
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # who was interrupted closes the pipe
            library = ctypes.CDLL(self._library)
            library.seat_start(HANG_TICKS)
            address = ctypes.cast(library.seat_answer, ctypes.c_void_p).value or 0
            while True:
                ran = run_on(connection.recv(), Tape(address=address, shared=self._shared))
                connection.send(ran)
                if ran is None:
                    break
        except (EOFError, BrokenPipeError):
            pass
        except Exception:
            connection.send(traceback.format_exc())
        finally:
            os._exit(0)


def run_on(wanted: Wanted, tape: Tape) -> Ran | None:
    """Carry out a run in this process; None where the sides did not agree."""
    began = time.thread_time()  # a profiling timer makes the clock of the process coarse
    mix = draw_mix(random.Random(wanted.seed), wanted.careful)
    tape.step(RESET, 0, 0, NEVER, mix.alloc_range | mix.rcu << 1, int(mix.rcu))
    tape.ask()
    loop = Loop(wanted.seed, mix, tape, wanted.careful, wanted.lacks, wanted.locks, wanted.closely)
    try:
        done = loop.run(wanted.operations)
    except Differs:
        return None
    tape.step(EVENTS, 0, 0, NEVER)
    tape.ask()
    return Ran(done, time.thread_time() - began, decode_events(tape.text().decode()))


Steps = list[tuple[int, ...]]


def driven(port: Port, wanted: Wanted) -> Ran | Steps:
    """Carry out a run on our tree or a kernel's; where it went wrong, the steps up to there."""
    if isinstance(port, ImplPort):
        return within(port, wanted)
    assert isinstance(port, KernelPort)
    build = port.kernel.build
    if build.seat is None or not is_compiled():
        return piped(port, wanted)
    seat = _seat_of(build)
    ran = seat.run(wanted)
    return list(seat.steps()) if ran is None else replace(ran, events=named(ran.events, build))


def _seat_of(build: Build) -> Seat:
    """The seat of this process for a build; those for the builds used last are kept."""
    place = os.getpid(), build.key
    seat = _SEATS.pop(place, None) or Seat(build)
    _SEATS[place] = seat
    for other in [key for key in _SEATS if key[0] == place[0]][:-KEPT]:
        _SEATS.pop(other).close()
    return seat


def piped(port: KernelPort, wanted: Wanted) -> Ran | Steps:
    """The same on a kernel's tree, through the port's pipe."""
    tape = Tape(port.kernel.exchange)
    ran = run_on(wanted, tape)
    return _steps_on(tape) if ran is None else replace(ran, events=named(ran.events, port.kernel.build))


def within(port: ImplPort, wanted: Wanted) -> Ran | Steps:
    """The same on our tree."""
    tape = Tape(ours=Ours(port))
    try:
        ran = run_on(wanted, tape)
    except (Exception, OutOfTime):
        ran = None  # it is met again where each step is looked at
    return _steps_on(tape) if ran is None else replace(ran, events=port.events())


def _steps_on(tape: Tape) -> Steps:
    return list(STEP.iter_unpack(tape.encoded(0)))


def wanted_of(port: Port, seed: int, operations: int, careful: bool, closely: bool = False) -> Wanted:
    """A run on a port."""
    lacks = frozenset(TREE_FORMS.of(kind).name for kind in port.traits.lacks)
    return Wanted(seed, operations, careful, lacks, port.traits.has_locks, closely)
