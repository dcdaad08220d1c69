"""Stores that change more than one leaf: split, rebalance and spanning store.

All three go the same way. The slots that a level must hold afterwards are gathered into one *content*
(however many there are), the content is cut into nodes, and those nodes are slots of the next level's
content. A split ends at the first level where the content fits; a rebalance or a spanning store goes on
to the root and brings in the slots of a neighbour wherever a level would fall below its minimum.

Nodes are never changed on the way: new ones are built, put into the tree by one assignment, and the old
ones are retired. Where a cut falls follows the kernel (mab_calc_split, mas_push_data,
mas_spanning_rebalance), so that our trees have the shape of its trees.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from impl.maple import write
from impl.maple.geometry import MAX, META
from impl.maple.pool import LIVE, NodePool

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree
    from impl.maple.write import Store


@dataclass(slots=True)
class Content:
    """What one level holds from ``low`` on: upper limits, slots and, above the leaves, their gaps."""

    low: int
    pivots: list[int]
    slots: list[Any]
    gaps: list[int] | None

    @property
    def leaf(self) -> bool:
        """Whether these are entries (None and objects) rather than children."""
        return self.gaps is None

    def part(self, start: int, stop: int) -> Content:
        """Slots ``start`` to ``stop - 1``."""
        low = self.pivots[start - 1] + 1 if start else self.low
        gaps = None if self.gaps is None else self.gaps[start:stop]
        return Content(low, self.pivots[start:stop], self.slots[start:stop], gaps)

    def __add__(self, after: Content) -> Content:
        gaps = None if self.gaps is None or after.gaps is None else self.gaps + after.gaps
        return Content(self.low, self.pivots + after.pivots, self.slots + after.slots, gaps)

    def replace(self, start: int, stop: int, children: list[Child]) -> None:
        """Let ``children`` take the place of slots ``start`` to ``stop - 1``; above the leaves only."""
        assert self.gaps is not None
        self.pivots[start:stop] = [child.limit for child in children]
        self.slots[start:stop] = [child.node for child in children]
        self.gaps[start:stop] = [child.gap for child in children]

    def largest_gap(self) -> int:
        """The largest run of NULL in these slots."""
        if self.gaps is not None:
            return max(self.gaps)
        if None not in self.slots:
            return 0
        gap, low = 0, self.low
        for pivot, entry in zip(self.pivots, self.slots, strict=True):
            if entry is None and pivot - low >= gap:
                gap = pivot - low + 1
            low = pivot + 1
        return gap


class Child(NamedTuple):
    """A node just built, as its parent's content will hold it."""

    node: int
    limit: int
    gap: int


def limits(pool: NodePool, node: int) -> tuple[int, int]:
    """The first and last index that ``node`` covers, found by going up."""
    pivots, parents = pool.pivots, pool.parents
    low = high = -1
    slot = parents[node >> 4]
    while slot >= 0 and (low < 0 or high < 0):
        above = slot & ~META
        if low < 0 and slot > above:
            low = pivots[slot - 1] + 1
        if high < 0 and slot < pivots[above + META]:
            high = pivots[slot]
        slot = parents[above >> 4]
    return max(low, 0), high if high >= 0 else MAX


def leaf_content(
    pool: NodePool, node: int, high: int, left: int, right: int, new_pivots: list[int], new_slots: list[Any]
) -> Content:
    """Leaf ``node`` with its slots [left, right] replaced by the new ones (its low limit is not needed)."""
    pivots, slots = pool.pivots, pool.slots
    end = pivots[node + META]
    upper = pivots[node:left] + new_pivots
    if right < end:
        upper += pivots[right + 1 : end]
        upper.append(high)
    return Content(0, upper, slots[node:left] + new_slots + slots[right + 1 : end + 1], None)


def node_content(pool: NodePool, node: int, leaf: bool) -> Content:
    """All that ``node`` holds."""
    low, high = limits(pool, node)
    end = pool.pivots[node + META]
    gaps = None if leaf else pool.gaps[node : end + 1]
    return Content(low, [*pool.pivots[node:end], high], pool.slots[node : end + 1], gaps)


def fill(pool: NodePool, node: int, content: Content) -> None:
    """Write ``content`` into the fresh ``node``; children learn their new place."""
    count = len(content.slots)
    pool.state[node >> 4] = LIVE
    pool.slots[node : node + count] = content.slots
    pool.pivots[node : node + count] = content.pivots
    pool.pivots[node + META] = node + count - 1
    if content.gaps is not None:
        pool.gaps[node : node + count] = content.gaps
        for slot, child in enumerate(content.slots, node):
            pool.parents[child >> 4] = slot


def _build(tree: MapleTree, content: Content, nodes: list[int]) -> Child:
    node = nodes.pop()
    fill(tree.pool, node, content)
    return Child(node, content.pivots[-1], content.largest_gap() if tree.track_gaps else 0)


def _children(low: int, children: list[Child]) -> Content:
    return Content(low, [c.limit for c in children], [c.node for c in children], [c.gap for c in children])


