"""fork: dup_mmap() step by step, with every point at which it can fail.

The order is that of Linux 6.8 to 6.12. What differs between versions (how the tree is made, when other
subsystems learn of the child, what is done after a failure) is the recovery's; see ``recovery/``. Each
request asks the machine's plan, by kind: signal, charge, vma, policy, userfaultfd, anon_vma,
anon_vma_chain, pat, page_table, maple_node, arch.

Not covered: the executable's file reference, hugetlb's private lock, and flushing of caches.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapleproof.impl.maple import Cursor
from mapleproof.impl.maple.dup import mt_dup
from mapleproof.impl.mm.exit import drop_mm
from mapleproof.impl.mm.flags import VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED, VM_PFNMAP, VM_WIPEONFORK
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import PatRange, UffdContext, Vma
from mapleproof.impl.mm.promises import OBSERVERS
from mapleproof.impl.mm.recovery.base import Fork, Recovery
from mapleproof.impl.mm.rmap import fork_anon_vma, link_file
from mapleproof.impl.mm.teardown import count_rss, put_policy
from mapleproof.impl.mm.words import MAX

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine


def fork(machine: Machine, parent: Mm, recovery: Recovery) -> tuple[int, Mm | None]:
    """A copy of ``parent``: (0, the child), or a negative errno and None with the child taken apart again
    (dup_mm(), mmput())."""
    child = Mm(machine)
    ret = dup_mmap(machine, child, parent, recovery)
    if ret == 0:
        return 0, child
    drop_mm(child, recovery.exit_rules)
    return ret, None


def dup_mmap(machine: Machine, child: Mm, parent: Mm, recovery: Recovery) -> int:
    """Duplicate the VMAs and page tables of ``parent`` into ``child``, an empty address space.

    0, -ENOMEM or -EINTR; after an error the child is as ``recovery`` leaves it.
    """
    job = Fork(machine, parent, child)
    machine.forking = True
    parent.lock.write_lock()
    child.lock.write_lock()
    child.total_vm, child.data_vm = parent.total_vm, parent.data_vm
    child.exec_vm, child.stack_vm = parent.exec_vm, parent.stack_vm
    if recovery.early_hooks:
        machine.scanned[child] = None
    ret = _copy_by_insertion(job) if recovery.bulk else _copy_by_dup(job)
    if ret == 0:
        child.tree.set_in_rcu(True)
        machine.scanned[child] = None
    elif child.tree.root >= 0 or child.tree.bare is not None:
        recovery.recover(job)
    child.lock.write_unlock()
    parent.lock.write_unlock()
    machine.forking = False
    _end_userfaultfd(job, ret == 0 or recovery.completes_uffd, ret)
    return ret


def _copy_by_dup(job: Fork) -> int:
    """Copy the whole tree, then replace one VMA after the other in it."""
    child, cursor = job.child, job.cursor
    ret = mt_dup(job.parent.tree, child.tree)
    if ret:
        return ret
    child.tree.set_in_rcu(False)
    old: Vma | None = cursor.find(MAX)
    while old is not None:
        if old.flags & VM_DONTCOPY:
            pages = child.pages(old)
            ret = cursor.store_gfp(None)
            if ret:
                job.first_left = old
                job.clearing_failed = True
                return ret
            child.count_pages(old.flags, -pages)
        else:
            new = _duplicate(job, old)
            if isinstance(new, int):
                job.first_left = old
                return new
            cursor.store(new)
            if not _link(job, new, old):
                job.first_left = cursor.find(MAX)
                return -errno.ENOMEM
        old = cursor.find(MAX)
    return _duplicate_arch(job)


def _copy_by_insertion(job: Fork) -> int:
    """Store copies one after the other into an empty tree, as up to 6.7."""
    child, cursor = job.child, job.cursor
    walk = Cursor(job.parent.tree)
    ret = cursor.expected_entries(job.parent.map_count)
    if ret:
        return ret
    child.tree.set_in_rcu(False)
    old: Vma | None = walk.find(MAX)
    while old is not None:
        if old.flags & VM_DONTCOPY:
            child.count_pages(old.flags, -child.pages(old))
        else:
            new = _duplicate(job, old)
            if isinstance(new, int):
                ret = new
                break
            cursor.index, cursor.last = new.start, new.end - 1
            cursor.store(new)
            if not _link(job, new, old):
                ret = -errno.ENOMEM
                break
        old = walk.find(MAX)
    else:
        ret = _duplicate_arch(job)
    cursor.destroy()
    return ret


def _duplicate(job: Fork, old: Vma) -> Vma | int:
    """A copy of ``old`` that nobody knows yet; or a negative errno, and nothing of it left."""
    machine, flags = job.machine, old.flags
    plan = machine.plan
    if plan is not None and not plan.ask("signal"):
        return -errno.EINTR
    charge = 0
    if flags & VM_ACCOUNT:
        charge = job.child.pages(old)
        if not machine.charge(charge):
            return -errno.ENOMEM
    if plan is not None and not plan.ask("vma"):
        machine.uncharge(charge)
        return -errno.ENOMEM
    machine.vmas += 1
    new = Vma(job.child, old.start, old.end, flags & ~VM_LOCKED, old.file, old.pgoff)
    if old.policy is not None:
        if plan is not None and not plan.ask("policy"):
            return _give_up(job, new, charge)
        old.policy.refs += 1
        machine.policies += 1
        new.policy = old.policy
    if old.uffd is not None and not _duplicate_userfaultfd(job, new, old):
        return _give_up(job, new, charge)
    if old.anon_vma is not None and not flags & VM_WIPEONFORK and not fork_anon_vma(machine, new, old):
        return _give_up(job, new, charge)
    return new


def _give_up(job: Fork, new: Vma, charge: int) -> int:
    """Take a copy back that is in no tree yet."""
    put_policy(job.child, new)
    if new.uffd is not None:
        new.uffd.refs -= 1
        job.machine.uffd_refs -= 1
    job.machine.free_vma(new)
    job.machine.uncharge(charge)
    return -errno.ENOMEM


def _duplicate_userfaultfd(job: Fork, new: Vma, old: Vma) -> bool:
    """A context for the child's VMA, whose monitor hears of the fork at its end (dup_userfaultfd())."""
    plan = job.machine.plan
    if plan is not None and not plan.ask("userfaultfd"):
        return False
    new.uffd = UffdContext()
    job.machine.uffd_refs += 2
    new.uffd.refs += 1
    job.contexts.append(new.uffd)
    return True


