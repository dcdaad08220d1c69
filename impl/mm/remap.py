"""mremap: a mapping grows, shrinks or moves.

Not covered: hugetlb and VM_PFNMAP. Whole page tables are not moved but made anew, with the same outcome.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.mm.advise import set_policy
from mapleproof.impl.mm.flags import SETTABLE, VM_ACCOUNT, VM_DONTCOPY, VM_HUGETLB, VM_PFNMAP, VM_WIPEONFORK
from mapleproof.impl.mm.map import add_vma, munmap, uncharged
from mapleproof.impl.mm.ranges import bad_range, kinds_clash
from mapleproof.impl.mm.rmap import prepare_anon_vma
from mapleproof.impl.mm.split import inside, split_around, take_out
from mapleproof.impl.mm.touch import populate_vma

if TYPE_CHECKING:
    from mapleproof.impl.mm.objects import Vma

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def mremap(mm: Mm, start: int, size: int, to: int, new_size: int) -> int:
    """Resize the mapping [start, start + size) in place (``to`` equal to ``start``), or move it to ``to``,
    whatever is there (MREMAP_FIXED). -EFAULT unless it lies in one VMA, which to shrink in place needs no
    more than begin there; -EINVAL for a bad range, an overlap,
    hugetlb or VM_PFNMAP; -ENOMEM where there is no room, charge or memory."""
    if bad_range(mm, start, size) or bad_range(mm, to, new_size):
        return -errno.EINVAL
    vma = mm.find(start)
    if vma is None or vma.start > start:
        return -errno.EFAULT
    if vma.flags & (VM_HUGETLB | VM_PFNMAP):
        return -errno.EINVAL
    if to == start and new_size <= size:
        return munmap(mm, start + new_size, size - new_size) if new_size < size else 0
    if vma.end < start + size:
        return -errno.EFAULT
    if to == start:
        return _grow(mm, vma, start, size, new_size)
    if (start < to + new_size and to < start + size) or kinds_clash(mm, to, to + new_size, vma.flags):
        return -errno.EINVAL
    return _move(mm, start, size, to, new_size)


def _grow(mm: Mm, vma: Vma, start: int, size: int, new_size: int) -> int:
    end = start + new_size
    if vma.end != start + size or inside(mm, vma.end, end) or kinds_clash(mm, vma.end, end, vma.flags):
        return -errno.ENOMEM
    pages = (end - vma.end) >> mm.machine.geometry.page_shift
    if vma.flags & VM_ACCOUNT and not mm.machine.charge(pages):
        return -errno.ENOMEM
    if mm.tree.store_range(vma.start, end - 1, vma):
        return uncharged(mm, vma.flags, pages)
    vma.end = end
    mm.count_pages(vma.flags, pages)
    return 0


def _move(mm: Mm, start: int, size: int, to: int, new_size: int) -> int:
    """move_vma(): a new VMA at the destination takes over policy, anon_vma, userfaultfd and pages."""
    common = size if size < new_size else new_size
    ret = munmap(mm, to, new_size)
    if not ret and common < size:
        ret = munmap(mm, start + common, size - common)
    ret = ret or split_around(mm, start, start + common)
    if ret:
        return ret
    old = mm.find(start)
    assert old is not None
    kept = old.flags & (VM_DONTCOPY | VM_WIPEONFORK)
    advised = old.flags & SETTABLE
    ret = add_vma(mm, to, new_size, advised, None if old.file is None else old.file.number)
    if ret:
        return ret
    new = mm.find(to)
    assert new is not None
    # A mapping made writable and then read-only again stays charged, and so does its new place.
    if old.flags & VM_ACCOUNT and not new.flags & VM_ACCOUNT:
        if not mm.machine.charge(mm.pages(new)):
            take_out(mm, to, to + new_size)
            return -errno.ENOMEM
        kept |= VM_ACCOUNT
    elif new.flags & VM_ACCOUNT and not old.flags & VM_ACCOUNT:
        mm.machine.uncharge(mm.pages(new))
        new.flags &= ~VM_ACCOUNT
    new.flags |= kept
    new.pgoff = old.pgoff
    if old.policy is not None:
        set_policy(mm, to, old.policy)
    if old.anon_vma is not None and not prepare_anon_vma(mm.machine, new):
        return -errno.ENOMEM
    ret = _move_tables(mm, start, to, common)
    if ret:
        return ret
    for first, last, _ in mm.tables.pages():
        low, high = max(first, start), min(last + 1, start + common)
        if low < high and not populate_vma(mm, new, low - start + to, high - start + to):
            return -errno.ENOMEM
    return take_out(mm, start, start + common)


def _move_tables(mm: Mm, start: int, to: int, size: int) -> int:
    """Make the tables at ``to`` for those at ``start``, empty ones too (move_page_tables()). Where there is
    only a table of the second level, what that hangs in is made, or its like if all of its span moves."""
    tables, shape = mm.tables, mm.machine.geometry
    lowest, middle = shape.span(1), shape.span(2)
    at = 0
    while at < size:
        old, new = start + at, to + at
        if tables.lookup(old, 2) is not None:
            whole = (old | new) & (middle - 1) == 0 and size - at >= middle
            there = 1 if tables.lookup(old, 1) is not None else 2 if whole else 3
            if tables.reach(new, there) is None:
                return -errno.ENOMEM
        at += min(lowest - (old & (lowest - 1)), lowest - (new & (lowest - 1)))
    return 0
