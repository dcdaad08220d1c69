"""What a store must have done: the ranges held now against those held before.

Slots that were not touched are the same as before; about the others a formula compares the answers for an
arbitrary index.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.integers import Integer, claim, number, same
from mapleproof.proofs.maple.slots import Range, Ranges, name_of, null_of, rising


class Changed(NamedTuple):
    """What differs between two lists of ranges: the part that was and the part that is, both from ``low``
    on; what is around them is the same. ``before`` and ``after`` are the slots beside them."""

    low: Any
    high: Any
    was: Ranges
    now: Ranges
    before: Range | None
    after: Range | None


def changed(was: Ranges, now: Ranges) -> Changed | None:
    """Leave out what two lists of ranges have in common at both ends; None where all is the same."""
    old, new = was.ranges, now.ranges
    head = tail = 0
    shortest = min(len(old), len(new))
    while head < shortest and _same(old[head], new[head]):
        head += 1
    if head == len(old) == len(new):
        return None
    while tail < shortest - head and _same(old[-1 - tail], new[-1 - tail]):
        tail += 1
    low = old[head - 1].limit + 1 if head else was.low
    if tail:
        # The first of them has the same limit and holds the same, but may begin elsewhere
        tail -= 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    high = middle_old[-1].limit
    return Changed(
        low,
        high,
        Ranges(low, middle_old),
        Ranges(low, middle_new),
        old[head - 1] if head else None,
        old[len(old) - tail] if tail else None,
    )


def _same(one: Range, other: Range) -> bool:
    return one.held is other.held and same(one.limit, other.limit)


def claim_stored(was: Ranges, now: Ranges, first: Any, last: Any, entry: Any) -> Changed | None:
    """What is held now is what an interval map holds after the store, in order, and no two NULLs touch."""
    assert same(was.low, now.low)
    part = changed(was, now)
    if part is None:
        claim("a store changes something unless it stores what is there", entry is None)
        return None
    new = part.now.ranges
    first, last = number(first), number(last)
    claim("nothing changes outside", z3.And(number(part.low) <= first, last <= number(part.high)))
    limits = [held.limit for held in new]
    claim(
        "limits rise to the old maximum",
        z3.And(rising(part.low, limits), number(limits[-1]) == number(part.high)),
    )
    index = Integer.named("index")
    inside = z3.And(number(part.low) <= index.term, index.term <= number(part.high))
    stored = z3.If(z3.And(first <= index.term, index.term <= last), name_of(entry), part.was.name_at(index))
    claim(
        "every index holds what an interval map holds",
        z3.Implies(inside, part.now.name_at(index) == stored),
    )
    around = [held.held for held in (part.before, *new, part.after) if held is not None]
    touching = [z3.And(null_of(a), null_of(b)) for a, b in pairwise(around)]
    claim("no two NULLs touch", z3.Not(z3.Or(*touching)))
    return part
