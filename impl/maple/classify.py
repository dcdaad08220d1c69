"""Which kind of store a store is, and how many nodes that takes.

Kinds, as the kernel tells them apart (enum store_type):

    exact_fit       the range of one slot: only the slot changes
    append          the last slot of the last leaf is cut (outside RCU mode)
    slot_store      the slots stay as many, borders move
    node_store      the leaf changes size and stays within its limits
    split           the leaf overflows
    rebalance       the leaf falls below its minimum
    spanning_store  the range leaves the leaf, or a NULL would end it
    new_root        the range is everything there is
    store_root      the tree has no node yet

A NULL takes in the NULLs next to it, so that two of them never touch. Nothing is changed here but what is
known of the store.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import MAX, META
from mapleproof.impl.maple.kinds import (
    APPEND,
    EXACT_FIT,
    NEW_ROOT,
    NODE_STORE,
    REBALANCE,
    SLOT_STORE,
    SPANNING_STORE,
    SPLIT,
    STORE_ROOT,
)
from mapleproof.impl.maple.place import Place, Store
from mapleproof.impl.maple.structure import Structure


def locate(tree: Structure, root: int, index: int, place: Place) -> None:
    """Find the leaf below ``root`` that holds ``index``, and its limits (mas_wr_walk)."""
    pivots, children = tree.pool.pivots, tree.pool.children
    node, low, high = root, 0, MAX
    height = -tree.pool.parents[root >> 4]
    tree.walked += height
    for _ in range(height - 1):
        end = pivots[node + META]
        at = rows.find(pivots, index, node, end)
        if at < end:
            high = pivots[at]
        if at > node:
            low = pivots[at - 1] + 1
        node = children[at]
    place.node, place.low, place.high = node, low, high


def classify(tree: Structure, store: Store, first: int, last: int, entry: Any, bulk: bool) -> None:
    """What storing ``entry`` over [first, last] is, where ``store`` names the leaf that holds ``first``.
    ``bulk``: the tree is being loaded in order, see ``bulk.py``."""
    node, low, high = store.node, store.low, store.high
    null = entry is None
    if last > high or (null and last == high and high != MAX):
        store.kind, store.first, store.last = NEW_ROOT, first, last
        if first != 0 or last != MAX:
            classify_span(tree, store, first, last, null)
        return
    pivots, slots = tree.pool.pivots, tree.pool.slots
    end = pivots[node + META]
    left = right = rows.find(pivots, first, node, end)
    left_min = pivots[left - 1] + 1 if left > node else low
    right_max = pivots[left] if left < end else high
    if last > right_max:
        right = rows.find(pivots, last, left + 1, end)
        right_max = pivots[right] if right < end else high
    if null:
        if slots[right] is None:
            last = right_max
        elif last == right_max and right < end and slots[right + 1] is None:
            right += 1
            last = right_max = pivots[right] if right < end else high
        if slots[left] is None:
            first = left_min
        elif first == left_min and left > node and slots[left - 1] is None:
            left -= 1
            first = left_min = pivots[left - 1] + 1 if left > node else low
    keep_left = left_min < first
    keep_right = last < right_max
    new_end = end + keep_left + keep_right - (right - left)
    if left == right and not keep_left and not keep_right:
        kind = EXACT_FIT
    elif first == 0 and last == MAX:
        kind = NEW_ROOT
    elif new_end - node + 1 < tree.leaf_min:
        kind = NODE_STORE if tree.height == 1 or (bulk and high == MAX) else REBALANCE
    elif new_end - node >= tree.leaf_slots:
        kind = SPLIT
    elif left == end and not tree.rcu:
        kind = APPEND
    elif new_end == end and (not tree.rcu or right - left == 1):
        kind = SLOT_STORE
    else:
        kind = NODE_STORE
    store.kind, store.first, store.last = kind, first, last
    store.left, store.right, store.new_end = left, right, new_end
    store.keep_left, store.keep_right = keep_left, keep_right


def classify_span(tree: Structure, store: Store, first: int, last: int, null: bool) -> None:
    """A store that leaves its leaf, or would end it with a NULL: the far side and a NULL's widening.

    The right side is looked for below the lowest ancestor that holds the whole range.
    """
    pool = tree.pool
    pivots, slots = pool.pivots, pool.slots
    node, low = store.node, store.low
    ancestor, ancestor_high, depth = node, store.high, 1
    while last > ancestor_high or (null and last == ancestor_high and ancestor_high != MAX):
        ancestor = pool.parents[ancestor >> 4] & ~META
        ancestor_high = tree.high_of(ancestor)
        depth += 1
    after = last + 1 if last < MAX else MAX
    far = ancestor
    for _ in range(depth - 1):
        far = pool.children[rows.find(pivots, after, far, pivots[far + META])]
    end = pivots[far + META]
    right = rows.find(pivots, after, far, end)
    far_high = tree.high_of(far)
    right_max = pivots[right] if right < end else far_high

    left = rows.find(pivots, first, node, pivots[node + META])
    left_min = pivots[left - 1] + 1 if left > node else low
    if null:
        if slots[left] is None:
            first = left_min
        elif first == left_min and left > node and slots[left - 1] is None:
            left -= 1
            first = left_min = pivots[left - 1] + 1 if left > node else low
        if slots[right] is None:
            last = max(last, right_max)
            right += 1
    store.kind = NEW_ROOT if first == 0 and last == MAX else SPANNING_STORE
    store.first, store.last = first, last
    store.left, store.right, store.new_end = left, right, far
    store.keep_left, store.keep_right = left_min < first, last < far_high


def classify_root(store: Store, first: int, last: int) -> None:
    """A store in a tree that has no node yet."""
    store.kind, store.first, store.last = STORE_ROOT, first, last
    store.node = -1


def nodes_needed(tree: Structure, store: Store, entry: Any) -> int:
    """The most nodes ``store`` takes (mas_prealloc_calc): what is reserved before it begins."""
    kind = store.kind
    if kind in (EXACT_FIT, SLOT_STORE, APPEND):
        return 0
    if kind == NODE_STORE:
        return 1 if tree.rcu else 0
    if kind == NEW_ROOT:
        return 0 if entry is None else 1
    if kind == STORE_ROOT:
        return 0 if entry is None or store.last == 0 else 1
    if kind == SPLIT:
        return 2 * tree.height + 1
    if kind == REBALANCE:
        return 2 * tree.height - 1
    return 3 * tree.height + 1
