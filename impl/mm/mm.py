"""An address space: the tree of VMAs, the page tables, the counters, the lock (struct mm_struct)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.impl.mm.flags import VM_EXEC, VM_GROWSDOWN, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.locks import MmapLock
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.page_tables import PageTables
from mapleproof.impl.mm.words import MAX

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine


class Mm:
    """An address space of ``machine``.

    ``map_count`` counts VMAs; ``total_vm``, ``data_vm``, ``exec_vm``, ``stack_vm`` and the two rss counters
    count pages. ``unstable`` and ``oom_skip`` are MMF_UNSTABLE and MMF_OOM_SKIP; ``users`` is mm_users.
    """

    __slots__ = (
        "data_vm",
        "exec_vm",
        "lock",
        "machine",
        "map_count",
        "number",
        "oom_skip",
        "rss_anon",
        "rss_file",
        "stack_vm",
        "tables",
        "total_vm",
        "tree",
        "unstable",
        "users",
    )

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.number = machine.next_mm
        machine.next_mm += 1
        machine.mms[self.number] = self
        self.tree = MapleTree(alloc_range=True, rcu=True, plan=machine.plan)
        self.tables = PageTables(self, machine.geometry)
        self.lock = MmapLock(machine, self)
        self.map_count = self.total_vm = self.data_vm = self.exec_vm = self.stack_vm = 0
        self.rss_anon = self.rss_file = 0
        self.users = 1
        self.unstable = self.oom_skip = False

    def __repr__(self) -> str:
        return f"mm {self.number}"

    def vmas(self) -> Iterator[Vma]:
        """All VMAs in order."""
        for _, _, vma in self.tree.entries():
            yield vma

    def cursor(self, addr: int = 0) -> Cursor:
        """A cursor on the tree (VMA_ITERATOR)."""
        return Cursor(self.tree, addr)

    def find(self, addr: int) -> Vma | None:
        """The first VMA that ends above ``addr`` (find_vma())."""
        vma: Vma | None = self.tree.find(addr, MAX)[0]
        return vma

    def pages(self, vma: Vma) -> int:
        """The pages that ``vma`` spans (vma_pages())."""
        return (vma.end - vma.start) >> self.machine.geometry.page_shift

    def count_pages(self, flags: int, pages: int) -> None:
        """``pages`` more (or fewer) of a VMA with ``flags`` (vm_stat_account())."""
        self.total_vm += pages
        if flags & (VM_EXEC | VM_WRITE) == VM_EXEC:
            self.exec_vm += pages
        elif flags & VM_GROWSDOWN:
            self.stack_vm += pages
        elif flags & (VM_WRITE | VM_SHARED) == VM_WRITE:
            self.data_vm += pages

    def counters(self) -> tuple[int, ...]:
        """All counters, to compare."""
        return (
            self.map_count,
            self.total_vm,
            self.data_vm,
            self.exec_vm,
            self.stack_vm,
            self.rss_anon,
            self.rss_file,
            self.tables.bytes,
        )
