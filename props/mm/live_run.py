"""Runs of histories on the running kernel: what differs is made small, and done again to be sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import WALL
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered
from mapleproof.props.common.reducing import Patience
from mapleproof.props.mm.live_history import PAGE, Draws
from mapleproof.props.mm.live_lockstep import LiveLockstep
from mapleproof.props.mm.shrink import ScenarioShrinker

Begin = Callable[[], LiveLockstep]
"""Begins a history: on the running kernel, or a booted one."""

OPERATIONS = 25
"""Operations of one history."""


@dataclass(slots=True)
class LiveRun:
    """What came of one history: how many operations of each kind, and the difference, small, if there is one.

    ``merged``: how often it mattered that the kernel makes one VMA of equal neighbours.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    difference: Difference | None = None


def history(
    seed: int | str, count: int = OPERATIONS, *, shrink: bool = True, begin: Begin = LiveLockstep
) -> LiveRun:
    """Carry out the history of a seed. ``begin`` says on which kernel."""
    done = LiveRun()
    sides = begin()
    program: list[Common] = []
    try:
        for op in Draws(seed, sides.model, sides.region, sides.geometry).operations(count):
            program.append(op)
            sides.apply(op)
            done.kinds[form_of(op).name] += 1
    except Difference as difference:
        done.difference = smallest(program, difference, begin) if shrink else difference
    finally:
        done.merged = sides.merging.mattered
        sides.close()
    return done


def carry_out(program: Sequence[Common], begin: Begin = LiveLockstep) -> Difference | None:
    """The difference that a program ends in. What no space is there for any more is left out."""
    sides = begin()
    try:
        for op in program:
            if getattr(op, "space", 0) in sides.model.world.spaces:
                sides.apply(op)
    except Difference as difference:
        return difference
    except (NotOffered, StopIteration, KeyError):
        return None
    finally:
        sides.close()
    return None


def smallest(program: Sequence[Common], met: Difference, begin: Begin = LiveLockstep) -> Difference:
    """The smallest program found that ends in a difference of the same sort; ``met`` where it does not come
    again."""
    best = [met]

    def fails(candidate: Sequence[Common]) -> bool:
        found = carry_out(candidate, begin)
        if found is None or found.sort != met.sort:
            return False
        best.append(found)
        return True

    if fails(program):
        patience = Patience(clock=WALL)
        ScenarioShrinker(program, fails, PAGE, patience).shrink()
        best[-1].unfinished = patience.told
    else:
        met.detail = f"{met.detail}; not when the same was done again".lstrip("; ")
    return best[-1]
