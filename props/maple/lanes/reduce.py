"""Making small what a run on trees has met: the same run once more in lockstep, then less and less of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.difference import ANSWER, CONTENT, CRASH, Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import PROCESSOR, WALL, Clock, OutOfTime, budget, limited_steps
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.common.reducing import Patience, Spent
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes.sides_recorded import step
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.operations import MasInit, MtreeDup, MtreeStoreRange
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.shrink import Shrinker

MakePort = Callable[[bool, bool], Port]
"""Makes a port from the flags of its first tree: alloc_range, rcu."""

WORK, WHOLE = 3_000_000, 60.0
"""Entries that may be looked at in all when a failing run is carried out once more, and its seconds."""

KERNEL_PATIENCE = 600.0
"""Seconds after which something is very wrong in a process that tells by itself when it hangs."""

SLOWER, LEAST = 5, 0.02
"""A candidate may take so many times what the smallest run so far took, and so many seconds more: one that
searches for long where the run did not is not the same failure, and many of them cost all the time."""

BRIEF = 0.15
"""Seconds after which a step hangs while a run that hangs is made smaller, which is looked at again in the
end: each try that hangs costs all of it."""

MOST_HANGS = 4
"""Runs of a process that hang, after which reducing ends: each costs its whole time limit."""

MANY = 100
"""Steps of a run that is long enough to look for the first harm in it."""


@contextmanager
def run_budget(port: Port, seconds: float, of_step: float | None = None) -> Iterator[None]:
    """The processor time of a run, and a limit on its steps, the usual one where none is given. A kernel's
    tree sits in a process that answers in any case, and measures its own time."""
    if port.keeps_time:
        with budget(KERNEL_PATIENCE, WALL):
            yield
    else:
        with limited_steps(of_step), budget(seconds, PROCESSOR):
            yield


def replayed(
    run: Sequence[Common],
    make_port: MakePort,
    alloc_range: bool,
    rcu: bool,
    rhythm: int,
    limit: float,
    careful: bool = False,
    of_step: float | None = None,
) -> Difference | None:
    """The difference that a run of explicit operations ends in, if any, within ``limit`` seconds; a step that
    takes longer than ``of_step`` hangs.

    Operations that would break the rules of use (after others were taken out) are left out."""
    port = make_port(alloc_range, rcu)
    lockstep = Lockstep(port, alloc_range=alloc_range, rcu=rcu, rhythm=rhythm)
    rules = Rules(alloc_range, rcu, careful, port.traits)
    try:
        with run_budget(port, limit, of_step):
            for op in run:
                if rules.refusal(op, lockstep.model) is None:
                    step(lockstep, rules, op)
            lockstep.finish()
    except Difference as difference:
        return difference
    except OutOfTime:
        pass  # no step hangs: the run is just slow
    finally:
        port.close()
    return None


def first_harm(met: Difference, make_port: MakePort, careful: bool) -> Difference | None:
    """What a run ends in where its trees are looked at after each write, or nearly, if they are large; None
    where it then passes."""
    run = [step.op for step in met.steps]
    return replayed(
        run, make_port, met.flags["alloc_range"], met.flags["rcu"], _rhythm_of(run), WHOLE, careful
    )


def _rhythm_of(run: Sequence[Common]) -> int:
    return 1 + len(run) * sum(getattr(op, "count", 1) for op in run) // WORK


def smallest(
    met: Difference, make_port: MakePort, careful: bool = False, patience: Patience | None = None
) -> Difference:
    """The smallest run found in time that ends in a difference of the same sort.

    The whole run is carried out once more with the invariants looked at after every write (or nearly, where
    the trees are large), so that what is made small is the first harm done and not a late consequence of it.
    """
    alloc_range, rcu = met.flags["alloc_range"], met.flags["rcu"]
    patience = patience or Patience(clock=clock_of(make_port))
    found: list[Difference] = []
    alike: tuple[str, ...] | None = None
    hangs, took, keeps_time = 0, 60.0, clock_of(make_port) is WALL

    def fails(candidate: Sequence[Common]) -> bool:
        nonlocal hangs, took
        if keeps_time and hangs > MOST_HANGS:
            raise Spent
        stores = sum(getattr(op, "count", 1) for op in candidate)
        if alike is None:
            rhythm, limit = _rhythm_of(candidate), WHOLE
        else:
            rhythm, limit = 1 + len(candidate) // 40, min(0.5 + stores / 500, SLOWER * took + LEAST)
        began = PROCESSOR()
        brief = BRIEF if found and found[-1].hangs else None
        difference = replayed(candidate, make_port, alloc_range, rcu, rhythm, limit, careful, brief)
        hangs += difference is not None and difference.hangs
        if difference is None or (alike is not None and alike_by(difference) != alike):
            return False
        found.append(difference)
        took = PROCESSOR() - began
        return True

    def answers() -> list[tuple[Common, Answer]]:
        return [(step.op, step.expect) for step in found[-1].steps]

    if not fails([step.op for step in met.steps]):
        return met
    _go_back([step.op for step in found[-1].steps], fails)
    alike = alike_by(found[-1])
    # First of all with all the memory that it asks for: without the mistake it asks for other nodes
    ops = [step.op for step in found[-1].steps]
    if any(op.short_of_memory for op in ops):
        fails([replace(op, fail_after=None, fail_count=None, fail_nowait=None) for op in ops])
    try:
        rebuilt = _rebuilt(found[-1], fails)
    except Spent:
        return found[-1]
    Shrinker(rebuilt or [step.op for step in found[-1].steps], fails, answers, patience).shrink()
    found[-1].unfinished = patience.told
    if found[-1].hangs and not keeps_time and not _hangs_for_long(found[-1], make_port, careful):
        return met
    return found[-1]


def _go_back(steps: Sequence[Common], fails: Callable[[Sequence[Common]], bool]) -> None:
    """Look for the first harm: the shortest beginning of a run after which its trees are not as they must be.
    What a long run ends in comes late, and with steps taken out the harm would show before it."""
    low, high = 0, len(steps) - 1
    if high < MANY or not fails(steps[:high]):
        return
    while low + 1 < high:
        middle = (low + high) // 2
        if fails(steps[:middle]):
            high = middle
        else:
            low = middle


def _hangs_for_long(met: Difference, make_port: MakePort, careful: bool) -> bool:
    """Whether a step of this run hangs with the usual patience too."""
    run = [step.op for step in met.steps]
    again = replayed(run, make_port, met.flags["alloc_range"], met.flags["rcu"], 1, 60.0, careful)
    return again is not None and again.hangs


def clock_of(make_port: MakePort) -> Clock:
    """What the time for reducing is measured by: a process of its own takes none of ours."""
    port = make_port(False, False)
    port.close()
    return WALL if isinstance(port, KernelPort) else PROCESSOR


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


def alike_by(difference: Difference) -> tuple[str, ...]:
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
