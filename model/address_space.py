"""What is right: address spaces as plain sets, what each call makes of them, and what a fork must yield.

Nothing here says how: no tree, no walk, no limits. What is left of a failed fork is said in one line:
nothing, the world is what it was before. A fork gives the child those tables of the parent that meet an area
whose pages are copied.

Not covered, as in the implementation: choosing addresses, merging of neighbours, rlimits.
"""

from dataclasses import replace
from errno import EFAULT, EINVAL, ENOMEM

from mapleproof.model.space import (
    ACCOUNT,
    ADVICE,
    DONTCOPY,
    HUGETLB,
    LOCKED,
    MAYREAD,
    PFNMAP,
    PROTECTION,
    READ,
    SETTABLE,
    SHARED,
    WIPEONFORK,
    WRITE,
    Area,
    Shape,
    Space,
)

__all__ = ["ADVICE", "Area", "Shape", "Space", "World"]


def is_accountable(flags: int) -> bool:
    """Whether a new mapping is charged. What shared memory is charged belongs to what it maps."""
    return flags & (WRITE | SHARED | HUGETLB | PFNMAP) == WRITE


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
        if is_accountable(area.flags):
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
        """Set the protection up to the first hole; private memory that becomes writable is charged, area by
        area, and is not any more where it is not writable again and was never written."""
        space = self.spaces[number]
        end = start + size
        if space.bad(start, size) or prot & ~PROTECTION or space.splits_huge(start, end):
            return -EINVAL
        reach = space.reach(start, end)
        if reach == start:
            return -ENOMEM
        space.split(start, reach)
        for at in space.places(start, reach):
            area = space.areas[at]
            flags = area.flags & ~PROTECTION | prot
            if flags == area.flags:
                continue
            if prot & WRITE and not area.flags & (ACCOUNT | WRITE | HUGETLB | SHARED | PFNMAP):
                if not self.may_charge(space.size(area)):
                    return -ENOMEM
                flags |= ACCOUNT
            elif not prot & WRITE and area.file is None and not area.anon:
                flags &= ~ACCOUNT
            space.areas[at] = replace(area, flags=flags)
        return 0 if reach == end else -ENOMEM

    def madvise(self, number: int, start: int, size: int, advice: str) -> int:
        """Advise all areas, over holes too, up to the first that must not have the advice."""
        space = self.spaces[number]
        end = start + size
        if space.bad(start, size) or space.splits_huge(start, end):
            return -EINVAL
        added, taken = ADVICE[advice]
        whole = space.covers(start, end)
        for over in space.inside(start, end):
            if advice == "wipeonfork" and (over.file is not None or over.flags & (SHARED | PFNMAP)):
                return -EINVAL
            low, high = max(start, over.start), min(end, over.end)
            space.split(low, high)
            at = space.places(low, high).start
            area = space.areas[at]
            space.areas[at] = replace(area, flags=(area.flags | added) & ~taken)
        return 0 if whole else -ENOMEM

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
        if area is None:
            return -EFAULT
        if area.flags & (HUGETLB | PFNMAP):
            return -EINVAL
        if to == start and new_size <= size:
            return self.munmap(number, start + new_size, size - new_size) if new_size < size else 0
        if area.end < start + size:
            return -EFAULT
        if to == start:
            return self._grow(space, area, start + size, start + new_size)
        if start < to + new_size and to < start + size:
            return -EINVAL
        if space.clashes(to, to + new_size, area.flags) or space.splits_huge(to, to + new_size):
            return -EINVAL
        space.remove(to, to + new_size)
        common = min(size, new_size)
        if common < size:
            space.remove(start + common, start + size)
        space.split(start, start + common)
        area = space.inside(start, start + 1)[0]
        moved = replace(area, start=to, end=to + new_size)
        if area.flags & ACCOUNT and not self.may_charge(space.size(moved)):
            return -ENOMEM
        space.add(moved)
        space.move_tables(start, to, common)
        for page in [page for page in space.pages if start <= page < start + common]:
            space.populate(page - start + to, False)
        space.remove(start, start + common)
        return 0

    def _grow(self, space: Space, area: Area, end: int, new_end: int) -> int:
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
