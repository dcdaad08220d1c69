"""Who else may run between two lock operations: each a function over what it could reach at that point.

None may ever meet a VMA in an address space that is not that address space's own, a zero marker it does
not know, or anything freed. What an observer would have met is noted as a broken promise.

Not covered: what observers change. They only look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapleproof.impl.mm.objects import ZERO, FreedVma
from mapleproof.impl.mm.promises import OBSERVERS

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine
    from mapleproof.impl.mm.mm import Mm
    from mapleproof.impl.mm.objects import File


def foreign(mm: Mm) -> str | None:
    """The first thing in the tree of ``mm`` that nobody but its recovery may meet, as text."""
    for first, _, vma in mm.tree.entries():
        found = _foreign_entry(mm, vma)
        if found is not None:
            return f"{found} at {first:#x} of mm {mm.number}"
    return None


def _foreign_entry(mm: Mm, vma: Any) -> str | None:
    if vma is ZERO:
        return "the zero marker"
    if type(vma) is FreedVma:
        return "a freed VMA"
    return None if vma.mm is mm else f"a VMA of mm {vma.mm.number}"


def _walk(machine: Machine, who: str, mm: Mm, where: str) -> None:
    found = foreign(mm)
    if found is not None:
        machine.alarm(OBSERVERS, f"{who} meets {found}, after {where}")


def oom_reaper(machine: Machine, where: str) -> None:
    """Walks any address space whose lock it gets for reading, unless that is to be skipped
    (__oom_reap_task_mm())."""
    for mm in machine.mms.values():
        if mm.lock.free and not mm.oom_skip:
            _walk(machine, "the OOM reaper", mm, where)


def swapoff(machine: Machine, where: str) -> None:
    """Walks every address space on the list that has users (unuse_mm()), stable or not: so up to 6.16."""
    for mm in machine.mms.values():
        if mm.lock.free and mm.users:
            _walk(machine, "swapoff", mm, where)


def swapoff_looking(machine: Machine, where: str) -> None:
    """As :func:`swapoff`, but asks first whether the address space is stable: since 6.17."""
    for mm in machine.mms.values():
        if mm.lock.free and mm.users and not mm.unstable:
            _walk(machine, "swapoff", mm, where)


def scanners(machine: Machine, where: str) -> None:
    """ksm and khugepaged walk the address spaces they were told of (ksm_fork(), khugepaged_fork())."""
    for mm in machine.scanned:
        if mm.lock.free and mm.users:
            _walk(machine, "khugepaged", mm, where)


def rmap_walk(machine: Machine, where: str) -> None:
    """From each file and anon_vma to their VMAs. A file's VMA must be in its address space's tree, unless
    that is being taken apart; an anon_vma's may be on its way there."""
    for file in machine.files.values():
        rmap_walk_of_file(machine, file, where)
    for mm in machine.mms.values():
        if mm.lock.idle:
            _rmap_anon(machine, mm, where)


def rmap_walk_of_file(machine: Machine, file: File, where: str) -> None:
    """The part of :func:`rmap_walk` that needs no more than the lock of one file's mapping."""
    for vma in file.i_mmap:
        if type(vma) is FreedVma:
            machine.alarm(OBSERVERS, f"file {file.number} leads to a freed VMA, after {where}")
        elif vma.mm.users and vma.mm.number in machine.mms and vma.mm.tree.load(vma.start) is not vma:
            machine.alarm(OBSERVERS, f"file {file.number} leads to {vma!r}, which is in no tree")


def _rmap_anon(machine: Machine, mm: Mm, where: str) -> None:
    for _, _, own in mm.tree.entries():
        if own is ZERO or type(own) is FreedVma:
            continue
        for anon_vma in own.chain or ():
            if any(type(vma) is FreedVma for vma in anon_vma.vmas):
                machine.alarm(OBSERVERS, f"an anon_vma leads to a freed VMA, after {where}")


def uprobes(machine: Machine, where: str) -> None:
    """Registering a uprobe goes from a file to each address space that maps it, and looks through its tree
    (register_for_each_vma()). It waits for a dup_mmap under way, and leaves unstable ones alone."""
    if machine.forking:
        return
    seen: dict[Mm, None] = {}
    for file in machine.files.values():
        for vma in file.i_mmap:
            if type(vma) is not FreedVma:
                seen[vma.mm] = None
    for mm in seen:
        if mm.users and mm.lock.idle and not mm.unstable:
            _walk(machine, "uprobe registration", mm, where)


def all_observers(*, swapoff_looks: bool) -> tuple[Any, ...]:
    """The observers of one time: with the swapoff that asks first, or the one that does not."""
    return (oom_reaper, swapoff_looking if swapoff_looks else swapoff, scanners, rmap_walk, uprobes)
