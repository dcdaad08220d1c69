"""Page faults: what is there once pages were used."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.mm.flags import VM_HUGETLB, VM_PFNMAP, VM_READ, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.ranges import areas_without_hole, bad_range
from mapleproof.impl.mm.rmap import prepare_anon_vma
from mapleproof.impl.mm.teardown import count_rss

if TYPE_CHECKING:
    from mapleproof.impl.mm.objects import Vma

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def touch(mm: Mm, start: int, size: int) -> int:
    """Read or write each page of [start, start + size), as far as its protection allows it: the pages are
    there afterwards. -EFAULT for a hole, -ENOMEM with the pages before populated."""
    if bad_range(mm, start, size):
        return -errno.EINVAL
    end = start + size
    over = areas_without_hole(mm, start, end)
    if over is None:
        return -errno.EFAULT
    for vma in over:
        if vma.flags & VM_PFNMAP or not vma.flags & (VM_READ | VM_WRITE):
            continue
        low, high = max(vma.start, start), min(vma.end, end)
        private = vma.flags & (VM_SHARED | VM_WRITE) == VM_WRITE
        if private and not prepare_anon_vma(mm.machine, vma):
            return -errno.ENOMEM
        if not populate_vma(mm, vma, low, high):
            return -errno.ENOMEM
    return 0


def populate_vma(mm: Mm, vma: Vma, low: int, high: int) -> bool:
    """Enter each page of ``vma`` in [low, high); whether there was memory for the tables."""
    tables, huge = mm.tables, bool(vma.flags & VM_HUGETLB)
    step = mm.machine.geometry.huge_page if huge else mm.machine.geometry.page
    for addr in range(low & -step, high, step):
        present = tables.has_page(addr)
        if not tables.populate(addr, huge):
            return False
        count_rss(mm, vma, 0 if present else 1)
    return True
