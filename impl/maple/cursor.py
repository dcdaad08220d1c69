"""The cursor: a place in a tree that searches and stores go on from (struct ma_state, the mas_* API).

A cursor holds a range (``index`` to ``last``), its ``status``, and while it is active the leaf and the
slot it stands on, so that the next step costs no walk from the root. The status is one of

    start      not walked yet            active     on a slot of a leaf
    root       on a bare entry           none       nothing there (empty tree, or beyond a bare entry)
    pause      to be walked anew, behind (or before) its range
    overflow   a step would have passed the upper limit     underflow  ... the lower limit
    error      the last call failed (``error`` has the errno)

A cursor whose leaf has died finds its place again from the root. After a write that did not go through
it, a cursor is to be set, paused or reset before it is used.
"""

from __future__ import annotations

import errno
from bisect import bisect_left
from typing import Any

from impl.maple import bulk, search, write
from impl.maple.geometry import MAX, META
from impl.maple.pool import LIVE
from impl.maple.tree import MapleTree


class Cursor:
    """A cursor on ``tree`` over [index, last]; ``last`` is ``index`` where it is not given."""

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

    # Searches

    def next(self, max: int) -> Any:
        """The next entry that starts at or below ``max`` (mas_next)."""
        return self._next(max, False)

    def next_range(self, max: int) -> Any:
        """The next range, whether it holds an entry or not (mas_next_range)."""
        return self._next(max, True)

    def _next(self, limit: int, ranges: bool) -> Any:
        status = self.status
        if self.last >= limit:
            self.status = "overflow"
            return None
        if status == "active":
            return self._forward(limit, ranges)
        if status == "error":
            return None
        if status == "overflow":
            self._resume()
        elif status == "underflow":
            # It was before the first range of interest: that one is the next.
            entry = self.walk()
            if entry is not None:
                return entry
        elif status != "root":
            self.walk()
        if self.status == "active":
            return self._forward(limit, ranges)
        if self.status == "root":
            if status == "none" and self.index == 0:
                self.last = 0
                return None
            self._bare_behind()
        return None

    def prev(self, min: int) -> Any:
        """The entry before that reaches up to ``min`` (mas_prev)."""
        return self._prev(min, False)

    def prev_range(self, min: int) -> Any:
        """The range before, whether it holds an entry or not (mas_prev_range)."""
        return self._prev(min, True)

    def _prev(self, limit: int, ranges: bool) -> Any:
        status = self.status
        if self.index <= limit:
            self.status = "underflow"
            return None
        if status == "active":
            return self._back(limit, ranges)
        if status == "error":
            return None
        if status == "underflow":
            self._resume()
        elif status == "overflow":
            # It was behind the last range of interest: that one is the one before.
            entry = self.walk()
            if entry is not None:
                return entry
        elif status != "root":
            self.walk()
        if self.status == "active":
            return self._back(limit, ranges)
        return self._bare_before()

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

    def _resume(self) -> None:
        """Be active again after a limit was met; a cursor that holds no leaf has to look for it."""
        if self.node >= 0:
            self.status = "active"
        else:
            self.walk()

    def find(self, max: int) -> Any:
        """At first the entry at or after ``index``, then each next one, up to ``max`` (mas_find)."""
        done, entry = self._find_setup(max)
        if not done:
            entry = self._forward(max, False)
            self.status = "active"
        return entry

    def find_range(self, max: int) -> Any:
        """At first the entry at or after ``index``, then each next range, up to ``max``
        (mas_find_range)."""
        done, entry = self._find_setup(max)
        return entry if done else self._forward(max, True)

    def _find_setup(self, limit: int) -> tuple[bool, Any]:
        """Walk if need be: (True, answer), or (False, None) where a step forward answers."""
        status = self.status
        if status == "active":
            return self.last >= limit, None
        if status == "error":
            return True, None
        if status == "underflow":
            if self.index >= limit:
                self.status = "overflow"
                return True, None
        elif status in ("pause", "none", "overflow"):
            if self.last >= limit:
                return True, None
            if status == "pause":
                self.last += 1
            if status != "overflow":
                self.index = self.last
        elif status == "start" and self.index > limit:
            return True, None
        if status != "root":
            entry = self.walk()
            if entry is not None:
                return True, entry
        if self.status == "root":
            self._bare_behind()
        if self.status == "none":
            return True, None
        return self.index == limit, None

    def find_rev(self, min: int) -> Any:
        """At first the entry at or before ``index``, then each one before, down to ``min``
        (mas_find_rev)."""
        done, entry = self._find_rev_setup(min)
        return entry if done else self._back(min, False)

    def find_range_rev(self, min: int) -> Any:
        """At first the entry at or before ``index``, then each range before, down to ``min``
        (mas_find_range_rev)."""
        done, entry = self._find_rev_setup(min)
        return entry if done else self._back(min, True)

    def _find_rev_setup(self, limit: int) -> tuple[bool, Any]:
        status = self.status
        if status == "error":
            return True, None
        if status in ("pause", "overflow", "underflow"):
            if self.index <= limit:
                self.status = "underflow"
                return True, None
            if status == "pause":
                self.index -= 1
                self.last = self.index
            elif self.node >= 0:
                self.status = "active"
            else:
                status = "start"
        elif status == "none":
            if self.index <= limit:
                return True, None
            self.last = self.index
        elif status == "start" and self.index < limit:
            return True, None
        if status in ("pause", "none", "start"):
            entry = self.walk()
            if entry is not None:
                return True, entry
        if self.status == "root":
            self.status = "none"
            return True, None
        if self.status == "none":
            self.index = self.last = 0
            self.status = "root"
            return True, self.tree.bare
        return self.index < limit, None

    # Free ranges

    def empty_area(self, min: int, max: int, size: int) -> int:
        """The lowest ``size`` free indices within [min, max] become the range (mas_empty_area).

        0, -EBUSY where there is no room, -EINVAL where ``size`` is 0 or does not fit the limits.
        """
        return self._empty_area(min, max, size, search.lowest)

    def empty_area_rev(self, min: int, max: int, size: int) -> int:
        """Like :meth:`empty_area`, but the highest (mas_empty_area_rev)."""
        return self._empty_area(min, max, size, search.highest)

    def _empty_area(self, least: int, most: int, size: int, direction: search.Direction) -> int:
        found = search.empty_area(self.tree, least, most, size, direction)
        if found.ret == -errno.EINVAL:
            return found.ret
        place = found.place
        if self.tree.root < 0:
            self._walk()
        elif place is not None:
            self.node, self.low, self.high, self.slot = place.node, place.low, place.high, place.slot
            self.end = self.tree.pool.end(place.node)
            self.status = "active"
        else:
            self.index, self.last = least, most
            self.node = -1
            self.status, self.error = ("start", 0) if found.left_tree else ("error", found.ret)
        if found.ret == 0:
            self.index, self.last = found.start, found.start + size - 1
        return found.ret

    # Stores

    def store_gfp(self, entry: Any) -> int:
        """Put ``entry`` over the range: 0, or -ENOMEM with nothing changed (mas_store_gfp)."""
        self._store(entry, None)
        return self.error

    def store(self, entry: Any) -> None:
        """Put ``entry`` over the range, with the nodes reserved by :meth:`expected_entries` or
        :meth:`preallocate` as far as they go (mas_store). Sets ``error``, see :meth:`nomem`."""
        self._store(entry, self.reserve if self.prepared else None)

    def store_prealloc(self, entry: Any) -> None:
        """Put ``entry`` over the range with the nodes that :meth:`preallocate` reserved, and give the
        rest back (mas_store_prealloc)."""
        self._store(entry, self.reserve)
        self.destroy()

    def _store(self, entry: Any, reserve: list[int] | None) -> None:
        tree = self.tree
        done = tree.write(self.index, self.last, entry, self._leaf_for_write(), reserve, self.bulk)
        self.error = tree.error
        if done is None:
            self.status = "error"
            return
        self.index, self.last = done.first, done.last
        if done.kind == "exact_fit" and self.status == "active":
            return
        if tree.root < 0:
            # Nothing is left to stand on; a bare entry that was cleared leaves the cursor as it was.
            if done.kind == "new_root" or entry is not None:
                self.reset()
            return
        self._walk()
        self.index, self.last = done.first, done.last

    def _leaf_for_write(self) -> tuple[int, int, int] | None:
        """The leaf it stands on with its limits, where the range begins there; else None."""
        if (
            self.status == "active"
            and self.node >= 0
            and self.low <= self.index <= self.high
            and self.tree.pool.alive(self.node)
        ):
            return self.node, self.low, self.high
        return None

    def erase(self) -> Any:
        """Clear the whole range that holds ``index``: the entry that stood there (mas_erase).

        ``index`` and ``last`` become the empty range it left. With no memory for it the status is error.
        """
        entry = self._walk()
        if entry is not None:
            self._store(None, None)
        return entry

    def nomem(self) -> bool:
        """After a store ran out of memory: whether to try again, with what was now reserved for it
        (mas_nomem). The range is as it was."""
        if self.error != -errno.ENOMEM:
            return False
        return self.preallocate_nodes(bulk.worst_case(self.tree))

    def preallocate(self, entry: Any) -> int:
        """Reserve the nodes that storing ``entry`` over the range can need: 0 or -ENOMEM
        (mas_preallocate). A second call replaces what the first reserved."""
        self.destroy()
        tree = self.tree
        if tree.root < 0:
            store = write.classify_root(self.index, self.last)
        else:
            place = self._leaf_for_write() or write.locate(tree.pool, tree.root, tree.height, self.index)
            store = write.classify(tree, *place, self.index, self.last, entry, False)
        if self.preallocate_nodes(write.nodes_needed(tree, store, entry)):
            return 0
        self.reset()
        return -errno.ENOMEM

    def preallocate_nodes(self, count: int) -> bool:
        """Reserve ``count`` nodes; the cursor may then be used again after an error."""
        fresh = self.tree.pool.request(count, "preallocate") if count else []
        if fresh is None:
            return False
        self.reserve += fresh
        self.prepared = True
        if self.status == "error":
            self.reset()
        self.error = 0
        return True

    def expected_entries(self, count: int) -> int:
        """Reserve the nodes for storing ``count`` entries in rising order, and store them tightly until
        :meth:`destroy`: 0 or -ENOMEM (mas_expected_entries)."""
        if not self.preallocate_nodes(bulk.nodes_for(self.tree, count)):
            self.destroy()
            return -errno.ENOMEM
        self.bulk = True
        self.tree.loaded = True
        return 0

    def destroy(self) -> None:
        """Give back what was reserved and leave bulk mode, the last leaf brought to size
        (mas_destroy)."""
        if self.bulk:
            self.bulk = False
            bulk.finish(self.tree)
        self.tree.pool.give_back(self.reserve)
        self.prepared = False
