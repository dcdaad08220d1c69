"""The workbench: what a level is to hold is gathered on it, however much it is, and cut into nodes there.

It lies before a pool's first node (``geometry.BENCH``): the same rows, with the limit of each slot in
``pivots``, and entries or children and gaps as in a node. Of nodes that are made their positions, limits and
gaps lie from ``ABOVE`` on: they are slots of the level above.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple import gaps, rows
from mapleproof.impl.maple.geometry import ABOVE, BENCH, META, STRIDE, UNBORN
from mapleproof.impl.maple.kinds import LIVE, SPLIT_THREE, SPLIT_TWO
from mapleproof.impl.maple.place import Store
from mapleproof.impl.maple.structure import Structure

# Gathering: functions that give back the cell behind the last one that is filled


def gather_leaf(tree: Structure, store: Store, entry: Any) -> int:
    """The leaf of a store, with the slots from ``left`` to ``right`` replaced by the new ones."""
    pool = tree.pool
    pivots, slots = pool.pivots, pool.slots
    node, left, right = store.node, store.left, store.right
    end = pivots[node + META]
    before, rest = left - node, end - right
    rows.move(pivots, BENCH, node, before)
    lift(tree, BENCH, node, before)
    at = put_range(tree, store, entry, BENCH + before)
    if store.keep_right:
        pivots[at] = pivots[right] if right < end else store.high
        slots[at] = slots[right]
        at += 1
    rows.move(pivots, at, right + 1, rest)
    lift(tree, at, right + 1, rest)
    if rest:
        pivots[at + rest - 1] = store.high
    return at + rest


def gather_span(tree: Structure, store: Store, entry: Any) -> int:
    """A spanning store's first leaf up to ``left``, the new slots, its last leaf from ``right`` on."""
    pool = tree.pool
    pivots = pool.pivots
    node, left, right, far = store.node, store.left, store.right, store.new_end
    before, rest = left - node, pivots[far + META] - right + 1
    rows.move(pivots, BENCH, node, before)
    lift(tree, BENCH, node, before)
    at = put_range(tree, store, entry, BENCH + before)
    if store.keep_right:
        rows.move(pivots, at, right, rest)
        lift(tree, at, right, rest)
        at += rest
        pivots[at - 1] = tree.high_of(far)
    return at


def put_range(tree: Structure, store: Store, entry: Any, at: int) -> int:
    """What is left before the range of a store, and the range."""
    pivots, slots = tree.pool.pivots, tree.pool.slots
    if store.keep_left:
        pivots[at] = store.first - 1
        slots[at] = slots[store.left]
        at += 1
    pivots[at] = store.last
    slots[at] = entry
    return at + 1


def lift(tree: Structure, to: int, at: int, count: int) -> None:
    """Bring entries of a leaf that is to be freed to the workbench; readers may be in it in RCU mode."""
    if tree.rcu:
        rows.shift(tree.pool.slots, to, at, count)
    else:
        rows.carry(tree.pool.slots, to, at, count)


def gather_node(tree: Structure, node: int, at: int, leaf: bool) -> int:
    """All that ``node`` holds, from cell ``at`` on."""
    pool = tree.pool
    count = pool.pivots[node + META] - node + 1
    rows.move(pool.pivots, at, node, count)
    if count == STRIDE:
        pool.pivots[at + META] = tree.high_of(node)
    if leaf:
        lift(tree, at, node, count)
    else:
        rows.move(pool.children, at, node, count)
        rows.move(pool.gaps, at, node, count)
    return at + count


def gather_above(
    tree: Structure, left: int, left_slot: int, right: int, right_slot: int, children: int
) -> int:
    """What ``left`` holds before a slot, so many new children, what ``right`` holds behind a slot."""
    pool = tree.pool
    before, rest = left_slot - left, pool.pivots[right + META] - right_slot
    high = tree.high_of(right)
    at = BENCH + before
    move_inner(tree, BENCH, left, before)
    move_inner(tree, at, ABOVE, children)
    at += children
    move_inner(tree, at, right_slot + 1, rest)
    if rest:
        pool.pivots[at + rest - 1] = high
    return at + rest


