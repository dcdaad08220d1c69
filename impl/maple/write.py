"""One store, from its kind to its effect on a leaf.

A store is *classified* first (which fixes how many nodes it may need), then the nodes are requested, and
only then is anything changed: so a refused request leaves the tree as it was. Kinds, as the kernel tells
them apart (enum store_type):

    exact_fit       the range of one slot: only the slot changes
    append          the last slot of the last leaf is cut (outside RCU mode)
    slot_store      the slots stay as many, borders move
    node_store      the leaf changes size and stays within its limits
    split           the leaf overflows                       -> rebuild.py
    rebalance       the leaf falls below its minimum         -> rebuild.py
    spanning_store  the range leaves the leaf, or a NULL would end it -> rebuild.py
    new_root        the range is everything there is
    store_root      the tree has no node yet

A NULL takes in the NULLs next to it, so that two of them never touch.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from impl.maple import rebuild
from impl.maple.geometry import MAX, META
from impl.maple.pool import NodePool

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree


class Store(NamedTuple):
    """A classified store.

    ``first``, ``last``: the range, a NULL's widened. ``node``, ``low``, ``high``: the leaf and its limits.
    ``left``, ``right``: the positions of the slots that hold first and last. ``keep_left``,
    ``keep_right``: whether a part of those slots' old ranges remains. ``new_end``: the position of the
    leaf's last slot afterwards (may lie beyond the node); of a spanning store, the leaf on the far side.
    """

    kind: str
    first: int
    last: int
    node: int
    low: int
    high: int
    left: int
    right: int
    keep_left: bool
    keep_right: bool
    new_end: int


def locate(pool: NodePool, node: int, height: int, index: int) -> tuple[int, int, int]:
    """The leaf that holds ``index`` in the tree below ``node``, and its limits (mas_wr_walk)."""
    pivots, slots = pool.pivots, pool.slots
    low, high = 0, MAX
    for _ in range(height - 1):
        end = pivots[node + META]
        at = bisect_left(pivots, index, node, end)
        if at < end:
            high = pivots[at]
        if at > node:
            low = pivots[at - 1] + 1
        node = slots[at]
    return node, low, high


def classify(
    tree: MapleTree, node: int, low: int, high: int, first: int, last: int, entry: Any, bulk: bool
) -> Store:
    """Which kind of store writing ``entry`` over [first, last] is, where ``first`` lies in leaf ``node``."""
    if last > high or (entry is None and last == high and high != MAX):
        if first == 0 and last == MAX:
            return Store("new_root", first, last, node, low, high, node, node, False, False, node)
        return rebuild.classify_span(tree, node, low, high, first, last, entry)
    pivots, slots = tree.pool.pivots, tree.pool.slots
    end = pivots[node + META]
    left = right = bisect_left(pivots, first, node, end)
    left_min = pivots[left - 1] + 1 if left > node else low
    right_max = pivots[left] if left < end else high
    if last > right_max:
        right = bisect_left(pivots, last, left + 1, end)
        right_max = pivots[right] if right < end else high
    if entry is None:
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
        kind = "exact_fit"
    elif first == 0 and last == MAX:
        kind = "new_root"
    elif new_end - node + 1 < tree.geometry.leaf_min:
        kind = "node_store" if tree.height == 1 or (bulk and high == MAX) else "rebalance"
    elif new_end - node >= tree.geometry.leaf_slots:
        kind = "split"
    elif left == end and not tree.rcu:
        kind = "append"
    elif new_end == end and (not tree.rcu or right - left == 1):
        kind = "slot_store"
    else:
        kind = "node_store"
    return Store(kind, first, last, node, low, high, left, right, keep_left, keep_right, new_end)


def classify_root(first: int, last: int) -> Store:
    """A store in a tree that has no node yet."""
    return Store("store_root", first, last, -1, 0, MAX, -1, -1, False, False, -1)


def nodes_needed(tree: MapleTree, store: Store, entry: Any) -> int:
    """The most nodes ``store`` takes (mas_prealloc_calc): what is reserved before it begins."""
    kind = store.kind
    if kind in ("exact_fit", "slot_store", "append"):
        return 0
    if kind == "node_store":
        return 1 if tree.rcu else 0
    if kind == "new_root":
        return 0 if entry is None else 1
    if kind == "store_root":
        return 0 if entry is None or store.last == 0 else 1
    if kind == "split":
        return 2 * tree.height + 1
    if kind == "rebalance":
        return 2 * tree.height - 1
    return 3 * tree.height + 1


def commit(tree: MapleTree, store: Store, entry: Any, nodes: list[int], bulk: bool = False) -> None:
    """Carry ``store`` out. Takes what it uses from ``nodes``; cannot fail."""
    kind, first, last, node, low, high, left, right, keep_left, keep_right, new_end = store
    tree.events[kind] += 1
    if kind == "exact_fit":
        slots = tree.pool.slots
        old = slots[left]
        slots[left] = entry
        if (old is None) != (entry is None):
            update_gap(tree, node, low, high)
        return
    if kind == "store_root":
        tree.store_at_root(first, last, entry, nodes)
        return
    if kind == "new_root":
        tree.replace_root_by_range(entry, nodes)
        return
    if kind == "spanning_store":
        rebuild.span(tree, store, entry, nodes)
        return

    pool = tree.pool
    pivots, slots = pool.pivots, pool.slots
    had_null = slots[left] is None if left == right else None in slots[left : right + 1]
    if keep_left:
        new_slots, new_pivots = [slots[left], entry], [first - 1, last]
    else:
        new_slots, new_pivots = [entry], [last]
    if keep_right:
        end = pivots[node + META]
        new_slots.append(slots[right])
        new_pivots.append(pivots[right] if right < end else high)

    if kind in ("split", "rebalance"):
        content = rebuild.leaf_content(pool, node, high, left, right, new_pivots, new_slots)
        if kind == "split":
            rebuild.split(tree, node, content, nodes, bulk)
        else:
            rebuild.rebalance(tree, node, low, high, content, nodes)
        return

    if tree.rcu and kind == "node_store":
        fresh = nodes.pop()
        _copy_leaf(pool, fresh, node, high, left, right, new_pivots, new_slots)
        tree.pause_point("node built")
        tree.replace_node(node, fresh)
        node = fresh
    elif tree.rcu:
        _move_border(pool, left, right, keep_left, first, last, entry)
    else:
        _splice(pool, node, high, left, right, new_pivots, new_slots, new_end)
    if had_null or entry is None:
        update_gap(tree, node, low, high)


def _splice(
    pool: NodePool,
    node: int,
    high: int,
    left: int,
    right: int,
    new_pivots: list[int],
    new_slots: list[Any],
    new_end: int,
) -> None:
    """Put the new slots in place of [left, right], in place. What lay beyond the new end stays, stale."""
    pivots, slots = pool.pivots, pool.slots
    end = pivots[node + META]
    after = left + len(new_slots)
    if right < end and after != right + 1:
        slots[after : new_end + 1] = slots[right + 1 : end + 1]
        pivots[after : new_end + 1] = pivots[right + 1 : end + 1]
    slots[left:after] = new_slots
    pivots[left:after] = new_pivots
    if new_end < node + META:
        pivots[new_end] = high
    pivots[node + META] = new_end


def _copy_leaf(
    pool: NodePool,
    fresh: int,
    node: int,
    high: int,
    left: int,
    right: int,
    new_pivots: list[int],
    new_slots: list[Any],
) -> None:
    """Build the changed leaf in ``fresh``, for readers must not see ``node`` change."""
    content = rebuild.leaf_content(pool, node, high, left, right, new_pivots, new_slots)
    rebuild.fill(pool, fresh, content)


def _move_border(
    pool: NodePool, left: int, right: int, keep_left: bool, first: int, last: int, entry: Any
) -> None:
    """A slot store while readers may look: a border moves and one slot is replaced."""
    if keep_left:
        pool.slots[right] = entry
        pool.pivots[left] = first - 1
    else:
        pool.slots[left] = entry
        pool.pivots[left] = last


def leaf_gap(pool: NodePool, node: int, low: int, high: int) -> int:
    """The largest run of NULL in a leaf with limits [low, high] (mas_leaf_max_gap)."""
    pivots, slots = pool.pivots, pool.slots
    end = pivots[node + META]
    gap = 0
    if slots[node] is None:
        gap = (pivots[node] if end > node else high) - low + 1
    if end > node and slots[end] is None:
        gap = max(gap, high - pivots[end - 1])
    at = node
    try:
        while True:
            at = slots.index(None, at + 1, end)
            size = pivots[at] - pivots[at - 1]
            if size > gap:
                gap = size
    except ValueError:
        return gap


def update_gap(tree: MapleTree, node: int, low: int, high: int) -> None:
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
        gap = max(gaps[node : pivots[node + META] + 1])
        slot = parents[node >> 4]
