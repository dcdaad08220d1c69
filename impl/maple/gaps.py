"""The gaps kept in nodes above the leaves: the largest run of NULL below each of their slots."""

from __future__ import annotations

from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import META
from mapleproof.impl.maple.pool import NodePool
from mapleproof.impl.maple.structure import Structure


def leaf_gap(pool: NodePool, node: int, low: int, high: int) -> int:
    """The largest run of NULL in a leaf with limits [low, high] (mas_leaf_max_gap)."""
    pivots, slots = pool.pivots, pool.slots
    end = pivots[node + META]
    gap = 0
    if slots[node] is None:
        gap = (pivots[node] if end > node else high) - low + 1
    if end > node and slots[end] is None:
        gap = max(gap, high - pivots[end - 1])
    at = rows.null(slots, node + 1, end)
    while at < end:
        gap = max(gap, pivots[at] - pivots[at - 1])
        at = rows.null(slots, at + 1, end)
    return gap


def update_gap(tree: Structure, node: int, low: int, high: int) -> None:
    """After leaf ``node`` changed: its gap, and those above as far as they change (mas_update_gap)."""
    if tree.track_gaps and tree.height > 1:
        raise_gap(tree.pool, node, leaf_gap(tree.pool, node, low, high))


def raise_gap(pool: NodePool, node: int, gap: int) -> None:
    """Tell the nodes above that the largest gap in ``node`` is ``gap`` (mas_parent_gap)."""
    gaps, parents, pivots = pool.gaps, pool.parents, pool.pivots
    slot = parents[node >> 4]
    while slot >= 0 and gaps[slot] != gap:
        gaps[slot] = gap
        node = slot & ~META
        gap = rows.largest(gaps, node, pivots[node + META] + 1)
        slot = parents[node >> 4]
