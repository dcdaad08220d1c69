"""The place of a cursor in a tree, and the steps from slot to slot.

What a cursor is, is told in ``cursor.py``.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple import classify, rows
from mapleproof.impl.maple.geometry import MAX, META
from mapleproof.impl.maple.kinds import (
    ACTIVE,
    LIVE,
    NONE,
    OVERFLOW,
    PAUSE,
    ROOT,
    START,
    STATES,
    UNDERFLOW,
)
from mapleproof.impl.maple.place import Place
from mapleproof.impl.maple.tree import MapleTree


class PlacedCursor(Place):
    """A cursor that can be placed, and takes steps. ``bare`` is what the last walk found in a tree without
    nodes."""

    def __init__(self, tree: MapleTree, index: int = 0, last: int | None = None) -> None:
        super().__init__()
        self.tree = tree
        self.index = index
        self.last = index if last is None else last
        self.state = START
        self.error = 0
        self.bare: Any = None
        self.slot = self.end = -1
        self.reserve: list[int] = []
        self.prepared = False
        self.bulk = False

    @property
    def status(self) -> str:
        """The name of its state."""
        return STATES[self.state]

    # Where it stands

    def set(self, index: int) -> None:
        """Move to ``index``, to be walked anew (mas_set)."""
        self.set_range(index, index)

    def set_range(self, first: int, last: int) -> None:
        """Take [first, last] as the range, to be walked anew (mas_set_range)."""
        self.index = first
        self.last = last
        self.reset()

    def set_range_staying(self, first: int, last: int) -> None:
        """Take [first, last], which begins within the range it is on, and stay there, to store
        (__mas_set_range)."""
        self.index = first
        self.last = last

    def reset(self) -> None:
        """Forget the place, keep the range (mas_reset)."""
        self.state = START
        self.node = -1

    def pause(self) -> None:
        """The tree may change now; the next step goes on behind the range (mas_pause)."""
        self.state = PAUSE
        self.node = -1

    def walk(self) -> Any:
        """Find the slot that holds ``index``: its entry; ``index`` and ``last`` become its range
        (mas_walk)."""
        entry = self.go()
        if self.state == NONE:
            self.index, self.last = 0, MAX
        elif self.state == ROOT:
            if self.index == 0:
                self.last = 0
            else:
                self.index, self.last = 1, MAX
                self.state = NONE
        return entry

    def go(self) -> Any:
        """Go to ``index`` from the root (mas_state_walk); the range stays where there is no node."""
        tree = self.tree
        root = tree.root
        while root < 0:
            bare = tree.bare
            root = tree.root
            if root >= 0:
                break  # it went into a first node
            self.node = -1
            self.low, self.high = 0, MAX
            self.bare = bare
            if bare is None:
                self.state = NONE
                return None
            self.state = ROOT
            return bare if self.index == 0 else None
        self.state = ACTIVE
        pivots = tree.pool.pivots
        classify.locate(tree, root, self.index, self)
        node = self.node
        self.end = end = pivots[node + META]
        index = self.index
        while True:
            self.slot = at = rows.find(pivots, index, node, end)
            self.index = pivots[at - 1] + 1 if at > node else self.low
            self.last = pivots[at] if at < end else self.high
            entry = tree.pool.slots[at]
            moved = tree.rcu and not (
                self.index <= index <= self.last and (at == end or pivots[at] == self.last)
            )
            if not moved:
                return entry  # of a range that stood while it was read

    def go_to(self, index: int) -> Any:
        """Take the place of ``index`` anew, after the leaf died (mas_rewalk)."""
        self.index = self.last = index
        return self.go()

    # Steps between slots

    def forward(self, limit: int, ranges: bool) -> Any:
        """The next slot, or with ``ranges`` false the next entry, that starts at or below ``limit``
        (mas_next_slot)."""
        pool = self.tree.pool
        pivots, slots = pool.pivots, pool.slots
        if pool.states[self.node >> 4] != LIVE and not pool.alive(self.node):
            self.go_to(self.last)
            if self.state != ACTIVE:
                return self.bare_behind()
        at = self.slot
        last = pivots[at] if at < self.end else self.high
        while True:
            if last >= limit:
                self.state = OVERFLOW
                return None
            if at < self.end:
                at += 1
            else:
                self.next_leaf()
                at = self.node
            self.index = last + 1
            self.slot = at
            self.last = last = pivots[at] if at < self.end else self.high
            entry = slots[at]
            if entry is not None or ranges:
                return entry

    def back(self, limit: int, ranges: bool) -> Any:
        """The slot before, or with ``ranges`` false the entry before, that reaches up to ``limit``
        (mas_prev_slot)."""
        pool = self.tree.pool
        pivots, slots = pool.pivots, pool.slots
        if pool.states[self.node >> 4] != LIVE and not pool.alive(self.node):
            self.go_to(self.index)
            if self.state != ACTIVE:
                return self.bare_before()
        at = self.slot
        first = pivots[at - 1] + 1 if at > self.node else self.low
        while True:
            if first <= limit:
                self.state = UNDERFLOW
                return None
            if at > self.node:
                at -= 1
            else:
                self.prev_leaf()
                at = self.end
            self.last = first - 1
            self.slot = at
            self.index = first = pivots[at - 1] + 1 if at > self.node else self.low
            entry = slots[at]
            if entry is not None or ranges:
                return entry

    def next_leaf(self) -> None:
        """Step to the next leaf (mas_next_node)."""
        pool = self.tree.pool
        pivots, children = pool.pivots, pool.children
        slot = pool.parents[self.node >> 4]
        depth = 1
        while slot == pivots[slot | META]:
            slot = pool.parents[slot >> 4]
            depth += 1
        above = slot + 1
        node = children[above]
        for _ in range(depth - 1):
            above = node
            node = children[above]
        self.tree.walked += 1
        self.low = self.high + 1
        self.high = pivots[above] if above < pivots[above | META] else self.tree.high_of(node)
        self.node = node
        self.end = pivots[node + META]

    def prev_leaf(self) -> None:
        """Step to the leaf before (mas_prev_node)."""
        pool = self.tree.pool
        pivots, children = pool.pivots, pool.children
        slot = pool.parents[self.node >> 4]
        depth = 1
        while not slot & META:
            slot = pool.parents[slot >> 4]
            depth += 1
        above = slot - 1
        node = children[above]
        for _ in range(depth - 1):
            above = pivots[node + META]
            node = children[above]
        self.high = self.low - 1
        self.low = pivots[above - 1] + 1 if above & META else self.tree.low_of(node)
        self.node = node
        self.end = pivots[node + META]

    def bare_behind(self) -> None:
        """Going on in a tree without nodes: nothing follows a bare entry."""
        self.index, self.last = 1, MAX
        self.state = NONE

    def bare_before(self) -> Any:
        """Going back in a tree without nodes: what there is, is at index 0."""
        if self.index == 0:
            self.state = NONE
            return None
        self.index = self.last = 0
        self.state = ROOT
        return self.bare_entry()

    def bare_entry(self) -> Any:
        """The bare entry; where a first node came beside a reader, that which the walk found before."""
        bare = self.tree.bare
        return bare if self.tree.root < 0 else self.bare
