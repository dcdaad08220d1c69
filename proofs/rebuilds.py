"""Splits and levelling out of any slots in a leaf between siblings, and where they are cut.

Executed are rebuild.split() and rebuild.rebalance() in trees of two levels, and the choice of the cut alone
for all sizes that a store can come to. The leaves must come out as the kernel's do (``kernel_cuts.py``).

Not covered: splits of inner nodes at the kernel's fan-outs.
"""

from __future__ import annotations

import z3  # type: ignore[import-untyped]

from impl.maple import rebuild
from impl.maple.geometry import MAX, Geometry
from impl.maple.tree import MapleTree
from proofs.integers import Integer, Truth, assume, choice, claim, same
from proofs.kernel_cuts import bulk_cut, cuts, rebalance_sizes, sizes_of, split_sizes
from proofs.one_leaf import WIDE
from proofs.paths import Program
from proofs.planted import nodes_of
from proofs.slots import Range, Slots, guarded, null_of, rising
from proofs.tree_stage import Stage, grow, held_by, new_tree


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
        was = grow(Stage(tree), shape)
        low = was.ranges[left - 1].limit + 1 if left else 0
        behind = left + geometry.leaf_min
        high = was.ranges[behind - 1].limit
        limits = [*(Integer.named(f"content{at}") for at in range(size - 1)), high]
        assume(rising(low, limits))
        stage = Stage.__new__(Stage)
        stage.names = 2 + len(was.ranges)
        slots = stage.entries(size)
        assume(z3.Or(z3.Not(slots[-1].null), high is MAX))
        node = tree.pool.slots[tree.root + bool(left)]
        content = rebuild.Content(low, limits, Slots(slots), None)
        need = 2 * tree.height + (1 if splits else -1)
        nodes = tree.pool.request(need, "")
        assert nodes is not None
        if splits:
            rebuild.split(tree, node, content, nodes, False)
        else:
            rebuild.rebalance(tree, node, low, high, content, nodes)
        tree.pool.give_back(nodes)
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
        slots = Stage(tree).entries(size)
        content = rebuild.Content(0, list(range(size)), Slots(slots), None)

        def null(at: int) -> bool:
            return bool(Truth(null_of(slots[at])))

        least = geometry.leaf_min
        wanted = bulk_cut(null, size, least) if bulk else cuts(null, size, geometry.leaf_slots, least)
        claim("it is cut where the kernel cuts", rebuild._cuts(tree, content, bulk) == wanted)
        parts = [len(part.slots) for part in rebuild._parts(content, wanted)]
        claim("the parts are what lies between", parts == sizes_of(size, wanted))
        for at in wanted:
            claim("no part but the last ends with NULL", z3.Not(null_of(slots[at])))

    return guarded(run)
