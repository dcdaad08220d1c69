"""Taking an address space apart: zapping pages, freeing page tables, releasing VMAs.

The walkers take a cursor that stands behind the first VMA, as in the kernel: where it stands, and up to
where it may go (``tree_end``), decides which VMAs they meet, and that is what recoveries got wrong.
``knows_marker`` is whether the walker stops at a zero marker; one that does not takes it for a VMA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapleproof.impl.maple import Cursor
from mapleproof.impl.mm.flags import VM_ACCOUNT, VM_HUGETLB, VM_PFNMAP
from mapleproof.impl.mm.free_range import free_pgd_range
from mapleproof.impl.mm.limits import batch_ceiling, clip, is_gathered
from mapleproof.impl.mm.objects import ZERO, FreedVma, Vma
from mapleproof.impl.mm.page_tables import Table
from mapleproof.impl.mm.promises import COUNT, PARENT, RELEASED
from mapleproof.impl.mm.rmap import unlink_anon_vmas, unlink_file
from mapleproof.impl.mm.words import wrap

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


class MmuGather:
    """What was taken out of ``mm`` and waits for the TLB flush (struct mmu_gather)."""

    __slots__ = ("mm", "pages", "tables")

    def __init__(self, mm: Mm) -> None:
        self.mm = mm
        self.pages = 0
        self.tables = 0
        mm.machine.gathers += 1

    def free_table(self, table: Table) -> None:
        """Take ``table`` out of its tree (pte_free_tlb() and its like)."""
        table.owner.detach(table, self.mm)
        self.tables += 1

    def clear_bad(self, table: Table) -> None:
        table.owner.clear_bad(table)

    def finish(self) -> None:
        """Flush; all that was gathered is free now (tlb_finish_mmu())."""
        self.mm.machine.gathers -= 1


def count_rss(mm: Mm, vma: Vma, pages: int) -> None:
    """``pages`` more or fewer of ``vma`` are present; hugetlb and VM_PFNMAP ones are not counted."""
    if not vma.flags & (VM_PFNMAP | VM_HUGETLB):
        if vma.file is not None:
            mm.rss_file += pages
        else:
            mm.rss_anon += pages


def zap_vma(gather: MmuGather, vma: Vma, start: int, end: int) -> None:
    """Zap the pages of ``vma`` in [start, end) (unmap_single_vma())."""
    part = clip(vma.start, vma.end, start, end)
    if part is None:
        return
    mm = vma.mm
    if mm is not gather.mm:
        gather.mm.machine.alarm(PARENT, f"{vma!r} is zapped by mm {gather.mm.number}")
    if vma.flags & VM_PFNMAP and vma.pat is not None:
        release_pat(vma)
    tables = mm.tables
    if tables.top.below or tables.top.pages:
        pages = tables.zap(*part)
        if pages:
            count_rss(mm, vma, -pages)
            gather.pages += pages


def release_pat(vma: Vma) -> None:
    """``vma`` holds its reserved range no longer (untrack_pfn())."""
    if vma.pat is not None:
        vma.pat.count -= 1
        vma.mm.machine.reserved -= 1
        if vma.pat.count < 0:
            vma.mm.machine.alarm(RELEASED, f"{vma!r} gives back a reservation that nobody holds")
        vma.pat = None


def unmap_vmas(
    gather: MmuGather,
    cursor: Cursor,
    vma: Vma | None,
    start: int,
    end: int,
    tree_end: int,
    knows_marker: bool = False,
) -> None:
    """Zap ``vma`` and those behind it that start below ``tree_end``, each clipped to [start, end)."""
    limit = wrap(tree_end - 1)
    while vma is not None:
        if knows_marker and vma is ZERO:
            return
        zap_vma(gather, vma, start, end)
        vma = cursor.find(limit)


def free_pgtables(
    gather: MmuGather,
    cursor: Cursor,
    vma: Vma | None,
    floor: int,
    ceiling: int,
    tree_end: int,
    knows_marker: bool = False,
) -> None:
    """Unlink ``vma`` and those behind it that start below ``tree_end``, and free their page tables.

    Neighbours go into one call, whose ceiling is where the next VMA starts, after the last ``ceiling``.
    Up to 6.18 the kernel takes ``ceiling`` for ``tree_end`` too.
    """
    machine, mm = gather.mm.machine, gather.mm
    shape, top = mm.tables.geometry, mm.tables.top
    size = shape.span(1)
    limit = wrap(tree_end - 1)
    while vma is not None:
        addr = vma.start
        following: Vma | None = cursor.find(limit)
        if knows_marker and following is ZERO:
            following = None
        _unlink(gather, vma)
        huge = bool(vma.flags & VM_HUGETLB)
        if not huge:
            while (
                following is not None
                and is_gathered(following.start, vma.end, size)
                and not following.flags & VM_HUGETLB
            ):
                vma = following
                following = cursor.find(limit)
                if knows_marker and following is ZERO:
                    following = None
                if vma.chain is not None or vma.file is not None or vma.mm is not mm:
                    _unlink(gather, vma)
        if top.below:
            edge = batch_ceiling(following is not None, 0 if following is None else following.start, ceiling)
            free_pgd_range(gather, top, shape, addr, vma.end, floor, edge, huge)
        vma = following
    if machine.observers:
        machine.look("free_pgtables done")


def _unlink(gather: MmuGather, vma: Vma) -> None:
    """Hide ``vma`` from reverse mapping."""
    machine = gather.mm.machine
    if vma.mm is not gather.mm:
        machine.alarm(PARENT, f"{vma!r} is unlinked by mm {gather.mm.number}")
    unlink_anon_vmas(machine, vma)
    unlink_file(machine, vma)


def remove_vma(mm: Mm, vma: Vma) -> None:
    """Close ``vma`` and free it (remove_vma())."""
    machine = mm.machine
    if type(vma) is FreedVma:
        machine.free_vma(vma)
        return
    if vma.mm is not mm:
        machine.alarm(PARENT, f"{vma!r} is released by mm {mm.number}")
    file = vma.file
    if file is not None:
        file.opened -= 1
        file.refs -= 1
        if vma in file.i_mmap:
            machine.alarm(RELEASED, f"{vma!r} is released while file {file.number} still knows it")
    if vma.policy is not None:
        put_policy(mm, vma)
    if vma.uffd is not None:
        vma.uffd.refs -= 1
        machine.uffd_refs -= 1
    machine.free_vma(vma)


def put_policy(mm: Mm, vma: Vma) -> None:
    """Drop the reference to the VMA's memory policy (mpol_put())."""
    if vma.policy is not None:
        vma.policy.refs -= 1
        mm.machine.policies -= 1


def release_vmas(mm: Mm, cursor: Cursor, vma: Vma | None, tree_end: int, knows_marker: bool = False) -> None:
    """Release ``vma`` and those behind it that start below ``tree_end``, check their number against
    map_count, and give their charge back."""
    limit = wrap(tree_end - 1)
    count = accounted = 0
    while vma is not None:
        if knows_marker and vma is ZERO:
            break
        if vma.flags & VM_ACCOUNT:
            accounted += mm.pages(vma)
        remove_vma(mm, vma)
        count += 1
        vma = cursor.find(limit)
    if count != mm.map_count:
        mm.machine.alarm(COUNT, f"{count} VMAs released, map_count is {mm.map_count}")
    mm.machine.uncharge(accounted)
