"""The place of a cursor in a tree, and the steps from slot to slot.

What a cursor is, is told in ``cursor.py``.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from impl.maple import write
from impl.maple.geometry import MAX, META
from impl.maple.pool import LIVE
from impl.maple.tree import MapleTree


class PlacedCursor:
    """A cursor that can be placed, and takes steps."""

    __slots__ = (
        "bulk",
        "end",
        "error",
        "high",
        "index",
        "last",
        "low",
        "node",
        "prepared",
        "reserve",
        "slot",
        "status",
        "tree",
    )

    def __init__(self, tree: MapleTree, index: int = 0, last: int | None = None) -> None:
        self.tree = tree
        self.index = index
        self.last = index if last is None else last
        self.status = "start"
        self.error = 0
        self.node = self.slot = self.end = -1
        self.low, self.high = 0, MAX
        self.reserve: list[int] = []
        self.prepared = False
        self.bulk = False

    # Where it stands

    def set(self, index: int) -> None:
        """Move to ``index``, to be walked anew (mas_set)."""
        self.set_range(index, index)

    def set_range(self, first: int, last: int) -> None:
        """Take [first, last] as the range, to be walked anew (mas_set_range)."""
        self.index = first
        self.last = last
        self.reset()

    def reset(self) -> None:
        """Forget the place, keep the range (mas_reset)."""
        self.status = "start"
        self.node = -1

    def pause(self) -> None:
        """The tree may change now; the next step goes on behind the range (mas_pause)."""
        self.status = "pause"
        self.node = -1

    def walk(self) -> Any:
        """Find the slot that holds ``index``: its entry; ``index`` and ``last`` become its range
        (mas_walk)."""
        entry = self._walk()
        if self.status == "none":
            self.index, self.last = 0, MAX
        elif self.status == "root":
            if self.index == 0:
                self.last = 0
            else:
                self.index, self.last = 1, MAX
                self.status = "none"
        return entry

    def _walk(self) -> Any:
        """Go to ``index`` from the root (mas_state_walk); the range stays where there is no node."""
        tree = self.tree
        node = tree.root
        if node < 0:
            self.node = -1
            self.low, self.high = 0, MAX
            if tree.bare is None:
                self.status = "none"
                return None
            self.status = "root"
            return tree.bare if self.index == 0 else None
        self.status = "active"
        pool = tree.pool
        pivots = pool.pivots
        index = self.index
        self.node, self.low, self.high = node, low, high = write.locate(pool, node, tree.height, index)
        self.end = end = pivots[node + META]
        self.slot = at = bisect_left(pivots, index, node, end)
        self.index = pivots[at - 1] + 1 if at > node else low
        self.last = pivots[at] if at < end else high
        return pool.slots[at]

    def _go(self, index: int) -> Any:
        """Take the place of ``index`` anew, after the leaf died (mas_rewalk)."""
        self.index = self.last = index
        return self._walk()

    # Steps between slots

    def _forward(self, limit: int, ranges: bool) -> Any:
        """The next slot, or with ``ranges`` false the next entry, that starts at or below ``limit``
        (mas_next_slot)."""
        pool = self.tree.pool
        pivots, slots = pool.pivots, pool.slots
        if pool.state[self.node >> 4] != LIVE and not pool.alive(self.node):
            self._go(self.last)
            if self.status != "active":
                return self._bare_behind()
        at, end = self.slot, self.end
        last = pivots[at] if at < end else self.high
        while True:
            if last >= limit:
                self.status = "overflow"
                return None
            at += 1
            if at > end:
                at, end = self._next_leaf()
            self.index = last + 1
            self.slot = at
            self.last = last = pivots[at] if at < end else self.high
            entry = slots[at]
            if entry is not None or ranges:
                return entry

    def _back(self, limit: int, ranges: bool) -> Any:
        """The slot before, or with ``ranges`` false the entry before, that reaches up to ``limit``
        (mas_prev_slot)."""
        pool = self.tree.pool
        pivots, slots = pool.pivots, pool.slots
        if pool.state[self.node >> 4] != LIVE and not pool.alive(self.node):
            self._go(self.index)
            if self.status != "active":
                return self._bare_before()
        at = self.slot
        first = pivots[at - 1] + 1 if at > self.node else self.low
        while True:
            if first <= limit:
                self.status = "underflow"
                return None
            if at == self.node:
                at = self._prev_leaf()
            else:
                at -= 1
            self.last = first - 1
            self.slot = at
            self.index = first = pivots[at - 1] + 1 if at > self.node else self.low
            entry = slots[at]
            if entry is not None or ranges:
                return entry

    def _next_leaf(self) -> tuple[int, int]:
        """Step to the next leaf: its first slot and its last (mas_next_node)."""
        pool = self.tree.pool
        pivots, slots, parents = pool.pivots, pool.slots, pool.parents
        slot = parents[self.node >> 4]
        depth = 1
        while slot == pivots[slot | META]:
            slot = parents[slot >> 4]
            depth += 1
        node = slot + 1
        self.low = self.high + 1
        for _ in range(depth):
            above, node = node, slots[node]
        self.node = node
        above_node = above & ~META
        if above < pivots[above_node + META]:
            self.high = pivots[above]
        else:
            self.high = self.tree.limits(node)[1]
        self.end = pivots[node + META]
        return node, self.end

    def _prev_leaf(self) -> int:
        """Step to the leaf before: its last slot (mas_prev_node)."""
        pool = self.tree.pool
        pivots, slots, parents = pool.pivots, pool.slots, pool.parents
        slot = parents[self.node >> 4]
        depth = 1
        while not slot & META:
            slot = parents[slot >> 4]
            depth += 1
        above = slot - 1
        node = slots[above]
        for _ in range(depth - 1):
            above = pivots[node + META]
            node = slots[above]
        self.high = self.low - 1
        self.low = pivots[above - 1] + 1 if above & META else self.tree.limits(node)[0]
        self.node = node
        self.end = pivots[node + META]
        return self.end

    def _bare_behind(self) -> None:
        """Going on in a tree without nodes: nothing follows a bare entry."""
        self.index, self.last = 1, MAX
        self.status = "none"

    def _bare_before(self) -> Any:
        """Going back in a tree without nodes: what there is, is at index 0."""
        if self.index == 0:
            self.status = "none"
            return None
        self.index = self.last = 0
        self.status = "root"
        return self.tree.bare
