"""Lots carried out: unit by unit, in whatever process it is. What a unit finds is told as it was met."""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from mapleproof.campaign.arms import Arm
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.impl.mm.geometry import TINY, TINY_5, X86_64, PageGeometry
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import Case
from mapleproof.props.common.guard import resident
from mapleproof.props.job.examples import Examples
from mapleproof.props.job.units import TRACEBACK, Done, Task, case_of, explain, find, smallest
from mapleproof.props.maple.lanes import growing
from mapleproof.props.maple.lanes.reduce import replayed
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.mm.case import space_case
from mapleproof.props.mm.forms import geometry_of
from mapleproof.props.mm.maps import MOST_OBSERVED, program_of
from mapleproof.props.mm.operations import Fork
from mapleproof.props.mm.shrink import shrink as shrink_fork
from mapleproof.props.mm.sweep import Broken, Swept, sweep
from mapleproof.props.mm.tiny import count_layouts, nth_layout
from mapleproof.props.mm.tiny import program_of as program_of_layout

Tell = Callable[[Finding], None]
"""Hears of a finding as soon as it is met."""

LAYOUTS = 25
"""Layouts in one unit."""

SHAPES = (TINY, TINY_5)
"""The page tables over which small layouts span all levels."""


def carry_out(lot: Lot, tell: Tell, begin: Callable[[int], None] = lambda unit: None) -> Report:
    """Carry out the units of a lot; `begin` hears of each before it. A mistake of the suite itself is a
    finding too."""
    report = Report(process=os.getpid())
    began = time.monotonic()
    for unit in range(lot.first, lot.first + lot.count):
        begin(unit)
        try:
            _unit(lot, unit, report, tell)
        except Exception as error:
            sort = f"{type(error).__name__} in the suite itself"
            tell(Finding(unit, sort, traceback.format_exc().splitlines()[-TRACEBACK:]))
        report.units += 1
    report.seconds = time.monotonic() - began
    report.memory = resident()
    return report


def task_of(lot: Lot, unit: int) -> Task:
    """The unit of `mapleproof check` that a unit of a lot is."""
    arm = lot.arm
    task = Task(arm.lane, unit, lot.seed, arm.port, seeded=lot.seeded, careful=lot.careful)
    if arm.lane == "spaces":
        return replace(task, space=lot.spaces[unit - lot.first].ranges)
    if arm.lane == "fork":
        return replace(task, recovery=arm.subject)
    if arm.lane in ("machine", "readers"):
        return replace(task, examples=Examples(lot.examples))
    return task


