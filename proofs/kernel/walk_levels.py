"""free_pgd_range() of a kernel tree and the three functions below it, executed about one arbitrary table.

Each function is executed as it may be called, its loop over entries by induction: from an arbitrary state,
one turn. The function below it is replaced by what is proved of it, and that it is called as it may be is
claimed.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, choose
from mapleproof.proofs.ir.arithmetic import term, tidy
from mapleproof.proofs.ir.cuts import Cut, Sentences
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.machine import Hook, Machine
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.tables import (
    DIRECT_MAP,
    SHIFTS,
    STRUCT_PAGES,
    Filled,
    Leading,
    Whatever,
    address_of,
    index,
    struct_page_of,
)
from mapleproof.proofs.mm.spans import exact, inside, meets, proper

CHAIN = ("free_pmd_range", "free_pud_range", "free_p4d_range", "free_pgd_range")
ENTRIES = dict(zip(CHAIN, ("pmd", "pud", "p4d", "pgd"), strict=True))
"""The variable that points to the entry of a function's loop."""

FREES = {"free_pmd_range": 2, "free_pud_range": 3, "free_p4d_range": 4, "free_pgd_range": 9}
"""The level of the table that a function itself frees at its end; the last one frees none."""

STEP = {"free_pmd_range": 21, "free_pud_range": 30, "free_p4d_range": 39}
"""What an entry of its loop spans; for the last one that is up to the number of levels."""

COVERS = {"free_pmd_range": 30, "free_pud_range": 39}
"""What it is called for at once, at most; for the upper two up to the number of levels."""

NOTHING_OF_TABLES = """mm_dec_nr_ptes mm_dec_nr_pmds mm_dec_nr_puds __tlb_adjust_range tlb_change_page_size
    tlb_flush_pmd_range tlb_flush_pud_range tlb_flush_p4d_range"""
"""Functions that count, or note what is to be flushed."""

LEVEL_5 = 16 * 32 + 16
"""X86_FEATURE_LA57."""


class Walk:
    """One function, executed about one table of ``level``. ``freed`` is the formula that it is gone."""

    def __init__(self, kernel: Kernel, levels: int, level: int, name: str) -> None:
        self.levels, self.level, self.name = levels, level, name
        self.top_shift = 48 if levels == 5 else 39
        self.addr, self.end, self.floor, self.ceiling = (
            Word.named(each, 12) for each in ("addr", "end", "floor", "ceiling")
        )
        self.table, self.span = Word.named("table", SHIFTS[level]), 1 << SHIFTS[level]
        highest = z3.BitVecVal((1 << (self.top_shift + 8)) - 1, 64)
        assume(z3.And(z3.ULE(self.end.term - 1, highest), z3.ULE(self.table.term, highest)))
        self.freed: Any = z3.BoolVal(False)
        self.cleared = False
        self.machine = Machine(kernel.program, self._hooks(), self._variables())
        self.machine.cuts = {f"{name}:0": Entries(self)}
        mm = Whatever(self.machine, "mm")
        self.tlb = Whatever(self.machine, "tlb", {kernel.facts.offset("mmu_gather", "mm"): mm.base})
        self._place_tables()

    def _variables(self) -> dict[str, int]:
        return {
            "pgdir_shift": self.top_shift,
            "ptrs_per_p4d": 512 if self.levels == 5 else 1,
            "page_offset_base": DIRECT_MAP,
            "vmemmap_base": STRUCT_PAGES,
            "sme_me_mask": 0,
            "physical_mask": (1 << 52) - 1,
            "__pgtable_l5_enabled": int(self.levels == 5),
        }

    def _place_tables(self) -> None:
        """The table, those that lead to it, and one below it."""
        for level in range(self.level + 1, self.levels + 1):
            way = index(self.table.term, SHIFTS[level - 1])
            self.machine.place(Leading(level, way, self._cleared))
        if self.level > 1:
            self.machine.place(Filled(self.machine, self.level))
        if self.level > 2:
            self.machine.place(Leading(self.level - 1, None, self._cleared))

    def _cleared(self, level: int, own: bool) -> None:
        self.cleared = self.cleared or (own and level == self.level + 1)

    def run(self) -> None:
        """Execute it and claim what is to be proved of it."""
        if self.name == "free_pgd_range":
            limits = (self.addr, self.end, self.floor, self.ceiling)
            assume(proper(*limits))
            self.machine.call(self.name, [self.tlb.base, *(word.term for word in limits)])
            goes = exact(self.table, self.span, *limits)
            told = "a table goes if and only if it meets the range and lies inside the limits"
            claim(told, self.freed == goes)
            return
        assume(self.may_be_called(self.name, self.addr.term, self.end.term))
        if not self._is_folded(self.name):
            shift = COVERS.get(self.name, self.top_shift)
            assume(z3.LShR(self.addr.term, shift) == z3.LShR(self.table.term, shift))
        words = (self.addr.term, self.end.term, self.floor.term, self.ceiling.term)
        self.machine.call(self.name, [self.tlb.base, self.entry_above(self.name, self.addr.term), *words])
        right = self.contract(self.addr, self.end, self.floor, self.ceiling)
        claim("a table goes if and only if it is met, and decided so", self.freed == right)

    def _is_folded(self, name: str) -> bool:
        """With four levels the table of p4d entries is one entry of the topmost."""
        return name == "free_p4d_range" and self.levels == 4

    def may_be_called(self, name: str, addr: Any, end: Any) -> Any:
        """What a function below the first may be called with: a range inside what one entry spans."""
        span = (1 << COVERS.get(name, self.top_shift)) - 1
        return z3.And(z3.ULE(addr, end - 1), z3.ULE(end - 1, addr | span))

    def entry_above(self, name: str, addr: Any) -> Any:
        """Where the entry is that it is called with."""
        upper = 4 if self.levels == 4 and name != "free_pmd_range" else FREES[name] + 1
        return tidy(address_of(upper) + index(addr, COVERS.get(name, self.top_shift)))

    def decided(self, floor: Any, ceiling: Any) -> Any:
        """Of the lowest level the head of free_pgd_range() decides, of the others each its own limits."""
        if self.level == 1:
            return z3.BoolVal(True)
        return inside(self.table, self.span, Word(floor), Word(ceiling))

    def contract(self, addr: Word, end: Word, floor: Word, ceiling: Word) -> Any:
        """What is proved of the functions below the first: whether they free the table."""
        return z3.And(meets(self.table, self.span, addr, end), self.decided(floor.term, ceiling.term))

    def _hooks(self) -> dict[str, Hook]:
        hooks: dict[str, Hook] = {name: lambda machine, args: 0 for name in NOTHING_OF_TABLES.split()}
        for name in CHAIN[: CHAIN.index(self.name)]:
            hooks[name] = self._below(name)
        hooks["pgd_offset_pgd"] = lambda machine, args: tidy(
            address_of(self.levels) + index(term(args[1], 64), self.top_shift)
        )
        for name in ("_static_cpu_has", "__static_cpu_has"):
            hooks[name] = self._cpu_has
        hooks["__pti_set_user_pgtbl"] = lambda machine, args: args[1]
        for level, name in enumerate(("pte", "pmd", "pud", "p4d"), 1):
            hooks[f"___{name}_free_tlb"] = self._free(level)
        return hooks

    def _cpu_has(self, machine: Machine, args: list[Any]) -> int:
        return int(self.levels == 5 if args[0] == LEVEL_5 else choose(f"cpu feature {args[0]}"))

    def _below(self, name: str) -> Hook:
        """What stands for a call of the function below."""

        def stands(machine: Machine, args: list[Any]) -> int:
            addr, end, floor, ceiling = (Word(term(each, 64)) for each in args[2:])
            claim(
                f"{name}() is called with a range inside one entry",
                self.may_be_called(name, addr.term, end.term),
            )
            claim(
                f"{name}() is called with addr's entry",
                term(args[1], 64) == self.entry_above(name, addr.term),
            )
            if FREES[name] < self.level:
                claim("no table below it is freed after it", z3.Not(self.freed))
                return 0
            now = z3.Bool(f"freed by {name} {machine.fresh}")
            assume(now == z3.Or(self.freed, self.contract(addr, end, floor, ceiling)))
            self.freed = now
            return 0

        return stands

    def _free(self, level: int) -> Hook:
        def freed(machine: Machine, args: list[Any]) -> int:
            # Of the lowest level a struct page is handed over, else the table's address
            given = struct_page_of(level) if level == 1 else address_of(level)
            claim("what is handed over is a table that is there", term(args[1], 64) == given)
            if level < self.level:
                claim("no table below it is freed after it", z3.Not(self.freed))
            elif level == self.level:
                claim("it is freed once", z3.Not(self.freed))
                claim("its entry was cleared before", self.cleared)
                self.freed = z3.BoolVal(True)
            return 0

        return freed


