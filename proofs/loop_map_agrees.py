"""The map of the checked loop is the reference's: what it holds, what it finds, and where there is room.

`Held` of props/maple/loop is executed beside IntervalMap of model/, ranges anywhere, and what it compares
is claimed to lie within 64 bits: it is compiled, and calculates with words. `model_laws` says what the
reference keeps.

Not covered: rows that are compiled (tests hold them to the source), and props/maple/loop/tree.py and
cursor.py, which call it: tests run them beside the reference.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.model.interval_map import IntervalMap
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import Integer, as_words, assume, claim, number
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.slots import guarded
from mapleproof.proofs.model_laws import anything, some_range
from mapleproof.props.maple.loop.held import Held

MOST = 4
"""Ranges of a map."""


def beside(one: IntervalMap) -> Held:
    """The loop's map of the same ranges."""
    held = Held()
    held.firsts, held.lasts, held.entries = ([held[at] for held in one.ranges] for at in range(3))
    held.count = len(one.ranges)
    return held


def store(count: int, entry: int | None) -> Program:
    """After a store both hold the same ranges."""

    def run() -> None:
        one = anything(count)
        held = beside(one)
        first, last = some_range("store")
        one.put(first, last, entry)
        with as_words():
            held.put(first, last, entry or 0)
        claim("both have as many ranges", len(held.ranges()) == held.count == len(one.ranges))
        for ours, theirs in zip(held.ranges(), one.ranges, strict=False):
            claim("each range holds the same entry", ours[2] == theirs[2])
            claim("each range is the same", _equal(ours[:2], theirs[:2]))

    return guarded(run)


def load(count: int) -> Program:
    """Both find the same range around an index."""

    def run() -> None:
        one = anything(count)
        held = beside(one)
        index = Integer.named("index")
        first, last, entry = one.at(index)  # type: ignore[arg-type]
        with as_words():
            found = held.at(index)  # type: ignore[arg-type]
        claim("it holds the same entry", found == held.entry == (entry or 0))
        claim("the range around it is the same", _equal((held.first, held.last), (first, last)))

    return guarded(run)


def gap(count: int, highest: bool) -> Program:
    """Both find the same room, or none."""

    def run() -> None:
        one = anything(count)
        held = beside(one)
        low, high, size = Integer.named("low"), Integer.named("high"), Integer.named("size")
        assume(z3.And(low.term <= high.term, size.term >= 1))
        start = (one.highest_gap if highest else one.lowest_gap)(low, high, size)  # type: ignore[arg-type]
        with as_words():
            found = (held.highest_gap if highest else held.lowest_gap)(low, high, size)  # type: ignore[arg-type]
        claim("both find room or none does", bool(found) == (start is not None))
        if start is not None:
            claim("it is the same room", _equal((held.first,), (start,)))

    return guarded(run)


def _equal(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> Any:
    return z3.And(*(number(a) == number(b) for a, b in zip(ours, theirs, strict=True)))


def _twin(name: str, what: str, where: str, old: str, new: str, *parts: str) -> Twin:
    return Twin(name, what, (Edit(f"props.maple.loop.held:Held.{where}", old, new),), parts)


CLAIM = Claim(
    name="loop_map_agrees",
    sentence="The map that the checked loop holds trees against is the reference's: stores, loads and"
    " searches for room come to the same, and whatever it compares lies within 64 bits.",
    formula="ranges(put(h,r,e)) = ranges(put(m,r,e));  at(h,x) = at(m,x);  gap(h,l,u,n) = gap(m,l,u,n),"
    " where ranges(h) = ranges(m)",
    bounds=f"any index of 64 bits; maps of 0 to {MOST} ranges; room of any size from 1 on",
    executes=(
        "held.Held.__init__",
        "held.Held.place",
        "held.Held.place_behind",
        "held.Held.at",
        "held.Held.put",
        "held.Held.make_room",
        "held.Held.lowest_gap",
        "held.Held.highest_gap",
    ),
    around=("interval_map",),
    parts={
        **{f"store, {n} ranges": store(n, 98) for n in range(MOST + 1)},
        **{f"NULL, {n} ranges": store(n, None) for n in range(MOST + 1)},
        **{f"load, {n} ranges": load(n) for n in range(MOST + 1)},
        **{f"lowest gap, {n} ranges": gap(n, False) for n in range(MOST + 1)},
        **{f"highest gap, {n} ranges": gap(n, True) for n in range(MOST + 1)},
    },
    twins=(
        _twin(
            "rest_forgotten",
            "what is left of a range behind the store is lost",
            "put",
            "self.lasts[high - 1] > last",
            "self.firsts[high - 1] > last",
            "store, 1 ranges",
        ),
        _twin(
            "place_too_far",
            "a range that ends at the index is passed over",
            "place",
            "< index",
            "<= index",
            "load, 1 ranges",
        ),
        _twin(
            "touching_is_taken",
            "a store takes a range that begins right behind it",
            "place_behind",
            "<= index",
            "<= index + 1",
            "store, 2 ranges",
        ),
        _twin(
            "gap_behind_the_limit",
            "room is found up to one index behind the limit",
            "lowest_gap",
            "return size - 1 <= high - start",
            "return size - 1 <= high - start + 1",
            "lowest gap, 1 ranges",
        ),
        _twin(
            "gap_below_zero",
            "a range that reaches down to the limit is stepped over",
            "highest_gap",
            "if self.firsts[i] <= low:",
            "if self.firsts[i] < low:",
            "highest gap, 1 ranges",
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
