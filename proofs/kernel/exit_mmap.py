"""exit_mmap() of the tree on what a failed dup_mmap() may leave: so many VMAs, then a zero marker or nothing.

The tree's own function is executed, and what it calls in its own file; zapping, the freeing of page tables
and the release of a VMA are noted, since other claims are about them. Where the first two share the iterator,
they leave it at the end. Locks, notifiers and counters of the scheduler stand aside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, choose
from mapleproof.proofs.ir.arithmetic import term, truth
from mapleproof.proofs.ir.errors import Missing, NotUnderstood
from mapleproof.proofs.ir.machine import Hook, Machine
from mapleproof.proofs.kernel.free_pgtables import TOP, ZERO, has_marker
from mapleproof.proofs.kernel.made import Mistake, Part, edit, programs, twins
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.tables import Whatever

NAME = "exit_mmap_exact"
SENTENCE = (
    "Whatever a failed fork leaves, exactly the child's VMAs are released, each once and after its page"
    " tables; zapping and freeing begin with the first of them and reach over all of user space; the charge"
    " is given back; nothing follows the marker; the tree is destroyed."
)
FORMULA = (
    "released = VMAs in order;  zapped [0, top), tables of [FIRST_USER_ADDRESS, USER_PGTABLES_CEILING);"
    "  uncharged = sum of pages(VMA) of those with VM_ACCOUNT;  count = map_count"
)

FILES = "mm/mmap.c mm/vma.c"
FUNCTION = "exit_mmap"

NOTHING_OF_VMAS = """mmu_notifier_release mmap_read_lock arch_exit_mmap lru_add_drain flush_cache_mm
    tlb_gather_mmu_fullmm mmap_read_unlock set_bit mm_flags_set mmap_write_lock mt_clear_in_rcu cond_resched
    trace_exit_mmap mmap_write_unlock __might_resched __cond_resched _cond_resched mmap_assert_write_locked
    vma_mark_detached khugepaged_exit ksm_exit"""

WHOLE_ITERATOR_OF_ITS_OWN = 5
"""Arguments of unmap_vmas() in kernels in which it has an iterator of its own, as free_pgtables() has."""

ACCOUNT_BIT = 20
"""The bit of VM_ACCOUNT."""

Event = tuple[Any, ...]


class Exit:
    """exit_mmap() over ``count`` VMAs, with a marker behind them if it is ``marked``."""

    def __init__(self, kernel: Kernel, count: int, marked: bool) -> None:
        self.kernel, self.count, self.marked = kernel, count, marked
        self.machine = Machine(kernel.program, self._hooks(), asm=no_bug)
        self.events: list[Event] = []
        self.entries: list[tuple[Any, Any, int]] = []
        self.charged: Any = z3.BitVecVal(0, 64)
        self.accounted: dict[int, bool] = {}
        self.at: Any = z3.BitVecVal(0, 64)
        for number in range(count + marked):
            self._add(number)
        members = {kernel.facts.offset("mm_struct", "map_count"): count}
        self.mm = Numbered(self.machine, "mm", members)
        function = kernel.program.find("unmap_vmas", None)
        if function is None:
            raise Missing("the sources have no unmap_vmas()")
        self.shares = len(function.parameters) != WHOLE_ITERATOR_OF_ITS_OWN
        self.described = kernel.facts.has("unmap_desc", "first")

    def _add(self, number: int) -> None:
        start, end = (Word.named(f"vma{number}.{side}", 12) for side in ("start", "end"))
        low = self.entries[-1][1] if self.entries else z3.BitVecVal(0, 64)
        assume(z3.And(z3.ULE(low, start.term), z3.ULT(start.term, end.term), z3.ULE(end.term, TOP)))
        if number == self.count:
            self.entries.append((start.term, end.term, ZERO))
            return
        accounted = choose(f"vma{number} is accounted")
        facts = self.kernel.facts
        flags = facts.value("VM_ACCOUNT") if accounted else 0
        members: dict[str, Any] = {"vm_start": start.term, "vm_end": end.term, "vm_flags": flags}
        known = {facts.offset("vm_area_struct", name): value for name, value in members.items()}
        base = Whatever(self.machine, f"vma{number}", known).base
        self.accounted[base] = accounted
        self.charged = self.charged + (z3.LShR(end.term - start.term, 12) if accounted else 0)
        self.entries.append((start.term, end.term, base))

    def _hooks(self) -> dict[str, Hook]:
        hooks: dict[str, Hook] = {name: lambda machine, args: 0 for name in NOTHING_OF_VMAS.split()}
        return hooks | {
            "mas_find": self._find,
            "mas_set": self._set,
            "vma_iter_set": self._set,
            "vma_test": lambda machine, args: int(args[1] == ACCOUNT_BIT and self.accounted[args[0]]),
            "unmap_vmas": self._zap,
            "free_pgtables": self._tables,
            "tlb_finish_mmu": self._note("finish"),
            "remove_vma": self._remove,
            "vm_unacct_memory": self._note("uncharge"),
            "__mt_destroy": self._note("destroy"),
        }

    def _find(self, machine: Machine, args: list[Any]) -> int:
        for _, end, what in self.entries:
            if truth(z3.simplify(z3.ULT(self.at, end))):
                self.at = end
                return what
        return 0

    def _set(self, machine: Machine, args: list[Any]) -> int:
        self.at = term(args[1], 64)
        return 0

    def _note(self, name: str) -> Hook:
        def noted(machine: Machine, args: list[Any]) -> int:
            self.events.append((name, *args))
            return 0

        return noted

    def _told(self, args: list[Any], *members: str) -> list[Any]:
        """Members of an unmap_desc that is the second argument."""
        at = self.kernel.facts.offset
        return [self.machine.memory.load(args[1] + at("unmap_desc", name), 8) for name in members]

    def _zap(self, machine: Machine, args: list[Any]) -> int:
        first, low, high = self._told(args, "first", "vma_start", "vma_end") if self.described else args[2:5]
        self.events.append(("zap", first, low, high, self.at))
        self._used()
        return 0

    def _tables(self, machine: Machine, args: list[Any]) -> int:
        first, floor, ceiling = (
            self._told(args, "first", "pg_start", "pg_end") if self.described else args[2:5]
        )
        self.events.append(("tables", first, floor, ceiling, self.at))
        self._used()
        return 0

    def _used(self) -> None:
        if self.shares:
            self.at = z3.BitVecVal(TOP, 64)

    def _remove(self, machine: Machine, args: list[Any]) -> int:
        claim("what is released is a VMA of the child", args[0] in self.accounted)
        self.events.append(("remove", args[0]))
        return 0

    def _of(self, name: str) -> list[Event]:
        return [event for event in self.events if event[0] == name]

    def run(self) -> None:
        """Execute it, and claim what must have been done."""
        if self.kernel.program.find(FUNCTION, None) is None:
            raise Missing(f"the sources have no {FUNCTION}()")
        self.machine.call(FUNCTION, [self.mm.base])
        own = [what for _, _, what in self.entries[: self.count]]
        claim(
            "exactly the child's VMAs are released, each once",
            [each[1] for each in self._of("remove")] == own,
        )
        order = [event[0] for event in self.events if event[0] in ("zap", "tables", "finish", "remove")]
        right = ["zap", "tables", "finish", *["remove"] * self.count] if self.count else []
        claim("zapped, then freed, then released", order == right)
        if self.count or self.marked:
            claim("the tree is destroyed, at the end", len(self._of("destroy")) == 1)
        for event in self._of("uncharge"):
            claim("the charge is given back", term(event[1], 64) == self.charged)
        if self.count:
            claim("the charge is given back once", len(self._of("uncharge")) == 1)
            self._claim_limits()

    def _claim_limits(self) -> None:
        facts, first = self.kernel.facts, self.entries[0]
        for name, low, high in (
            ("zap", 0, 2**64 - 1),
            ("tables", facts.value("FIRST_USER_ADDRESS"), facts.value("USER_PGTABLES_CEILING")),
        ):
            ((_, what, start, end, at),) = self._of(name)
            claim(f"{name}: from the first VMA on", term(what, 64) == first[2])
            claim(f"{name}: over all of it", z3.And(term(start, 64) == low, term(end, 64) == high))
            if self.shares:
                claim(f"{name}: the iterator stands behind the first VMA", at == first[1])


class Numbered(Whatever):
    """An mm_struct, of which map_count is known: it has four bytes."""

    def load(self, offset: Any, size: int) -> Any:
        if size == 4 and offset in self.members:
            return self.members[offset]
        return super().load(offset, size)


def no_bug(machine: Machine, text: str, args: list[Any]) -> int:
    """Assembly: an alarm is sounded, which must not be; or a place is noted, which does nothing."""
    claim("BUG_ON() does not fire", "0x0f, 0x0b" not in text and "ud2" not in text)
    if text.strip('"') and ".pushsection .discard" not in text:
        raise NotUnderstood(f"assembly: {text[:80]}")
    return 0


def _part(count: int, marked: bool, kernel: Kernel) -> None:
    if not marked or has_marker(kernel):
        Exit(kernel, count, marked).run()


def parts() -> dict[str, Part]:
    """None to three VMAs, then nothing or a marker."""
    found: dict[str, Callable[[Kernel], None]] = {
        f"{count} VMAs": partial(_part, count, False) for count in range(4)
    }
    return found | {f"{count} VMAs, then a marker": partial(_part, count, True) for count in range(3)}


def _mistake(
    name: str, what: str, find: str, replace: str, part: str = "2 VMAs", function: str = FUNCTION
) -> Mistake:
    return name, what, edit(FILES, function, find, replace), (part,)


MARKED = "1 VMAs, then a marker"
LOOP = "tear_down_vmas"
MISTAKES: tuple[Mistake, ...] = (
    _mistake(
        "marker_first",
        "a marker is taken for the first VMA",
        "!vma || unlikely(xa_is_zero(vma))",
        "!vma",
        "0 VMAs, then a marker",
    ),
    _mistake("marker_released", "a marker is released", "vma && likely(!xa_is_zero(vma))", "vma", MARKED),
    _mistake(
        "not_moved_before_tables",
        "the iterator is not moved back before page tables are freed",
        "vma_iter_set(&vmi, vma->vm_end); free_pgtables(",
        "free_pgtables(",
    ),
    _mistake(
        "not_moved_before_release",
        "the iterator is not moved back before VMAs are released",
        "vma_iter_set(&vmi, vma->vm_end); do {",
        "do {",
    ),
    _mistake(
        "not_moved_before_tear_down",
        "the iterator is not moved back before VMAs are released",
        "vma_iter_set(vmi, vma->vm_end);",
        "",
        function=LOOP,
    ),
    _mistake(
        "charge_of_the_last",
        "the last VMA's charge alone is given back",
        "nr_accounted += vma_pages(vma);",
        "nr_accounted = vma_pages(vma);",
    ),
    _mistake(
        "charge_of_the_last_one",
        "the last VMA's charge alone is given back",
        "nr_accounted += vma_pages(vma);",
        "nr_accounted = vma_pages(vma);",
        function=LOOP,
    ),
    _mistake("not_counted", "VMAs are not counted", "count++;", "", "1 VMAs"),
    _mistake("tree_kept", "the tree is not destroyed", "__mt_destroy(&mm->mm_mt);", "", "1 VMAs"),
    _mistake(
        "floor_of_the_first",
        "tables before the first VMA stay",
        "FIRST_USER_ADDRESS,",
        "vma->vm_start,",
        "1 VMAs",
    ),
    _mistake(
        "one_too_few",
        "the last VMA is not released",
        "vma = vma_next(vmi); } while (vma &&",
        "vma = vma_next(vmi); } while (vma && vma_next(vmi) &&",
        function=LOOP,
    ),
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        NAME,
        SENTENCE,
        FORMULA,
        "0 to 3 VMAs anywhere in order below 2**47, accounted or not; then nothing, or with up to 2 a marker",
        (FUNCTION,),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
    )