class Entries(Cut):
    """The loop over entries of one of the four functions."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.pointer = ENTRIES[walk.name]
        self.shift = STEP.get(walk.name, walk.top_shift)
        self.start = self.first = self.before = None

    def arrive(self, machine: Machine, frame: Frame) -> None:
        self.start, self.first = (term(frame.get(name), 64) for name in ("addr", self.pointer))
        self.before = self.walk.freed

    def havoc(self, machine: Machine, frame: Frame) -> None:
        self.walk.freed = z3.Bool(f"freed before {machine.fresh}")
        frame.set(self.pointer, tidy(self._entry(term(frame.get("addr"), 64))))

    def _entry(self, addr: Any) -> Any:
        """Where the entry of an address is; a level that is folded has but one."""
        levels = self.walk.levels
        if self.pointer == "p4d" and levels == 4:
            return self.first
        level = {"pgd": levels, "p4d": 4, "pud": 3, "pmd": 2}[self.pointer]
        return address_of(level) + index(addr, self.shift)

    def holds(self, machine: Machine, frame: Frame) -> Sentences:
        addr, end, at, floor, ceiling = (
            term(frame.get(name), 64) for name in ("addr", "end", self.pointer, "floor", "ceiling")
        )
        walk, span = self.walk, 1 << self.shift
        entry = walk.table.term & ~z3.BitVecVal(span - 1, 64)
        last = walk.table.term | (walk.span - 1)
        met = z3.And(addr != self.start, z3.ULT(entry, addr), z3.UGE(last, self.start))
        in_loop = FREES[walk.name] != walk.level or walk.level == 1
        goes = z3.And(met, walk.decided(floor, ceiling)) if in_loop else z3.BoolVal(False)
        return [
            ("addr lies in the range", z3.And(z3.ULE(self.start, addr), z3.ULE(addr, end - 1))),
            ("addr is where an entry begins", z3.Or(addr == self.start, addr & (span - 1) == 0)),
            (f"{self.pointer} is addr's entry", at == self._entry(addr)),
            (
                "the table is gone if and only if it was met and is to go",
                walk.freed == z3.Or(self.before, goes),
            ),
        ]
