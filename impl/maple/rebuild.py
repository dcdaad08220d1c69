"""Stores that change more than one leaf: split, rebalance and spanning store.

All three go the same way. The slots that a level must hold afterwards are gathered on the workbench (however
many there are), cut into nodes, and those nodes are slots of what the next level must hold. A split ends at
the first level where it fits; a rebalance or a spanning store goes on to the root and brings in the slots of
a neighbour wherever a level would fall below its minimum.

Nodes are never changed on the way: new ones are built, put into the tree by one assignment, and the old
ones are retired. Where a cut falls follows the kernel (mab_calc_split, mas_push_data,
mas_spanning_rebalance), so that our trees have the shape of its trees.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple import gaps, workbench
from mapleproof.impl.maple.geometry import ABOVE, BENCH, MAX, META
from mapleproof.impl.maple.kinds import PUSH_LEFT, PUSH_RIGHT, REBALANCE_LEFT, REBALANCE_RIGHT
from mapleproof.impl.maple.place import Store
from mapleproof.impl.maple.structure import Structure


def split(tree: Structure, node: int, low: int, stop: int, bulk: bool) -> None:
    """What the workbench holds up to ``stop`` is too much for leaf ``node``, which begins at ``low``: split
    it, and its parents as far as needed (mas_split).

    Before a node is split its left, then its right sibling is asked for room.
    """
    pool = tree.pool
    replaced: list[int] = []
    start, leaf = BENCH, True
    while stop - start > (tree.leaf_slots if leaf else tree.node_slots):
        replaced.append(node)
        slot = pool.parents[node >> 4]
        first_slot = last_slot = slot
        beside, second, third = -1, stop, stop
        if slot >= 0:
            beside, start, second, stop = push(tree, slot, start, stop, leaf)
            third = stop
        if beside < 0:
            second, third = workbench.cuts(tree, start, stop, leaf, bulk)
        else:
            replaced.append(pool.children[beside])
            first_slot, last_slot = min(slot, beside), max(slot, beside)
            if beside < slot:
                low = tree.low_of(pool.children[beside])
        count = workbench.build(tree, start, second, third, stop, leaf, low)
        if slot < 0:
            grow_root(tree, count, tree.height + 1)
            break
        node = slot & ~META
        start, leaf = BENCH, False
        stop = workbench.gather_above(tree, node, first_slot, node, last_slot, count)
    else:
        replaced.append(node)
        fresh = workbench.build_node(tree, start, stop, leaf, low, ABOVE)
        tree.pause_point("subtree built")
        tree.put(node, fresh)
        if tree.track_gaps:
            gaps.raise_gap(pool, fresh, pool.gaps[ABOVE])
    tree.retire(replaced)


def push(tree: Structure, slot: int, start: int, stop: int, leaf: bool) -> tuple[int, int, int, int]:
    """Share with a sibling of what hangs in ``slot``, if one has room (mas_push_data).

    The sibling's slot, -1 where none has; then both lie on the workbench: the first cell, the first of the
    right part, and the one behind the last.
    """
    pool = tree.pool
    pivots = pool.pivots
    most = tree.leaf_slots if leaf else tree.node_slots
    parent = slot & ~META
    room = 2 * most - 2 - leaf - (pivots[stop - 1] == MAX)
    if slot > parent:
        sibling = pool.children[slot - 1]
        count = pivots[sibling + META] - sibling + 1
        total = stop - start + count - 2
        if total < room:
            tree.tally.count(PUSH_LEFT)
            start -= count
            workbench.gather_node(tree, sibling, start, leaf)
            return slot - 1, start, workbench.off_null(tree, start, most - 2, total + 1, leaf), stop
    if slot < pivots[parent + META]:
        sibling = pool.children[slot + 1]
        total = stop - start + pivots[sibling + META] - sibling - 1
        if total < room:
            tree.tally.count(PUSH_RIGHT)
            stop = workbench.gather_node(tree, sibling, stop, leaf)
            cut = workbench.off_null(tree, start, total - (most - 2), total + 2, leaf)
            return slot + 1, start, cut, stop
    return -1, start, stop, stop


def grow_root(tree: Structure, count: int, height: int) -> None:
    """So many nodes, just built, become the children of a new root."""
    root = workbench.build_node(tree, ABOVE, ABOVE + count, False, 0, ABOVE)
    tree.set_root(root, height)


def rebalance(tree: Structure, node: int, stop: int) -> None:
    """What the workbench holds up to ``stop`` is too little for leaf ``node``: level it out with a sibling
    (mas_rebalance)."""
    pool = tree.pool
    slot = pool.parents[node >> 4]
    if slot < pool.end(slot & ~META):
        tree.tally.count(REBALANCE_RIGHT)
        sibling = pool.children[slot + 1]
        stop = workbench.gather_node(tree, sibling, stop, True)
        climb(tree, node, sibling, BENCH, stop)
    else:
        tree.tally.count(REBALANCE_LEFT)
        sibling = pool.children[slot - 1]
        start = BENCH - (pool.end(sibling) - sibling + 1)
        workbench.gather_node(tree, sibling, start, True)
        climb(tree, sibling, node, start, stop)


def span(tree: Structure, store: Store, entry: Any) -> None:
    """Carry out a spanning store (mas_wr_spanning_store)."""
    climb(tree, store.node, store.new_end, BENCH, workbench.gather_span(tree, store, entry))


def climb(tree: Structure, left: int, right: int, start: int, stop: int) -> None:
    """Rebuild from the leaves ``left`` to ``right`` up to the root (mas_spanning_rebalance).

    Cells ``start`` to ``stop - 1`` replace what the nodes from ``left`` to ``right`` hold; levels above
    follow.
    """
    pool = tree.pool
    replaced: list[int] = []
    height, leaf = 1, True
    while True:
        low, high = tree.low_of(left), tree.high_of(right)
        least = tree.leaf_min if leaf else tree.node_min
        if stop - start < least and not (low == 0 and high == MAX):
            left, right, start, stop = with_neighbour(tree, left, right, start, stop, leaf)
            low, high = tree.low_of(left), tree.high_of(right)
        second, third = workbench.cuts(tree, start, stop, leaf, False)
        count = workbench.build(tree, start, second, third, stop, leaf, low)
        add_level(tree, left, right, replaced)
        left_slot, right_slot = pool.parents[left >> 4], pool.parents[right >> 4]
        if count == 1 and low == 0 and high == MAX:
            tree.pause_point("subtree built")
            while left_slot >= 0:
                left, right = left_slot & ~META, right_slot & ~META
                add_level(tree, left, right, replaced)
                left_slot, right_slot = pool.parents[left >> 4], pool.parents[right >> 4]
            tree.set_root(pool.children[ABOVE], height)
            break
        height += 1
        if left_slot < 0:
            grow_root(tree, count, height)
            break
        left, right = left_slot & ~META, right_slot & ~META
        start, leaf = BENCH, False
        stop = workbench.gather_above(tree, left, left_slot, right, right_slot, count)
    tree.retire(replaced)


def with_neighbour(
    tree: Structure, left: int, right: int, start: int, stop: int, leaf: bool
) -> tuple[int, int, int, int]:
    """Bring in the nearest node of this level, the right one first (mast_spanning_rebalance): the new first
    and last node, and their cells on the workbench."""
    pool = tree.pool
    depth = 0
    near_left, near_right = left, right
    while True:
        left_slot, right_slot = pool.parents[near_left >> 4], pool.parents[near_right >> 4]
        if left_slot < 0:
            return left, right, start, stop
        near_left, near_right = left_slot & ~META, right_slot & ~META
        if right_slot < pool.end(near_right):
            node = pool.children[right_slot + 1]
            for _ in range(depth):
                node = pool.children[node]
            return left, node, start, workbench.gather_node(tree, node, stop, leaf)
        if left_slot > near_left:
            node = pool.children[left_slot - 1]
            for _ in range(depth):
                node = pool.children[pool.end(node)]
            start -= pool.end(node) - node + 1
            workbench.gather_node(tree, node, start, leaf)
            return node, right, start, stop
        depth += 1


def add_level(tree: Structure, left: int, right: int, found: list[int]) -> None:
    """Add the nodes of one level from ``left`` to ``right``."""
    pool = tree.pool
    found.append(left)
    while left != right:
        depth = 0
        slot = pool.parents[left >> 4]
        while slot == pool.end(slot & ~META):
            slot = pool.parents[slot >> 4]
            depth += 1
        left = pool.children[slot + 1]
        for _ in range(depth):
            left = pool.children[left]
        found.append(left)
