"""free_pgtables() of the tree: gathering neighbours frees what one call for each VMA would free.

The claim is the one about our Python (``free_pgtables_gathering``), its formula the same. What is executed is
the tree's own function over so many VMAs anywhere, which mas_find() gives one by one; free_pgd_range() stands
for what is proved of it, and that it is called as it may be is claimed. Where a failed fork leaves a zero
marker in the tree, it may stand behind them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs import free_pgtables_gathering
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, choose
from mapleproof.proofs.ir.arithmetic import term
from mapleproof.proofs.ir.errors import Missing
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.kernel.made import Mistake, Part, edit, programs, twins
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.tables import Whatever
from mapleproof.proofs.mm.spans import exact, meets, proper

FILES = MEMORY = "mm/memory.c"
FORK = ("kernel/fork.c", "mm/mmap.c")
"""Where dup_mmap() may be."""

FUNCTION = "free_pgtables"
SAME = free_pgtables_gathering.CLAIM
NAME, SENTENCE = SAME.name, SAME.sentence

TOP = 1 << 47
"""The end of the user's half of the address space."""

ZERO = 257 << 2 | 2
"""XA_ZERO_ENTRY."""

SHIFTS = {1: 21, 2: 30, 3: 39}
"""What a table of each level spans."""

NOTHING_OF_TABLES = """vma_start_write is_vm_hugetlb_page unlink_file_vma unlink_file_vma_batch_init
    unlink_file_vma_batch_add unlink_file_vma_batch_final tlb_free_vmas"""
"""Functions that lock, flush, or take from a file's list; no VMA is a hugetlb one."""


class Teardown:
    """free_pgtables() over ``count`` VMAs: the iterator comes to the first one again if it starts ``early``,
    and to a marker behind the last if it is ``marked``."""

    def __init__(self, kernel: Kernel, count: int, early: bool, marked: bool) -> None:
        self.kernel, self.early = kernel, early
        self.floor, self.ceiling = Word.named("floor", 12), Word.named("ceiling", 12)
        self.calls: list[tuple[Any, ...]] = []
        self.unlinked: list[Any] = []
        self.machine = Machine(
            kernel.program, {name: lambda machine, args: 0 for name in NOTHING_OF_TABLES.split()}
        )
        self.machine.hooks |= {
            "mas_find": self._find,
            "free_pgd_range": self._free,
            "unlink_anon_vmas": self._unlink,
        }
        self.limits: list[tuple[Word, Word]] = []
        self.vmas = [self._vma(number) for number in range(count)]
        assume(z3.ULE(self.floor.term, self.limits[0][0].term))
        assume(z3.ULE(self.limits[-1][1].term - 1, self.ceiling.term - 1))
        self.rest: list[int] = [vma.base for vma in (self.vmas if early else self.vmas[1:])]
        self.rest += [ZERO] if marked else []
        self.last = self.ceiling.term - 1

    def _vma(self, number: int) -> Whatever:
        start, end = (Word.named(f"vma{number}.{side}", 12) for side in ("start", "end"))
        low = self.limits[-1][1].term if self.limits else z3.BitVecVal(0, 64)
        assume(z3.And(z3.ULE(low, start.term), z3.ULT(start.term, end.term), z3.ULE(end.term, TOP)))
        self.limits.append((start, end))
        facts = self.kernel.facts
        members: dict[str, Any] = {"vm_start": start.term, "vm_end": end.term}
        known = {facts.offset("vm_area_struct", name): value for name, value in members.items()}
        return Whatever(self.machine, f"vma{number}", known)

    def _find(self, machine: Machine, args: list[Any]) -> int:
        claim("the iterator goes up to where the tree ends", term(args[1], 64) == self.last)
        return self.rest.pop(0) if self.rest else 0

    def _free(self, machine: Machine, args: list[Any]) -> int:
        limits = tuple(Word(term(each, 64)) for each in args[1:])
        if not self.early:
            claim("free_pgd_range() is called with floor <= addr < end <= ceiling", proper(*limits))
        self.calls.append(limits)
        return 0

    def _unlink(self, machine: Machine, args: list[Any]) -> int:
        self.unlinked.append(args[0])
        return 0

    def _arguments(self) -> list[Any]:
        """What it is called with, in the way of this version."""
        facts, machine = self.kernel.facts, self.machine
        tlb, iterator = Whatever(machine, "tlb").base, Whatever(machine, "mas").base
        locked = int(choose("mm_wr_locked"))
        if not facts.has("unmap_desc", "pg_end"):
            return [tlb, iterator, self.vmas[0].base, self.floor.term, self.ceiling.term, locked]
        tree_end = Word.named("tree_end", 12)
        self.last = tree_end.term - 1
        members: dict[str, Any] = {
            "mas": iterator,
            "first": self.vmas[0].base,
            "pg_start": self.floor.term,
            "pg_end": self.ceiling.term,
            "vma_end": self.limits[-1][1].term,
            "tree_end": tree_end.term,
            "mm_wr_locked": locked,
        }
        sizes = {"mm_wr_locked": 1}
        unmap = machine.block("unmap", facts.size("unmap_desc"), unknown=machine.anything("unmap"))
        for name, value in members.items():
            unmap.store(facts.offset("unmap_desc", name), sizes.get(name, 8), value)
        return [tlb, unmap.base]

    def run(self) -> None:
        """Execute it, and hold what goes against one call for each VMA."""
        function = self.kernel.program.find(FUNCTION, None)
        if function is None:
            raise Missing(f"the sources have no {FUNCTION}()")
        arguments = self._arguments()
        self.machine.call(FUNCTION, arguments[: len(function.parameters)])
        starts = [start for start, _ in self.limits[1:]]
        single = [
            (start, end, self.floor, behind)
            for (start, end), behind in zip(self.limits, [*starts, self.ceiling], strict=True)
        ]
        for level, shift in SHIFTS.items():
            table, span = Word.named(f"table{level}", shift), 1 << shift
            assume(z3.Or(*[meets(table, span, *each) for each in self.limits]))
            gathered, one_by_one = (
                z3.Or(*[exact(table, span, *call) for call in calls]) for calls in (self.calls, single)
            )
            claim(f"a populated table of level {level} goes in both or in neither", gathered == one_by_one)
            if not self.early:
                self._claim_order(table, span, level)
        if not self.early:
            claim("every VMA is unlinked once", self.unlinked == [vma.base for vma in self.vmas])

    def _claim_order(self, table: Word, span: int, level: int) -> None:
        for number, call in enumerate(self.calls):
            for addr, end, *_ in self.calls[number + 1 :]:
                gone = exact(table, span, *call)
                told = f"a table of level {level} that goes is not met again"
                claim(told, z3.Not(z3.And(gone, meets(table, span, addr, end))))


