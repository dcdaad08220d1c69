"""The bulk lane: thousands of operations from one seed, at the pace of plain Python.

A run is (seed, number of operations). It draws a mix and operations from it, carries them out in lockstep,
and on the first difference is turned into explicit operations, shrunk, and given back as a Finding.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from props.cases.files import Step
from props.difference import ANSWER, CONTENT, CRASH, Difference
from props.guard import Hang, time_limit
from props.kernel_port import KernelPort
from props.lanes.draws import Draws
from props.lanes.mixes import Mix, draw_mix
from props.lanes.sides import Sides
from props.lanes.sides_direct import DirectSides
from props.lanes.sides_piped import PipedSides
from props.lanes.sides_recorded import RecordedSides, step
from props.lockstep import Lockstep
from props.ops.forms import form_of
from props.ops.operations import Common, MasInit, MtreeDup, MtreeStoreRange
from props.ports import ImplPort, ModelPort, Port
from props.rules import Rules
from props.shrink import Shrinker, Spent

MakePort = Callable[[bool, bool], Port]
"""Makes a port from the flags of its first tree: alloc_range, rcu."""


NEVER = 1 << 62
"""The rhythm of a lockstep that is told when to look at the trees."""

WORK = 3_000_000
"""Entries that may be looked at in all when a failing run is carried out once more."""

KERNEL_PATIENCE = 600.0
"""Seconds after which something is very wrong in a process that tells by itself when it hangs."""

HANG = re.compile(r"\b[Hh]ang\b")

MOST_HANGS = 4
"""Runs that hang, after which shrinking ends: each costs its whole time limit."""


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
    seed: int, operations: int, make_port: MakePort = ImplPort, *, shrink: bool = True, careful: bool = False
) -> Run:
    """Carry out the run of ``seed``. Deterministic for a deterministic port.

    Our own implementation is driven directly, a kernel's tree by batches; what differs then is done again on
    record. `careful` keeps away from what is known of the 6.12 kernel.
    """
    mix = draw_mix(random.Random(seed), careful)
    port = make_port(mix.alloc_range, mix.rcu)
    again = partial(_recorded, seed, operations, make_port, shrink=shrink, careful=careful)
    sides: Sides
    if type(port) is ImplPort:
        sides = DirectSides(port, mix.alloc_range, mix.rcu)
    elif type(port) is KernelPort:
        sides = PipedSides(port, mix.alloc_range, mix.rcu)
    else:
        return again(port)
    try:
        with time_limit(_limit(port, 3 + operations / 2000)):
            _draws(seed, sides, careful).run(operations)
            sides.finish()
    except Exception as met:
        port.close()
        done = again(make_port(mix.alloc_range, mix.rcu))
        if done.finding is None and not isinstance(met, Hang):
            done.finding = _not_again(done, mix, met)
        return done
    done = Run(seed, sides.done, events_of(port))
    port.close()
    return done


def _limit(port: Port, seconds: float) -> float:
    """Seconds after which a run is taken to hang. A kernel's tree sits in a process that answers in any case,
    and measures its own time."""
    return KERNEL_PATIENCE if isinstance(port, KernelPort) else seconds


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
    seed: int, operations: int, make_port: MakePort, port: Port, *, shrink: bool, careful: bool
) -> Run:
    """The run of a seed as explicit operations, in lockstep; a difference made small."""
    mix = draw_mix(random.Random(seed), careful)
    lockstep = Lockstep(port, alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER)
    done = Run(seed)
    try:
        with time_limit(_limit(port, 5 + operations / 1000)):
            # What a careful run keeps away from is for its draws to say: here it is no rule of use
            sides = RecordedSides(lockstep, Rules(mix.alloc_range, mix.rcu))
            _draws(seed, sides, careful).run(operations)
            sides.finish()
    except Difference as difference:
        met = len(difference.steps)
        if shrink:
            ops = [step.op for step in difference.steps]
            difference = smallest(ops, difference, make_port, mix.alloc_range, mix.rcu, careful)
        done.finding = Finding(difference, seed, met, mix.alloc_range, mix.rcu)
    else:
        done.steps = lockstep.steps
    done.operations = len(lockstep.steps)
    done.events = events_of(port)
    port.close()
    return done


def events_of(port: Port) -> Counter[str]:
    """What happened in a port that counts events: our own tree, and a kernel's unless it crashed."""
    if isinstance(port, KernelPort):
        return port.events()
    total: Counter[str] = Counter()
    if isinstance(port, ImplPort):
        seen = {id(tree.events): tree.events for tree in port.trees.values()}
        for events in seen.values():
            total += events
    return total


