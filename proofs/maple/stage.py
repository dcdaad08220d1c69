"""Trees of which little is known: the shape is, where their ranges begin and end and which are NULL is not.

Trees made here keep the tree's invariants: ranges rise, no two NULLs touch, none ends a leaf but the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple.geometry import BENCH, MAX, META, STRIDE, Geometry
from mapleproof.impl.maple.kinds import LIVE
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.engine.integers import Integer, assume, claim, flag, number, same
from mapleproof.proofs.maple.shapes import Shape, height_of, slots_of
from mapleproof.proofs.maple.slots import FIRST_NAME, Entry, Range, Ranges, Slots, null_of, raw, rising


class TreeStage:
    """A tree in the making: new entries and nodes, each with a name of its own."""

    def __init__(self, tree: MapleTree) -> None:
        self.tree = tree
        self.pool = tree.pool
        self.pool.slots = Slots(self.pool.slots)
        self.names = FIRST_NAME

    def node(self) -> int:
        """A fresh node, in use."""
        self.pool.grant(1)
        node = self.pool.take()
        self.pool.states[node >> 4] = LIVE
        return node

    def entries(self, count: int) -> list[Entry]:
        """Slots of a leaf in order, no two of them NULL beside each other."""
        made = [Entry(self.names + at, flag(f"null{self.names + at - FIRST_NAME}")) for at in range(count)]
        self.names += count
        assume(z3.And(*(z3.Not(z3.And(a.null, b.null)) for a, b in pairwise(made))))
        return made

    def full(self, count: int) -> list[Entry]:
        """Slots of a leaf of which none is NULL."""
        made = [Entry(self.names + at, z3.BoolVal(False)) for at in range(count)]
        self.names += count
        return made

    def put(self, node: int, limits: list[Any], slots: Iterable[Any]) -> None:
        """Write slots into a leaf."""
        self.pool.slots[node : node + len(limits)] = slots
        self._limit(node, limits)

    def put_above(self, node: int, limits: list[Any], children: list[int]) -> None:
        """Write children into a node above the leaves."""
        self.pool.children[node : node + len(limits)] = children
        self._limit(node, limits)

    def _limit(self, node: int, limits: list[Any]) -> None:
        self.pool.pivots[node : node + len(limits)] = limits
        self.pool.pivots[node + META] = node + len(limits) - 1

    def lay_out(self, limits: list[Any], slots: Iterable[Any]) -> int:
        """Lay slots of leaves on the workbench: the cell behind the last."""
        stop = BENCH + len(limits)
        self.pool.pivots[BENCH:stop] = limits
        self.pool.slots[BENCH:stop] = slots
        return stop


def ranges_of(tree: MapleTree, node: int, low: Any, high: Any) -> Ranges:
    """What a leaf holds, nothing decided."""
    pool = tree.pool
    end = pool.pivots[node + META]
    limits = [*pool.pivots[node:end], high]
    return Ranges(low, [Range(*pair) for pair in zip(limits, raw(pool.slots)[node : end + 1], strict=True)])


def new_tree(geometry: Geometry, alloc_range: bool, rcu: Any) -> MapleTree:
    """An empty tree; ``rcu`` may be a condition."""
    tree = MapleTree(alloc_range, False, None, geometry)
    tree.rcu = rcu
    return tree


def grow(stage: TreeStage, shape: Shape, nulls: bool = True) -> Ranges:
    """Give the tree this shape, with any limits; without ``nulls`` it holds no NULL. What it holds."""
    count = slots_of(shape)
    limits: list[Any] = [*(Integer.named(f"limit{at}") for at in range(count - 1)), MAX]
    assume(rising(0, limits))
    entries = stage.entries(count) if nulls else stage.full(count)
    everything = Ranges(0, [Range(*pair) for pair in zip(limits, entries, strict=True)])
    at = 0

    def build(part: Shape, slot: int) -> int:
        nonlocal at
        node = stage.node()
        stage.pool.parents[node >> 4] = slot
        if isinstance(part, int):
            stage.put(node, limits[at : at + part], entries[at : at + part])
            at += part
            if at < count:
                assume(z3.Not(entries[at - 1].null))
            return node
        children, ends = [], []
        for number_, child in enumerate(part):
            begin = at
            children.append(build(child, node + number_))
            ends.append(limits[at - 1])
            if stage.tree.track_gaps:
                below = Ranges(limits[begin - 1] + 1 if begin else 0, everything.ranges[begin:at])
                gap: Any = Integer.named(f"gap{node + number_}")
                stage.pool.gaps[node + number_] = gap
                assume(is_largest(gap, below))
        stage.put_above(node, ends, children)
        return node

    tree = stage.tree
    tree.height = height_of(shape)
    tree.root = build(shape, -tree.height)
    return everything


def is_largest(gap: Any, below: Ranges) -> Any:
    """Formula: ``gap`` is the largest run of NULL among these slots, 0 where there is none."""
    runs = [(number(last) - number(low) + 1, null) for low, last, null in below.nulls()]
    least = [z3.Implies(null, number(gap) >= size) for size, null in runs]
    one = [z3.And(null, number(gap) == size) for size, null in runs]
    none = z3.And(number(gap) == 0, *(z3.Not(null) for _, null in runs))
    return z3.And(*least, z3.Or(none, *one))


def held_by(tree: MapleTree) -> Ranges:
    """All that the leaves hold, after it was claimed that the nodes are as they must be: sizes, parents,
    stored limits, and which are allocated."""
    pool, shape = tree.pool, tree.geometry
    found: list[Range] = []
    nodes: list[int] = []

    def walk(node: int, low: Any, high: Any, level: int) -> None:
        nodes.append(node)
        end = pool.pivots[node + META]
        count = end - node + 1
        most, least = (shape.leaf_slots, shape.leaf_min) if level == 1 else (shape.node_slots, shape.node_min)
        claim("a node is no larger than its fan-out", count <= most)
        claim("a node but the root keeps its minimum", node == tree.root or count >= least)
        claim("a node is in use", pool.states[node >> 4] == LIVE)
        limits = [*pool.pivots[node:end], high]
        if count < STRIDE:
            claim("the last limit that is stored is the maximum", _equal(pool.pivots[end], high))
        if level == 1:
            held = raw(pool.slots)[node : end + 1]
            found.extend(Range(*pair) for pair in zip(limits, held, strict=True))
            if high is not MAX and not same(high, MAX):
                claim("no leaf but the last ends with NULL", z3.Not(null_of(held[-1])))
            return
        children = pool.children[node : end + 1]
        for slot, (child, limit) in enumerate(zip(children, limits, strict=True), node):
            claim("a node's parent slot is the slot that holds it", pool.parents[child >> 4] == slot)
            begin = len(found)
            walk(child, low, limit, level - 1)
            if tree.track_gaps:
                gap = is_largest(pool.gaps[slot], Ranges(low, found[begin:]))
                claim("the gap kept for a child is the largest run of NULL below it", gap)
            low = limit + 1

    claim("the root has no parent", pool.parents[tree.root >> 4] == -tree.height)
    walk(tree.root, 0, MAX, tree.height)
    claim("a node is reached once", len(set(nodes)) == len(nodes))
    claim("every allocated node is in the tree", pool.live - len(pool.retired) == len(nodes))
    return Ranges(0, found)


def _equal(one: Any, other: Any) -> Any:
    return same(one, other) or number(one) == number(other)
