"""dup_mmap() of a kernel tree about one VMA: any number of VMAs were copied or left out before, this one is
copied, left out or given up, and whatever can fail is granted or refused.

The function itself is executed, its loop by induction, and the ways out of it from any turn (`fork_space.py`,
`fork_calls.py`).
"""

from __future__ import annotations

import re
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import FULL, Word
from mapleproof.proofs.ir.arithmetic import signed, term, truth
from mapleproof.proofs.ir.cuts import Cut, Sentences
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.kernel.fork_calls import EINTR, ENOMEM, INTERRUPTED, TREE, Calls
from mapleproof.proofs.kernel.fork_space import COUNTERS, Copy, Total
from mapleproof.proofs.kernel.free_pgtables import has_marker
from mapleproof.proofs.kernel.subject import Kernel

FUNCTION = "dup_mmap"
LOOP = f"{FUNCTION}:0"
BY_MEMBER = re.compile(r"%(vmi|mas|old_mas|agg\.tmp\d*|\.compoundliteral\d*)")
"""Variables of the function that are stored to member by member: cursors, and those of the compiler."""


class Copying(Calls, Cut):
    """One call of dup_mmap(), and the invariant of its loop."""

    def __init__(self, kernel: Kernel, file: bool) -> None:
        super().__init__(kernel, file)
        self.machine.cuts = {LOOP: self}
        self.recovers = kernel.facts.has("unmap_desc", "tree_end")
        self.marks = has_marker(kernel)

    def _by_member(self, frame: Frame) -> list[Block]:
        return [block for name, block in frame.variables.items() if BY_MEMBER.fullmatch(name)]

    def arrive(self, machine: Machine, frame: Frame) -> None:
        self.others = ("mm", "copy", *(block.name for block in self._by_member(frame)))

    def havoc(self, machine: Machine, frame: Frame) -> None:
        """So many were copied, so much is charged, any counters; the cursor is anywhere."""
        left_out = {name: Word.named(f"left out of {name}").term for name in COUNTERS}
        self.total = Total(Word.named("copies").term, Word.named("spanned").term, left_out)
        assume(z3.ULT(self.total.copies, (1 << 31) - 1))
        self.total.copies = z3.Extract(31, 0, self.total.copies)
        self.charged = Word.named("charged").term
        self.mm.store(self.facts.offset("mm_struct", "map_count"), 4, machine.new("map_count", 32))
        for name in COUNTERS:
            self.mm.store(self.facts.offset("mm_struct", name), 8, machine.new(name, 64))
        for variable in self._by_member(frame):
            variable.cells.clear()

    def at_head(self, machine: Machine, frame: Frame, head: str) -> None:
        if head in frame.cut:
            self._claim_turn()
        super().at_head(machine, frame, head)

    def holds(self, machine: Machine, frame: Frame) -> Sentences:
        return self._sums()

    def _sums(self) -> Sentences:
        """What is charged and counted, as of the VMAs up to here."""
        at, total = self.facts.offset, self.total
        count = term(self.mm.load(at("mm_struct", "map_count"), 4), 32)
        sentences = [
            ("what is charged is what the copies in the tree span", self.charged == total.spanned),
            ("map_count is their number", count == total.copies),
            ("without a copy they span nothing", z3.Implies(total.copies == 0, total.spanned == 0)),
        ]
        for name in COUNTERS:
            now, parents = (term(mm.load(at("mm_struct", name), 8), 64) for mm in (self.mm, self.parent))
            left = parents - total.left_out[name]
            sentences.append((f"{name} is the parent's less what was left out", now == left))
        return sentences

    def _claim_turn(self) -> None:
        """After a turn that goes on."""
        self._leave_out()
        claim("it goes on where nothing was refused", not self.refused)
        claim("a VMA is copied, or left out", len(self.made) + self.left_out == 1)
        claim("left out is what has VM_DONTCOPY", self._has("VM_DONTCOPY") == self.left_out)
        claim("no lock of the list is held", not self.locked.get(self.mapping.base))
        self._claim_copies()
        self.total = self._done()
        at = self.facts.offset
        own = {at("mm_struct", name) for name in ("map_count", *COUNTERS)}
        claim("nothing else of the child is changed", self.mm.changed.keys() <= own)

    def _leave_out(self) -> None:
        """Where VMAs are inserted one by one, what is left out is passed over."""
        if not self.by_dup and len(self.waiting) < 2 and not self.made and not self.refused:
            self.left_out = truth(self._has("VM_DONTCOPY"))

    def _claim_copies(self) -> None:
        """A copy is in the tree and whole, or it is gone."""
        claim("at most one copy is made", len(self.made) <= 1)
        claim("the source is as it was", not self.old.changed)
        for copy in self.made:
            if copy.stored:
                self._claim_stored(copy)
            else:
                claim("a copy that is given up is freed, once", copy.freed == 1)
                claim("its policy is put", not copy.policy)
                claim("it is linked to no anon_vma", not copy.linked)
                claim("it has no file", not copy.files and not copy.listed and not copy.writable)

    def _claim_stored(self, copy: Copy) -> None:
        load, has = copy.block.load, self._has
        borders = [term(load(self._member(name), 8), 64) for name in ("vm_start", "vm_end")]
        claim("the copy has its source's range", z3.And(borders[0] == self.start, borders[1] == self.end))
        claim("it is the child's own", load(self._member("vm_mm"), 8) == self.mm.base)
        claim("it is not freed", not copy.freed)
        attaches = self.machine.program.has("vma_mark_attached")
        claim("it is attached, once, in versions that note that", copy.attached == attaches)
        claim("it has a policy of its own", copy.policy != 0)
        locked = self.facts.value("VM_LOCKED") | self.facts.value("VM_LOCKONFAULT")
        flags = self._flags_of(copy.block.base)
        claim("it has the same flags, but is not locked", flags == self.flags & (FULL ^ locked))
        wiped = has("VM_WIPEONFORK")
        claim("it is linked to anon_vmas unless it is wiped", wiped == (not copy.linked))
        if not copy.linked:
            claim("what is wiped has no anon_vma", load(self._member("anon_vma"), 8) == 0)
        if "page tables" not in self.refused:
            claim("its pages are copied unless it is wiped", wiped == (copy.paged == 0))
        file = load(self._member("vm_file"), 8) != 0
        claim("its file is held once, where it has one", copy.files == file)
        claim("it is in its file's list once, where it has one", copy.listed == file)
        writes = z3.And(has("VM_SHARED", "VM_MAYWRITE"), file)
        claim("who may write to it is counted once", writes == (copy.writable == 1) and copy.writable < 2)
        operations = load(self._member("vm_ops"), 8) != 0
        opens = operations and self.operations.load(self.facts.offset("vm_operations_struct", "open"), 8) != 0
        claim("it is opened once, where it can be", copy.opened == opens)

    def run(self) -> None:
        """Execute it, and claim what holds once it returns."""
        ret = self.machine.call(FUNCTION, [self.mm.base, self.parent.base])
        claim("what it returns is known", isinstance(ret, int))
        self._claim_reason(signed(ret, 32))
        claim("no lock is held", not any(self.locked.values()))
        if self.refused == [INTERRUPTED[0]]:
            return
        self._claim_contexts()
        self._claim_copies()
        before, self.total = self.total, self._done()
        recovers = self.recovers and bool(self.refused) and self.refused != [TREE]
        if recovers:
            self._claim_recovered(before)
        for sentence, formula in self._sums()[recovers:]:
            claim(sentence, formula)
        claim("the tree goes to readers if and only if all went well", self.in_rcu == (not self.refused))
        self._claim_marked()

    def _claim_contexts(self) -> None:
        drops = self.facts.has_value("dup_userfaultfd_fail")
        how = "fail" if self.refused and drops else "complete"
        claim("contexts that wait are settled once, by how it ends", self.settled == [how])

    def _claim_reason(self, ret: int) -> None:
        claim("it fails if and only if something was refused", (ret != 0) == bool(self.refused))
        claim("nothing is asked for after that", len(self.refused) <= 1)
        if self.refused:
            reason = EINTR if self.refused[0] in INTERRUPTED else ENOMEM
            claim("the reason is the signal or a lack of memory", ret == -reason)

    def _claim_marked(self) -> None:
        """After a failure the first VMA left is marked, if there is one, in versions that have the marker."""
        left = None
        if self.marks and self.refused and self.refused != [TREE]:
            left = self._left()
        claim("one VMA is marked, where one is left", len(self.marked) == (left is not None))
        if left is not None:
            right = z3.And(self.marked[0][0] == left[0], self.marked[0][1] == left[1] - 1)
            claim("it is the first that is left", right)

    def _claim_recovered(self, before: Total) -> None:
        """After a failure all copies are gone by what was done here, and nothing is charged."""
        claim("nothing is charged", self.charged == 0)
        claim("the tree is destroyed, once", self.destroyed == 1)
        if truth(self.total.copies == 0):
            claim("nothing is unmapped where nothing was copied", not self.unmapped and not self.torn)
            return
        claim("copies are unmapped and released", bool(self.unmapped) and bool(self.torn))
        left, told, at = self._left(), self.unmapped, self.facts.value
        end = FULL if left is None else left[0]
        first = self.earlier if truth(before.copies != 0) else self.made[0].block
        wanted = {
            "first": first.base,
            "pg_start": at("FIRST_USER_ADDRESS"),
            "pg_end": at("USER_PGTABLES_CEILING"),
            "vma_start": 0,
            "vma_end": end,
            "tree_end": end,
            "tree_reset": first.load(self._member("vm_end"), 8),
        }
        for name, value in wanted.items():
            claim(f"copies alone are unmapped, by {name}", told[name] == value)
        claim("copies alone are released", z3.And(self.torn[0] == first.base, term(self.torn[1], 64) == end))

    def _left(self) -> tuple[Any, Any] | None:
        """The borders of the first VMA that is left to the parent."""
        if self.over:
            return None
        copied = any(copy.stored for copy in self.made)
        return (self.rest_start, self.rest_end) if copied else (self.start, self.end)
