"""What is right: address spaces as plain sets, what each call makes of them, and what a fork must yield.

A space is a sorted list of areas, the set of its pages, and the set of its page tables as (level, address of
the aligned span). Nothing here says how: no tree, no walk, no limits. What is left of a failed fork is said
in one line: nothing, the world is what it was before.

A page table stays as long as its span meets an area, and is gone once it meets none: that is the whole rule
for unmapping. A fork gives the child those tables of the parent that meet an area whose pages are copied.

Not covered, as in the implementation: choosing addresses, merging of neighbours, rlimits.
"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field, replace
from errno import EFAULT, EINVAL, ENOMEM

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
        at = start
        for area in self.inside(start, end):
            if area.start > at:
                return False
            at = area.end
        return at >= end

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


def is_accountable(flags: int, file: int | None) -> bool:
    """Whether a new mapping is charged."""
    if flags & (HUGETLB | PFNMAP):
        return False
    return file is None if flags & SHARED else bool(flags & WRITE)


class World:
    """All address spaces, and the limit to what they may commit to, in pages."""

    def __init__(self, shape: Shape, commit_limit: int = 1 << 62) -> None:
        self.shape = shape
        self.commit_limit = commit_limit
        self.spaces = {0: Space(shape)}

    def committed(self) -> int:
        return sum(space.charged() for space in self.spaces.values())

    def may_charge(self, pages: int) -> bool:
        return self.committed() + pages <= self.commit_limit

    def mmap(self, number: int, start: int, size: int, flags: int, file: int | None) -> int:
        """Map at a fixed place, whatever was there. Without the charge the old mapping is gone too."""
        space = self.spaces[number]
        if space.bad(start, size) or flags & ~SETTABLE or space.clashes(start, start + size, flags):
            return -EINVAL
        if space.splits_huge(start, start + size):
            return -EINVAL
        space.remove(start, start + size)
        return self._add(space, Area(start, start + size, flags | MAYREAD, file))

    def _add(self, space: Space, area: Area) -> int:
        if is_accountable(area.flags, area.file):
            if not self.may_charge(space.size(area)):
                return -ENOMEM
            area = replace(area, flags=area.flags | ACCOUNT)
        space.add(area)
        if area.flags & PFNMAP:
            for page in range(area.start, area.end, self.shape.page):
                space.populate(page, False)
        return 0

    def munmap(self, number: int, start: int, size: int) -> int:
        space = self.spaces[number]
        if space.bad(start, size) or space.splits_huge(start, start + size):
            return -EINVAL
        space.remove(start, start + size)
        return 0

    def mprotect(self, number: int, start: int, size: int, prot: int) -> int:
        """Set the protection; private memory that becomes writable is charged, area by area."""
        space = self.spaces[number]
        end = start + size
        if space.bad(start, size) or prot & ~PROTECTION or space.splits_huge(start, end):
            return -EINVAL
        if not space.covers(start, end):
            return -ENOMEM
        space.split(start, end)
        for at in space.places(start, end):
            area = space.areas[at]
            flags = area.flags & ~PROTECTION | prot
            if prot & WRITE and not area.flags & (ACCOUNT | WRITE | HUGETLB | SHARED | PFNMAP):
                if not self.may_charge(space.size(area)):
                    return -ENOMEM
                flags |= ACCOUNT
            space.areas[at] = replace(area, flags=flags)
        return 0

    def madvise(self, number: int, start: int, size: int, advice: str) -> int:
        space = self.spaces[number]
        end = start + size
        if space.bad(start, size) or space.splits_huge(start, end):
            return -EINVAL
        if not space.covers(start, end):
            return -ENOMEM
        over = space.inside(start, end)
        if advice == "wipeonfork" and any(
            area.file is not None or area.flags & (SHARED | PFNMAP) for area in over
        ):
            return -EINVAL
        space.split(start, end)
        added, taken = ADVICE[advice]
        for at in space.places(start, end):
            area = space.areas[at]
            space.areas[at] = replace(area, flags=(area.flags | added) & ~taken)
        return 0

    def touch(self, number: int, start: int, size: int) -> int:
        """Use every page that may be used."""
        space = self.spaces[number]
        end = start + size
        if space.bad(start, size):
            return -EINVAL
        if not space.covers(start, end):
            return -EFAULT
        for at in space.places(start, end):
            area = space.areas[at]
            if area.flags & PFNMAP or not area.flags & (READ | WRITE):
                continue
            if area.flags & (SHARED | WRITE) == WRITE:
                space.areas[at] = replace(area, anon=True)
            huge = bool(area.flags & HUGETLB)
            step = self.shape.huge_page if huge else self.shape.page
            for page in range(max(area.start, start) & -step, min(area.end, end), step):
                space.populate(page, huge)
        return 0

    def mremap(self, number: int, start: int, size: int, to: int, new_size: int) -> int:
        """Resize in place, or move to a fixed place, whatever was there."""
        space = self.spaces[number]
        if space.bad(start, size) or space.bad(to, new_size):
            return -EINVAL
        area = next(iter(space.inside(start, start + 1)), None)
        if area is None or area.end < start + size:
            return -EFAULT
        if area.flags & (HUGETLB | PFNMAP):
            return -EINVAL
        if to == start:
            return self._resize(space, area, start + size, start + new_size)
        if start < to + new_size and to < start + size:
            return -EINVAL
        if space.clashes(to, to + new_size, area.flags) or space.splits_huge(to, to + new_size):
            return -EINVAL
        space.remove(to, to + new_size)
        space.split(start, start + size)
        moved = replace(area, start=to, end=to + new_size)
        if area.flags & ACCOUNT and not self.may_charge(space.size(moved)):
            return -ENOMEM
        space.add(moved)
        for page in [page for page in space.pages if start <= page < start + min(size, new_size)]:
            space.populate(page - start + to, False)
        space.remove(start, start + size)
        return 0

    def _resize(self, space: Space, area: Area, end: int, new_end: int) -> int:
        if new_end <= end:
            if new_end < end:
                space.remove(new_end, end)
            return 0
        if area.end != end or space.inside(end, new_end) or space.clashes(end, new_end, area.flags):
            return -ENOMEM
        if area.flags & ACCOUNT and not self.may_charge((new_end - end) >> self.shape.page_shift):
            return -ENOMEM
        space.areas[space.areas.index(area)] = replace(area, end=new_end)
        return 0

    def fork(self, number: int, child: int) -> int:
        """The child holds all areas but the VM_DONTCOPY ones, and the pages and tables of those whose pages
        are copied. Where the charge does not suffice for all of it, nothing has happened."""
        parent = self.spaces[number]
        kept = [area for area in parent.areas if not area.flags & DONTCOPY]
        if not self.may_charge(sum(parent.size(area) for area in kept if area.flags & ACCOUNT)):
            return -ENOMEM
        copied = Space(self.shape, [area for area in kept if area.copies_pages])
        self.spaces[child] = Space(
            self.shape,
            [
                replace(area, flags=area.flags & ~LOCKED, anon=area.anon and not area.flags & WIPEONFORK)
                for area in kept
            ],
            {page for page in parent.pages if copied.inside(page, page + 1)},
            {(level, at) for level, at in parent.tables if copied.inside(at, at + self.shape.span(level))},
        )
        return 0

    def exit(self, number: int) -> int:
        """The space is gone, with all that it held."""
        del self.spaces[number]
        return 0
