"""The end of an address space: exit_mmap(), and what the kernel checks afterwards.

exit_mmap() had to know what a failed fork may leave in the tree, so it belongs to the recovery: ExitRules
says which of its steps knew the zero marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapleproof.impl.mm.objects import ZERO
from mapleproof.impl.mm.promises import NODES, TABLES, ZAPPED
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, release_vmas, unmap_vmas
from mapleproof.impl.mm.words import MAX

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


@dataclass(frozen=True, slots=True)
class ExitRules:
    """How exit_mmap() meets a zero marker. ``at_head``: a marker in the place of the first VMA is known;
    ``zap``, ``tables``, ``release``: that step stops at one. ``destroys``: with no VMA to begin with, the
    tree is destroyed all the same."""

    at_head: bool = False
    zap: bool = False
    tables: bool = False
    release: bool = False
    destroys: bool = True


PLAIN = ExitRules()
"""Knows no marker, since none is ever left."""


def exit_mmap(mm: Mm, rules: ExitRules) -> None:
    """Take everything apart that ``mm`` holds."""
    mm.users = 0
    mm.machine.scanned.pop(mm, None)
    mm.lock.read_lock()
    cursor = mm.cursor()
    vma = cursor.find(MAX)
    if vma is None or (rules.at_head and vma is ZERO):
        mm.lock.read_unlock()
        if rules.destroys:
            mm.lock.write_lock()
            mm.tree.destroy()
            mm.lock.write_unlock()
        return
    shape = mm.tables.geometry
    gather = MmuGather(mm)
    unmap_vmas(gather, cursor, vma, 0, MAX, 0, rules.zap)
    mm.lock.read_unlock()
    mm.oom_skip = True
    mm.lock.write_lock()
    mm.tree.set_in_rcu(False)
    cursor.set(vma.end)
    free_pgtables(gather, cursor, vma, shape.first_user, shape.ceiling, shape.ceiling, rules.tables)
    gather.finish()
    cursor.set(vma.end)
    release_vmas(mm, cursor, vma, 0, rules.release)
    mm.tree.destroy()
    mm.lock.write_unlock()


def drop_mm(mm: Mm, rules: ExitRules = PLAIN) -> None:
    """The last user leaves: exit_mmap(), then the alarms of check_mm() and what it does not look at."""
    exit_mmap(mm, rules)
    alarm = mm.machine.alarm
    if mm.tables.bytes:
        alarm(TABLES, f"non-zero pgtables_bytes on freeing mm: {mm.tables.bytes}")
    elif mm.tables.top.below:
        alarm(TABLES, "page tables are left below the topmost")
    if mm.rss_anon or mm.rss_file:
        alarm(ZAPPED, f"bad rss-counter state: anon {mm.rss_anon}, file {mm.rss_file}")
    mm.tree.synchronize_rcu()
    if mm.tree.live_nodes():
        alarm(NODES, f"{mm.tree.live_nodes()} nodes of the tree are left")
    del mm.machine.mms[mm.number]