def _fanout(tree: MapleTree, leaf: bool) -> tuple[int, int]:
    """The most and the fewest slots of a node at this level."""
    shape = tree.geometry
    return (shape.leaf_slots, shape.leaf_min) if leaf else (shape.node_slots, shape.node_min)


def _off_null(content: Content, cut: int, end: int, most: int, least: int) -> int:
    """Move ``cut`` (the last slot of the left part) off a NULL: a leaf must not end with one, for the
    NULL behind it could not be merged with it (mab_no_null_split)."""
    if content.slots[cut] is not None:
        return cut
    return cut + 1 if cut < most - 1 and end - cut >= least else cut - 1


def _cuts(tree: MapleTree, content: Content, bulk: bool = False) -> list[int]:
    """The last slot of each part but the last (mab_calc_split, mab_middle_node)."""
    most, least = _fanout(tree, content.leaf)
    end = len(content.slots) - 1
    if bulk:
        cut = end - least + 1
        return [cut - 1 if content.slots[cut] is None else cut]
    half = end // 2
    if end >= 2 * most or (content.slots[half] is None and end >= 2 * most - 1):
        third = end // 3
        tree.events["split_three"] += 1
        return [_off_null(content, cut, end, most, least) for cut in (third, 2 * third)]
    tree.events["split_two"] += 1
    return [_off_null(content, half, end, most, least)]


def _parts(content: Content, cuts: list[int]) -> list[Content]:
    starts = [0, *(cut + 1 for cut in cuts)]
    stops = [*starts[1:], len(content.slots)]
    return [content.part(start, stop) for start, stop in zip(starts, stops, strict=True)]


def split(tree: MapleTree, node: int, content: Content, nodes: list[int], bulk: bool) -> None:
    """``content`` is too much for leaf ``node``: split it, and its parents as far as needed (mas_split).

    Before a node is split its left, then its right sibling is asked for room.
    """
    pool = tree.pool
    content.low = limits(pool, node)[0]
    replaced: list[int] = []
    while len(content.slots) > _fanout(tree, content.leaf)[0]:
        replaced.append(node)
        slot = pool.parents[node >> 4]
        first_slot = last_slot = slot
        pushed = None if slot < 0 else _push(tree, slot, content)
        if pushed is not None:
            parts, first_slot, last_slot = pushed
            replaced.append(pool.slots[first_slot if first_slot != slot else last_slot])
        else:
            parts = _parts(content, _cuts(tree, content, bulk))
        children = [_build(tree, part, nodes) for part in parts]
        if slot < 0:
            above = Content(0, [], [], [])
            above.replace(0, 0, children)
            tree.set_root(_build(tree, above, nodes).node, tree.height + 1)
            break
        node = slot & ~META
        content = node_content(pool, node, leaf=False)
        content.replace(first_slot - node, last_slot - node + 1, children)
    else:
        replaced.append(node)
        child = _build(tree, content, nodes)
        tree.pause_point("subtree built")
        tree.put(node, child.node)
        if tree.track_gaps:
            write.raise_gap(pool, child.node, child.gap)
    tree.retire(replaced)


def _push(tree: MapleTree, slot: int, content: Content) -> tuple[list[Content], int, int] | None:
    """Share with a sibling that has room (mas_push_data): the two parts and the slots they replace."""
    pool = tree.pool
    most, least = _fanout(tree, content.leaf)
    parent = slot & ~META
    room = 2 * most - 2 - content.leaf - (content.pivots[-1] == MAX)
    for step in (-1, 1):
        beside = slot + step
        if not parent <= beside <= pool.end(parent):
            continue
        sibling_node = pool.slots[beside]
        total = len(content.slots) + pool.end(sibling_node) - sibling_node - 1
        if total >= room:
            continue
        sibling = node_content(pool, sibling_node, content.leaf)
        if step < 0:
            tree.events["push_left"] += 1
            both = sibling + content
            cut = _off_null(both, most - 2, total + 1, most, least)
        else:
            tree.events["push_right"] += 1
            both = content + sibling
            cut = _off_null(both, total - (most - 2), total + 2, most, least)
        return _parts(both, [cut]), min(slot, beside), max(slot, beside)
    return None


def rebalance(tree: MapleTree, node: int, low: int, high: int, content: Content, nodes: list[int]) -> None:
    """``content`` is too little for leaf ``node``: level it out with a sibling (mas_rebalance)."""
    pool = tree.pool
    content.low = low
    slot = pool.parents[node >> 4]
    if slot < pool.end(slot & ~META):
        tree.events["rebalance_right"] += 1
        sibling = pool.slots[slot + 1]
        _climb(tree, node, sibling, content + node_content(pool, sibling, leaf=True), nodes)
    else:
        tree.events["rebalance_left"] += 1
        sibling = pool.slots[slot - 1]
        _climb(tree, sibling, node, node_content(pool, sibling, leaf=True) + content, nodes)


