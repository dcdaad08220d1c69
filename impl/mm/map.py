"""What a process does to its address space: mmap, munmap, mprotect, mremap, madvise, and touching pages.

Every call takes page-aligned bytes and returns 0 or a negative errno. A range with a hole in it is refused
with nothing changed, where the kernel changes what lies before the hole. Not covered: choosing an address
(all mappings are fixed), merging of neighbours, stack growth, rlimits, mremap of hugetlb and VM_PFNMAP.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from impl.mm.flags import (
    PROTECTION,
    SETTABLE,
    VM_ACCOUNT,
    VM_DONTCOPY,
    VM_HUGETLB,
    VM_MAYREAD,
    VM_PFNMAP,
    VM_READ,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
    is_accountable,
)
from impl.mm.objects import PatRange, Policy, UffdContext, Vma
from impl.mm.rmap import link_file, prepare_anon_vma
from impl.mm.split import inside, split_around, take_out
from impl.mm.teardown import count_rss

if TYPE_CHECKING:
    from impl.mm.mm import Mm

DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK = "dontfork", "dofork", "wipeonfork", "keeponfork"


def _bad_range(mm: Mm, start: int, size: int) -> bool:
    shape = mm.machine.geometry
    return bool((start | size) & (shape.page - 1)) or size == 0 or start + size > shape.task_size


def mmap(mm: Mm, start: int, size: int, flags: int, file: int | None = None) -> int:
    """Map ``size`` bytes at ``start``, whatever was there (MAP_FIXED). ``flags`` out of SETTABLE; ``file`` a
    file's number, None for anonymous memory. -EINVAL for a bad range, -ENOMEM (the old mapping is gone
    then, as in the kernel)."""
    if _bad_range(mm, start, size) or flags & ~SETTABLE:
        return -errno.EINVAL
    if _kinds_clash(mm, start, start + size, flags):
        return -errno.EINVAL
    ret = munmap(mm, start, size)
    return ret or _add(mm, start, size, flags, file)


def _kinds_clash(mm: Mm, start: int, end: int, flags: int) -> bool:
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


def _add(mm: Mm, start: int, size: int, flags: int, file: int | None) -> int:
    machine, plan = mm.machine, mm.machine.plan
    pages = size >> machine.geometry.page_shift
    flags |= VM_MAYREAD
    if is_accountable(flags, has_file=file is not None):
        if not machine.charge(pages):
            return -errno.ENOMEM
        flags |= VM_ACCOUNT
    mapped = None if file is None else machine.file(file)
    if plan is not None and not plan.ask("vma"):
        return _uncharged(mm, flags, pages)
    machine.vmas += 1
    vma = Vma(mm, start, start + size, flags, mapped)
    if mm.tree.store_range(start, start + size - 1, vma):
        machine.free_vma(vma)
        return _uncharged(mm, flags, pages)
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


def _uncharged(mm: Mm, flags: int, pages: int) -> int:
    if flags & VM_ACCOUNT:
        mm.machine.uncharge(pages)
    return -errno.ENOMEM


def munmap(mm: Mm, start: int, size: int) -> int:
    """Unmap [start, start + size). -EINVAL for a bad range or inside a huge page, -ENOMEM."""
    if _bad_range(mm, start, size):
        return -errno.EINVAL
    if _splits_huge(mm, start, start + size):
        return -errno.EINVAL
    return split_around(mm, start, start + size) or take_out(mm, start, start + size)


def _splits_huge(mm: Mm, start: int, end: int) -> bool:
    size = mm.machine.geometry.huge_page
    for border in (start, end):
        vma = mm.find(border)
        if vma is not None and vma.start < border and vma.flags & VM_HUGETLB and border & (size - 1):
            return True
    return False


def _whole(mm: Mm, start: int, end: int) -> list[Vma] | None:
    """The VMAs over [start, end), None where there is a hole."""
    found = inside(mm, start, end)
    at = start
    for vma in found:
        if vma.start > at:
            return None
        at = vma.end
    return found if at >= end else None


def mprotect(mm: Mm, start: int, size: int, prot: int) -> int:
    """Give [start, start + size) the protection ``prot`` (VM_READ | VM_WRITE | VM_EXEC). Private memory
    that becomes writable is charged. -EINVAL, or -ENOMEM for a hole or too much charge."""
    if _bad_range(mm, start, size) or prot & ~PROTECTION or _splits_huge(mm, start, start + size):
        return -errno.EINVAL
    end = start + size
    if _whole(mm, start, end) is None:
        return -errno.ENOMEM
    ret = split_around(mm, start, end)
    if ret:
        return ret
    for vma in inside(mm, start, end):
        pages = mm.pages(vma)
        flags = vma.flags & ~PROTECTION | prot
        exempt = VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_PFNMAP
        if prot & VM_WRITE and not vma.flags & exempt:
            if not mm.machine.charge(pages):
                return -errno.ENOMEM
            flags |= VM_ACCOUNT
        mm.count_pages(vma.flags, -pages)
        mm.count_pages(flags, pages)
        vma.flags = flags
    return 0


def madvise(mm: Mm, start: int, size: int, advice: str) -> int:
    """What a fork shall do with [start, start + size): DONTFORK, DOFORK, WIPEONFORK or KEEPONFORK. -EINVAL
    for a bad range and for WIPEONFORK of anything but private anonymous memory, -ENOMEM for a hole."""
    if _bad_range(mm, start, size) or _splits_huge(mm, start, start + size):
        return -errno.EINVAL
    end = start + size
    over = _whole(mm, start, end)
    if over is None:
        return -errno.ENOMEM
    if advice == WIPEONFORK and any(vma.file or vma.flags & (VM_SHARED | VM_PFNMAP) for vma in over):
        return -errno.EINVAL
    ret = split_around(mm, start, end)
    if ret:
        return ret
    added, taken = {
        DONTFORK: (VM_DONTCOPY, 0),
        DOFORK: (0, VM_DONTCOPY),
        WIPEONFORK: (VM_WIPEONFORK, 0),
        KEEPONFORK: (0, VM_WIPEONFORK),
    }[advice]
    for vma in inside(mm, start, end):
        vma.flags = (vma.flags | added) & ~taken
    return 0


def touch(mm: Mm, start: int, size: int) -> int:
    """Read or write each page of [start, start + size), as far as its protection allows it: the pages are
    there afterwards. -EFAULT for a hole, -ENOMEM with the pages before populated."""
    if _bad_range(mm, start, size):
        return -errno.EINVAL
    end = start + size
    over = _whole(mm, start, end)
    if over is None:
        return -errno.EFAULT
    for vma in over:
        if vma.flags & VM_PFNMAP or not vma.flags & (VM_READ | VM_WRITE):
            continue
        low, high = max(vma.start, start), min(vma.end, end)
        private = vma.flags & (VM_SHARED | VM_WRITE) == VM_WRITE
        if private and not prepare_anon_vma(mm.machine, vma):
            return -errno.ENOMEM
        if not _populate(mm, vma, low, high):
            return -errno.ENOMEM
    return 0


def _populate(mm: Mm, vma: Vma, low: int, high: int) -> bool:
    tables, huge = mm.tables, bool(vma.flags & VM_HUGETLB)
    step = mm.machine.geometry.huge_page if huge else mm.machine.geometry.page
    for addr in range(low & -step, high, step):
        present = tables.has_page(addr)
        if not tables.populate(addr, huge):
            return False
        count_rss(mm, vma, 0 if present else 1)
    return True


def mremap(mm: Mm, start: int, size: int, to: int, new_size: int) -> int:
    """Resize the mapping [start, start + size) in place (``to`` equal to ``start``), or move it to ``to``,
    whatever is there (MREMAP_FIXED). -EFAULT unless it lies in one VMA; -EINVAL for a bad range, an overlap,
    hugetlb or VM_PFNMAP; -ENOMEM where there is no room, charge or memory."""
    if _bad_range(mm, start, size) or _bad_range(mm, to, new_size):
        return -errno.EINVAL
    vma = mm.find(start)
    if vma is None or vma.start > start or vma.end < start + size:
        return -errno.EFAULT
    if vma.flags & (VM_HUGETLB | VM_PFNMAP):
        return -errno.EINVAL
    if to == start:
        return _resize(mm, vma, start, size, new_size)
    if (start < to + new_size and to < start + size) or _kinds_clash(mm, to, to + new_size, vma.flags):
        return -errno.EINVAL
    return _move(mm, start, size, to, new_size)


def _resize(mm: Mm, vma: Vma, start: int, size: int, new_size: int) -> int:
    if new_size <= size:
        return munmap(mm, start + new_size, size - new_size) if new_size < size else 0
    end = start + new_size
    if vma.end != start + size or inside(mm, vma.end, end) or _kinds_clash(mm, vma.end, end, vma.flags):
        return -errno.ENOMEM
    pages = (end - vma.end) >> mm.machine.geometry.page_shift
    if vma.flags & VM_ACCOUNT and not mm.machine.charge(pages):
        return -errno.ENOMEM
    if mm.tree.store_range(vma.start, end - 1, vma):
        return _uncharged(mm, vma.flags, pages)
    vma.end = end
    mm.count_pages(vma.flags, pages)
    return 0


def _move(mm: Mm, start: int, size: int, to: int, new_size: int) -> int:
    """move_vma(): a new VMA at the destination takes over policy, anon_vma, userfaultfd and pages."""
    ret = munmap(mm, to, new_size) or split_around(mm, start, start + size)
    if ret:
        return ret
    old = mm.find(start)
    assert old is not None
    kept = old.flags & (VM_DONTCOPY | VM_WIPEONFORK)
    advised = old.flags & SETTABLE
    ret = _add(mm, to, new_size, advised, None if old.file is None else old.file.number)
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
    common = size if size < new_size else new_size
    for first, last, _ in mm.tables.pages():
        low, high = max(first, start), min(last + 1, start + common)
        if low < high and not _populate(mm, new, low - start + to, high - start + to):
            return -errno.ENOMEM
    return take_out(mm, start, start + size)


def set_policy(mm: Mm, addr: int, policy: Policy | None = None) -> None:
    """The VMA at ``addr`` gets a memory policy (mbind()); ``policy`` shares one that exists."""
    vma = mm.find(addr)
    if vma is None or vma.start > addr or vma.policy is not None:
        return
    if policy is None:
        vma.policy = Policy()
    else:
        policy.refs += 1
        vma.policy = policy
    mm.machine.policies += 1


def register_userfaultfd(mm: Mm, addr: int) -> None:
    """The VMA at ``addr`` gets a userfaultfd context that wants to hear of forks."""
    vma = mm.find(addr)
    if vma is not None and vma.start <= addr and vma.uffd is None:
        vma.uffd = UffdContext()
        mm.machine.uffd_refs += 1
