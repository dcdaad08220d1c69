"""The maple tree as its users see it: the kernel's normal API on a plain interval map.

Methods carry the kernel's names without prefix (`store_range` is `mtree_store_range`). Indices are
0..2**64-1, entries positive integers or None, `ret` is 0 or a negative errno. Nothing fails for want of
memory: who knows that a write was refused leaves it out. One bit of the tree's shape is kept, since users can
see it: without a node, a tree is empty or has a bare entry at index 0 and nothing else.
"""

from collections.abc import Iterator
from errno import EBUSY, EEXIST, EINVAL
from functools import partialmethod

from mapleproof.model.interval_map import MAX_INDEX, IntervalMap

Room = tuple[int, int | None]  # 0 or an error, and a start where there is one


class MapleTree:
    """A map from ranges of indices to entries, in which gaps can be searched."""

    def __init__(self, alloc_range: bool = False) -> None:
        self.may_alloc = alloc_range
        self.map = IntervalMap([])
        self.has_node = self.cyclic_wrapped = False

    def entries(self) -> Iterator[tuple[int, int, int]]:
        return iter(self.map.ranges)

    def write(self, first: int, last: int, entry: int | None) -> tuple[int, int]:
        """Store; the range that changed in the tree's nodes: NULL takes in the gaps on both sides."""
        one_slot = self.map.at(0)[:2] == (0, MAX_INDEX)
        self.map.put(first, last, entry)
        if not self.has_node:
            self.has_node = entry is not None and last > 0
        elif entry is None:
            first, last, _ = self.map.at(first)
            self.has_node = bool(self.map.ranges) or one_slot  # an only slot becomes NULL where it is
        return first, last

    def load(self, index: int) -> int | None:
        return self.map.at(index)[2]

    def store_range(self, first: int, last: int, entry: int | None) -> int:
        if first > last:
            return -EINVAL
        self.write(first, last, entry)
        return 0

    def insert_range(self, first: int, last: int, entry: int | None) -> int:
        """Store where all of the range is empty, else -EEXIST."""
        _, gap_end, there = self.map.at(first)
        if first <= last and (there is not None or last > gap_end):
            return -EEXIST
        return self.store_range(first, last, entry)

    def erase(self, index: int) -> int | None:
        """Empty the whole range around the index; the entry that stood there."""
        first, last, entry = self.map.at(index)
        if entry is not None:
            self.write(first, last, None)
        return entry

    def room(self, low: int, high: int, size: int, highest: bool) -> Room:
        """The lowest or highest room for `size` indices within low..high: 0 and its start, or -EBUSY."""
        if low > high or size == 0 or size > high - low + 1:
            return -EINVAL, None
        start = (self.map.highest_gap if highest else self.map.lowest_gap)(low, high, size)
        # The kernel counts what is free in a slot in 64 bits, where 2**64 is 0. Only the search from below
        # cuts the slot to low..high before it counts.
        if self.has_node and not self.map.ranges and (highest or (low, high) == (0, MAX_INDEX)):
            start = None
        return (-EBUSY if start is None else 0), start

    def alloc_range(self, entry: int, size: int, low: int, high: int, highest: bool = False) -> Room:
        """Store in the lowest (or highest) room: as `room`, but -EINVAL for a tree not made for it."""
        ret, start = self.room(low, high, size, highest) if self.may_alloc else (-EINVAL, None)
        if start is not None:
            self.write(start, start + size - 1, entry)
        return ret, start

    alloc_rrange = partialmethod(alloc_range, highest=True)

    def alloc_cyclic(self, entry: int, low: int, high: int, next_: int) -> tuple[int, int | None, int]:
        """Store at the first free index from `next_` up, else from `low` up: ret, index, the next `next_`.

        ret is 1 after starting over. That the last index of all was taken is told by the call after that.
        """
        ret, start = self.alloc_range(entry, 1, max(low, next_), high)
        if start is None and next_ > low:
            ret, start = self.alloc_range(entry, 1, low, high)
            ret = ret or 1
        if start is None:
            return ret, None, next_
        if self.cyclic_wrapped and ret == 0:
            ret, self.cyclic_wrapped = 1, False
        self.cyclic_wrapped = self.cyclic_wrapped or start == MAX_INDEX
        return ret, start, (start + 1) & MAX_INDEX

    def find(self, index: int, high: int) -> tuple[int | None, int]:
        """The first entry at or above the index, not above `high`, and the index after its range."""
        while index <= high:
            _, last, entry = self.map.at(index)
            if entry is not None:
                return entry, (last + 1) & MAX_INDEX
            index = last + 1
        return None, index

    def find_after(self, index: int, high: int) -> tuple[int | None, int]:
        """As `find`; but from 0, where an index that wraps goes, nothing is found."""
        return self.find(index, high) if index else (None, 0)

    def next(self, index: int, high: int) -> int | None:
        """The first entry after the range around the index, not above `high`."""
        return self.find(self.map.at(index)[1] + 1, high)[0] if index < high else None

    def prev(self, index: int, low: int) -> int | None:
        """The last entry before the range around the index, not below `low`."""
        if index <= low:
            return None
        if not self.has_node:
            return self.load(0)  # whatever `low` is: the kernel does not look at it here
        first, entry = self.map.at(index)[0], None
        while entry is None and first > low:
            first, _, entry = self.map.at(first - 1)
        return entry

    def dup(self) -> tuple[int, "MapleTree"]:
        """0 and a tree of its own that holds the same."""
        new = MapleTree(self.may_alloc)
        new.map = IntervalMap(self.map.ranges.copy())
        new.has_node, new.cyclic_wrapped = self.has_node, self.cyclic_wrapped
        return 0, new

    def destroy(self) -> None:
        """Empty the tree, which can be used again."""
        self.map = IntervalMap([])
        self.has_node = False