def classify_span(
    tree: MapleTree, node: int, low: int, high: int, first: int, last: int, entry: Any
) -> Store:
    """A store that leaves leaf ``node``, or would end it with a NULL: the far side and a NULL's widening.

    The right side is looked for below the lowest ancestor that holds the whole range.
    """
    pool = tree.pool
    pivots, slots = pool.pivots, pool.slots
    ancestor, ancestor_high, depth = node, high, 1
    while last > ancestor_high or (entry is None and last == ancestor_high != MAX):
        ancestor = pool.parents[ancestor >> 4] & ~META
        ancestor_high = limits(pool, ancestor)[1]
        depth += 1
    after = min(last + 1, MAX)
    far = ancestor
    for _ in range(depth - 1):
        far = slots[bisect_left(pivots, after, far, pivots[far + META])]
    end = pivots[far + META]
    right = bisect_left(pivots, after, far, end)
    far_high = limits(pool, far)[1]
    right_max = pivots[right] if right < end else far_high

    left = bisect_left(pivots, first, node, pivots[node + META])
    left_min = pivots[left - 1] + 1 if left > node else low
    if entry is None:
        if slots[left] is None:
            first = left_min
        elif first == left_min and left > node and slots[left - 1] is None:
            left -= 1
            first = left_min = pivots[left - 1] + 1 if left > node else low
        if slots[right] is None:
            last = max(last, right_max)
            right += 1
    kind = "new_root" if first == 0 and last == MAX else "spanning_store"
    return write.Store(
        kind, first, last, node, low, high, left, right, left_min < first, last < far_high, far
    )


def span(tree: MapleTree, store: Store, entry: Any, nodes: list[int]) -> None:
    """Carry out a spanning store (mas_wr_spanning_store)."""
    pool = tree.pool
    pivots, slots = pool.pivots, pool.slots
    content = Content(store.low, pivots[store.node : store.left], slots[store.node : store.left], None)
    if store.keep_left:
        content.pivots.append(store.first - 1)
        content.slots.append(slots[store.left])
    content.pivots.append(store.last)
    content.slots.append(entry)
    far = store.new_end
    if store.keep_right:
        rest = node_content(pool, far, leaf=True)
        content = content + rest.part(store.right - far, len(rest.slots))
    _climb(tree, store.node, far, content, nodes)


def _climb(tree: MapleTree, left: int, right: int, content: Content, nodes: list[int]) -> None:
    """Rebuild from the leaves ``left`` to ``right`` up to the root (mas_spanning_rebalance).

    ``content`` replaces what the nodes from ``left`` to ``right`` hold; levels above follow.
    """
    pool = tree.pool
    replaced: list[int] = []
    height = 1
    while True:
        low, high = limits(pool, left)[0], limits(pool, right)[1]
        most, least = _fanout(tree, content.leaf)
        if len(content.slots) < least and not (low == 0 and high == MAX):
            left, right, content = _with_neighbour(pool, left, right, content)
            low, high = limits(pool, left)[0], limits(pool, right)[1]
        cuts = [] if len(content.slots) <= most else _cuts(tree, content)
        children = [_build(tree, part, nodes) for part in _parts(content, cuts)]
        replaced += _level(pool, left, right)
        if len(children) == 1 and low == 0 and high == MAX:
            tree.pause_point("subtree built")
            while pool.parents[left >> 4] >= 0:
                left, right = pool.parents[left >> 4] & ~META, pool.parents[right >> 4] & ~META
                replaced += _level(pool, left, right)
            tree.set_root(children[0].node, height)
            break
        above = _children(low, children)
        height += 1
        left_slot, right_slot = pool.parents[left >> 4], pool.parents[right >> 4]
        if left_slot < 0:
            tree.set_root(_build(tree, above, nodes).node, height)
            break
        left, right = left_slot & ~META, right_slot & ~META
        before, after = node_content(pool, left, leaf=False), node_content(pool, right, leaf=False)
        content = (
            before.part(0, left_slot - left) + above + after.part(right_slot - right + 1, len(after.slots))
        )
        content.low = before.low
    tree.retire(replaced)


def _with_neighbour(pool: NodePool, left: int, right: int, content: Content) -> tuple[int, int, Content]:
    """Bring in the nearest node of this level, the right one first (mast_spanning_rebalance)."""
    depth = 0
    near_left, near_right = left, right
    leaf = content.leaf
    while True:
        slot_left, slot_right = pool.parents[near_left >> 4], pool.parents[near_right >> 4]
        if slot_left < 0:
            return left, right, content
        near_left, near_right = slot_left & ~META, slot_right & ~META
        if slot_right < pool.end(near_right):
            node = pool.slots[slot_right + 1]
            for _ in range(depth):
                node = pool.slots[node]
            return left, node, content + node_content(pool, node, leaf)
        if slot_left > near_left:
            node = pool.slots[slot_left - 1]
            for _ in range(depth):
                node = pool.slots[pool.end(node)]
            return node, right, node_content(pool, node, leaf) + content
        depth += 1


def _level(pool: NodePool, left: int, right: int) -> list[int]:
    """The nodes of one level from ``left`` to ``right``."""
    found = [left]
    while left != right:
        depth = 0
        slot = pool.parents[left >> 4]
        while slot == pool.end(slot & ~META):
            slot = pool.parents[(slot & ~META) >> 4]
            depth += 1
        left = pool.slots[slot + 1]
        for _ in range(depth):
            left = pool.slots[left]
        found.append(left)
    return found
