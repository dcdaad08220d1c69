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

from mapleproof.impl.maple import search
from mapleproof.impl.maple.cursor_stores import StoringCursor
from mapleproof.impl.maple.kinds import ACTIVE, ERROR, NONE, OVERFLOW, PAUSE, ROOT, START, UNDERFLOW

EINVAL = errno.EINVAL

STEP = object()
"""In place of an answer: a step from where the cursor stands now gives it."""


class Cursor(StoringCursor):
    """A cursor on ``tree`` over [index, last]; ``last`` is ``index`` where it is not given."""

    # Searches

    def next(self, max: int) -> Any:
        """The next entry that starts at or below ``max`` (mas_next)."""
        return self.go_next(max, False)

    def next_range(self, max: int) -> Any:
        """The next range, whether it holds an entry or not (mas_next_range)."""
        return self.go_next(max, True)

    def go_next(self, limit: int, ranges: bool) -> Any:
        state = self.state
        if self.last >= limit:
            self.state = OVERFLOW
            return None
        if state == ACTIVE:
            return self.forward(limit, ranges)
        if state == ERROR:
            return None
        if state == OVERFLOW:
            self.resume()
        elif state == UNDERFLOW:
            # It was before the first range of interest: that one is the next.
            entry = self.walk()
            if entry is not None:
                return entry
        elif state != ROOT:
            self.walk()
        if self.state == ACTIVE:
            return self.forward(limit, ranges)
        if self.state == ROOT:
            if state == NONE and self.index == 0:
                self.last = 0
                return None
            self.bare_behind()
        return None

    def prev(self, min: int) -> Any:
        """The entry before that reaches up to ``min`` (mas_prev)."""
        return self.go_prev(min, False)

    def prev_range(self, min: int) -> Any:
        """The range before, whether it holds an entry or not (mas_prev_range)."""
        return self.go_prev(min, True)

    def go_prev(self, limit: int, ranges: bool) -> Any:
        state = self.state
        if self.index <= limit:
            self.state = UNDERFLOW
            return None
        if state == ACTIVE:
            return self.back(limit, ranges)
        if state == ERROR:
            return None
        if state == UNDERFLOW:
            self.resume()
        elif state == OVERFLOW:
            # It was behind the last range of interest: that one is the one before.
            entry = self.walk()
            if entry is not None:
                return entry
        elif state != ROOT:
            self.walk()
        if self.state == ACTIVE:
            return self.back(limit, ranges)
        return self.bare_before()

    def resume(self) -> None:
        """Be active again after a limit was met; a cursor that holds no leaf has to look for it."""
        if self.node >= 0:
            self.state = ACTIVE
        else:
            self.walk()

    def find(self, max: int) -> Any:
        """At first the entry at or after ``index``, then each next one, up to ``max`` (mas_find)."""
        entry = self.begin_find(max)
        if entry is STEP:
            entry = self.forward(max, False)
            if self.state == OVERFLOW:
                self.state = ACTIVE
        return entry

    def find_range(self, max: int) -> Any:
        """At first the entry at or after ``index``, then each next range, up to ``max``
        (mas_find_range)."""
        entry = self.begin_find(max)
        return self.forward(max, True) if entry is STEP else entry

    def begin_find(self, limit: int) -> Any:
        """Walk if need be: the answer, or STEP where a step forward gives it."""
        state = self.state
        if state == ACTIVE:
            return None if self.last >= limit else STEP
        if state == ERROR:
            return None
        if state == UNDERFLOW:
            if self.index >= limit:
                self.state = OVERFLOW
                return None
        elif state in (PAUSE, NONE, OVERFLOW):
            if self.last >= limit:
                return None
            if state == PAUSE:
                self.last += 1
            if state != OVERFLOW:
                self.index = self.last
        elif state == START and self.index > limit:
            return None
        if state != ROOT:
            entry = self.walk()
            if entry is not None:
                return entry
        if self.state == ROOT:
            self.bare_behind()
        if self.state == NONE:
            return None
        return None if self.index == limit else STEP

    def find_rev(self, min: int) -> Any:
        """At first the entry at or before ``index``, then each one before, down to ``min``
        (mas_find_rev)."""
        entry = self.begin_find_rev(min)
        return self.back(min, False) if entry is STEP else entry

    def find_range_rev(self, min: int) -> Any:
        """At first the entry at or before ``index``, then each range before, down to ``min``
        (mas_find_range_rev)."""
        entry = self.begin_find_rev(min)
        return self.back(min, True) if entry is STEP else entry

    def begin_find_rev(self, limit: int) -> Any:
        """Walk if need be: the answer, or STEP where a step back gives it."""
        state = self.state
        if state == ERROR:
            return None
        if state in (PAUSE, OVERFLOW, UNDERFLOW):
            if self.index <= limit:
                self.state = UNDERFLOW
                return None
            if state == PAUSE:
                self.index -= 1
                self.last = self.index
            elif self.node >= 0:
                self.state = ACTIVE
            else:
                state = START
        elif state == NONE:
            if self.index <= limit:
                return None
            self.last = self.index
        elif state == START and self.index < limit:
            return None
        if state in (PAUSE, NONE, START):
            entry = self.walk()
            if entry is not None:
                return entry
        if self.state == ROOT:
            self.state = NONE
            return None
        if self.state == NONE:
            self.index = self.last = 0
            self.state = ROOT
            return self.bare_entry()
        return None if self.index < limit else STEP

    # Free ranges

    def empty_area(self, min: int, max: int, size: int) -> int:
        """The lowest ``size`` free indices within [min, max] become the range (mas_empty_area).

        0, -EBUSY where there is no room, -EINVAL where ``size`` is 0 or does not fit the limits.
        """
        return self.take_area(min, max, size, True)

    def empty_area_rev(self, min: int, max: int, size: int) -> int:
        """Like :meth:`empty_area`, but the highest (mas_empty_area_rev)."""
        return self.take_area(min, max, size, False)

    def take_area(self, least: int, most: int, size: int, upwards: bool) -> int:
        """Look for a free range and stand on it."""
        tree, found = self.tree, self.tree.found
        ret = search.empty_area(tree, least, most, size, upwards)
        if ret == -EINVAL:
            return ret
        if tree.root < 0:
            self.go()
        elif ret == 0:
            self.node, self.low, self.high, self.slot = found.node, found.low, found.high, found.slot
            self.end = tree.pool.end(found.node)
            self.state = ACTIVE
        else:
            self.index, self.last = least, most
            self.node = -1
            self.state = START if found.left_tree else ERROR
            self.error = 0 if found.left_tree else ret
        if ret == 0:
            self.index, self.last = found.start, found.start + (size - 1)
        return ret
