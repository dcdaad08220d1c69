"""What pages hold: of each mapped extent where its contents come from, and the private copies since.

A shared extent reads and writes its object. A private one reads its object, or zeroes without one, until it
is written: then it has a copy of its own, which a fork hands on. A number stands for what a page holds.

Not covered: reading beyond the end of an object.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace

from mapleproof.model.space import WIPEONFORK, Space

Object = tuple[str, int]
"""What an extent maps: ("file", number), or ("shared", a number of its own)."""


@dataclass(frozen=True)
class Extent:
    """[start, end) of a space maps ``what`` from ``offset`` on; None: nothing but zeroes, from where it
    was mapped first."""

    start: int
    end: int
    what: Object | None
    offset: int
    shared: bool

    def clipped(self, start: int, end: int) -> "Extent":
        low = max(self.start, start)
        return replace(self, start=low, end=min(self.end, end), offset=self.offset + low - self.start)


@dataclass
class Held:
    """One space: its extents, and its private copies by page."""

    extents: list[Extent] = field(default_factory=list)
    copies: dict[int, int] = field(default_factory=dict)

    def places(self, start: int, end: int) -> slice:
        """Where in the list, which is in order, the extents stand that meet [start, end)."""
        low = bisect_right(self.extents, start, key=lambda each: each.end)
        return slice(low, bisect_left(self.extents, end, lo=low, key=lambda each: each.start))

    def cut(self, start: int, end: int) -> None:
        """The range is mapped no more."""
        places = self.places(start, end)
        sides = ((0, start), (end, 1 << 64))
        parts = [each.clipped(low, high) for each in self.extents[places] for low, high in sides]
        if parts:
            self.extents[places] = [each for each in parts if each.start < each.end]
            self.copies = {page: value for page, value in self.copies.items() if not start <= page < end}

    def add(self, extent: Extent) -> None:
        """Map a range where there is nothing."""
        self.extents.insert(self.places(extent.start, extent.end).start, extent)

    def at(self, page: int) -> Extent:
        return self.extents[self.places(page, page + 1)][0]


class Contents:
    """The contents of all spaces. Calls are those that succeeded, on whole pages."""

    def __init__(self) -> None:
        self.spaces = {0: Held()}
        self.objects: dict[tuple[Object, int], int] = {}
        self._made = 0

    def mmap(self, space: int, start: int, end: int, shared: bool, file: int | None) -> None:
        held = self.spaces[space]
        held.cut(start, end)
        what: Object | None = None if file is None else ("file", file)
        if shared and file is None:
            self._made += 1
            what = ("shared", self._made)
        held.add(Extent(start, end, what, start if what is None else 0, shared))

    def munmap(self, space: int, start: int, end: int) -> None:
        self.spaces[space].cut(start, end)

    def mremap(self, space: int, start: int, size: int, to: int, new_size: int) -> None:
        """The extent at ``start`` moves or changes its size, with what it holds."""
        held = self.spaces[space]
        moved = held.at(start).clipped(start, start + size)
        copies = {page - start: value for page, value in held.copies.items() if start <= page < start + size}
        held.cut(start, start + size)
        held.cut(to, to + new_size)
        held.add(replace(moved, start=to, end=to + new_size))
        held.copies |= {to + at: value for at, value in copies.items() if at < new_size}

    def write(self, space: int, page: int, value: int) -> None:
        held = self.spaces[space]
        extent = held.at(page)
        if extent.shared and extent.what is not None:
            self.objects[extent.what, extent.offset + page - extent.start] = value
        else:
            held.copies[page] = value

    def read(self, space: int, page: int) -> int:
        held = self.spaces[space]
        extent = held.at(page)
        if extent.what is None:
            return held.copies.get(page, 0)
        return held.copies.get(page, self.objects.get((extent.what, extent.offset + page - extent.start), 0))

    def touched(self, space: int, start: int, end: int) -> None:
        """Pages of a private extent were written with what they held: from now on they are copies."""
        held = self.spaces[space]
        for extent in held.extents[held.places(start, end)]:
            if not extent.shared and extent.what is not None:
                low, high = max(extent.start, start), min(extent.end, end)
                for page in range(low, high, 4096):
                    held.copies.setdefault(page, self.read(space, page))

    def fork(self, parent: int, child: int, areas: Space) -> None:
        """The child's ``areas`` get what the parent's hold, or zeroes where they are wiped."""
        held, new = self.spaces[parent], Held()
        for area in areas.areas:
            over = held.extents[held.places(area.start, area.end)]
            new.extents += [each.clipped(area.start, area.end) for each in over]
        for page, value in held.copies.items():
            if any(not area.flags & WIPEONFORK for area in areas.inside(page, page + 1)):
                new.copies[page] = value
        self.spaces[child] = new

    def exit(self, space: int) -> None:
        del self.spaces[space]
