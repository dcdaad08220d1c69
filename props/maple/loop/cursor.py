"""The model's cursor over 64-bit words: what `model.cursor` says, see there for what it means.

Statuses are numbered as a kernel's process tells them (`impl.kernel.wire.STATUSES`), NULL is 0.
"""

from __future__ import annotations

from mapleproof.props.maple.loop.codes import (
    ACTIVE,
    EBUSY,
    ERROR,
    MAX,
    NONE,
    OVERFLOW,
    PAUSE,
    ROOT,
    START,
    UNDERFLOW,
)
from mapleproof.props.maple.loop.tree import Tree

NEXT = 1 << UNDERFLOW
PREV = 1 << OVERFLOW
FIND = 1 << START | 1 << PAUSE | 1 << NONE | 1 << OVERFLOW | 1 << UNDERFLOW
FIND_REV = 1 << START | 1 << PAUSE | 1 << NONE
"""The statuses from which the range that is met first is the answer already, as bits."""


class Cursor:
    """A place in a tree."""

    def __init__(self, tree: Tree, index: int) -> None:
        self.tree = tree
        self.set_range(index, index)

    def set_range(self, first: int, last: int) -> None:
        self.index, self.last = first, last
        self.reset()

    def narrow(self, first: int, last: int) -> None:
        """Take another range, and stay where it is (__mas_set_range)."""
        self.index, self.last = first, last

    def reset(self) -> None:
        self.status, self.refused, self.placed = START, False, False

    def pause(self) -> None:
        self.status, self.placed = PAUSE, False

    def walk(self) -> int:
        held = self.tree.map
        if self.tree.has_node:
            self.status, self.placed = ACTIVE, True
            entry = held.at(self.index)
            self.index, self.last = held.first, held.last
            return entry
        if self.index == 0 and held.at(0):
            return self.enter_root()
        self.status = NONE
        held.at(MAX)
        self.index, self.last = held.first, held.last
        return 0

    def resume(self, answering: int) -> int:
        """Be on a range again. The entry there is the answer for those who had one of these statuses."""
        before = self.status
        answers = bool(answering >> before & 1)
        if self.placed and (before in (OVERFLOW, UNDERFLOW)) and not answers:
            self.status = ACTIVE
        if self.status == ACTIVE or self.status == ROOT or self.status == ERROR:
            return 0
        entry = self.walk()
        return entry if answers else 0

    def enter_root(self) -> int:
        self.status, self.index, self.last = ROOT, 0, 0
        return self.tree.map.at(0)

    def step(self, up: bool, limit: int, gaps: bool) -> int:
        held = self.tree.map
        held.at(self.last if up else self.index)
        while held.last < limit if up else held.first > limit:
            entry = held.at(held.last + 1 if up else held.first - 1)
            self.index, self.last = held.first, held.last
            if entry or gaps:
                return entry
        self.status = OVERFLOW if up else UNDERFLOW
        return 0

    def next(self, high: int, gaps: bool) -> int:
        before = self.status
        if self.last >= high:
            self.status = OVERFLOW
            return 0
        entry = self.resume(NEXT)
        if entry:
            return entry
        if self.status == ACTIVE:
            return self.step(True, high, gaps)
        if self.status == ROOT and not (before == NONE and self.index == 0):
            self.status, self.index, self.last = NONE, 1, MAX
        return 0

    def prev(self, low: int, gaps: bool) -> int:
        if self.index <= low:
            self.status = UNDERFLOW
            return 0
        entry = self.resume(PREV)
        if entry:
            return entry
        if self.status == ACTIVE:
            return self.step(False, low, gaps)
        return self.enter_root() if self.index > 0 and self.status != ERROR else 0

    def find(self, high: int, gaps: bool) -> int:
        before = self.status
        if before == UNDERFLOW and self.index >= high:
            self.status = OVERFLOW
            return 0
        beyond = self.index > high if before == START else self.last >= high
        if beyond and before != ROOT and before != UNDERFLOW:
            return 0
        if before == PAUSE:
            self.last += 1
        if before in (PAUSE, NONE):
            self.index = self.last
        entry = self.resume(FIND)
        if entry:
            return entry
        if self.status == ROOT:
            self.status, self.index, self.last = NONE, 1, MAX
        if self.status != ACTIVE or (before != ACTIVE and self.index == high):
            return 0
        entry = self.step(True, high, gaps)
        if not gaps:
            self.status = ACTIVE
        return entry

    def find_rev(self, low: int, gaps: bool) -> int:
        if (self.status == OVERFLOW or self.status == UNDERFLOW) and not self.placed and self.index > low:
            self.status = START
        before = self.status
        if (before in (PAUSE, OVERFLOW, UNDERFLOW)) and self.index <= low:
            self.status = UNDERFLOW
            return 0
        if before != ROOT and (self.index < low or (before == NONE and self.index == low)):
            return 0
        if before == PAUSE:
            self.index -= 1
        entry = self.resume(FIND_REV)
        if entry:
            return entry
        if self.status == NONE:
            return self.enter_root()
        if self.status == ROOT:
            self.status = NONE
        return self.step(False, low, gaps) if self.status == ACTIVE and self.index >= low else 0

    def empty_area(self, low: int, high: int, size: int, highest: bool) -> int:
        ret = self.tree.room(low, high, size, highest)
        if ret == 0:
            start = self.tree.map.first
            self.walk()
            if not self.tree.has_node:
                self.status = ROOT if self.tree.map.at(0) else NONE
            self.index, self.last = start, start + (size - 1)
        elif ret == -EBUSY:
            self.status = ERROR
            if self.tree.has_node:
                self.index, self.last = low, high
        return ret

    def store(self, entry: int) -> None:
        tree = self.tree
        still_root = self.status == ROOT and self.last != MAX
        without = ROOT if tree.map.at(0) or still_root else NONE
        stood = tree.has_node or entry != 0
        tree.write(self.index, self.last, entry)
        self.index, self.last = tree.map.first, tree.map.last
        self.placed, self.refused = tree.has_node, False
        self.status = ACTIVE if tree.has_node else START if stood else without

    def erase(self) -> int:
        entry = self.tree.map.at(self.index)
        if self.tree.has_node:
            self.walk()
            if entry:
                self.store(0)
        else:
            self.status = ROOT if self.tree.map.at(0) else NONE
            self.tree.erase(self.index)
        return entry

    def preallocate(self) -> None:
        if self.tree.has_node:
            self.status, self.placed = ACTIVE, True

    def refuse(self) -> None:
        self.status, self.refused = ERROR, True

    def alloc_cyclic(self, entry: int, low: int, high: int, follows: int) -> int:
        ret = self.tree.alloc_cyclic(entry, low, high, follows)
        if ret >= 0:
            self.index = self.last = self.tree.map.first
            self.placed = self.tree.has_node
            self.status = ACTIVE if self.placed else START
        return ret
