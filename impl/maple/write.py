"""One store, carried out: its effect on the root or a leaf; what concerns more nodes is in ``rebuild.py``.

A store is classified first (which fixes how many nodes it may need, see ``classify.py``), then the nodes are
requested, and only then is anything changed: so a refused request leaves the tree as it was.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple import gaps, rebuild, rows, workbench
from mapleproof.impl.maple.geometry import ABOVE, BENCH, MAX, META
from mapleproof.impl.maple.kinds import (
    EXACT_FIT,
    NEW_ROOT,
    NODE_STORE,
    REBALANCE,
    SPANNING_STORE,
    SPLIT,
    STORE_ROOT,
)
from mapleproof.impl.maple.place import Store
from mapleproof.impl.maple.structure import Structure


def commit(tree: Structure, store: Store, entry: Any, bulk: bool) -> None:
    """Carry ``store`` out, with nodes that were granted; cannot fail."""
    kind = store.kind
    tree.tally.count(kind)
    if kind == EXACT_FIT:
        replace_entry(tree, store, entry)
    elif kind == STORE_ROOT:
        store_at_root(tree, store.first, store.last, entry)
    elif kind == NEW_ROOT:
        replace_root_by_range(tree, entry)
    elif kind == SPANNING_STORE:
        rebuild.span(tree, store, entry)
    elif kind == SPLIT:
        rebuild.split(tree, store.node, store.low, workbench.gather_leaf(tree, store, entry), bulk)
    elif kind == REBALANCE:
        rebuild.rebalance(tree, store.node, workbench.gather_leaf(tree, store, entry))
    else:
        change_leaf(tree, store, entry)


def replace_entry(tree: Structure, store: Store, entry: Any) -> None:
    """One slot gets another entry."""
    slots = tree.pool.slots
    was_null = slots[store.left] is None
    slots[store.left] = entry
    if was_null != (entry is None):
        gaps.update_gap(tree, store.node, store.low, store.high)


def change_leaf(tree: Structure, store: Store, entry: Any) -> None:
    """A store within one leaf: in place, or in a copy where readers may look and more changes than a
    border."""
    slots = tree.pool.slots
    node = store.node
    had_null = entry is None or rows.has_null(slots, store.left, store.right + 1)
    if not tree.rcu:
        splice(tree, store, entry)
    elif store.kind == NODE_STORE:
        stop = workbench.gather_leaf(tree, store, entry)
        node = workbench.build_node(tree, BENCH, stop, True, store.low, ABOVE)
        tree.pause_point("node built")
        tree.put(store.node, node)
        tree.retire([store.node])
    else:
        move_border(tree, store, entry)
    if had_null:
        gaps.update_gap(tree, node, store.low, store.high)


def splice(tree: Structure, store: Store, entry: Any) -> None:
    """Put the new slots in place of [left, right], in place. What lay beyond the new end stays, stale."""
    pivots, slots = tree.pool.pivots, tree.pool.slots
    node, left, right, new_end = store.node, store.left, store.right, store.new_end
    end = pivots[node + META]
    after = left + store.keep_left + 1
    kept, kept_limit = slots[right], pivots[right] if right < end else store.high
    rest = after + store.keep_right
    if right < end and rest != right + 1:
        rows.shift(slots, rest, right + 1, end - right)
        rows.move(pivots, rest, right + 1, end - right)
    workbench.put_range(tree, store, entry, left)
    if store.keep_right:
        slots[after] = kept
        pivots[after] = kept_limit
    if new_end < node + META:
        pivots[new_end] = store.high
    pivots[node + META] = new_end


def move_border(tree: Structure, store: Store, entry: Any) -> None:
    """A slot store while readers may look: a border moves and one slot is replaced."""
    pool = tree.pool
    if store.keep_left:
        pool.slots[store.right] = entry
        pool.pivots[store.left] = store.first - 1
    else:
        pool.slots[store.left] = entry
        pool.pivots[store.left] = store.last


def store_at_root(tree: Structure, first: int, last: int, entry: Any) -> None:
    """A store while there is no node (mas_store_root, mas_root_expand)."""
    if entry is None:
        if first == 0:
            tree.bare = None
        return
    if last == 0:
        tree.bare = entry
        return
    pivots, slots = tree.pool.pivots, tree.pool.slots
    at = BENCH
    if first > 0:
        if tree.bare is not None and first > 1:
            pivots[at] = 0
            slots[at] = tree.bare
            at += 1
        pivots[at] = first - 1
        slots[at] = tree.bare if first == 1 else None
        at += 1
    pivots[at] = last
    slots[at] = entry
    at += 1
    if last < MAX:
        pivots[at] = MAX
        slots[at] = None
        at += 1
    node = workbench.build_node(tree, BENCH, at, True, 0, ABOVE)
    tree.pause_point("node built")
    tree.set_root(node, 1)


def replace_root_by_range(tree: Structure, entry: Any) -> None:
    """One entry over everything, or nothing at all (mas_new_root)."""
    old = tree.nodes()
    if entry is None:
        tree.root, tree.bare, tree.height = -1, None, 0
    else:
        tree.pool.pivots[BENCH] = MAX
        tree.pool.slots[BENCH] = entry
        tree.set_root(workbench.build_node(tree, BENCH, BENCH + 1, True, 0, ABOVE), 1)
    tree.retire(old)
