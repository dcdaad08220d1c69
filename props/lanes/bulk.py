"""The bulk lane: thousands of operations from one seed, at the pace of plain Python.

A run is (seed, number of operations). It draws a mix and operations from it, carries them out in lockstep,
and on the first difference is turned into explicit operations, shrunk, and given back as a Finding.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from props.difference import ANSWER, CONTENT, CRASH, Difference
from props.guard import Hang, time_limit
from props.lanes.draws import Draws
from props.lanes.mixes import draw_mix
from props.lanes.sides import Sides
from props.lanes.sides_direct import DirectSides
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


def run(seed: int, operations: int, make_port: MakePort = ImplPort, *, shrink: bool = True) -> Run:
    """Carry out the run of ``seed``. Deterministic for a deterministic port.

    Our own implementation is driven directly; what differs then is done again on record.
    """
    mix = draw_mix(random.Random(seed))
    port = make_port(mix.alloc_range, mix.rcu)
    if type(port) is not ImplPort:
        return _recorded(seed, operations, make_port, port, shrink)
    sides = DirectSides(port, mix.alloc_range, mix.rcu)
    try:
        with time_limit(3 + operations / 2000):
            _draws(seed, sides).run(operations)
            sides.finish()
    except Exception as met:
        done = _recorded(seed, operations, make_port, make_port(mix.alloc_range, mix.rcu), shrink)
        if done.finding is None and not isinstance(met, Hang):
            raise AssertionError(f"the run of seed {seed} goes wrong only off the record") from met
        return done
    done = Run(seed, sides.done, events_of(port))
    port.close()
    return done


def _draws(seed: int, sides: Sides) -> Draws:
    """The run of a seed, about to begin."""
    rng = random.Random(seed)
    return Draws(rng, draw_mix(rng), sides)


def _recorded(seed: int, operations: int, make_port: MakePort, port: Port, shrink: bool) -> Run:
    """The run of a seed as explicit operations, in lockstep; a difference made small."""
    mix = draw_mix(random.Random(seed))
    lockstep = Lockstep(port, alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER)
    done = Run(seed)
    try:
        with time_limit(5 + operations / 1000):
            sides = RecordedSides(lockstep, Rules(mix.alloc_range, mix.rcu))
            _draws(seed, sides).run(operations)
            sides.finish()
    except Difference as difference:
        met = len(difference.steps)
        if shrink:
            ops = [step.op for step in difference.steps]
            difference = smallest(ops, difference, make_port, mix.alloc_range, mix.rcu)
        done.finding = Finding(difference, seed, met, mix.alloc_range, mix.rcu)
    done.operations = len(lockstep.steps)
    done.events = events_of(port)
    port.close()
    return done


def events_of(port: Port) -> Counter[str]:
    """What happened in a port that counts events."""
    total: Counter[str] = Counter()
    if isinstance(port, ImplPort):
        seen = {id(tree.events): tree.events for tree in port.trees.values()}
        for events in seen.values():
            total += events
    return total


def replayed(
    run: Sequence[Common], make_port: MakePort, alloc_range: bool, rcu: bool, rhythm: int, limit: float
) -> Difference | None:
    """The difference that a run of explicit operations ends in, if any, within ``limit`` seconds.

    Operations that would break the rules of use (after others were taken out) are left out."""
    port = make_port(alloc_range, rcu)
    lockstep = Lockstep(port, alloc_range=alloc_range, rcu=rcu, rhythm=rhythm)
    rules = Rules(alloc_range, rcu)
    try:
        with time_limit(limit):
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
    run: Sequence[Common], met: Difference, make_port: MakePort, alloc_range: bool, rcu: bool
) -> Difference:
    """The smallest run that ends in a difference of the same kind, as far as the budget goes.

    The whole run is carried out once more with the invariants looked at after every write (or nearly, where
    the trees are large), so that what is made small is the first harm done and not a late consequence of it.
    """
    found: list[Difference] = []
    alike: tuple[str, str] | None = None
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
        difference = replayed(candidate, make_port, alloc_range, rcu, rhythm, limit)
        hangs += difference is not None and "Hang" in str(difference.actual.crash) + difference.detail
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


def _sort(difference: Difference) -> tuple[str, str]:
    """What makes two differences the same sort: the kind, and the operation that was answered wrong.

    A fill stands for the stores that it is made of; a look at all that a tree holds is the same, whoever
    asked for it; and whether a stray read crashes or answers wrong depends on what it hits.
    """
    name = type(difference.op).__name__
    if name == "Snapshot" and difference.kind == ANSWER:
        return CONTENT, name
    kind = ANSWER if difference.kind == CRASH else difference.kind
    return kind, {"Fill": "MtreeStoreRange", "MasFill": "MasStore"}.get(name, name)
