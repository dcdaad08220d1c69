"""Splits and levelling out of any slots in a leaf between siblings, and where they are cut.

Executed are rebuild.split() and rebuild.rebalance() in trees of two levels, and workbench.cuts() alone for
all sizes that a store can come to. The leaves must come out as the kernel's do (``kernel_cuts.py``).

Not covered: splits of inner nodes at the kernel's fan-outs.
"""

from __future__ import annotations

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple import rebuild, workbench
from mapleproof.impl.maple.geometry import ABOVE, BENCH, MAX, Geometry
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.engine.integers import Integer, Truth, assume, choice, claim, same
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.kernel_cuts import bulk_cut, cuts, rebalance_sizes, sizes_of, split_sizes
from mapleproof.proofs.maple.one_leaf import WIDE
from mapleproof.proofs.maple.planted import nodes_of
from mapleproof.proofs.maple.slots import Range, guarded, null_of, rising
from mapleproof.proofs.maple.stage import TreeStage, grow, held_by, new_tree


def rebuild_program(size: int, geometry: Geometry = WIDE) -> Program:
    """rebuild.split() or rebuild.rebalance() of any ``size`` slots in a leaf between any siblings."""
    splits = size > geometry.leaf_slots
    siblings = (0, *range(geometry.leaf_min, geometry.leaf_slots + 1))

    def run() -> None:
        # Slots of the leaves beside it, 0 for none; one at least is there
        left = siblings[choice("left", len(siblings))]
        right = siblings[choice("right", len(siblings))]
        assume(z3.BoolVal(bool(left or right)))
        if not left and not right:
            return
        tree = new_tree(geometry, False, False)
        shape = tuple(count for count in (left, geometry.leaf_min, right) if count)
        stage = TreeStage(tree)
        was = grow(stage, shape)
        low = was.ranges[left - 1].limit + 1 if left else 0
        behind = left + geometry.leaf_min
        high = was.ranges[behind - 1].limit
        limits = [*(Integer.named(f"content{at}") for at in range(size - 1)), high]
        assume(rising(low, limits))
        slots = stage.entries(size)
        assume(z3.Or(z3.Not(slots[-1].null), high is MAX))
        node = tree.pool.children[tree.root + bool(left)]
        stop = stage.lay_out(limits, slots)
        tree.pool.grant(2 * tree.height + (1 if splits else -1))
        if splits:
            rebuild.split(tree, node, low, stop, False)
        else:
            rebuild.rebalance(tree, node, stop)
        new = [Range(*pair) for pair in zip(limits, slots, strict=True)]
        wanted = [*was.ranges[:left], *new, *was.ranges[behind:]]
        found = held_by(tree).ranges
        alike = len(found) == len(wanted) and all(
            a.held is b.held and same(a.limit, b.limit) for a, b in zip(found, wanted, strict=True)
        )
        claim("the leaves hold the same slots in the same order", alike)
        sizes = split_sizes if splits else rebalance_sizes
        expected = sizes(lambda at: bool(Truth(null_of(wanted[at].held))), size, left, right, geometry)
        claim("each leaf has as many slots as the kernel's", leaf_sizes(tree) == expected)

    return guarded(run)


def leaf_sizes(tree: MapleTree) -> list[int]:
    """Slots of the leaves in order."""
    return [tree.pool.end(node) - node + 1 for node, children in nodes_of(tree) if children is None]


def cut_program(size: int, geometry: Geometry, bulk: bool = False) -> Program:
    """Where ``size`` slots of a leaf are cut, whichever of them hold NULL."""

    def run() -> None:
        tree = new_tree(geometry, False, False)
        stage, pool = TreeStage(tree), tree.pool
        slots = stage.entries(size)
        stop = stage.lay_out(list(range(size)), slots)

        def null(at: int) -> bool:
            return bool(Truth(null_of(slots[at])))

        least = geometry.leaf_min
        wanted = bulk_cut(null, size, least) if bulk else cuts(null, size, geometry.leaf_slots, least)
        second, third = workbench.cuts(tree, BENCH, stop, True, bulk)
        cut = [cell - BENCH - 1 for cell in (second, third) if cell != stop]
        claim("it is cut where the kernel cuts", cut == wanted)
        pool.grant(3)
        count = workbench.build(tree, BENCH, second, third, stop, True, 0)
        nodes = pool.children[ABOVE : ABOVE + count]
        sizes = [pool.end(node) - node + 1 for node in nodes]
        claim("the parts are what lies between", sizes == sizes_of(size, wanted))
        for at in wanted:
            claim("no part but the last ends with NULL", z3.Not(null_of(slots[at])))

    return guarded(run)
