"""Loading a tree in rising order with all nodes reserved at once: how fork copied VMAs before __mt_dup.

While it lasts, leaves are split so that the left one stays nearly full, and a leaf that gets small is not
rebalanced. So the last nodes of the tree may be below their minimum until the load is finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impl.maple import rebuild, write
from impl.maple.geometry import MAX, META

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree

ROOM = 2
"""Slots of each node that the estimate leaves free."""


def nodes_for(tree: MapleTree, entries: int) -> int:
    """Nodes to reserve for ``entries`` entries, a gap behind each (mas_expected_entries).

    The nodes of all levels, and working room for one split that goes up to the root.
    """
    shape = tree.geometry
    level = -(-(2 * entries + 1) // (shape.leaf_slots - ROOM))
    nodes, height = level, 1
    while level > 1:
        level = -(-level // (shape.node_slots - ROOM))
        nodes += level
        height += 1
    return nodes + 2 * height + 1


def worst_case(tree: MapleTree) -> int:
    """The most nodes that any one store can need."""
    return 3 * tree.height + 1


def finish(tree: MapleTree) -> None:
    """Level the last leaf out with the one before it, where it was left short (mas_destroy_rebalance)."""
    if tree.height < 2:
        return
    pool = tree.pool
    node, _, _ = write.locate(pool, tree.root, tree.height, MAX)
    slot = pool.parents[node >> 4]
    if pool.end(node) - node + 1 >= tree.geometry.leaf_min - 2 or not slot & META:
        return
    before = pool.slots[slot - 1]
    both = rebuild.node_content(pool, before, leaf=True) + rebuild.node_content(pool, node, leaf=True)
    cut = tree.geometry.leaf_slots // 2
    if both.slots[cut] is None:
        cut += 1
    left, right = both.part(0, cut + 1), both.part(cut + 1, len(both.slots))
    rebuild.fill(pool, before, left)
    rebuild.fill(pool, node, right)
    pool.pivots[slot - 1] = right.low - 1
    if tree.track_gaps:
        write.raise_gap(pool, before, left.largest_gap())
        write.raise_gap(pool, node, right.largest_gap())