def has_marker(kernel: Kernel) -> bool:
    """Whether a failed fork of this tree leaves a zero marker."""
    files = [kernel.units.tree / name for name in FORK]
    return any("XA_ZERO_ENTRY" in file.read_text() for file in files if file.is_file())


def _part(count: int, early: bool, marked: bool, kernel: Kernel) -> None:
    if marked and not has_marker(kernel):
        return  # a fork that fails leaves none there
    Teardown(kernel, count, early, marked).run()


def parts() -> dict[str, Part]:
    """One to three VMAs, with nothing or a marker behind; and where the iterator starts early."""
    found: dict[str, Part] = {f"{count} VMAs": partial(_part, count, False, False) for count in (1, 2, 3)}
    found |= {f"{count} VMAs, then a marker": partial(_part, count, False, True) for count in (1, 2)}
    return found | {f"{count} VMAs, early start": partial(_part, count, True, False) for count in (1, 2)}


def _mistake(name: str, what: str, find: str, replace: str, part: str = "2 VMAs") -> Mistake:
    return name, what, edit(MEMORY, FUNCTION, find, replace), (part,)


BATCHED = "unlink_file_vma_batch_final(&vb); free_pgd_range(tlb, addr, vma->vm_end, floor,"
MISTAKES: tuple[Mistake, ...] = (
    _mistake(
        "next_ceiling",
        "always the last ceiling",
        f"{BATCHED} next ? next->vm_start : ceiling);",
        f"{BATCHED} ceiling);",
    ),
    _mistake(
        "next_ceiling_unbatched",
        "always the last ceiling",
        "} free_pgd_range(tlb, addr, vma->vm_end, floor, next ? next->vm_start : ceiling);",
        "} free_pgd_range(tlb, addr, vma->vm_end, floor, ceiling);",
    ),
    _mistake(
        "next_ceiling_described",
        "always the last ceiling",
        "next ? next->vm_start : unmap->pg_end",
        "unmap->pg_end",
    ),
    _mistake(
        "own_start",
        "its own start for that of the next one",
        "next ? next->vm_start : unmap->pg_end",
        "next ? vma->vm_start : unmap->pg_end",
    ),
    _mistake(
        "last_page_only",
        "tables are freed from the last page on",
        "addr = vma->vm_start;",
        "addr = vma->vm_end - PAGE_SIZE;",
        "1 VMAs",
    ),
    _mistake(
        "first_only",
        "what is not gathered is left",
        "vma = next; } while (vma);",
        "vma = NULL; } while (vma);",
    ),
    _mistake(
        "gathered_from_last",
        "of neighbours only the last one's tables are freed",
        "vma = next; next = mas_find(",
        "vma = next; addr = vma->vm_start; next = mas_find(",
    ),
    _mistake(
        "gathered_not_unlinked",
        "a neighbour that is gathered stays linked",
        "unlink_anon_vmas(vma); unlink_file_vma_batch_add(&vb, vma); }",
        "unlink_file_vma_batch_add(&vb, vma); }",
    ),
    _mistake(
        "marker_followed",
        "a marker is taken for a VMA",
        "next = mas_find(mas, ceiling - 1); if (unlikely(xa_is_zero(next))) next = NULL; /*",
        "next = mas_find(mas, ceiling - 1); /*",
        "1 VMAs, then a marker",
    ),
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        NAME,
        SENTENCE,
        SAME.formula,
        "1 to 3 VMAs anywhere in order below 2**47, none of hugetlb, early start with 1 and 2, tables of"
        " levels 1 to 3; any floor up to the first and any ceiling from the last on",
        (FUNCTION,),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
    )
