"""The sweep on a booted kernel: one scenario, and a fork whose first request fails, its second, and so on,
until a fork asks for fewer; each point twice, once with that request refused alone and once with all after
it.

What the guest is left with after each is held against what it was before (`booted_audit`); the fork that
succeeds in the end is held against the reference. A guest that dies is begun anew. The case of a point is on
disk before the point is tried.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from errno import ENOMEM
from functools import lru_cache
from itertools import islice
from pathlib import Path

from mapleproof.impl.mm.flags import VM_GROWSDOWN, VM_HUGETLB, VM_PFNMAP, VM_READ, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.promises import COUNT, CRASH, Alarm
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT
from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.files import Case, write_case
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.case import space_case
from mapleproof.props.mm.ports import ModelSpaces
from mapleproof.props.mm.scenarios import Program, corners, random_program
from mapleproof.props.mm.sweep import BadScenario, Broken, Swept, forker

RW = VM_READ | VM_WRITE
PAGE = 4096
WORLDS_LOST = 6
"""After so many broken forks of one scenario little more is learned from it: failure points are skipped."""

WORLDS_LOST_AT_MOST = 16
TRYING = "booted-trying.jsonl"
"""The case of the failure point that is being tried."""

Hears = Callable[[Broken], object]
"""Is told a promise that was broken."""


def _noting(swept: Swept, hears: Hears) -> Hears:
    """Tells every break to who hears, and keeps the first of each promise."""

    def note(broken: Broken) -> None:
        hears(broken)
        swept.broken.setdefault(broken.promise, broken)

    return note


_ASIDE = re.compile(r" \([^)]*\)| [+-]\d+$| although .*")


def sort_of(broken: Broken) -> str:
    """Promise and kind of a break, without numbers, lines and what a fork was refused."""
    return f"{broken.promise}: {_ASIDE.sub('', broken.what).partition(':')[0]}"


def scenarios(geometry: PageGeometry, base: int, seed: int = 0) -> Iterator[Program]:
    """The corners, one scenario with a VMA of every kind, then random histories without end, from a base."""
    for program in (*corners(geometry), every_kind(geometry)):
        if len(offered(program)) == len(program):
            yield moved(program, base)
    for number in range(1 << 30):
        rng = random.Random(f"booted/{seed}/{number}")
        yield moved(offered(random_program(rng, geometry)), base)


def offered(program: Sequence[Common]) -> Program:
    """A scenario without what a guest cannot map: devices' memory, huge pages, files that grow down; and
    without a limit to charges, which a guest's other processes would take part in."""
    kept: Program = []
    for op in program:
        if isinstance(op, ops.CommitLimit) or (
            isinstance(op, ops.Mmap) and op.flags & (VM_PFNMAP | VM_HUGETLB)
        ):
            continue
        if isinstance(op, ops.Mmap) and (op.file is not None or op.flags & VM_SHARED):
            op = replace(op, flags=op.flags & ~VM_GROWSDOWN)
        kept.append(op)
    return kept


def moved(program: Sequence[Common], base: int) -> Program:
    """The same at other addresses."""
    places = ("start", "to")
    return [replace(op, **{at: getattr(op, at) + base for at in places if hasattr(op, at)}) for op in program]


def every_kind(geometry: PageGeometry) -> Program:
    """VMAs of every kind that a guest can map, with tables of their own and shared ones; a middle that fills
    several nodes of the tree; some that no fork copies."""
    page, step, far = geometry.page, geometry.span(1), geometry.span(min(3, geometry.levels - 1))
    shared = RW | 0x8
    program: Program = [
        ops.Mmap(0, 0, 8 * page, RW, None),
        ops.Mmap(0, step, 4 * page, RW, 1),
        ops.Mmap(0, 2 * step, 4 * page, VM_READ, 1),
        ops.Mmap(0, 3 * step, 4 * page, shared, None),
        ops.Mmap(0, 4 * step, 4 * page, shared, 2),
        ops.Mmap(0, 5 * step, 8 * page, RW, None),
        ops.Mmap(0, 6 * step, 4 * page, RW, None),
        ops.Mmap(0, 8 * step, 2 * page, RW | 0x2000, None),
        ops.Mmap(0, 9 * step, 2 * page, 0, None),
        ops.MmapEach(0, 10 * step, page, 2 * page, 40, RW),
        *(ops.Mmap(0, k * far, 4 * page, RW, None) for k in (1, 2, 3)),
        *(ops.Touch(0, k * step, 4 * page) for k in range(7)),
        ops.Touch(0, 8 * step, 2 * page),
        *(ops.Touch(0, k * far, 4 * page) for k in (1, 2, 3)),
        *(ops.Touch(0, 10 * step + 2 * k * page, page) for k in range(0, 40, 3)),
        ops.Madvise(0, 5 * step, 4 * page, "dontfork"),
        ops.Madvise(0, 6 * step, 4 * page, "wipeonfork"),
        ops.Madvise(0, 10 * step + 8 * page, page, "dontfork"),
        ops.Madvise(0, 2 * far, 2 * page, "dontfork"),
        ops.Mbind(0, 0),
        ops.Userfaultfd(0, far),
    ]
    return program


