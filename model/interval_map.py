"""A sorted map from ranges of indices to entries, over 0..2**64-1.

One list holds the ranges that have an entry, in order and without overlap; what is between them is empty. A
range is named by its first and last index, both inclusive. Ranges that touch stay apart.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import itemgetter

MAX_INDEX = 2**64 - 1
FIRST, LAST = itemgetter(0), itemgetter(1)


@dataclass
class IntervalMap:
    """Entries (positive integers) by range of indices. The empty entry is None."""

    ranges: list[tuple[int, int, int]]

    def at(self, index: int) -> tuple[int, int, int | None]:
        """The range around an index and its entry. A gap reaches from entry to entry, its entry is None."""
        i = bisect_left(self.ranges, index, key=LAST)
        if i < len(self.ranges) and self.ranges[i][0] <= index:
            return self.ranges[i]
        first = self.ranges[i - 1][1] + 1 if i > 0 else 0
        return first, (self.ranges[i][0] - 1 if i < len(self.ranges) else MAX_INDEX), None

    def put(self, first: int, last: int, entry: int | None) -> None:
        """Overwrite first..last. A range that is overwritten in part keeps the rest."""
        low = bisect_left(self.ranges, first, key=LAST)
        high = bisect_right(self.ranges, last, key=FIRST)
        old = self.ranges[low:high]
        new = [] if entry is None else [(first, last, entry)]
        if old and old[0][0] < first:
            new.insert(0, (old[0][0], first - 1, old[0][2]))
        if old and old[-1][1] > last:
            new.append((last + 1, old[-1][1], old[-1][2]))
        self.ranges[low:high] = new

    def lowest_gap(self, low: int, high: int, size: int) -> int | None:
        """The lowest start of `size` empty indices that lie within low..high."""
        start = low
        for i in range(bisect_left(self.ranges, low, key=LAST), len(self.ranges)):
            if self.ranges[i][0] - start >= size or start + size - 1 > high:
                break
            start = self.ranges[i][1] + 1
        return start if start + size - 1 <= high else None

    def highest_gap(self, low: int, high: int, size: int) -> int | None:
        """The highest start of `size` empty indices that lie within low..high."""
        end = high
        for i in range(bisect_right(self.ranges, high, key=FIRST) - 1, -1, -1):
            if end - self.ranges[i][1] >= size or end - size + 1 < low:
                break
            end = self.ranges[i][0] - 1
        return end - size + 1 if end - size + 1 >= low else None
