"""Loading a tree in rising order with all nodes reserved at once: how fork copied VMAs before __mt_dup.

While it lasts, leaves are split so that the left one stays nearly full, and a leaf that gets small is not
rebalanced. So the last nodes of the tree may be below their minimum until the load is finished.
"""

from __future__ import annotations

from mapleproof.impl.maple import classify, gaps, workbench
from mapleproof.impl.maple.geometry import BENCH, MAX, META
from mapleproof.impl.maple.structure import Structure

ROOM = 2
"""Slots of each node that the estimate leaves free."""


def nodes_for(tree: Structure, entries: int) -> int:
    """Nodes to reserve for ``entries`` entries, a gap behind each (mas_expected_entries).

    The nodes of all levels, and working room for one split that goes up to the root.
    """
    leaf, node = tree.leaf_slots - ROOM, tree.node_slots - ROOM
    level = (2 * entries + 1 + leaf - 1) // leaf
    nodes, height = level, 1
    while level > 1:
        level = (level + node - 1) // node
        nodes += level
        height += 1
    return nodes + 2 * height + 1


def worst_case(tree: Structure) -> int:
    """The most nodes that any one store can need."""
    return 3 * tree.height + 1


def finish(tree: Structure) -> None:
    """Level the last leaf out with the one before it, where it was left short (mas_destroy_rebalance)."""
    if tree.height < 2:
        return
    pool, last = tree.pool, tree.store
    classify.locate(tree, tree.root, MAX, last)
    node = last.node
    slot = pool.parents[node >> 4]
    if pool.end(node) - node + 1 >= tree.leaf_min - 2 or not slot & META:
        return
    before = pool.children[slot - 1]
    low = tree.low_of(before)
    cut = BENCH + tree.leaf_slots // 2
    stop = workbench.gather_node(tree, before, BENCH, True)
    stop = workbench.gather_node(tree, node, stop, True)
    if pool.slots[cut] is None:
        cut += 1
    limit = pool.pivots[cut]
    left_gap = workbench.fill(tree, before, BENCH, cut + 1, True, low)
    right_gap = workbench.fill(tree, node, cut + 1, stop, True, limit + 1)
    pool.pivots[slot - 1] = limit
    if tree.track_gaps:
        gaps.raise_gap(pool, before, left_gap)
        gaps.raise_gap(pool, node, right_gap)
