"""Runs of histories on the running kernel: what differs is made small, and done again to be sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from props.difference import Difference
from props.fork.shrink import ScenarioShrinker
from props.live.history import PAGE, Draws
from props.live.lockstep import LiveLockstep
from props.live.port import NotOffered
from props.ops.common_operations import Common
from props.ops.forms import form_of

OPERATIONS = 25
"""Operations of one history."""

FLAGS = {"tiny": False, "five_levels": False, "hugepd": False}
"""The page tables, as a case's header names them."""


@dataclass(slots=True)
class LiveRun:
    """What came of one history: how many operations of each kind, and the difference, small, if there is one.

    ``merged``: how often it mattered that the kernel makes one VMA of equal neighbours.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    difference: Difference | None = None


def history(seed: int | str, count: int = OPERATIONS, *, shrink: bool = True) -> LiveRun:
    """Carry out the history of a seed."""
    done = LiveRun()
    sides = LiveLockstep()
    program: list[Common] = []
    try:
        for op in Draws(seed, sides.model).operations(count):
            program.append(op)
            sides.apply(op)
            done.kinds[form_of(op).name] += 1
    except Difference as difference:
        done.difference = smallest(program, difference) if shrink else difference
    finally:
        done.merged = sides.merging.mattered
        sides.close()
    return done


def carry_out(program: Sequence[Common]) -> Difference | None:
    """The difference that a program ends in. What no space is there for any more is left out."""
    sides = LiveLockstep()
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


def smallest(program: Sequence[Common], met: Difference) -> Difference:
    """The smallest program found that ends in a difference of the same sort; ``met`` where it does not come
    again."""
    best = [met]

    def fails(candidate: Sequence[Common]) -> bool:
        found = carry_out(candidate)
        if found is None or found.sort != met.sort:
            return False
        best.append(found)
        return True

    if fails(program):
        ScenarioShrinker(program, fails, PAGE).shrink()
    else:
        met.detail = f"{met.detail}; not when the same was done again".lstrip("; ")
    return best[-1]