def _unit(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    lane = lot.arm.lane
    before = Counter(report.events)
    if lane == "sweep":
        _sweep(lot, unit, report, tell)
    elif lane == "layouts":
        _layouts(lot, unit, report, tell)
    elif lane == "worlds":
        _world(lot, unit, report, tell)
    elif lane == "proofs":
        _proof(lot, unit, report, tell)
    else:
        _checked(lot, unit, report, tell)
    report.features |= features(lot.arm, report.events - before)


def features(arm: Arm, events: Counter[str]) -> set[str]:
    """What tells a unit from others: which events it met, each in what order of magnitude; where they were
    met makes a difference by port and subject, not by lane."""
    where = f"{arm.port} {arm.subject}"
    return {f"{where} {name} 2^{count.bit_length() - 1}" for name, count in events.items()}


def _checked(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    """A unit such as `check` runs."""
    task = task_of(lot, unit)
    done = find(task)
    report.operations += done.operations
    report.events += done.events
    if task.examples is not None and task.examples.key is not None:
        report.key = task.examples.key
        report.saved += task.examples.saved
    if done.swept is not None:
        _swept(lot, unit, report, done.swept, tell)
    if done.failure is not None:
        tell(_finding(task, done))


def _finding(task: Task, done: Done) -> Finding:
    assert done.failure is not None
    if done.met is None:
        return Finding(task.number, done.failure, done.told)
    case = case_of(done.met, task)
    return Finding(task.number, done.failure, explain(done.met, task, task.name), case, small=False)


def _swept(lot: Lot, unit: int, report: Report, swept: Swept, tell: Tell) -> None:
    """What a sweep has seen goes into the report; each promise it broke is a finding."""
    for promise, broken in swept.broken.items():
        sort = f"{lot.arm.subject}: {promise}"
        name = f"{lot.arm.name} {unit} {promise}"
        found: dict[str, object] = {"lane": lot.arm.lane, "seed": lot.seed, "unit": unit}
        case = space_case(name, broken.shown, broken.geometry, promise, found)
        tell(Finding(unit, sort, [broken.what], case, small=False, promise=promise))
    swept.broken = {}
    report.swept = report.swept or Swept()
    report.swept.add(swept)


def _counted(report: Report, swept: Swept) -> None:
    report.operations += swept.forks
    report.events += Counter({f"fork.refused.{kind}": n for kind, n in swept.refused.items()})


def _sweep(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    """Some failure points of a real address space; those of the first point also let a fork succeed."""
    space = lot.spaces[unit - lot.first].vmas
    first, stride = lot.sweeps[unit - lot.first]
    swept = sweep(
        program_of(list(space)),
        X86_64,
        lot.arm.subject,
        points=range(first, 1 << 30, stride),
        observed=len(space) <= MOST_OBSERVED,
        succeeds=first == 0,
    )
    _counted(report, swept)
    _swept(lot, unit, report, swept, tell)


def layout_of(unit: int) -> tuple[int, PageGeometry, range] | None:
    """The layouts of a unit: over how many pages, in what shape of page tables, and which of them; None past
    the largest that there are."""
    for pages in range(2, 17):
        units = -(-count_layouts(pages) // LAYOUTS)
        for shape in SHAPES:
            if unit < units:
                first = unit * LAYOUTS
                return pages, shape, range(first, min(first + LAYOUTS, count_layouts(pages)))
            unit -= units
    return None


def _layouts(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    """Every failure point of some small layouts."""
    place = layout_of(unit)
    if place is None:
        return
    pages, shape, numbers = place
    total = Swept()
    for number in numbers:
        program = program_of_layout(nth_layout(number, pages), shape)
        total.add(sweep(program, shape, lot.arm.subject))
    _counted(report, total)
    _swept(lot, unit, report, total, tell)
    report.features.add(f"layouts of {pages} pages, {shape.levels} levels")


def _world(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    """Some states of a tiny world. They are not in the case format, which has nodes of the kernel's size:
    what fails there too is a case, else it is told in words."""
    world = growing.WORLDS[lot.world]
    found = growing.expand(world, [path for _, path in lot.states])
    report.operations += found.steps
    report.events += found.events
    report.successors += found.successors.items()
    if found.failure is None:
        return
    program, told = found.failure
    task = Task("worlds", unit, lot.seed, seeded=lot.seeded)
    difference = replayed(program, ImplPort, True, world.rcu, 1, 60.0)
    case = None if difference is None else case_of(difference, task)
    tell(Finding(unit, f"tiny world of {world.name}", told.splitlines(), case, small=case is None))


def _proof(lot: Lot, unit: int, report: Report, tell: Tell) -> None:
    """One size of a proof."""
    from mapleproof.proofs.growing import SERIES, grow

    grown = grow(lot.arm.subject, SERIES[lot.arm.subject].first + unit)
    report.operations += grown.queries
    report.events[f"proofs.{grown.verdict}"] += 1
    report.features.add(f"{grown.verdict} {lot.arm.subject} {grown.size}")
    if grown.verdict == "refuted":
        tell(Finding(unit, f"refuted: {lot.arm.subject}", [grown.told], grown.case))
    report.grown.append(replace(grown, case=None))


def make_small(wanted: Shrinking) -> Finding:
    """The same failure, as small as it gets; as it was, where it does not come again."""
    lot, case = wanted.lot, wanted.case
    if wanted.promise:
        return _small_fork(wanted, lot.arm.subject)
    task = Task(lot.arm.lane, lot.first, lot.seed, lot.arm.port, seeded=lot.seeded, careful=lot.careful)
    met = Difference(case.header.verdict or "", case.steps[-1].op, steps=case.steps, number=len(case.steps))
    met.flags = case.header.flags
    small = smallest(met, task)
    if small is met:
        told = [*wanted.told, "it was not met again when the same was done again"]
        return Finding(lot.first, wanted.sort, told, case)
    made = Case(replace(case_of(small, task).header, name=case.header.name), small.steps)
    return Finding(lot.first, small.sort, explain(small, task, case.header.name), made)


def _small_fork(wanted: Shrinking, recovery: str) -> Finding:
    case = wanted.case
    geometry = geometry_of(case.header.flags)
    program = tuple(step.op for step in case.steps)
    while not isinstance(program[-1], Fork):
        program = program[:-1]  # what was asked afterwards
    small = shrink_fork(Broken(wanted.promise, wanted.told[0], program, geometry), recovery)
    made = space_case(case.header.name, small.shown, geometry, small.promise, case.header.found)
    return Finding(
        wanted.lot.first, f"{recovery}: {small.promise}", [small.what], made, promise=small.promise
    )