def replayed(
    run: Sequence[Common],
    make_port: MakePort,
    alloc_range: bool,
    rcu: bool,
    rhythm: int,
    limit: float,
    careful: bool = False,
) -> Difference | None:
    """The difference that a run of explicit operations ends in, if any, within ``limit`` seconds.

    Operations that would break the rules of use (after others were taken out) are left out."""
    port = make_port(alloc_range, rcu)
    lockstep = Lockstep(port, alloc_range=alloc_range, rcu=rcu, rhythm=rhythm)
    rules = Rules(alloc_range, rcu, careful)
    try:
        with time_limit(_limit(port, limit)):
            for op in run:
                if rules.refusal(op, lockstep.model) is None:
                    step(lockstep, rules, op)
            lockstep.finish()
    except Difference as difference:
        return difference
    except Hang:
        pass  # Not in the port, which tells that as a crash: the run is just slow, or the machine is.
    finally:
        port.close()
    return None


def smallest(
    run: Sequence[Common],
    met: Difference,
    make_port: MakePort,
    alloc_range: bool,
    rcu: bool,
    careful: bool = False,
) -> Difference:
    """The smallest run that ends in a difference of the same kind, as far as the budget goes.

    The whole run is carried out once more with the invariants looked at after every write (or nearly, where
    the trees are large), so that what is made small is the first harm done and not a late consequence of it.
    """
    found: list[Difference] = []
    alike: tuple[str, ...] | None = None
    hangs = 0

    def fails(candidate: Sequence[Common]) -> bool:
        nonlocal hangs
        if hangs > MOST_HANGS:
            raise Spent
        stores = sum(getattr(op, "count", 1) for op in candidate)
        if alike is None:
            rhythm, limit = 1 + len(candidate) * stores // WORK, 60.0
        else:
            rhythm, limit = 1 + len(candidate) // 40, 0.5 + stores / 500
        difference = replayed(candidate, make_port, alloc_range, rcu, rhythm, limit, careful)
        if difference is not None and HANG.search(f"{difference.actual.crash} {difference.detail}"):
            hangs += 1
        if difference is None or (alike is not None and _sort(difference) != alike):
            return False
        found.append(difference)
        return True

    if not fails(run):
        return met
    alike = _sort(found[-1])
    try:
        rebuilt = _rebuilt(found[-1], fails)
    except Spent:
        return found[-1]
    shrinker = Shrinker(
        rebuilt or [step.op for step in found[-1].steps],
        fails,
        lambda: [(step.op, step.expect) for step in found[-1].steps],
    )
    shrinker.shrink()
    return found[-1]


def _rebuilt(met: Difference, fails: Callable[[Sequence[Common]], bool]) -> list[Common] | None:
    """The end of the run on a tree that was built anew to hold what the tree held then, if that fails too and
    is shorter."""
    ops = [step.op for step in met.steps]
    for kept in (2, 4, 8, 16, 40):
        tree = ops[-1].tree
        for op in reversed(ops[-kept:]):
            if isinstance(op, MtreeDup) and op.into == tree:
                tree = op.tree
        made = {op.into for op in ops[-kept:] if isinstance(op, MtreeDup) and op.tree == tree}
        tail = [op for op in ops[-kept:] if op.tree == tree or op.tree in made]
        if kept >= len(ops):
            return None
        model = ModelPort(met.flags["alloc_range"])
        for op in ops[:-kept]:
            if form_of(op).name != "snapshot":
                model.apply(op)
        ranges = model.snapshot(tree)
        if len(ranges) + kept >= len(ops):
            continue
        for ordered in (ranges, ranges[::2] + ranges[1::2], ranges[::-1]):
            stores: list[Common] = [MtreeStoreRange(*held) for held in ordered]
            cursors: list[Common] = [MasInit(0, cursor=number) for number in range(1, 3)]
            run = [*stores, *cursors, *(replace(op, tree=0) if op.tree == tree else op for op in tail)]
            if fails(run):
                return run
    return None


def _sort(difference: Difference) -> tuple[str, ...]:
    """What makes two differences the same sort: the kind, the operation that was answered wrong, and in a
    kernel's source the function that crashed.

    A fill stands for the stores that it is made of; a look at all that a tree holds is the same, whoever
    asked for it; and whether a stray read crashes or answers wrong depends on what it hits.
    """
    name = type(difference.op).__name__
    if name == "Snapshot" and difference.kind == ANSWER:
        return CONTENT, name
    name = {"Fill": "MtreeStoreRange", "MasFill": "MasStore"}.get(name, name)
    if difference.kind == CRASH and " (" in difference.place:
        return CRASH, name, difference.place.partition(" (")[0]
    return (ANSWER if difference.kind == CRASH else difference.kind), name
