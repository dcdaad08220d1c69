"""The reference itself keeps the laws of a map from ranges to entries.

IntervalMap of model/ is executed with ranges anywhere. It is small enough to be read, and everything else is
held against it; so what is claimed of it is not what its code says again, but laws that any such map keeps.

Not covered: model/maple_tree.py and model/cursor.py, which call it; `entry` is any object here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.model.interval_map import IntervalMap
from mapleproof.proofs.engine.cases import tree_case
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import Integer, assume, claim, number
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.slots import guarded
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case
from mapleproof.props.common.step import Step
from mapleproof.props.maple.operations import MtreeLoad, MtreeStoreRange

MAX_INDEX = 2**64 - 1


def anything(count: int) -> IntervalMap:
    """A map of so many ranges; the invariant holds."""
    ranges: list[Any] = []
    for at in range(count):
        first, last = Integer.named(f"first{at}"), Integer.named(f"last{at}")
        assume(first.term <= last.term)
        if ranges:
            assume(number(ranges[-1][1]) < first.term)
        ranges.append((first, last, at + 1))
    return IntervalMap(ranges)


def some_range(name: str) -> tuple[Any, Any]:
    """A range to store over."""
    first, last = Integer.named(f"{name}_first"), Integer.named(f"{name}_last")
    assume(first.term <= last.term)
    return first, last


def invariant(one: IntervalMap) -> Any:
    """Formula: ranges are not empty, in order, and do not overlap; all within the indices."""
    ranges = [(number(first), number(last)) for first, last, _ in one.ranges]
    rules = [z3.And(first >= 0, first <= last, last <= MAX_INDEX) for first, last in ranges]
    rules += [a[1] < b[0] for a, b in pairwise(ranges)]
    return z3.And(True, *rules)


def holds(one: IntervalMap, index: Any) -> Any:
    """What an index holds, by the definition: the entry of the range around it, else 0."""
    found: Any = z3.IntVal(0)
    for first, last, entry in one.ranges:
        inside = z3.And(number(first) <= number(index), number(index) <= number(last))
        found = z3.If(inside, entry or 0, found)
    return found


def store_then_load(count: int, entry: int | None) -> Program:
    """After a store the range holds what was stored, all else what it held; the invariant holds."""

    def run() -> None:
        one = anything(count)
        first, last = some_range("store")
        index = Integer.named("index")
        old = holds(one, index)
        one.put(first, last, entry)
        claim("the invariant holds after a store", invariant(one))
        inside = z3.And(first.term <= index.term, index.term <= last.term)
        claim("an index holds what was stored last", holds(one, index) == z3.If(inside, entry or 0, old))
        claim("no range is kept for NULL", all(held is not None for _, _, held in one.ranges))

    return guarded(run)


def load(count: int) -> Program:
    """at() answers with the range around an index, as far as it goes."""

    def run() -> None:
        one = anything(count)
        index, other = Integer.named("index"), Integer.named("other")
        first, last, entry = one.at(index)  # type: ignore[arg-type]
        low, high = number(first), number(last)
        claim("the range is around the index", z3.And(low >= 0, low <= index.term, index.term <= high))
        claim("it ends within the indices", high <= MAX_INDEX)
        inside = z3.And(low <= other.term, other.term <= high)
        claim("all of it holds the entry", z3.Implies(inside, holds(one, other) == (entry or 0)))
        if entry is None:
            claim(
                "what is next to a gap holds an entry",
                z3.And(
                    z3.Or(low == 0, holds(one, low - 1) != 0),
                    z3.Or(high == MAX_INDEX, holds(one, high + 1) != 0),
                ),
            )

    return guarded(run)


def two_stores(count: int, again: bool) -> Program:
    """Disjoint stores commute, or one that is done twice is done."""

    def run() -> None:
        one = anything(count)
        other = IntervalMap(list(one.ranges))
        index = Integer.named("index")
        a = some_range("a")
        if again:
            one.put(*a, 98)
            other.put(*a, 98)
            other.put(*a, 98)
        else:
            b = some_range("b")
            assume(z3.Or(a[1].term < b[0].term, b[1].term < a[0].term))
            one.put(*a, 98)
            one.put(*b, None)
            other.put(*b, None)
            other.put(*a, 98)
        claim("both hold the same", holds(one, index) == holds(other, index))

    return guarded(run)


def gap(count: int, highest: bool) -> Program:
    """The lowest or highest gap fits, and there is none beyond it; None only where there is none."""

    def run() -> None:
        one = anything(count)
        low, high, size = Integer.named("low"), Integer.named("high"), Integer.named("size")
        assume(z3.And(low.term <= high.term, size.term >= 1, size.term <= high.term - low.term + 1))
        start = (one.highest_gap if highest else one.lowest_gap)(low, high, size)  # type: ignore[arg-type]
        other = Integer.named("other")

        def fits(at: Any) -> Any:
            end = at + size.term - 1
            free = [z3.Or(end < number(first), number(last) < at) for first, last, _ in one.ranges]
            return z3.And(low.term <= at, end <= high.term, *free)

        if start is None:
            claim("nothing is found only where there is nothing", z3.Not(fits(other.term)))
            return
        at = number(start)
        claim("what is found fits", fits(at))
        beyond = other.term > at if highest else other.term < at
        claim("and nothing lies beyond it", z3.Implies(beyond, z3.Not(fits(other.term))))

    return guarded(run)


def to_case(part: str, inputs: dict[str, int]) -> Case:
    """The ranges stored, then the store in question; the right answers worked out index by index."""
    held: list[tuple[int, int, int | None]] = []
    at = 0
    while f"first{at}" in inputs:
        held.append((inputs[f"first{at}"], inputs[f"last{at}"], at + 1))
        at += 1
    for name in ("store", "a", "b"):
        if f"{name}_first" in inputs:
            entry = None if name == "b" or "NULL" in part else 98
            held.append((inputs[f"{name}_first"], inputs[f"{name}_last"], entry))
    steps = [Step(MtreeStoreRange(*one), Answer(ret=0)) for one in held]
    for index in sorted(
        {inputs.get("index", 0), inputs.get("other", 0), *(end for one in held for end in one[:2])}
    ):
        found = [entry for first, last, entry in held if first <= index <= last]
        steps.append(Step(MtreeLoad(index), Answer(entry=found[-1] if found else None)))
    case = tree_case("the reference", [])
    case.steps.extend(steps)
    return case


PUT = "model.interval_map:IntervalMap.put"
AT = "model.interval_map:IntervalMap.at"
LOWEST = "model.interval_map:IntervalMap.lowest_gap"


def _twin(name: str, what: str, where: str, old: str, new: str, *parts: str) -> Twin:
    return Twin(name, what, (Edit(where, old, new),), parts, to_case=to_case, port="model")


MOST = 4

CLAIM = Claim(
    name="model_laws",
    sentence="The reference: what is stored is loaded and nothing else changes, disjoint stores commute,"
    " a store"
    " done twice is done, ranges stay in order; the lowest and the highest gap are that.",
    formula="put(m,r,e)(x) = e if x in r else m(x);  put(put(m,r,e),s,f) = put(put(m,s,f),r,e) for r, s"
    " disjoint;  put(put(m,r,e),r,e) = put(m,r,e);  I(m) => I(put(m,r,e))",
    bounds=f"any index of 64 bits; maps of 0 to {MOST} ranges, of 0 to 2 for two stores",
    executes=(
        "interval_map.IntervalMap.at",
        "interval_map.IntervalMap.put",
        "interval_map.IntervalMap.lowest_gap",
        "interval_map.IntervalMap.highest_gap",
    ),
    around=(),
    parts={
        **{f"store, {n} ranges": store_then_load(n, 98) for n in range(MOST + 1)},
        **{f"NULL, {n} ranges": store_then_load(n, None) for n in range(MOST + 1)},
        **{f"load, {n} ranges": load(n) for n in range(MOST + 1)},
        **{f"stores commute, {n} ranges": two_stores(n, False) for n in range(3)},
        **{f"a store twice, {n} ranges": two_stores(n, True) for n in range(3)},
        **{f"lowest gap, {n} ranges": gap(n, False) for n in range(MOST + 1)},
        **{f"highest gap, {n} ranges": gap(n, True) for n in range(MOST + 1)},
    },
    twins=(
        _twin(
            "rest_forgotten",
            "what is left of a range behind the store is lost",
            PUT,
            "old[-1][1] > last",
            "old[-1][0] > last",
            "store, 1 ranges",
        ),
        _twin(
            "rest_takes_an_index",
            "what is left before the store reaches into it",
            PUT,
            "first - 1, old[0][2]",
            "first, old[0][2]",
            "NULL, 1 ranges",
        ),
        _twin(
            "end_is_outside",
            "the last index of a range is not in it",
            AT,
            "self.ranges[i][0] <= index",
            "self.ranges[i][0] < index",
            "load, 1 ranges",
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
