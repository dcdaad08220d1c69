"""Interval maps of libraries that are made for comfort: they are asked the same."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from mapleproof.bench.rivals import BTree, Lists, Map, Ours, Range, Scanning, SortedContainers


class Comfortable(Scanning):
    """What these have in common: their ranges are looked at in one way only."""

    @abstractmethod
    def ranges(self) -> Iterator[Range]: ...

    def upwards(self, low: int) -> Iterable[tuple[int, int]]:
        return ((first, last) for first, last, _ in self.ranges() if last >= low)

    def downwards(self, high: int) -> Iterable[tuple[int, int]]:
        return ((last, first) for first, last, _ in reversed([*self.ranges()]) if first <= high)


class IntervalTree(Comfortable):
    """intervaltree.IntervalTree, ends exclusive."""

    def __init__(self, tree: Any = None) -> None:
        self.tree = tree if tree is not None else import_module("intervaltree").IntervalTree()

    def store(self, first: int, last: int, entry: Any) -> None:
        self.tree.chop(first, last + 1)
        self.tree.addi(first, last + 1, entry)

    def load(self, index: int) -> Any:
        for found in self.tree.at(index):
            return found.data
        return None

    def ranges(self) -> Iterator[Range]:
        return ((held.begin, held.end - 1, held.data) for held in sorted(self.tree))

    def dup(self) -> IntervalTree:
        return IntervalTree(self.tree.copy())

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        make = type(self.tree)
        interval = import_module("intervaltree").Interval
        self.tree = make(interval(held.begin, held.end, new(held.data)) for held in self.tree)


class Portion(Comfortable):
    """portion.IntervalDict. Neighbours with the same entry become one."""

    def __init__(self, held: Any = None) -> None:
        self.library = import_module("portion")
        self.map = held if held is not None else self.library.IntervalDict()

    def store(self, first: int, last: int, entry: Any) -> None:
        self.map[self.library.closed(first, last)] = entry

    def load(self, index: int) -> Any:
        return self.map.get(index)

    def ranges(self) -> Iterator[Range]:
        held = [
            (
                part.lower + (part.left is self.library.OPEN),
                part.upper - (part.right is self.library.OPEN),
                entry,
            )
            for whole, entry in self.map.items()
            for part in whole
        ]
        return iter(sorted(held))

    def dup(self) -> Portion:
        return Portion(self.map.copy())

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        for whole, entry in [*self.map.items()]:
            self.map[whole] = new(entry)


class PythonRanges(Comfortable):
    """ranges.RangeDict of python-ranges."""

    def __init__(self, held: Any = None) -> None:
        self.library = import_module("ranges")
        self.map = held if held is not None else self.library.RangeDict()

    def store(self, first: int, last: int, entry: Any) -> None:
        self.map[self.library.Range(first, last + 1)] = entry

    def load(self, index: int) -> Any:
        return self.map.get(index, None)

    def ranges(self) -> Iterator[Range]:
        held = [
            (part.start, part.end - 1, entry)
            for sets, entry in self.map.items()
            for whole in sets
            for part in whole.ranges()
        ]
        return iter(sorted(held))

    def dup(self) -> PythonRanges:
        return PythonRanges(self.map.copy())

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        made = self.library.RangeDict()
        for first, last, entry in self.ranges():
            made[self.library.Range(first, last + 1)] = new(entry)
        self.map = made


SUBJECTS: dict[str, Callable[[], Map]] = {
    "mapleproof": Ours,
    "lists": Lists,
    "sortedcontainers": SortedContainers,
    "BTrees": BTree,
    "intervaltree": IntervalTree,
    "portion": Portion,
    "python-ranges": PythonRanges,
}
"""Everyone who is measured in this process, ourselves first."""
