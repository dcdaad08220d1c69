"""The memory in which a tree's dup_mmap() is executed about one VMA of the parent's: both address spaces, the
VMA, one that was copied before it and one behind it, and what is known of copies that are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, choose
from mapleproof.proofs.ir.arithmetic import Value, term
from mapleproof.proofs.ir.machine import Hook, Machine
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.kernel.exit_mmap import no_bug
from mapleproof.proofs.kernel.free_pgtables import TOP
from mapleproof.proofs.kernel.subject import Kernel

COUNTERS = ("total_vm", "data_vm", "exec_vm", "stack_vm")
PAGE_SHIFT = 12
POINTER = 8


@dataclass(slots=True)
class Copy:
    """What was done about a copy: how often it was freed, and whether it holds a policy, is linked to
    anon_vmas, and has a userfaultfd context that waits."""

    block: Block
    freed: int = 0
    policy: int = 0
    linked: bool = False
    stored: bool = False
    attached: int = 0
    opened: int = 0
    files: int = 0
    listed: int = 0
    writable: int = 0
    paged: int = 0


@dataclass(slots=True)
class Total:
    """Sums over all VMAs up to here: how many copies are in the child's tree, the pages of those with
    VM_ACCOUNT, and for each counter the pages of those left out."""

    copies: Any
    spanned: Any
    left_out: dict[str, Any]


class Space:
    """Blocks of memory; a VMA's file is there or not. What happens in it is in the attributes."""

    def __init__(self, kernel: Kernel, hooks: dict[str, Hook], file: bool) -> None:
        self.facts = kernel.facts
        self.machine = Machine(kernel.program, hooks, asm=no_bug)
        self.charged: Any = z3.BitVecVal(0, 64)
        self.made: list[Copy] = []
        self.left_out = False
        self.total = Total(z3.BitVecVal(0, 32), *self._nothing())
        self._blocks(file)

    def _nothing(self) -> tuple[Any, dict[str, Any]]:
        return z3.BitVecVal(0, 64), {name: z3.BitVecVal(0, 64) for name in COUNTERS}

    def _blocks(self, file: bool) -> None:
        """A parent, a child of which map_count is known, and VMAs of the parent's."""
        machine, facts = self.machine, self.facts
        self.mm, self.parent = (
            machine.block(name, facts.size("mm_struct"), unknown=machine.anything(name))
            for name in ("mm", "oldmm")
        )
        self.mm.store(facts.offset("mm_struct", "map_count"), 4, 0)
        self.mapping = self._with("mapping", "address_space", {})
        self.file = self._with("file", "file", {"f_mapping": lambda: self.mapping.base})
        self.opens = machine.reserve(1)
        """Where the operation open() of a VMA is."""
        choices = {"open": lambda: self.opens if choose("vma has an open()") else 0}
        self.operations = self._with("vm_ops", "vm_operations_struct", choices)
        self.start, self.end, self.flags = (
            Word.named(f"vma.{name}", shift).term
            for name, shift in (("start", PAGE_SHIFT), ("end", PAGE_SHIFT), ("flags", 0))
        )
        assume(z3.And(z3.ULT(self.start, self.end), z3.ULE(self.end, TOP)))
        self.pages = z3.LShR(self.end - self.start, PAGE_SHIFT)
        self.policy = machine.reserve(1)
        self.old = self._with(
            "vma",
            "vm_area_struct",
            {
                "vm_start": lambda: self.start,
                "vm_end": lambda: self.end,
                "vm_flags": lambda: self.flags,
                "vm_mm": lambda: self.parent.base,
                "vm_policy": lambda: self.policy,
                "vm_file": lambda: self.file.base if file else 0,
                "vm_ops": lambda: self.operations.base if choose("vma has operations") else 0,
            },
        )
        low, high = (Word.named(f"earlier.{side}", PAGE_SHIFT).term for side in ("start", "end"))
        assume(z3.And(z3.ULT(low, high), z3.ULE(high, self.start)))
        members = {"vm_start": lambda: low, "vm_end": lambda: high}
        self.earlier = self._with("earlier", "vm_area_struct", members)
        self.rest_start, self.rest_end = (
            Word.named(f"rest.{side}", PAGE_SHIFT).term for side in ("start", "end")
        )
        assume(z3.And(z3.ULE(self.end, self.rest_start), z3.ULT(self.rest_start, self.rest_end)))
        assume(z3.ULE(self.rest_end, TOP))
        members = {"vm_start": lambda: self.rest_start, "vm_end": lambda: self.rest_end}
        self.rest = self._with("rest", "vm_area_struct", members)

    def _with(self, name: str, struct: str, members: dict[str, Any]) -> Block:
        """A struct whose members get their values when they are read first."""
        known = {self.facts.offset(struct, member): made for member, made in members.items()}
        anything = self.machine.anything(name)

        def looked_at(offset: int, size: int) -> Value:
            return known[offset]() if size == POINTER and offset in known else anything(offset, size)

        return self.machine.block(name, self.facts.size(struct), unknown=looked_at)

    def _copy(self, base: Any) -> Copy:
        """The copy that is spoken of."""
        found = [copy for copy in self.made if copy.block.base == base]
        claim("what is dealt with is a copy", bool(found))
        return found[0]

    def _member(self, name: str) -> int:
        return self.facts.offset("vm_area_struct", name)

    def _mm_of(self, vma: int) -> Any:
        return self.machine.memory.load(vma + self._member("vm_mm"), 8)

    def _flags_of(self, vma: int) -> Any:
        return term(self.machine.memory.load(vma + self._member("vm_flags"), 8), 64)

    def _has(self, *names: str) -> Any:
        """Formula: the VMA at hand has all of these flags."""
        mask = sum(self.facts.value(name) for name in names)
        return self.flags & mask == mask

    def _done(self) -> Total:
        """The sums, the VMA at hand among them."""
        copies, spanned, left_out = self.total.copies, self.total.spanned, dict(self.total.left_out)
        for copy in self.made:
            if copy.stored:
                copies = copies + 1
                spanned = spanned + z3.If(self._has("VM_ACCOUNT"), self.pages, 0)
        if self.left_out:
            for name, when in self._counted().items():
                left_out[name] = left_out[name] + z3.If(when, self.pages, 0)
        return Total(copies, spanned, left_out)

    def _counted(self) -> dict[str, Any]:
        """Formulas: which counters the pages of the VMA at hand are in (vm_stat_account())."""
        stack, wanted = self._has("VM_STACK"), self._has("VM_WRITE")
        code = z3.And(self._has("VM_EXEC"), z3.Not(wanted), z3.Not(stack))
        data = z3.And(wanted, z3.Not(self._has("VM_SHARED")), z3.Not(stack))
        return {"total_vm": z3.BoolVal(True), "exec_vm": code, "stack_vm": stack, "data_vm": data}
