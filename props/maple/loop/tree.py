"""The model's tree over 64-bit words: what `model.maple_tree` says, see there for what it means.

NULL is 0. Where the model returns an index or a range beside a ``ret`` or an entry, it is left in the map's
``first`` and ``last``, or in ``follows``.
"""

from __future__ import annotations

from mapleproof.props.maple.loop.codes import EBUSY, EEXIST, EINVAL, MAX
from mapleproof.props.maple.loop.held import Held


class Tree:
    """A map from ranges of indices to entries, in which gaps can be searched."""

    def __init__(self, may_alloc: bool) -> None:
        self.map = Held()
        self.may_alloc = may_alloc
        self.has_node = self.cyclic_wrapped = False
        self.follows = 0

    def write(self, first: int, last: int, entry: int) -> None:
        """Store; the map's ``first`` and ``last`` are the range that changed in the tree's nodes."""
        held = self.map
        held.at(0)
        one_slot = held.first == 0 and held.last == MAX
        held.put(first, last, entry)
        if not self.has_node:
            self.has_node = entry != 0 and last > 0
        elif entry == 0:
            held.at(first)
            self.has_node = held.count > 0 or one_slot
            return
        held.first, held.last = first, last

    def store_range(self, first: int, last: int, entry: int) -> int:
        if first > last:
            return -EINVAL
        self.write(first, last, entry)
        return 0

    def insert_range(self, first: int, last: int, entry: int) -> int:
        there = self.map.at(first)
        if first <= last and (there or last > self.map.last):
            return -EEXIST
        return self.store_range(first, last, entry)

    def erase(self, index: int) -> int:
        entry = self.map.at(index)
        if entry:
            self.write(self.map.first, self.map.last, 0)
        return entry

    def room(self, low: int, high: int, size: int, highest: bool) -> int:
        """0, and the map's ``first`` is where there is room; or an error."""
        if low > high or size == 0 or size - 1 > high - low:
            return -EINVAL
        held = self.map
        found = held.highest_gap(low, high, size) if highest else held.lowest_gap(low, high, size)
        if self.has_node and held.count == 0 and (highest or (low == 0 and high == MAX)):
            return -EBUSY
        return 0 if found else -EBUSY

    def alloc(self, entry: int, size: int, low: int, high: int, highest: bool) -> int:
        """0, and the map's ``first`` is where it was stored; or an error."""
        ret = self.room(low, high, size, highest) if self.may_alloc else -EINVAL
        if ret == 0:
            start = self.map.first
            self.write(start, start + (size - 1), entry)
            self.map.first = start
        return ret

    def alloc_cyclic(self, entry: int, low: int, high: int, follows: int) -> int:
        """0 or 1, where it was stored in the map's ``first``, and the next ``follows``; or an error."""
        ret = self.alloc(entry, 1, follows if follows > low else low, high, False)
        self.follows = follows
        if ret < 0 and follows > low:
            ret = self.alloc(entry, 1, low, high, False)
            if ret == 0:
                ret = 1
        if ret < 0:
            return ret
        start = self.map.first
        if self.cyclic_wrapped and ret == 0:
            ret, self.cyclic_wrapped = 1, False
        if start == MAX:
            self.cyclic_wrapped = True
        self.follows = start + 1 if start < MAX else 0
        return ret

    def find(self, index: int, high: int) -> int:
        """The first entry at or above the index, not above ``high``; ``follows`` is the index after it."""
        held = self.map
        while index <= high:
            entry = held.at(index)
            if entry:
                self.follows = held.last + 1 if held.last < MAX else 0
                return entry
            if held.last == MAX:
                break
            index = held.last + 1
        return 0

    def find_after(self, index: int, high: int) -> int:
        return self.find(index, high) if index else 0

    def next(self, index: int, high: int) -> int:
        if index >= high:
            return 0
        self.map.at(index)
        return self.find(self.map.last + 1, high) if self.map.last < high else 0

    def prev(self, index: int, low: int) -> int:
        held = self.map
        if index <= low:
            return 0
        if not self.has_node:
            return held.at(0)
        held.at(index)
        while held.first > low:
            entry = held.at(held.first - 1)
            if entry:
                return entry
        return 0

    def copy_of(self, other: Tree) -> None:
        """Hold what another one does."""
        self.map.copy_of(other.map)
        self.has_node, self.cyclic_wrapped = other.has_node, other.cyclic_wrapped

    def destroy(self) -> None:
        self.map.clear()
        self.has_node = False

    def fits_one_slot(self, first: int, last: int, entry: int) -> bool:
        """Whether a store replaces what one slot holds, which needs no memory in any mode."""
        if entry == 0:
            return False
        if not self.has_node:
            return last == 0
        self.map.at(first)
        return self.map.first == first and self.map.last == last