def build(port: BootedPort, program: Sequence[Common]) -> None:
    """Do the scenario in an empty space. Raises NotOffered, and BadScenario where an alarm goes off
    already."""
    port.reset()
    for number, op in enumerate(program):
        answer = port.apply(op)
        if answer.crash is not ABSENT:
            alarm = port.alarms[0] if port.alarms else Alarm(CRASH, str(answer.crash))
            raise BadScenario(program[: number + 1], X86_64, alarm)


def sweep(
    port: BootedPort,
    program: Sequence[Common],
    *,
    out: Path | None = None,
    both: bool = True,
    only: str | None = None,
    hears: Hears = lambda _: None,
    skips: bool = True,
) -> Swept:
    """Fail at every request of the scenario's fork, then let one succeed. With `only` it ends at the first
    break of that promise, or of "any"; `both` is whether each point is tried in both ways; `hears` is told
    every break, the result has the first of each promise; `skips` is whether failure points are left out
    where many forks of the scenario broke something. Raises NotOffered."""
    swept = Swept()

    note = _noting(swept, hears)
    space, into = forker(program)
    try:
        build(port, program)
    except BadScenario as bad:
        note(Broken(*bad.alarm, tuple(bad.program), X86_64))
        return swept
    fork = ops.Fork(space, into, MEANT_TO_BE_RIGHT)
    try:
        for count in (1, None) if both else (None,):
            if not _sweep_one_way(
                port, program, replace(fork, fail_count=count), swept, note, out, only, skips
            ):
                return swept
        _succeed(port, program, fork, swept, note)
        for promise, what in port.ended():
            told = f"{what} (once all spaces end)"
            note(Broken(promise, told, (*program, replace(fork, fail_after=swept.points)), X86_64))
    except BadScenario as bad:  # what could be made before cannot any more
        note(Broken(*bad.alarm, tuple(bad.program), X86_64))
    return swept


def _sweep_one_way(
    port: BootedPort,
    program: Sequence[Common],
    fork: ops.Fork,
    swept: Swept,
    note: Hears,
    out: Path | None,
    only: str | None,
    skips: bool,
) -> bool:
    """Whether to go on."""
    lost = skip = 0
    for n in range(1 << 20):
        if skip:
            skip -= 1
            continue
        failing = replace(fork, fail_after=n)
        if out is not None:
            write_trying(out, program, failing)
        answer = port.apply(failing)
        swept.forks += 1
        reached = bool(port.refused)
        if reached:
            swept.points += 1
            swept.refused[port.refused] += 1
        swept.failed += answer.ret != 0
        alarms, died = port.alarms, answer.crash is not ABSENT
        if not died and answer.ret == 0:
            died = port.apply(ops.Exit(fork.into)).crash is not ABSENT
            alarms = alarms + port.alarms
        for promise, what in alarms:
            note(Broken(promise, what, (*program, failing), X86_64))
        if died:
            lost += 1
            for alarm in port.ended():
                note(Broken(*alarm, (*program, failing), X86_64))
            build(port, program)
            if only == "any" or only in swept.broken or (skips and lost >= WORLDS_LOST_AT_MOST):
                return only is None
            skip = max(0, lost - WORLDS_LOST) if skips else 0
        elif not reached:
            return True
    return True


GROWN_FROM, GROWN = 12, 6
"""Before which requests forks of a growing parent begin to be refused one, and how often it grows."""


