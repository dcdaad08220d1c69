"""Whole histories of address spaces, reference and implementation side by side: the lane `histories`.

A history maps, unmaps, protects, advises, moves, touches, forks under recoveries without a known flaw, fails
forks at any request, and lets spaces exit. Every answer is held against the reference's, all that the spaces
hold is looked at on the way, and at the end everything exits and nothing may be left.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mapleproof.impl.mm.flags import VM_HUGETLB
from mapleproof.impl.mm.geometry import GEOMETRIES, PageGeometry
from mapleproof.impl.mm.recovery import HOLDING
from mapleproof.model.space import Area
from mapleproof.props.common import guard
from mapleproof.props.common.answers import ABSENT
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import limited_steps
from mapleproof.props.common.operation import Common
from mapleproof.props.common.reducing import Patience
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.forms import geometry_of
from mapleproof.props.mm.lockstep import SpacesLockstep
from mapleproof.props.mm.scenarios import Places
from mapleproof.props.mm.shrink import HANG_PATIENCE, MOST_HANGS, ScenarioShrinker, is_sensible

OPERATIONS = 24
"""Operations of one history."""

MOST_SPACES = 3

LIMITS = (4, 16, 64, 4096)
"""Pages that may be charged at all, in some histories."""

FAIL_POINTS = (None, None, *range(14), 20, 40)
"""After how many requests a fork is refused the next one."""


@dataclass(slots=True)
class History:
    """What came of one: how often each kind of operation went well, and the difference met, if any."""

    done: Counter[str] = field(default_factory=Counter)
    met: Difference | None = None


def history(seed: str, count: int = OPERATIONS) -> History:
    """Carry out the history of a seed."""
    rng = random.Random(seed)
    lockstep = SpacesLockstep(rng.choice(list(GEOMETRIES.values())))
    came = History()
    try:
        for op in _drawn(rng, lockstep, count):
            ret = lockstep.apply(op).ret
            name = form_of(op).name
            came.done[name if ret in (0, ABSENT) else f"failed {name}"] += 1
        lockstep.finish()
    except Difference as difference:
        came.met = difference
    return came


EMPTY = 0.02
"""How often a range is empty, which every call refuses."""


class AimedPlaces(Places):
    """Ranges that mostly lie on, or reach over the ends of, what a space holds by now."""

    areas: Sequence[Area] = ()

    def range(self) -> tuple[int, int]:
        rng = self.rng
        if not self.areas or rng.random() < 0.25:
            return super().range()
        area = rng.choice(self.areas)
        unit = self.shape.huge_page if area.flags & VM_HUGETLB else self.shape.page
        units = (area.end - area.start) // unit
        first = rng.choice((0, 0, rng.randrange(units)))
        count = rng.choice((1, units - first, units - first + 1, rng.randint(1, units)))
        if rng.random() < EMPTY:
            count = 0
        start = area.start + first * unit
        size = min(count * unit, self.shape.task_size - start)
        self.recent += [start, start + size]
        return start, size


def _drawn(rng: random.Random, lockstep: SpacesLockstep, count: int) -> Iterator[Common]:
    """Operations, each on what is there by then."""
    places, made = AimedPlaces(rng, lockstep.geometry), 0
    if rng.random() < 0.2:
        yield ops.CommitLimit(rng.choice(LIMITS))
    for number in range(count):
        spaces = lockstep.spaces
        space, chance = rng.choice(spaces), rng.random()
        places.areas = lockstep.model.world.spaces[space].areas
        if number < 3 or chance < 0.3:
            yield places.mapping(space)
        elif chance < 0.7:
            yield places.change(space)
        elif chance < 0.75 and len(spaces) > 1:
            yield ops.Exit(space)
        elif chance < 0.95 and len(spaces) < MOST_SPACES:
            made += 1
            yield ops.Fork(space, made, rng.choice(HOLDING), fail_after=rng.choice(FAIL_POINTS))
        else:
            yield ops.Touch(space, *places.range())


def carry_out(program: Sequence[Common], geometry: PageGeometry) -> Difference | None:
    """The difference that a program ends in, if any. What uses a space that is not there does not end in
    one."""
    if not is_sensible(program):
        return None
    lockstep = SpacesLockstep(geometry)
    try:
        for op in program:
            if getattr(op, "space", 0) in lockstep.model.world.spaces:
                lockstep.apply(op)
        lockstep.finish()
    except Difference as difference:
        return difference
    return None


def smallest(met: Difference) -> Difference:
    """The smallest program found that ends in a difference of the same sort."""
    best, hangs, geometry = met, 0, geometry_of(met.flags)
    patience = Patience()

    def fails(program: Sequence[Common]) -> bool:
        nonlocal best, hangs
        found = None if hangs > MOST_HANGS else carry_out(program, geometry)
        if found is None:
            return False
        hangs += found.hangs
        if found.sort != met.sort:
            return False
        best = found
        return True

    with limited_steps(HANG_PATIENCE):
        program = [step.op for step in met.steps]
        if fails(program):
            ScenarioShrinker(program, fails, geometry.page, patience).shrink()
    if best.hangs and best is not met:
        with limited_steps(guard.STEP_PATIENCE):
            again = carry_out([step.op for step in best.steps], geometry)
        if again is None or not again.hangs:
            best = met  # what is smaller is only slow
    best.unfinished = patience.told
    return best
