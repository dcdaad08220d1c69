"""One address space as plain sets: its areas in order, its pages, and its page tables.

A page table is a pair: its level, 1 being the lowest, and the address of its aligned span. It stays as long
as its span meets an area, and is gone once it meets none: that is the whole rule for unmapping.
"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field, replace

READ, WRITE, EXEC, SHARED, MAYREAD = 0x1, 0x2, 0x4, 0x8, 0x10
GROWSDOWN, PFNMAP, LOCKED = 0x100, 0x400, 0x2000
DONTCOPY, ACCOUNT, HUGETLB, WIPEONFORK = 0x20000, 0x100000, 0x400000, 0x2000000
PROTECTION = READ | WRITE | EXEC
SETTABLE = PROTECTION | SHARED | GROWSDOWN | PFNMAP | LOCKED | HUGETLB

ADVICE = {
    "dontfork": (DONTCOPY, 0),
    "dofork": (0, DONTCOPY),
    "wipeonfork": (WIPEONFORK, 0),
    "keeponfork": (0, WIPEONFORK),
}
"""For each advice the flags that it sets and those that it clears."""


@dataclass(frozen=True)
class Shape:
    """Page size and fan-out as log2, levels with the topmost, and the end of user space. ``hugepd``: huge
    pages are as small as a page and have tables of their own."""

    page_shift: int = 12
    bits: int = 9
    levels: int = 4
    task_size: int = (1 << 47) - 4096
    hugepd: bool = False

    @property
    def page(self) -> int:
        return 1 << self.page_shift

    def span(self, level: int) -> int:
        """What a table of a level spans."""
        return 1 << (self.page_shift + self.bits * level)

    @property
    def huge_page(self) -> int:
        return self.page if self.hugepd else self.span(1)


@dataclass(frozen=True)
class Area:
    """A VMA: [start, end), flags, a file's number or None, and whether private pages may be in it."""

    start: int
    end: int
    flags: int
    file: int | None = None
    anon: bool = False

    @property
    def copies_pages(self) -> bool:
        """Whether a fork copies its pages; what can be faulted in again is left to that."""
        return not self.flags & WIPEONFORK and (self.anon or bool(self.flags & PFNMAP))


@dataclass
class Space:
    """One address space."""

    shape: Shape
    areas: list[Area] = field(default_factory=list)
    pages: set[int] = field(default_factory=set)
    tables: set[tuple[int, int]] = field(default_factory=set)

    def size(self, area: Area) -> int:
        return (area.end - area.start) >> self.shape.page_shift

    def charged(self) -> int:
        """Its pages that are charged."""
        return sum(self.size(area) for area in self.areas if area.flags & ACCOUNT)

    def places(self, start: int, end: int) -> range:
        """Where in the list the areas stand that meet [start, end)."""
        low = bisect_right(self.areas, start, key=lambda area: area.end)
        return range(low, bisect_left(self.areas, end, lo=low, key=lambda area: area.start))

    def inside(self, start: int, end: int) -> list[Area]:
        """The areas that meet [start, end)."""
        places = self.places(start, end)
        return self.areas[places.start : places.stop]

    def covers(self, start: int, end: int) -> bool:
        """Whether there is no hole in [start, end)."""
        return self.reach(start, end) == end

    def reach(self, start: int, end: int) -> int:
        """Where the first hole in [start, end) begins, or the end."""
        at = start
        for area in self.inside(start, end):
            if area.start > at:
                break
            at = area.end
        return min(at, end)

    def split(self, *borders: int) -> None:
        """Let areas end at each border."""
        for border in borders:
            for at in self.places(border, border + 1):
                area = self.areas[at]
                if area.start < border:
                    self.areas[at : at + 1] = [replace(area, end=border), replace(area, start=border)]

    def remove(self, start: int, end: int) -> None:
        """Unmap: areas and pages of the range go, and every table that meets no area any more."""
        self.split(start, end)
        places = self.places(start, end)
        if not places:
            return
        del self.areas[places.start : places.stop]
        self.pages = {page for page in self.pages if not start <= page < end}
        self.tables = {
            (level, at) for level, at in self.tables if self.inside(at, at + self.shape.span(level))
        }

    def add(self, area: Area) -> None:
        insort(self.areas, area, key=lambda area: area.start)

    def populate(self, page: int, huge: bool) -> None:
        """A page, and the tables on the way to it."""
        self.pages.add(page)
        lowest = 2 if huge and not self.shape.hugepd else 1
        for level in range(lowest, self.shape.levels):
            self.tables.add((level, page & -self.shape.span(level)))

    def move_tables(self, start: int, to: int, size: int) -> None:
        """Tables at the destination of a move, for those at its source: where a table of the lowest level
        is, even an empty one, there is one; where only its parent is, there is what that hangs in."""
        lowest, middle = self.shape.span(1), self.shape.span(2)
        at = 0
        while at < size:
            old, new = start + at, to + at
            if (2, old & -middle) in self.tables:
                whole = old % middle == new % middle == 0 and size - at >= middle
                there = 1 if (1, old & -lowest) in self.tables else 2 if whole else 3
                self.tables |= {
                    (level, new & -self.shape.span(level)) for level in range(there, self.shape.levels)
                }
            at += min(lowest - old % lowest, lowest - new % lowest)

    def bad(self, start: int, size: int) -> bool:
        return bool((start | size) % self.shape.page) or size == 0 or start + size > self.shape.task_size

    def splits_huge(self, *borders: int) -> bool:
        return any(
            area.flags & HUGETLB and area.start < border and border % self.shape.huge_page
            for border in borders
            for area in self.inside(border, border + 1)
        )

    def clashes(self, start: int, end: int, flags: int) -> bool:
        """Whether hugetlb is misaligned or would share a table of the lowest level with other memory."""
        if flags & HUGETLB and (flags & PFNMAP or (start | end) % self.shape.huge_page):
            return True
        span = self.shape.span(1)
        around = self.inside(start & -span, -(-end // span) * span)
        return self.shape.hugepd and any((area.flags ^ flags) & HUGETLB for area in around)
