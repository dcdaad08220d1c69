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

Its searches are here. Where it stands and how it steps is in ``cursor_place.py``, what it stores in
``cursor_stores.py``.
"""

from __future__ import annotations

import errno
from typing import Any

from impl.maple import search
from impl.maple.cursor_stores import StoringCursor


class Cursor(StoringCursor):
    """A cursor on ``tree`` over [index, last]; ``last`` is ``index`` where it is not given."""

    __slots__ = ()

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
