"""The bulk lane: thousands of operations from one seed, at the pace of plain Python.

A run is (seed, number of operations). It draws a mix and operations from it, carries them out in lockstep,
and on the first difference is turned into explicit operations, shrunk, and given back as a Finding.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from mapleproof.impl.compiled import is_compiled
from mapleproof.props.common.difference import CRASH, Difference
from mapleproof.props.common.guard import OutOfTime, budget
from mapleproof.props.common.port import Port
from mapleproof.props.common.reducing import SECONDS, Patience, Spent
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes.draws import MOST_COUNTED, Draws
from mapleproof.props.maple.lanes.reduce import MakePort, alike_by, clock_of, first_harm, run_budget, smallest
from mapleproof.props.maple.lanes.sides import Sides
from mapleproof.props.maple.lanes.sides_direct import DirectSides
from mapleproof.props.maple.lanes.sides_recorded import RecordedSides
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.loop.again import operations as operations_of
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.loop.loop import knows
from mapleproof.props.maple.loop.seat import Ran, Wanted, driven, wanted_of
from mapleproof.props.maple.mixes import Mix, draw_mix
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.rules import Rules

SIDES: Mapping[type[Port], Callable[..., Sides]] = {ImplPort: DirectSides}
"""Who drives a port where the loop does not; any other, a subclass too, goes on record."""

COUNTED, COUNTED_EVERY, COUNTED_SHARE, OFTEN = "store_counted", 16, 40, 0.3
"""Only on record are nodes counted: so one in so many of the runs that do goes on there, so much shorter, and
counts them so often."""

NEVER = 1 << 62
"""The rhythm of a lockstep that is told when to look at the trees."""

LONG = 40
"""Steps of a run that is long: first a shorter one is looked for that fails in the same way."""

SHORT = (60, 200, 800)
"""Operations of runs in which that is looked for."""
SEEK, SEEK_SLOWLY = 0.8, 3.0
"""Seconds for each: where the loop drives the port, and where some fifty runs are all there is time for."""
SOME = 8
"""Runs that are enough for the loop; of the others the first is."""

FIRST = 6.0
"""Seconds for reducing what is begun with, while there is more to begin with."""

SMALL = 12
"""Steps of a case that is small enough."""


@dataclass(slots=True)
class Finding:
    """A failure made small: the ``difference`` of the smallest run; ``after`` the operation at which it was
    first met, in a run of ``length`` operations drawn from ``seed``."""

    difference: Difference
    seed: int
    after: int
    alloc_range: bool
    rcu: bool


@dataclass(slots=True)
class Run:
    """What one run did: ``operations`` carried out, ``events`` of the port, and what it found."""

    seed: int
    operations: int = 0
    events: Counter[str] = field(default_factory=Counter)
    finding: Finding | None = None
    steps: list[Step] = field(default_factory=list, compare=False)
    """What was done, of a run on record that met nothing."""


def run(
    seed: int,
    operations: int,
    make_port: MakePort = ImplPort,
    *,
    shrink: bool = True,
    careful: bool = False,
    closely: bool = False,
) -> Run:
    """Carry out the run of ``seed``. Deterministic for a deterministic port.

    Our own implementation, where it is compiled, and a kernel's tree are driven by the checked loop; what
    differs then is done again on record. `careful` keeps away from what is known of the 6.12 kernel; the loop
    looks at a tree after each write where that is to be done `closely`.
    """
    mix = draw_mix(random.Random(seed), careful)
    port = make_port(mix.alloc_range, mix.rcu)
    if loops(port) and knows(mix):
        wanted = wanted_of(port, seed, operations, careful, closely)
        looped = _looped(wanted, make_port, port, shrink=shrink)
        if looped.finding or isinstance(port, ImplPort) or seed % COUNTED_EVERY or not _counts(mix):
            return looped
        operations = max(1, operations // COUNTED_SHARE)
        fresh = make_port(mix.alloc_range, mix.rcu)
        counted = _recorded(seed, operations, make_port, fresh, shrink=shrink, careful=careful, counted=OFTEN)
        counted.operations += looped.operations
        counted.events += looped.events
        return counted
    again = partial(_recorded, seed, operations, make_port, shrink=shrink, careful=careful)
    make_sides = SIDES.get(type(port))
    if make_sides is None or port.traits.coarse:
        return again(port)
    sides = make_sides(port, mix.alloc_range, mix.rcu)
    try:
        with run_budget(port, 2 + operations / 4000):
            _draws(seed, sides, careful).run(operations)
            sides.finish()
    except (Exception, OutOfTime) as met:
        port.close()
        done = again(make_port(mix.alloc_range, mix.rcu))
        if done.finding is None and isinstance(met, Exception):
            done.finding = _not_again(done, mix, met)
        return done
    done = Run(seed, sides.done, port.events())
    port.close()
    return done


def _counts(mix: Mix) -> bool:
    """Whether nodes are counted in a run of this mix."""
    return COUNTED in mix.kinds and mix.prefill <= MOST_COUNTED


def loops(port: Port) -> bool:
    """Whether the checked loop drives a port: our tree where it is compiled, and a kernel's whose cursors
    have a status of their own."""
    if type(port) is ImplPort:
        return is_compiled()
    return type(port) is KernelPort and not port.traits.coarse


def _looped(wanted: Wanted, make_port: MakePort, port: Port, *, shrink: bool) -> Run:
    """A run in the checked loop; what went wrong there is done again, step by step."""
    seed, operations, careful = wanted.seed, wanted.operations, wanted.careful
    with run_budget(port, 2 + operations / 4000):
        ran = driven(port, wanted)
    port.close()
    if isinstance(ran, Ran):
        return Run(seed, ran.operations, ran.events)
    mix = draw_mix(random.Random(seed), careful)
    done = Run(seed)
    again = Lockstep(
        make_port(mix.alloc_range, mix.rcu), alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER
    )
    try:
        with run_budget(again.port, 5 + operations / 1000):
            for op in operations_of(ran):
                if isinstance(op, ops.Snapshot):
                    again.verify(op.tree)
                else:
                    again.apply(op)
            again.finish()
    except Difference as difference:
        _keep(done, difference, make_port, shrink, careful)
    else:
        done.steps = again.steps
        done.finding = _not_again(done, mix, Differs("the two sides do not agree"))
    done.operations = len(again.steps)
    done.events = again.port.events()
    again.port.close()
    return done


def _keep(done: Run, difference: Difference, make_port: MakePort, shrink: bool, careful: bool) -> None:
    """A difference as what a run found."""
    met = len(difference.steps)
    if shrink:
        difference = reduced(difference, make_port, careful)
    flags = difference.flags
    done.finding = Finding(difference, done.seed, met, flags["alloc_range"], flags["rcu"])


def recorded(seed: int, operations: int, make_port: MakePort, *, careful: bool = False) -> Run:
    """The run of ``seed`` as explicit operations, whatever the port; a difference stays as it was met."""
    mix = draw_mix(random.Random(seed), careful)
    port = make_port(mix.alloc_range, mix.rcu)
    return _recorded(seed, operations, make_port, port, shrink=False, careful=careful)


def _not_again(done: Run, mix: Mix, met: Exception) -> Finding:
    """What went wrong once and did not when it was done again: the whole run is kept."""
    detail = f"{type(met).__name__} {met}: once, and not when all of it was done again"
    difference = Difference(CRASH, done.steps[-1].op, detail=detail, number=len(done.steps), steps=done.steps)
    difference.flags = {"alloc_range": mix.alloc_range, "rcu": mix.rcu}
    difference.place = "no known place, once"
    return Finding(difference, done.seed, len(done.steps), mix.alloc_range, mix.rcu)


def _draws(seed: int, sides: Sides, careful: bool) -> Draws:
    """The run of a seed, about to begin."""
    rng = random.Random(seed)
    return Draws(rng, draw_mix(rng, careful), sides, careful)


def _recorded(
    seed: int,
    operations: int,
    make_port: MakePort,
    port: Port,
    *,
    shrink: bool,
    careful: bool,
    counted: float = Draws.counted,
) -> Run:
    """The run of a seed as explicit operations, in lockstep; a difference made small."""
    mix = draw_mix(random.Random(seed), careful)
    lockstep = Lockstep(port, alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER)
    done = Run(seed)
    try:
        with run_budget(port, 5 + operations / 1000):
            # What a careful run keeps away from is for its draws to say: here it is no rule of use
            sides = RecordedSides(lockstep, Rules(mix.alloc_range, mix.rcu, traits=port.traits))
            draws = _draws(seed, sides, careful)
            draws.counted = counted
            draws.run(operations)
            sides.finish()
    except Difference as difference:
        _keep(done, difference, make_port, shrink, careful)
    else:
        done.steps = lockstep.steps
    done.operations = len(lockstep.steps)
    done.events = port.events()
    port.close()
    return done


def reduced(met: Difference, make_port: MakePort, careful: bool = False) -> Difference:
    """The smallest run found that fails as ``met`` does, in the run where it was met or in a shorter one."""
    best, clock = None, clock_of(make_port)
    sorts = {alike_by(met)}
    if len(met.steps) > LONG and (harm := first_harm(met, make_port, careful)) is not None:
        met = harm
        sorts.add(alike_by(met))
    for start in _starts(met, sorts, make_port, careful):
        small = smallest(start, make_port, careful, Patience(SECONDS if start is met else FIRST, clock))
        if best is None or len(small.steps) < len(best.steps):
            best = small
        if len(best.steps) <= SMALL:
            break
    return best or met


def _starts(
    met: Difference, sorts: Container[tuple[str, ...]], make_port: MakePort, careful: bool
) -> Iterator[Difference]:
    """What to begin with: short runs that fail in one of these ways, the shortest first, then ``met``."""
    if len(met.steps) <= LONG:
        yield met
        return
    seconds = SEEK if loops(make_port(False, False)) else SEEK_SLOWLY
    for length in SHORT:
        found = _sought(sorts, length, make_port, careful, seconds) if length < len(met.steps) else None
        if found is not None:
            yield found
            seconds /= 2  # another one, should that not become small enough
    yield met


def _sought(
    sorts: Container[tuple[str, ...]], length: int, make_port: MakePort, careful: bool, seconds: float
) -> Difference | None:
    """The shortest of some runs of so many operations that fail in one of these ways; None where there is
    none in time."""
    clock = clock_of(make_port)
    patience = Patience(seconds, clock)
    found: list[Difference] = []
    enough = SOME if loops(make_port(False, False)) else 1
    with suppress(OutOfTime, Spent), budget(seconds, clock):
        for number in itertools.count():
            patience.check()  # a run that is over its time answers for itself
            ran = run(number, length, make_port, shrink=False, careful=careful, closely=True)
            finding = ran.finding
            if finding is not None and alike_by(finding.difference) in sorts:
                found.append(finding.difference)
                if len(found) == enough or len(finding.difference.steps) <= LONG:
                    break
    return min(found, key=lambda one: len(one.steps), default=None)
