"""A copy takes one visit of each internal node and one allocation for each node: few for n entries.

How many nodes a tree of n entries has at the most is proved by induction over its height, from the fewest
slots that a node keeps; there is no bound on n. That a copy takes no more than the nodes is seen by counting:
the copy does not look at indices, so trees of every shape of `dup_is_isomorphic` are copied, and nodes with
each number of children that the kernel's fan-outs have. What was measured is held against the bound.

Its counterexamples are counts, so there is no case. Not covered: the cost of copying Python's lists, which is
that of the memory.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple.dup import mt_dup
from mapleproof.impl.maple.geometry import ARANGE_64, META, RANGE_64, Geometry
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.dup_is_isomorphic import FAN_OUT, shapes
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import claim
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.planted import nodes_of, plant
from mapleproof.proofs.maple.shapes import Shape
from mapleproof.proofs.maple.slots import guarded

MEASURED = {21: 4, 1621: 230, 12821: 1805, 51221: 7204}
"""Nodes of the benchmark's trees by entries, of the kernel's C tree (docs/benchmarks.md has ours)."""


def entries_of(slots: int) -> int:
    """The fewest entries in a leaf of so many slots: of two neighbours one at least is none."""
    return slots // 2


def induction(shape: Geometry) -> Program:
    """nodes <= a n - b below a node other than the root, with a and b from the fewest slots."""

    def run() -> None:
        fewest, children = entries_of(shape.leaf_min), shape.node_min
        a, b = slope(shape), z3.Q(1, children - 1)
        entries, nodes, k = z3.Real("entries"), z3.Real("nodes"), z3.Real("children")
        claim("a leaf", z3.Implies(entries >= fewest, a * entries - b >= 1))
        # The sums over the children, of which each fulfils it
        below = nodes <= a * entries - k * b
        step = z3.Implies(z3.And(k >= children, below), nodes + 1 <= a * entries - b)
        claim("a node of any number of children that fulfil it", step)
        root = z3.Implies(z3.And(k >= 2, below), nodes + 1 <= a * entries + 1)
        claim("a root of two children or more", root)
        claim(
            "no more than one node for an entry",
            z3.Implies(entries >= 2 * fewest, a * entries + 1 <= entries + 1),
        )
        claim("the slope is below one node for two entries", a <= z3.Q(1, 2))
        for count, measured in MEASURED.items():
            claim(f"{measured} nodes were measured for {count} entries", measured <= a * count + 1)

    return guarded(run)


def slope(shape: Geometry) -> Any:
    """Nodes for each entry at the most: a leaf's own, and those above it."""
    return z3.Q(shape.node_min, (shape.node_min - 1) * entries_of(shape.leaf_min))


class Visits(list[Any]):
    """A row of limits: how often it is asked where a node ends."""

    read = 0

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        if isinstance(at, slice):
            return Visits(found)
        Visits.read += at & META == META
        return found


def claim_counts(source: MapleTree) -> None:
    """Copy a tree and count."""
    nodes = list(nodes_of(source))
    inner = sum(children is not None for _, children in nodes)
    plan = FailurePlan()
    target = MapleTree(source.track_gaps, False, plan, source.geometry)
    source.pool.pivots, Visits.read = Visits(source.pool.pivots), 0
    claim("the copy succeeds", mt_dup(source, target) == 0)
    claim("a node is allocated for each node", plan.units == len(nodes))
    claim("in one request for each node's children, and one for the root", plan.asked == inner + 1)
    claim("each internal node is visited once", Visits.read == inner)


def counted(height: int) -> Program:
    """Every shape of a height."""

    def run() -> None:
        for shape in shapes(height):
            claim_counts(plant(shape, FAN_OUT))

    return guarded(run)


def wide(shape: Geometry) -> Program:
    """A node of any number of children, at the root and below it."""

    def run() -> None:
        for count in range(shape.node_min, shape.node_slots + 1):
            children: tuple[Shape, ...] = (shape.leaf_min,) * count
            claim_counts(plant(children, shape))
            claim_counts(plant((children, children), shape))

    return guarded(run)


def built(count: int) -> Program:
    """A tree as the benchmark has it, built by stores: its nodes are below the bound."""

    def run() -> None:
        source = MapleTree(True)
        for at in range(count):
            source.store_range(20 * at, 20 * at + 9, at + 1)
        claim_counts(source)
        nodes = len(list(nodes_of(source)))
        claim("its nodes are below the bound", nodes <= slope(ARANGE_64) * count + 1)

    return guarded(run)


COPY = "impl.maple.dup:copy_nodes"

CLAIM = Claim(
    name="dup_is_linear",
    sentence="Copying a tree of n entries visits each internal node once and allocates each node once,"
    " and a tree"
    " of n entries has at the most 5/12 n + 1 nodes (7/18 n + 1 where it tracks no gaps).",
    formula="allocated = nodes, visits = internal nodes < nodes;  nodes(t) <= a n - 1/(m - 1) below the root,"
    " nodes(t) <= a n + 1, with a = m / ((m - 1) l), m the fewest children, l the fewest entries of a leaf",
    bounds="no bound on n or on the height; counts of the copy: all shapes of dup_is_isomorphic, nodes of"
    " 5 to 10"
    " and of 7 to 16 children, trees of 21, 221 and 1621 entries; no leaf below its minimum (a bulk load"
    " may leave"
    " its last one so)",
    executes=(
        "dup.mt_dup",
        "dup.copy_nodes",
        "dup.clear_unused",
    ),
    around=(
        "failure",
        "classify",
        "gaps",
        "pool",
        "rebuild",
        "rows",
        "structure",
        "tally",
        "tree",
        "workbench",
        "write",
    ),
    parts={
        "induction, fan-outs 16 and 10": induction(ARANGE_64),
        "induction, fan-outs 16 and 16": induction(RANGE_64),
        **{f"counted, height {height}": counted(height) for height in (1, 2, 3)},
        "counted, nodes of 5 to 10 children": wide(ARANGE_64),
        "counted, nodes of 7 to 16 children": wide(RANGE_64),
        **{f"counted, {count} entries": built(count) for count in (21, 221, 1621)},
    },
    twins=(
        Twin(
            "asked_for_twice",
            "each node's children are asked for twice over",
            (
                Edit(
                    COPY,
                    'plan.ask("maple_node", end - node + 1)',
                    'plan.ask("maple_node", 2 * (end - node + 1))',
                ),
            ),
            ("counted, height 2",),
        ),
        Twin(
            "visited_twice",
            "each node's children wait for their turn twice",
            (
                Edit(
                    COPY,
                    "waiting.append((children[at], level - 1))",
                    "waiting.extend([(children[at], level - 1)] * 2)",
                ),
            ),
            ("counted, height 3",),
        ),
        Twin(
            "asked_one_by_one",
            "a request for each child, not one for all",
            (
                Edit(
                    COPY,
                    'not plan.ask("maple_node", end - node + 1)',
                    'not all([plan.ask("maple_node", 1) for _ in range(node, end + 1)])',
                ),
            ),
            ("counted, height 2",),
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