def sweep_growing(port: BootedPort, hears: Hears = lambda _: None) -> Swept:
    """A parent that maps a file once more after each fork that was refused something: what a fork has left in
    the file's tree of mappings shows in later ones. Ends at the first break. What one parent leaves behind
    does not reach the next: it has a guest of its own."""
    swept, base = Swept(), port.region.start
    parent: Program = [
        ops.Mmap(0, base, PAGE, RW | VM_SHARED, 1),
        ops.Mmap(0, base + 4 * PAGE, PAGE, RW, None),
        ops.Touch(0, base, PAGE),
        ops.Touch(0, base + 4 * PAGE, PAGE),
    ]

    note = _noting(swept, hears)
    for first in reversed(range(GROWN_FROM)):  # later ones end with fewer calls
        port.spaces.restart()
        try:
            build(port, parent)
        except BadScenario as bad:
            note(Broken(*bad.alarm, tuple(bad.program), X86_64))
        _grow(port, list(parent), first, swept, note)
        if swept.broken:
            break
    return swept


def _grow(port: BootedPort, program: Program, first: int, swept: Swept, note: Hears) -> None:
    for n in range(first, first + GROWN):
        fork = ops.Fork(0, 1, MEANT_TO_BE_RIGHT, fail_after=n, fail_count=1)
        answer = port.apply(fork)
        swept.forks += 1
        swept.points += bool(port.refused)
        for alarm in port.alarms:
            note(Broken(*alarm, (*program, fork), X86_64))
        if swept.broken:
            return
        if answer.ret == 0:
            port.apply(ops.Exit(1))
        else:
            swept.failed += 1
            program.append(fork)
        more = ops.Mmap(0, port.region.start + (100 + 2 * n) * PAGE, PAGE, RW | VM_SHARED, 1)
        port.apply(more)
        program.append(more)


def sweep_numbered(
    port: BootedPort, number: int, seed: int = 0, hears: Hears = lambda _: None, skips: bool = True
) -> Swept | None:
    """Sweep one of a list without end: 0 is the parent that grows, then all `scenarios`. None where it is not
    offered."""
    if number == 0:
        return sweep_growing(port, hears)
    program = next(islice(scenarios(port.geometry, port.region.start, seed), number - 1, None))
    try:
        return sweep(port, program, hears=hears, skips=skips)
    except NotOffered:
        return None


def write_trying(out: Path, program: Sequence[Common], failing: Common) -> None:
    """Put the case of a failure point on disk."""
    write_booted_case(out / TRYING, "booted-trying", [*program, failing], "trying")


def booted_case(name: str, program: Sequence[Common], verdict: str, port: str = "") -> Case:
    """A program as a case. A call that is refused something must return -ENOMEM, whatever our own fork, which
    asks in another order, would answer at that point."""
    granted = tuple(op for op in program if op.fail_after is None)
    case = _begun(granted)
    header = replace(case.header, name=name, verdict=verdict, found={"port": port} if port else None)
    steps = iter(case.steps)
    done = [next(steps) if op.fail_after is None else Step(op, Answer(ret=-ENOMEM)) for op in program]
    return Case(header, [*done, *steps])


def write_booted_case(path: Path, name: str, program: Sequence[Common], verdict: str, port: str = "") -> Path:
    """Write such a case. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_case(path, booted_case(name, program, verdict, port))
    return path


@lru_cache(maxsize=8)
def _begun(program: tuple[Common, ...]) -> Case:
    """A scenario as a case, without its last call."""
    return space_case("booted", program, X86_64, "")


def _succeed(port: BootedPort, program: Sequence[Common], fork: ops.Fork, swept: Swept, note: Hears) -> None:
    """A fork without a failure, held against the reference; then the child's exit."""
    model = ModelSpaces(X86_64)
    for op in program:
        model.apply(op)
    done = list(program)
    for op in (fork, *(ops.Vmas(number) for number in (fork.space, fork.into)), ops.Exit(fork.into)):
        expected, actual = model.apply(op), port.apply(op)
        done.append(op)
        if actual.crash is not ABSENT:
            alarm = port.alarms[0] if port.alarms else Alarm(CRASH, str(actual.crash))
        elif expected != actual:
            alarm = Alarm(COUNT, f"{spell(op)}: {actual.given()}, must be {expected.given()}")
        else:
            continue
        note(Broken(alarm.promise, alarm.what, tuple(done), X86_64))
        break
    swept.forks += 1
