"""What is said of mappings that are there: mprotect, madvise, policies, userfaultfd."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.mm.flags import (
    PROTECTION,
    VM_ACCOUNT,
    VM_DONTCOPY,
    VM_HUGETLB,
    VM_PFNMAP,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
)
from mapleproof.impl.mm.objects import Policy, UffdContext
from mapleproof.impl.mm.ranges import bad_range, reach, splits_huge
from mapleproof.impl.mm.split import inside, split_around

DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK = "dontfork", "dofork", "wipeonfork", "keeponfork"

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


def mprotect(mm: Mm, start: int, size: int, prot: int) -> int:
    """Give [start, start + size) the protection ``prot`` (VM_READ | VM_WRITE | VM_EXEC), up to the first
    hole. Private memory that becomes writable is charged, and the charge is given back where it is writable
    no more and was never written. -EINVAL, or -ENOMEM for a hole or too much charge."""
    if bad_range(mm, start, size) or prot & ~PROTECTION or splits_huge(mm, start, start + size):
        return -errno.EINVAL
    end = start + size
    covered = reach(mm, start, end)
    if covered == start:
        return -errno.ENOMEM
    ret = split_around(mm, start, covered)
    if ret:
        return ret
    for vma in inside(mm, start, covered):
        pages = mm.pages(vma)
        flags = vma.flags & ~PROTECTION | prot
        if flags == vma.flags:
            continue
        exempt = VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_PFNMAP
        if prot & VM_WRITE and not vma.flags & exempt:
            if not mm.machine.charge(pages):
                return -errno.ENOMEM
            flags |= VM_ACCOUNT
        elif not prot & VM_WRITE and vma.flags & VM_ACCOUNT and vma.file is None and vma.anon_vma is None:
            mm.machine.uncharge(pages)
            flags &= ~VM_ACCOUNT
        mm.count_pages(vma.flags, -pages)
        mm.count_pages(flags, pages)
        vma.flags = flags
    return 0 if covered == end else -errno.ENOMEM


def madvise(mm: Mm, start: int, size: int, advice: str) -> int:
    """What a fork shall do with [start, start + size): DONTFORK, DOFORK, WIPEONFORK or KEEPONFORK. -EINVAL
    for a bad range and for WIPEONFORK of anything but private anonymous memory, up to which the advice is
    taken; -ENOMEM for a hole, over which it is taken too (madvise_walk_vmas())."""
    if bad_range(mm, start, size) or splits_huge(mm, start, start + size):
        return -errno.EINVAL
    end = start + size
    whole = reach(mm, start, end) == end
    added, taken = {
        DONTFORK: (VM_DONTCOPY, 0),
        DOFORK: (0, VM_DONTCOPY),
        WIPEONFORK: (VM_WIPEONFORK, 0),
        KEEPONFORK: (0, VM_WIPEONFORK),
    }[advice]
    for over in inside(mm, start, end):
        if advice == WIPEONFORK and (over.file or over.flags & (VM_SHARED | VM_PFNMAP)):
            return -errno.EINVAL
        low, high = max(start, over.start), min(end, over.end)
        ret = split_around(mm, low, high)
        if ret:
            return ret
        vma = mm.find(low)
        assert vma is not None
        vma.flags = (vma.flags | added) & ~taken
    return 0 if whole else -errno.ENOMEM


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
