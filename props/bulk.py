"""The bulk lane: thousands of operations from one seed, at the pace of plain Python.

A run is (seed, number of operations). It draws a mix and operations from it, carries them out in lockstep,
and on the first difference is turned into explicit operations, shrunk, and given back as a Finding.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from props.difference import Difference
from props.guard import time_limit
from props.lockstep import Lockstep
from props.mixes import Source, draw_mix
from props.operations import Common
from props.ports import ImplPort, Port
from props.rules import Rules
from props.shrink import Shrinker, Spent

MakePort = Callable[[bool, bool], Port]
"""Makes a port from the flags of its first tree: alloc_range, rcu."""


MOST_HANGS = 12
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
    """Carry out the run of ``seed``. Deterministic for a deterministic port."""
    rng = random.Random(seed)
    mix = draw_mix(rng)
    lockstep = Lockstep(make_port(mix.alloc_range, mix.rcu), alloc_range=mix.alloc_range, rcu=mix.rcu)
    rules = Rules(mix.alloc_range, mix.rcu)
    done = Run(seed)
    source = Source(rng, mix, rules, lockstep.model, lockstep.port.borders)
    try:
        with time_limit(5 + operations / 1000):
            for op in source.operations(operations):
                done.operations += 1
                step(lockstep, rules, op)
            lockstep.finish()
    except Difference as difference:
        if shrink:
            ops = [step.op for step in difference.steps]
            difference = smallest(ops, difference, make_port, mix.alloc_range, mix.rcu)
        done.finding = Finding(difference, seed, done.operations, mix.alloc_range, mix.rcu)
    done.events = events_of(lockstep.port)
    lockstep.port.close()
    return done


def step(lockstep: Lockstep, rules: Rules, op: Common) -> None:
    """Carry out one operation that the rules allow."""
    before = rules.before(op, lockstep.model)
    answer = lockstep.apply(op)
    rules.note(op, answer, lockstep.model, before)


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
    finally:
        port.close()
    return None


def smallest(
    run: Sequence[Common], met: Difference, make_port: MakePort, alloc_range: bool, rcu: bool
) -> Difference:
    """The smallest run that ends in a difference of the same kind, as far as the budget goes.

    The whole run is carried out once more with the invariants looked at after every write, so that what is
    made small is the first harm done and not a late consequence of it.
    """
    found: list[Difference] = []

    def fails(candidate: Sequence[Common]) -> bool:
        nonlocal hangs
        if hangs > MOST_HANGS:
            raise Spent
        rhythm, limit = (1, 20.0) if alike is None else (1 + len(candidate) // 40, 0.5 + len(candidate) / 500)
        difference = replayed(candidate, make_port, alloc_range, rcu, rhythm, limit)
        hangs += difference is not None and "Hang" in str(difference.actual.crash) + difference.detail
        if difference is None or (alike is not None and _sort(difference) != alike):
            return False
        found.append(difference)
        return True

    alike: tuple[str, str] | None = None
    hangs = 0
    if not fails(run):
        return met
    alike = _sort(found[-1])
    shrinker = Shrinker(
        [step.op for step in found[-1].steps],
        fails,
        lambda: [(step.op, step.expect) for step in found[-1].steps],
    )
    shrinker.shrink()
    fails(shrinker.best)
    return found[-1]


def _sort(difference: Difference) -> tuple[str, str]:
    """What makes two differences the same sort: the kind, and the operation that was answered wrong."""
    return difference.kind, type(difference.op).__name__
