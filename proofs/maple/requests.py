"""A store asks for its nodes before it changes anything; and stores in a tree that has no node yet.

Each request of a store is granted or refused: first the one that must not wait, then the one that may. Where
both are refused nothing has changed. Nodes that a caller has reserved are used first, and what is left of
them stays the caller's, with those that the store replaced.

Not covered: what others store while a request waits.
"""

from __future__ import annotations

import errno
from itertools import pairwise
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple.geometry import MAX
from mapleproof.impl.maple.kinds import FREE
from mapleproof.proofs.engine.integers import Integer, Truth, assume, choice, claim, flag, number
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.one_leaf import SMALL
from mapleproof.proofs.maple.shapes import Shape
from mapleproof.proofs.maple.slots import NEW, Range, Ranges, guarded, name_of, null_of
from mapleproof.proofs.maple.stage import TreeStage, grow, held_by, new_tree
from mapleproof.proofs.maple.stores import claim_stored

RESERVED = (0, 1, 12)
"""Nodes that a caller has reserved: none, too few for most stores, enough for all of them here."""


class Asked(FailurePlan):
    """Each request is granted or refused, one path each; takes down how many nodes, and if it may wait."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, bool]] = []
        self.granted: list[bool] = []

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        self.sizes.append((count, atomic))
        self.granted.append(bool(Truth(flag(f"grant {len(self.sizes)}"))))
        return self.granted[-1]


def request_program(shape: Shape, entry: Any, rcu: bool) -> Program:
    """One store in a small tree, by somebody who has reserved nodes or not."""

    def run() -> None:
        tree = new_tree(SMALL, False, rcu)
        was = grow(TreeStage(tree), shape)
        reserved = RESERVED[choice("reserved", len(RESERVED))]
        reserve: list[int] | None = [] if reserved else None
        if reserve is not None:
            tree.pool.take_all(reserved, reserve)
        tree.plan = plan = Asked()
        retries: list[None] = []
        tree.on_retry = lambda: retries.append(None)
        first, last = Integer.named("first"), Integer.named("last")
        assume(first.term <= last.term)
        before = tree.pool.live
        done = tree.write(first, last, entry, reserve=reserve)  # type: ignore[arg-type]
        failed = plan.granted == [False, False]
        claim("it fails if both requests are refused, and else does not", done != failed)
        claim("and says why", tree.error == (-errno.ENOMEM if failed else 0))
        waits, sizes = [atomic for _, atomic in plan.sizes], {count for count, _ in plan.sizes}
        asked = 2 if plan.granted[:1] == [False] else len(plan.granted)
        claim("it asks without waiting first, and again if that is refused", waits == [True, False][:asked])
        claim("for as many", len(sizes) <= 1)
        claim("who waited looks again", len(retries) == (plan.granted == [False, True]))
        claim("nothing is asked for where enough is reserved", reserved < RESERVED[-1] or not plan.sizes)
        kept = len(reserve or ())
        claim("the reserve is used for nothing else", tree.reserve is None)
        if failed:
            claim("what was reserved is still the caller's", kept == reserved and tree.pool.live == before)
        tree.pool.live -= kept
        for node in reserve or ():
            claim("what is left of it is not in use", tree.pool.states[node >> 4] == FREE)
        if tree.root < 0:
            claim("no node is left", tree.pool.live == len(tree.pool.retired))
            return
        now = held_by(tree)
        if failed:
            same = [
                a.held is b.held and a.limit is b.limit for a, b in zip(was.ranges, now.ranges, strict=True)
            ]
            claim("then nothing has changed", all(same))
        else:
            claim_stored(was, now, first, last, entry)

    return guarded(run)


def root_program(entry: Any) -> Program:
    """One store in a tree that is empty or holds a bare entry."""

    def run() -> None:
        tree = new_tree(SMALL, False, False)
        old = TreeStage(tree).full(1)[0] if choice("bare", 2) else None
        tree.bare = old
        was = Ranges(0, [Range(0, old), Range(MAX, None)])
        first, last = Integer.named("first"), Integer.named("last")
        assume(first.term <= last.term)
        done = tree.write(first, last, entry)  # type: ignore[arg-type]
        claim("its kind is a store in the root", done and tree.store.name == "store_root")
        alone = z3.Or(z3.BoolVal(entry is None), last.term == 0)
        claim(
            "it takes a node if there is something beyond index 0", alone if tree.root < 0 else z3.Not(alone)
        )
        if tree.root >= 0:
            claim("there is no bare entry beside a node", tree.bare is None)
            now = held_by(tree)
            touching = [z3.And(null_of(a.held), null_of(b.held)) for a, b in pairwise(now.ranges)]
            claim("no two NULLs touch", z3.Not(z3.Or(*touching)))
        else:
            claim("no node is in use", tree.pool.live == 0 and tree.height == 0)
            now = Ranges(0, [Range(0, tree.bare), Range(MAX, None)])
        index = Integer.named("index")
        inside = z3.And(number(first) <= index.term, index.term <= number(last))
        wanted = z3.If(inside, name_of(entry), was.name_at(index))
        claim("every index holds what an interval map holds", now.name_at(index) == wanted)

    return guarded(run)


REQUESTED: tuple[tuple[str, Any, Shape, bool], ...] = (
    ("entry", NEW, 5, False),
    ("entry", NEW, (2, 2), True),
    ("NULL", None, (2, 2), False),
    ("NULL", None, (2, 2), True),
)


def request_parts() -> dict[str, Program]:
    """Stores of an entry and of NULL."""
    parts = {"entry, no node yet": root_program(NEW), "NULL, no node yet": root_program(None)}
    for name, entry, shape, rcu in REQUESTED:
        told = f"{name}, requests in {shape}, {'RCU' if rcu else 'in place'}"
        parts[told] = request_program(shape, entry, rcu)
    return parts
