"""What a system call asks about a range before it touches anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapleproof.impl.mm.flags import VM_HUGETLB, VM_PFNMAP
from mapleproof.impl.mm.split import inside

if TYPE_CHECKING:
    from mapleproof.impl.mm.objects import Vma

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def bad_range(mm: Mm, start: int, size: int) -> bool:
    """Whether a range is empty, unaligned or beyond user space."""
    shape = mm.machine.geometry
    return bool((start | size) & (shape.page - 1)) or size == 0 or start + size > shape.task_size


def kinds_clash(mm: Mm, start: int, end: int, flags: int) -> bool:
    """Whether hugetlb would be misaligned, or would share a PTE table with other memory where huge pages
    hang in tables of their own."""
    shape = mm.machine.geometry
    huge = flags & VM_HUGETLB
    if huge and (flags & VM_PFNMAP or (start | end) & (shape.huge_page - 1)):
        return True
    if not shape.hugepd:
        return False
    size = shape.span(1)
    around = inside(mm, start & -size, -(-end // size) * size)
    return any((vma.flags ^ flags) & VM_HUGETLB for vma in around)


def splits_huge(mm: Mm, start: int, end: int) -> bool:
    """Whether a border of the range lies inside a huge page of a hugetlb VMA."""
    size = mm.machine.geometry.huge_page
    for border in (start, end):
        vma = mm.find(border)
        if vma is not None and vma.start < border and vma.flags & VM_HUGETLB and border & (size - 1):
            return True
    return False


def reach(mm: Mm, start: int, end: int) -> int:
    """Where the first hole in [start, end) begins, or the end."""
    at = start
    for vma in inside(mm, start, end):
        if vma.start > at:
            break
        at = vma.end
    return min(at, end)


def areas_without_hole(mm: Mm, start: int, end: int) -> list[Vma] | None:
    """The VMAs over [start, end), None where there is a hole."""
    return inside(mm, start, end) if reach(mm, start, end) == end else None
