"""A cursor on a maple tree: the kernel's `ma_state` and advanced API, on the model's tree.

A cursor stands on index..last. Its status is `start`: not looked up yet; `pause`: the same, this range done;
`active`: on a range of a tree that has a node; `root`: on the bare entry; `none`: on nothing, or beyond the
bare entry; `overflow`, `underflow`: the last call's limit kept it from going up, down; `error`: a write or a
search for room failed, and nothing works until it is set or reset.

Methods have the kernel's names without `mas_`. Those that move return the entry they reach. Limits are
inclusive; a range within them in part counts. `*_range` stops at gaps too.
"""

from errno import EBUSY
from functools import partialmethod

from mapleproof.model.interval_map import MAX_INDEX
from mapleproof.model.maple_tree import MapleTree


class Cursor:
    """A place in a tree."""

    def __init__(self, tree: MapleTree, index: int = 0, last: int | None = None) -> None:
        self.tree = tree
        self.set_range(index, index if last is None else last)

    def set(self, index: int) -> None:
        self.set_range(index, index)

    def set_range(self, first: int, last: int) -> None:
        self.index, self.last = first, last
        self.reset()

    def set_range_staying(self, first: int, last: int) -> None:
        """Take another range, and stay where it is, to store there (__mas_set_range)."""
        self.index, self.last = first, last

    def reset(self) -> None:
        self.status, self.refused, self.placed = "start", False, False

    def pause(self) -> None:
        self.status, self.placed = "pause", False

    def walk(self) -> int | None:
        """Go to the range around `index`."""
        if self.tree.has_node:
            self.status, self.placed = "active", True
            self.index, self.last, entry = self.tree.map.at(self.index)
            return entry
        if self.index == 0 and self.tree.load(0) is not None:
            return self._enter_root()
        self.status = "none"
        self.index, self.last, _ = self.tree.map.at(MAX_INDEX)
        return None

    def _resume(self, *answering: str) -> int | None:
        """Be on a range again. The entry there is the answer for those who had one of these statuses."""
        before = self.status
        if self.placed and before in ("overflow", "underflow") and before not in answering:
            self.status = "active"
        if self.status in ("active", "root", "error"):
            return None
        entry = self.walk()
        return entry if before in answering else None

    def _enter_root(self) -> int | None:
        """Come down from beyond the bare entry, if there is one. The kernel holds no limit against it."""
        self.status, self.index, self.last = "root", 0, 0
        return self.tree.load(0)

    def _step(self, up: bool, limit: int, gaps: bool) -> int | None:
        """Go to the next entry, or range, up or down, unless the range before it reaches the limit."""
        first, last, _ = self.tree.map.at(self.last if up else self.index)
        while last < limit if up else first > limit:
            first, last, entry = self.tree.map.at(last + 1 if up else first - 1)
            self.index, self.last = first, last
            if entry is not None or gaps:
                return entry
        self.status = "overflow" if up else "underflow"
        return None

    def next(self, high: int, gaps: bool = False) -> int | None:
        """The next entry."""
        before = self.status
        if self.last >= high:
            self.status = "overflow"
            return None
        if (entry := self._resume("underflow")) is not None:
            return entry
        if self.status == "active":
            return self._step(True, high, gaps)
        if self.status == "root" and not (before == "none" and self.index == 0):
            self.status, self.index, self.last = "none", 1, MAX_INDEX
        return None

    def prev(self, low: int, gaps: bool = False) -> int | None:
        """The previous entry."""
        if self.index <= low:
            self.status = "underflow"
            return None
        if (entry := self._resume("overflow")) is not None:
            return entry
        if self.status == "active":
            return self._step(False, low, gaps)
        return self._enter_root() if self.index > 0 and self.status != "error" else None

    def find(self, high: int, gaps: bool = False) -> int | None:
        """The entry at or above `index` from a new cursor, the next entry from one that moved."""
        before = self.status
        if before == "underflow" and self.index >= high:
            self.status = "overflow"
            return None
        beyond = self.index > high if before == "start" else self.last >= high
        if beyond and before not in ("root", "underflow"):
            return None
        if before == "pause":
            self.last += 1
        if before in ("pause", "none"):
            self.index = self.last
        if (entry := self._resume("start", "pause", "none", "overflow", "underflow")) is not None:
            return entry
        if self.status == "root":
            self.status, self.index, self.last = "none", 1, MAX_INDEX
        if self.status != "active" or (before != "active" and self.index == high):
            return None
        entry = self._step(True, high, gaps)
        if not gaps:
            self.status = "active"
        return entry

    def find_rev(self, low: int, gaps: bool = False) -> int | None:
        """The entry at or below `index` from a new cursor, the previous entry from one that moved."""
        if self.status in ("overflow", "underflow") and not self.placed and self.index > low:
            self.status = "start"
        before = self.status
        if before in ("pause", "overflow", "underflow") and self.index <= low:
            self.status = "underflow"
            return None
        if before != "root" and (self.index < low or (before == "none" and self.index == low)):
            return None
        if before == "pause":
            self.index -= 1
        if (entry := self._resume("start", "pause", "none")) is not None:
            return entry
        if self.status == "none":
            return self._enter_root()
        if self.status == "root":
            self.status = "none"
        return self._step(False, low, gaps) if self.status == "active" and self.index >= low else None

    next_range = partialmethod(next, gaps=True)
    prev_range = partialmethod(prev, gaps=True)
    find_range = partialmethod(find, gaps=True)
    find_range_rev = partialmethod(find_rev, gaps=True)

    def empty_area(self, low: int, high: int, size: int, highest: bool = False) -> int:
        """Go to the lowest (or highest) room for `size` indices within low..high: 0, -EBUSY or -EINVAL."""
        ret, start = self.tree.room(low, high, size, highest)
        if start is not None:
            self.walk()
            if not self.tree.has_node:
                self.status = "none" if self.tree.load(0) is None else "root"
            self.index, self.last = start, start + size - 1
        elif ret == -EBUSY:
            self.status = "error"
            if self.tree.has_node:
                self.index, self.last = low, high
        return ret

    empty_area_rev = partialmethod(empty_area, highest=True)

    def store_gfp(self, entry: int | None) -> int:
        """Store over index..last and, for NULL, stand on the whole gap that it makes."""
        tree = self.tree
        still_root = self.status == "root" and self.last != MAX_INDEX  # it does not look again
        without = "none" if tree.load(0) is None and not still_root else "root"
        stood = tree.has_node or entry is not None
        self.index, self.last = tree.write(self.index, self.last, entry)
        self.placed, self.refused = tree.has_node, False
        self.status = "active" if tree.has_node else "start" if stood else without
        return 0

    def erase(self) -> int | None:
        """Empty the range around `index`; the entry that stood there."""
        entry = self.tree.load(self.index)
        if self.tree.has_node:
            self.walk()
            if entry is not None:
                self.store_gfp(None)
        else:
            self.status = "none" if self.tree.load(0) is None else "root"
            self.tree.erase(self.index)
        return entry

    store = store_prealloc = store_gfp

    def preallocate(self, _entry: int | None) -> int:
        """Get nodes ahead for storing an entry over index..last; the cursor is in place then."""
        if self.tree.has_node:
            self.status, self.placed = "active", True
        return 0

    def expected_entries(self, _count: int) -> int:
        """Get nodes ahead for so many ranges in order."""
        return 0

    def destroy(self) -> None:
        """Give back the nodes that were got ahead."""

    def refuse(self) -> None:
        """The memory for a write was refused; the tree is as it was."""
        self.status, self.refused = "error", True

    def alloc_cyclic(self, entry: int, low: int, high: int, next_: int) -> tuple[int, int | None, int]:
        """Store where `MapleTree.alloc_cyclic` does, and stand there; a cursor that was just set or reset."""
        ret, start, follows = self.tree.alloc_cyclic(entry, low, high, next_)
        if start is not None:
            self.index = self.last = start
            self.placed = self.tree.has_node
            self.status = "active" if self.placed else "start"
        return ret, start, follows

    def nomem_nofail(self, first: int, last: int) -> bool:
        """The same, with memory that is had in any case; the cursor is set to first..last."""
        retry = self.refused
        if retry:
            self.set_range(first, last)
        return retry

    def nomem(self) -> bool:
        """Whether the last write was refused and can be tried again, with the memory that there is now."""
        retry = self.refused
        if retry:
            self.reset()
        return retry