def move_inner(tree: Structure, to: int, at: int, count: int) -> None:
    """Move slots of nodes above the leaves."""
    pool = tree.pool
    rows.move(pool.pivots, to, at, count)
    rows.move(pool.children, to, at, count)
    rows.move(pool.gaps, to, at, count)


# Cutting


def cuts(tree: Structure, start: int, stop: int, leaf: bool, bulk: bool) -> tuple[int, int]:
    """Where cells ``start`` to ``stop - 1`` are cut: the first cell of the second and of the third node,
    ``stop`` where there is none (mab_calc_split, mab_middle_node)."""
    most, least = (tree.leaf_slots, tree.leaf_min) if leaf else (tree.node_slots, tree.node_min)
    end = stop - start - 1
    if end < most:
        return stop, stop
    if bulk:
        cut = end - least + 1
        return start + (cut if leaf and tree.pool.slots[start + cut] is None else cut + 1), stop
    half = end // 2
    if end >= 2 * most or (end >= 2 * most - 1 and leaf and tree.pool.slots[start + half] is None):
        third = end // 3
        tree.tally.count(SPLIT_THREE)
        return off_null(tree, start, third, end, leaf), off_null(tree, start, 2 * third, end, leaf)
    tree.tally.count(SPLIT_TWO)
    return off_null(tree, start, half, end, leaf), stop


def off_null(tree: Structure, start: int, cut: int, end: int, leaf: bool) -> int:
    """The cell behind ``cut``, the last slot of a left part that begins at ``start``, moved off a NULL: a
    leaf must not end with one, for the NULL behind it could not be merged with it (mab_no_null_split)."""
    if leaf and tree.pool.slots[start + cut] is None:
        if cut < tree.leaf_slots - 1 and end - cut >= tree.leaf_min:
            cut += 1
        else:
            cut -= 1
    return start + cut + 1


def build(tree: Structure, start: int, second: int, third: int, stop: int, leaf: bool, low: int) -> int:
    """Make nodes of cells ``start`` to ``stop - 1``, which begin at index ``low``, cut as ``cuts`` says: how
    many nodes."""
    pivots = tree.pool.pivots
    build_node(tree, start, second, leaf, low, ABOVE)
    if second == stop:
        return 1
    build_node(tree, second, third, leaf, pivots[second - 1] + 1, ABOVE + 1)
    if third == stop:
        return 2
    build_node(tree, third, stop, leaf, pivots[third - 1] + 1, ABOVE + 2)
    return 3


def build_node(tree: Structure, start: int, stop: int, leaf: bool, low: int, above: int) -> int:
    """A fresh node of cells ``start`` to ``stop - 1``, told in cell ``above``."""
    pool = tree.pool
    node = tree.take()
    gap = fill(tree, node, start, stop, leaf, low)
    pool.children[above] = node
    pool.pivots[above] = pool.pivots[stop - 1]
    pool.gaps[above] = gap
    return node


def fill(tree: Structure, node: int, start: int, stop: int, leaf: bool, low: int) -> int:
    """Let ``node`` hold cells ``start`` to ``stop - 1``, which begin at index ``low``; children learn their
    new place, at once unless a reader may be in them. The largest gap in it, 0 where gaps are not tracked."""
    pool = tree.pool
    pivots, parents = pool.pivots, pool.parents
    count = stop - start
    pool.states[node >> 4] = LIVE
    parents[node >> 4] = UNBORN
    rows.move(pivots, node, start, count)
    pivots[node + META] = node + count - 1
    if leaf:
        rows.carry(pool.slots, node, start, count)
        return gaps.leaf_gap(pool, node, low, pivots[stop - 1]) if tree.track_gaps else 0
    children = pool.children
    rows.move(children, node, start, count)
    rows.move(pool.gaps, node, start, count)
    late = tree.yield_point is not None
    for at in range(node, node + count):
        if not late or parents[children[at] >> 4] == UNBORN:
            parents[children[at] >> 4] = at
    if late:
        tree.unadopted.append(node)
    return rows.largest(pool.gaps, node, node + count) if tree.track_gaps else 0
