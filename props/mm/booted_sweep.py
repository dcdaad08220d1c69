"""The sweep on a booted kernel: one scenario, and a fork whose first request fails, its second, and so on,
until a fork asks for fewer; each point twice, once with that request refused alone and once with all after
it.

What the guest is left with after each is held against what it was before (`booted_audit`); the fork that
succeeds in the end is held against the reference. A guest that dies is begun anew. The case of a point is on
disk before the point is tried.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from errno import ENOMEM
from functools import lru_cache
from pathlib import Path

from mapleproof.impl.mm.flags import VM_GROWSDOWN, VM_HUGETLB, VM_PFNMAP, VM_READ, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.promises import COUNT, CRASH, Alarm
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT
from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.files import Case, write_case
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
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
) -> Swept:
    """Fail at every request of the scenario's fork, then let one succeed. With `only` it ends at the first
    break of that promise, or of "any"; `both` is whether each point is tried in both ways. Raises
    NotOffered."""
    swept = Swept()
    space, into = forker(program)
    try:
        build(port, program)
    except BadScenario as bad:
        promise, what = bad.alarm
        swept.broken[promise] = Broken(promise, what, tuple(bad.program), X86_64)
        return swept
    fork = ops.Fork(space, into, MEANT_TO_BE_RIGHT)
    try:
        for count in (1, None) if both else (None,):
            if not _sweep_one_way(port, program, replace(fork, fail_count=count), swept, out, only):
                return swept
        _succeed(port, program, fork, swept)
    except BadScenario as bad:  # what could be made before cannot any more
        swept.broken.setdefault(bad.alarm.promise, Broken(*bad.alarm, tuple(bad.program), X86_64))
    return swept


def _sweep_one_way(
    port: BootedPort,
    program: Sequence[Common],
    fork: ops.Fork,
    swept: Swept,
    out: Path | None,
    only: str | None,
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
            swept.broken.setdefault(promise, Broken(promise, what, (*program, failing), X86_64))
        if died:
            lost += 1
            build(port, program)
            if only == "any" or only in swept.broken or lost >= WORLDS_LOST_AT_MOST:
                return only is None
            skip = max(0, lost - WORLDS_LOST)
        elif not reached:
            return True
    return True


def write_trying(out: Path, program: Sequence[Common], failing: Common) -> None:
    """Put the case of a failure point on disk."""
    write_booted_case(out / TRYING, "booted-trying", [*program, failing], "trying")


def write_booted_case(path: Path, name: str, program: Sequence[Common], verdict: str, port: str = "") -> Path:
    """A program that ends with a call that is refused something, as a case: it must return -ENOMEM, whatever
    our own fork, which asks in another order, would answer at that point."""
    refused = program[-1].fail_after is not None
    case = _begun(tuple(program[:-1] if refused else program))
    header = replace(case.header, name=name, verdict=verdict, found={"port": port} if port else None)
    end = [Step(program[-1], Answer(ret=-ENOMEM))] if refused else []
    path.parent.mkdir(parents=True, exist_ok=True)
    write_case(path, Case(header, [*case.steps, *end]))
    return path


@lru_cache(maxsize=8)
def _begun(program: tuple[Common, ...]) -> Case:
    """A scenario as a case, without its last call."""
    return space_case("booted", program, X86_64, "")


def _succeed(port: BootedPort, program: Sequence[Common], fork: ops.Fork, swept: Swept) -> None:
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
        swept.broken.setdefault(alarm.promise, Broken(alarm.promise, alarm.what, tuple(done), X86_64))
        break
    swept.forks += 1
