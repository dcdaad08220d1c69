"""The model's interval map over 64-bit words: what `model.interval_map` says, in rows that can be compiled.

Entries are positive words, 0 is NULL. Looking a range up leaves it in ``first``, ``last`` and ``entry``.
The claim `loop_map_agrees` holds it to the model, which remains the judge of every failure that is told.
"""

from __future__ import annotations

from types import SimpleNamespace

from mapleproof.props.maple.loop.codes import MAX

try:
    import cython
except ImportError:  # it is needed for compiling alone
    globals()["cython"] = SimpleNamespace(compiled=False)

LEAST_ROOM = 64


class Held:
    """Entries by range, in order: rows of first and last indices and of entries."""

    def __init__(self) -> None:
        self.count = 0
        self.first, self.last, self.entry = 0, MAX, 0
        if not cython.compiled:
            self.firsts: list[int] = []
            self.lasts: list[int] = []
            self.entries: list[int] = []
        else:
            self.enlarge(LEAST_ROOM)  # type: ignore[attr-defined]

    def __dealloc__(self) -> None:
        """Called where this is compiled."""
        self.drop()  # type: ignore[attr-defined]

    def copy_of(self, other: Held) -> None:
        """Hold what another one does."""
        if not cython.compiled:
            self.firsts, self.lasts, self.entries = other.firsts[:], other.lasts[:], other.entries[:]
        else:
            self.take(other)  # type: ignore[attr-defined]
        self.count = other.count

    def clear(self) -> None:
        if not cython.compiled:
            self.firsts, self.lasts, self.entries = [], [], []
        self.count = 0

    def place(self, index: int) -> int:
        """Number of the first range that does not end before the index."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) >> 1
            if self.lasts[middle] < index:
                low = middle + 1
            else:
                high = middle
        return low

    def place_behind(self, index: int) -> int:
        """Number of the first range that begins behind the index."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) >> 1
            if self.firsts[middle] <= index:
                low = middle + 1
            else:
                high = middle
        return low

    def at(self, index: int) -> int:
        """The entry at an index, and the range around it. A gap reaches from entry to entry."""
        i = self.place(index)
        if i < self.count and self.firsts[i] <= index:
            self.first, self.last, self.entry = self.firsts[i], self.lasts[i], self.entries[i]
        else:
            self.first = self.lasts[i - 1] + 1 if i > 0 else 0
            self.last = self.firsts[i] - 1 if i < self.count else MAX
            self.entry = 0
        return self.entry

    def put(self, first: int, last: int, entry: int) -> None:
        """Overwrite first..last. A range that is overwritten in part keeps the rest."""
        low, high = self.place(first), self.place_behind(last)
        before = low < high and self.firsts[low] < first
        after = low < high and self.lasts[high - 1] > last
        before_first = before_entry = after_last = after_entry = 0
        if before:
            before_first, before_entry = self.firsts[low], self.entries[low]
        if after:
            after_last, after_entry = self.lasts[high - 1], self.entries[high - 1]
        self.make_room(low, high, (1 if before else 0) + (1 if after else 0) + (1 if entry else 0))
        if before:
            self.firsts[low], self.lasts[low], self.entries[low] = before_first, first - 1, before_entry
            low += 1
        if entry:
            self.firsts[low], self.lasts[low], self.entries[low] = first, last, entry
            low += 1
        if after:
            self.firsts[low], self.lasts[low], self.entries[low] = last + 1, after_last, after_entry

    def make_room(self, low: int, high: int, new: int) -> None:
        """Let so many cells take the place of the cells from low to high - 1."""
        if not cython.compiled:
            for row in (self.firsts, self.lasts, self.entries):
                row[low:high] = [0] * new
        else:
            self.shift(low, high, new)  # type: ignore[attr-defined]
        self.count += new - (high - low)

    def lowest_gap(self, low: int, high: int, size: int) -> bool:
        """Whether so many empty indices lie within low..high; ``first`` is their lowest start then."""
        start = low
        for i in range(self.place(low), self.count):
            if (self.firsts[i] >= start and self.firsts[i] - start >= size) or size - 1 > high - start:
                break
            if self.lasts[i] >= high:
                return False
            start = self.lasts[i] + 1
        self.first = start
        return size - 1 <= high - start

    def highest_gap(self, low: int, high: int, size: int) -> bool:
        """The same; ``first`` is their highest start then."""
        end, i = high, self.place_behind(high) - 1
        while i >= 0:
            if (self.lasts[i] < end and end - self.lasts[i] >= size) or size - 1 > end - low:
                break
            if self.firsts[i] <= low:
                return False
            end = self.firsts[i] - 1
            i -= 1
        if size - 1 > end - low:
            return False
        self.first = end - (size - 1)
        return True

    def ranges(self) -> list[tuple[int, int, int]]:
        """All that is held, as the model has it."""
        return [(self.firsts[i], self.lasts[i], self.entries[i]) for i in range(self.count)]
