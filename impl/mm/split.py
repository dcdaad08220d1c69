"""Splitting VMAs at an address, and taking a range of them out of the tree (mm/vma.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.impl.mm.flags import VM_ACCOUNT
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.rmap import clone_anon_vmas, link_file
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, put_policy, remove_vma, unmap_vmas

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def split_at(mm: Mm, addr: int) -> int:
    """No VMA lies across ``addr`` any more: 0, or -ENOMEM with nothing changed (split_vma())."""
    vma = mm.find(addr)
    if vma is None or vma.start >= addr:
        return 0
    machine, plan = mm.machine, mm.machine.plan
    if plan is not None and not plan.ask("vma"):
        return -errno.ENOMEM
    machine.vmas += 1
    pgoff = vma.pgoff + ((addr - vma.start) >> machine.geometry.page_shift)
    new = Vma(mm, addr, vma.end, vma.flags, vma.file, pgoff, vma.policy)
    if new.policy is not None:
        new.policy.refs += 1
        machine.policies += 1
    if not clone_anon_vmas(machine, new, vma) or mm.tree.store_range(addr, vma.end - 1, new):
        for anon_vma in new.chain or ():
            anon_vma.vmas.pop(new)
        put_policy(mm, new)
        machine.free_vma(new)
        return -errno.ENOMEM
    if vma.uffd is not None:
        new.uffd = vma.uffd
        vma.uffd.refs += 1
        machine.uffd_refs += 1
    if vma.pat is not None:
        new.pat = vma.pat
        vma.pat.count += 1
        machine.reserved += 1
    vma.end = addr
    mm.map_count += 1
    if new.file is not None:
        new.file.opened += 1
        new.file.refs += 1
        link_file(machine, new)
    return 0


def split_around(mm: Mm, start: int, end: int) -> int:
    """VMAs begin and end at ``start`` and ``end``, or do not lie across them: 0 or -ENOMEM."""
    return split_at(mm, start) or split_at(mm, end)


def inside(mm: Mm, start: int, end: int) -> list[Vma]:
    """The VMAs that meet [start, end), in order."""
    cursor = mm.cursor(start)
    found: list[Vma] = []
    vma: Vma | None = cursor.find(end - 1)
    while vma is not None:
        found.append(vma)
        vma = cursor.find(end - 1)
    return found


def take_out(mm: Mm, start: int, end: int) -> int:
    """Unmap all VMAs in [start, end), which ends and begins between VMAs: 0 or -ENOMEM with nothing
    changed (vms_clear_ptes(), vms_complete_munmap_vmas()).

    They are moved to a tree of their own, by number, so that the limits for page tables (the neighbours)
    and for the walk (the number of VMAs) are two things here too.
    """
    gone = inside(mm, start, end)
    if not gone:
        return 0
    before: Vma | None = mm.tree.prev(gone[0].start, 0) if gone[0].start else None
    behind = mm.find(gone[-1].end)
    if mm.tree.store_range(start, end - 1, None):
        return -errno.ENOMEM
    detached = MapleTree()
    for number, vma in enumerate(gone):
        detached.store_range(number, number, vma)
    mm.map_count -= len(gone)
    shape = mm.machine.geometry
    floor = shape.first_user if before is None else before.end
    ceiling = shape.ceiling if behind is None else behind.start
    gather = MmuGather(mm)
    cursor = Cursor(detached, 1)
    unmap_vmas(gather, cursor, gone[0], start, end, len(gone))
    cursor.set(1)
    free_pgtables(gather, cursor, gone[0], floor, ceiling, len(gone))
    gather.finish()
    accounted = 0
    for vma in gone:
        pages = mm.pages(vma)
        if vma.flags & VM_ACCOUNT:
            accounted += pages
        mm.count_pages(vma.flags, -pages)
        remove_vma(mm, vma)
    mm.machine.uncharge(accounted)
    detached.destroy()
    return 0
