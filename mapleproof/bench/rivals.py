"""What a Python user would take instead of a maple tree: interval maps on what there is to have.

Each holds ranges [first, last] with an entry, and offers what `Map` says, in the plainest way that is fast on
what it stands on. None of them but ours keeps gaps, so a search for a gap looks at one range after the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol

from mapleproof.impl.maple import Cursor, MapleTree

TOP = 2**64 - 1

Range = tuple[int, int, Any]


class Map(Protocol):
    """An interval map, as far as it is measured."""

    def store(self, first: int, last: int, entry: Any, /) -> object:
        """Overwrite [first, last]."""

    def load(self, index: int, /) -> Any:
        """The entry at an index."""

    def ranges(self) -> Iterable[Range]:
        """Every range, in order."""

    def lowest_gap(self, low: int, high: int, size: int) -> int | None:
        """The lowest start of ``size`` empty indices within [low, high]."""

    def highest_gap(self, low: int, high: int, size: int) -> int | None:
        """The highest start of ``size`` empty indices within [low, high]."""

    def dup(self) -> Map:
        """A copy that shares the entries."""

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        """Put ``new(entry)`` in the place of each entry."""


class Ours:
    """`impl.maple`."""

    def __init__(self, tree: MapleTree | None = None) -> None:
        self.tree = tree or MapleTree(alloc_range=True)
        self.cursor = Cursor(self.tree)
        self.store: Callable[[int, int, Any], object] = self.tree.store_range
        self.load: Callable[[int], Any] = self.tree.load
        self.lowest, self.highest = self.cursor.empty_area, self.cursor.empty_area_rev

    def ranges(self) -> Iterable[Range]:
        return self.tree.entries()

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        self.tree.replace_each(new)

    def lowest_gap(self, low: int, high: int, size: int) -> int | None:
        return self.cursor.index if self.lowest(low, high, size) == 0 else None

    def highest_gap(self, low: int, high: int, size: int) -> int | None:
        return self.cursor.index if self.highest(low, high, size) == 0 else None

    def dup(self) -> Ours:
        _, copy = self.tree.dup()
        return Ours(copy)


class Scanning(ABC):
    """Searches for gaps by looking at ranges one after the other."""

    @abstractmethod
    def upwards(self, low: int) -> Iterable[tuple[int, int]]:
        """First and last of ranges in order, from the one at or above ``low``."""

    @abstractmethod
    def downwards(self, high: int) -> Iterable[tuple[int, int]]:
        """Last and first of ranges backwards, from the one at or below ``high``."""

    def lowest_gap(self, low: int, high: int, size: int) -> int | None:
        for first, last in self.upwards(low):
            if first - low >= size:
                break
            if last >= low:
                low = last + 1
                if low > high:
                    return None
        return low if low + size - 1 <= high else None

    def highest_gap(self, low: int, high: int, size: int) -> int | None:
        for last, first in self.downwards(high):
            if high - last >= size:
                break
            if first <= high:
                high = first - 1
                if high < low:
                    return None
        return high - size + 1 if high - size + 1 >= low else None


class Lists(Scanning):
    """Three plain lists, kept in order with bisect."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.lasts: list[int] = []
        self.entries: list[Any] = []

    def store(self, first: int, last: int, entry: Any) -> None:
        firsts, lasts, entries = self.firsts, self.lasts, self.entries
        low, high = bisect_left(lasts, first), bisect_right(firsts, last)
        new_firsts, new_lasts, new_entries = [first], [last], [entry]
        if low < high:
            if firsts[low] < first:
                new_firsts.insert(0, firsts[low])
                new_lasts.insert(0, first - 1)
                new_entries.insert(0, entries[low])
            if lasts[high - 1] > last:
                new_firsts.append(last + 1)
                new_lasts.append(lasts[high - 1])
                new_entries.append(entries[high - 1])
        firsts[low:high], lasts[low:high], entries[low:high] = new_firsts, new_lasts, new_entries

    def load(self, index: int) -> Any:
        at = bisect_left(self.lasts, index)
        return self.entries[at] if at < len(self.lasts) and self.firsts[at] <= index else None

    def ranges(self) -> Iterator[Range]:
        return zip(self.firsts, self.lasts, self.entries, strict=True)

    def upwards(self, low: int) -> Iterable[tuple[int, int]]:
        at = bisect_left(self.lasts, low)
        return zip(self.firsts[at:], self.lasts[at:], strict=True)

    def downwards(self, high: int) -> Iterable[tuple[int, int]]:
        at = bisect_right(self.firsts, high)
        return zip(self.lasts[:at][::-1], self.firsts[:at][::-1], strict=True)

    def dup(self) -> Lists:
        copy = Lists()
        copy.firsts, copy.lasts, copy.entries = self.firsts[:], self.lasts[:], self.entries[:]
        return copy

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        self.entries[:] = map(new, self.entries)


class Sorted(Scanning):
    """A mapping in key order: last index to (first index, entry)."""

    def __init__(self, mapping: Any) -> None:
        self.map = mapping

    @abstractmethod
    def between(self, low: int, high: int | None) -> Iterable[int]:
        """The keys within limits."""

    def store(self, first: int, last: int, entry: Any) -> None:
        held = self.map
        for key in [*self.between(first, None if last == TOP else last)]:
            start, old = held.pop(key)
            if start < first:
                held[first - 1] = (start, old)
        for key in self.between(last, None):
            start, old = held[key]
            if start < first:
                held[first - 1] = (start, old)
            if start <= last:
                held[key] = (last + 1, old)
            break
        held[last] = (first, entry)

    def load(self, index: int) -> Any:
        for key in self.between(index, None):
            first, entry = self.map[key]
            return entry if first <= index else None
        return None

    def ranges(self) -> Iterator[Range]:
        return ((first, last, entry) for last, (first, entry) in self.map.items())

    def upwards(self, low: int) -> Iterable[tuple[int, int]]:
        held = self.map
        return ((held[last][0], last) for last in self.between(low, None))

    def downwards(self, high: int) -> Iterable[tuple[int, int]]:
        held = self.map
        return ((last, held[last][0]) for last in reversed([*self.between(0, None)]) if held[last][0] <= high)

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        held = self.map
        for last, (first, entry) in [*held.items()]:
            held[last] = (first, new(entry))


class SortedContainers(Sorted):
    """sortedcontainers.SortedDict."""

    def __init__(self, mapping: Any = None) -> None:
        super().__init__(mapping or import_module("sortedcontainers").SortedDict())

    def between(self, low: int, high: int | None) -> Iterable[int]:
        found: Iterable[int] = self.map.irange(low, high)
        return found

    def downwards(self, high: int) -> Iterable[tuple[int, int]]:
        held = self.map
        return ((last, held[last][0]) for last in held.irange(reverse=True) if held[last][0] <= high)

    def dup(self) -> SortedContainers:
        return SortedContainers(self.map.copy())


class BTree(Sorted):
    """BTrees.QOBTree, a C tree with unsigned 64-bit keys."""

    def __init__(self, mapping: Any = None) -> None:
        super().__init__(import_module("BTrees.QOBTree").QOBTree(mapping or ()))

    def between(self, low: int, high: int | None) -> Iterable[int]:
        found: Iterable[int] = self.map.keys(low, high)
        return found

    def dup(self) -> BTree:
        return BTree(self.map)