def _link(job: Fork, new: Vma, old: Vma) -> bool:
    """``new`` is in the tree: count it, open it, let its file know it, copy its page tables. False where
    there was no memory for all of them."""
    child = job.child
    child.map_count += 1
    file = new.file
    if file is not None:
        file.opened += 1
        file.refs += 1
        link_file(job.machine, new)
    if new.flags & VM_WIPEONFORK:
        return True
    if new.flags & VM_PFNMAP:
        if not _track_pfn(job, new, old):
            return False
    elif new.anon_vma is None:
        return True
    copied, whole = child.tables.copy_range(job.parent.tables, new.start, new.end)
    count_rss(child, new, copied)
    return whole


def _track_pfn(job: Fork, new: Vma, old: Vma) -> bool:
    """Reserve the range for the child's VMA too (track_pfn_copy())."""
    plan = job.machine.plan
    if plan is not None and not plan.ask("pat"):
        return False
    pat: PatRange | None = old.pat
    if pat is not None:
        pat.count += 1
        job.machine.reserved += 1
        new.pat = pat
    return True


def _duplicate_arch(job: Fork) -> int:
    """What the architecture adds (arch_dup_mmap()); asked once, after all VMAs were copied."""
    plan = job.machine.plan
    return 0 if plan is None or plan.ask("arch") else -errno.ENOMEM


def _end_userfaultfd(job: Fork, completes: bool, ret: int) -> None:
    """Tell the monitors, or drop their contexts (dup_userfaultfd_complete(), dup_userfaultfd_fail()).

    A monitor that hears of a failed fork goes to work on the child: it may hold nothing but its own.
    """
    for context in job.contexts:
        context.refs -= 1
        job.machine.uffd_refs -= 1
        context.completed += completes
    if ret and completes and job.contexts and not _is_clean(job.child):
        job.machine.alarm(OBSERVERS, "userfaultfd completes a failed fork whose tree is not clean")


def _is_clean(child: Mm) -> bool:
    """Whether the tree holds nothing but the child's own VMAs."""
    return all(type(vma) is Vma and vma.mm is child for _, _, vma in child.tree.entries())
