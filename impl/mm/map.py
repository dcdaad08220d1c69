"""mmap and munmap.

Not covered: choosing an address (all mappings are fixed), merging of neighbours, stack growth, rlimits.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.mm.flags import SETTABLE, VM_ACCOUNT, VM_MAYREAD, VM_PFNMAP, is_accountable
from mapleproof.impl.mm.objects import PatRange, Vma
from mapleproof.impl.mm.ranges import bad_range, kinds_clash, splits_huge
from mapleproof.impl.mm.rmap import link_file
from mapleproof.impl.mm.split import split_around, take_out

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def mmap(mm: Mm, start: int, size: int, flags: int, file: int | None = None) -> int:
    """Map ``size`` bytes at ``start``, whatever was there (MAP_FIXED). ``flags`` out of SETTABLE; ``file`` a
    file's number, None for anonymous memory. -EINVAL for a bad range, -ENOMEM (the old mapping is gone
    then, as in the kernel)."""
    if bad_range(mm, start, size) or flags & ~SETTABLE:
        return -errno.EINVAL
    if kinds_clash(mm, start, start + size, flags):
        return -errno.EINVAL
    ret = munmap(mm, start, size)
    return ret or add_vma(mm, start, size, flags, file)


def add_vma(mm: Mm, start: int, size: int, flags: int, file: int | None) -> int:
    """A new VMA where there is none: 0, or -ENOMEM for want of charge or memory."""
    machine, plan = mm.machine, mm.machine.plan
    pages = size >> machine.geometry.page_shift
    flags |= VM_MAYREAD
    if is_accountable(flags):
        if not machine.charge(pages):
            return -errno.ENOMEM
        flags |= VM_ACCOUNT
    mapped = None if file is None else machine.file(file)
    if plan is not None and not plan.ask("vma"):
        return uncharged(mm, flags, pages)
    machine.vmas += 1
    vma = Vma(mm, start, start + size, flags, mapped)
    if mm.tree.store_range(start, start + size - 1, vma):
        machine.free_vma(vma)
        return uncharged(mm, flags, pages)
    mm.map_count += 1
    mm.count_pages(flags, pages)
    if mapped is not None:
        mapped.refs += 1
        mapped.opened += 1
        link_file(machine, vma)
    if flags & VM_PFNMAP:
        vma.pat = PatRange()
        machine.reserved += 1
        for addr in range(start, start + size, machine.geometry.page):
            if not mm.tables.populate(addr, False):
                return -errno.ENOMEM
    return 0


def uncharged(mm: Mm, flags: int, pages: int) -> int:
    """Give the charge of a VMA that came to nothing back; -ENOMEM."""
    if flags & VM_ACCOUNT:
        mm.machine.uncharge(pages)
    return -errno.ENOMEM


def munmap(mm: Mm, start: int, size: int) -> int:
    """Unmap [start, start + size). -EINVAL for a bad range or inside a huge page, -ENOMEM."""
    if bad_range(mm, start, size):
        return -errno.EINVAL
    if splits_huge(mm, start, start + size):
        return -errno.EINVAL
    return split_around(mm, start, start + size) or take_out(mm, start, start + size)
