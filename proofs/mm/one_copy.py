"""A fork about to copy one VMA: a machine, a parent and a child of which little is known, and every request
may be granted or refused. What must hold once that copy is made, or was given up, is claimed here too.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.flags import (
    VM_ACCOUNT,
    VM_DONTCOPY,
    VM_EXEC,
    VM_GROWSDOWN,
    VM_LOCKED,
    VM_PFNMAP,
    VM_READ,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
)
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import AnonVma, PatRange, Policy, UffdContext, Vma
from mapleproof.impl.mm.recovery.base import Fork
from mapleproof.impl.mm.words import MAX
from mapleproof.proofs.engine.loops import Rest
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, choose, term_of

RW = VM_READ | VM_WRITE
KINDS = {
    "private": RW | VM_ACCOUNT,
    "locked stack": RW | VM_ACCOUNT | VM_LOCKED | VM_GROWSDOWN,
    "shared": RW | VM_SHARED,
    "code": VM_READ | VM_EXEC,
    "read only": VM_READ,
    "PFN-mapped": RW | VM_SHARED | VM_PFNMAP,
    "to be wiped": RW | VM_ACCOUNT | VM_WIPEONFORK,
    "not to be forked": RW | VM_ACCOUNT | VM_DONTCOPY,
    "code not to be forked": VM_READ | VM_EXEC | VM_DONTCOPY,
    "stack not to be forked": RW | VM_GROWSDOWN | VM_DONTCOPY,
}
"""The flags of the VMA that a turn is about."""

COUNTERS = ("total_vm", "data_vm", "exec_vm", "stack_vm")
HELD = ("vmas", "policies", "uffd_refs", "reserved", "anon_vmas")
"""Machine-wide numbers of objects."""


class Asked:
    """A plan by which every request may be granted or refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.number = 0
        self.kinds: list[str] = []

    def ask(self, kind: str, count: int = 1, *, atomic: bool = False) -> bool:
        self.number += 1
        self.kinds.append(kind)
        granted = choose(f"grant {self.number}: {kind}")
        if not granted:
            self.refused.append(kind)
        return granted


class OneThenRest:
    """The cursor of a fork: it gives the VMA at hand, then what is behind."""

    def __init__(self, plan: Asked, old: Vma, more: bool) -> None:
        self.plan = plan
        self.waiting: list[Any] = [old, Rest() if more else None]
        self.stored: list[Any] = []
        self.index: Any = None
        self.last: Any = None
        self.destroyed = False

    def find(self, limit: Any) -> Any:
        claim("the loop goes over all VMAs", limit == MAX)
        return self.waiting.pop(0)

    def store_gfp(self, entry: Any) -> int:
        claim("a VMA is taken out", entry is None)
        return 0 if self.plan.ask("maple_node") else -12

    def store(self, entry: Any) -> None:
        self.stored.append(entry)

    def expected_entries(self, number: Any) -> int:
        return 0 if self.plan.ask("maple_node") else -12

    def destroy(self) -> None:
        self.destroyed = True


class Around:
    """A machine, a parent and a child in an arbitrary state, and a VMA of the parent."""

    def __init__(self, flags: int, extras: bool, more: bool) -> None:
        self.plan = Asked()
        self.machine = Machine(X86_64)
        self.machine.committed = self.free("committed")
        self.machine.commit_limit = self.free("commit limit")
        self.child, parent = Mm(self.machine), Mm(self.machine)
        self.machine.plan = self.plan  # type: ignore[assignment]
        for name in ("map_count", *COUNTERS):
            setattr(self.child, name, self.free(name))
        start, end = (Word.named(f"vma.{border}", 12) for border in ("start", "end"))
        assume(start < end)
        assume(end <= X86_64.task_size)
        self.pages = Word(z3.LShR(end.term - start.term, 12))
        self.old = Vma(parent, start, end, flags)  # type: ignore[arg-type]
        if extras:
            self.old.policy, self.old.uffd = Policy(), UffdContext()
        if flags & VM_PFNMAP:
            self.old.pat = PatRange()
        if extras and not flags & (VM_SHARED | VM_PFNMAP):
            self.old.anon_vma = AnonVma()
            self.old.chain = [self.old.anon_vma]
            self.old.anon_vma.vmas[self.old] = None
        self.before = {name: term_of(getattr(self.child, name)) for name in ("map_count", *COUNTERS)}
        self.held = {name: getattr(self.machine, name) for name in HELD}
        self.charged = term_of(self.machine.committed)
        self.cursor = OneThenRest(self.plan, self.old, more)
        self.child.tree = SimpleNamespace(set_in_rcu=lambda on: None, plan=None)  # type: ignore[assignment]
        self.child.tables = SimpleNamespace(copy_range=self._copy)  # type: ignore[assignment]
        self.job = Fork.__new__(Fork)
        self.job.machine, self.job.parent, self.job.child = self.machine, parent, self.child
        self.job.cursor = self.cursor  # type: ignore[assignment]
        self.job.first_left, self.job.clearing_failed, self.job.contexts = None, False, []
        parent.map_count = 1

    @staticmethod
    def free(name: str) -> Any:
        """A number of which nothing is known but that sums of it do not wrap."""
        word = Word.named(name)
        assume(word < 1 << 60)
        return word

    def _copy(self, *_: Any) -> tuple[int, bool]:
        return 0, self.plan.ask("page_table")

    def check(self, ret: int | None) -> None:
        """Claim what holds after the turn: ``ret`` is what the loop returned, None where it goes on."""
        old, stored = self.old, [entry for entry in self.cursor.stored if entry is not None]
        flags = old.flags
        skipped = bool(flags & VM_DONTCOPY)
        failed = bool(ret)
        over = z3.And(z3.BoolVal(bool(flags & VM_ACCOUNT)), self._over_limit())
        short = z3.Or(z3.BoolVal(bool(self.plan.refused)), over)
        claim("it fails if and only if there is a reason", z3.BoolVal(failed) == short if failed else True)
        claim("and goes on where nothing was refused", failed or not self.plan.refused)
        claim("at most one copy is stored", len(stored) <= (0 if skipped else 1))
        for new in stored:
            same = new.start is old.start and new.end is old.end and new.mm is self.child
            claim("the copy is the child's own, over the same range", same)
            claim("it has the same flags, but is not locked", new.flags == flags & ~VM_LOCKED)
        if not failed and not skipped:
            claim("without a failure the copy is stored", len(stored) == 1)
        charge = self.pages.term if stored and flags & VM_ACCOUNT else z3.BitVecVal(0, 64)
        now = term_of(self.machine.committed)
        claim("what is charged is what the copies in the tree span", now == self.charged + charge)
        claim(
            "map_count is their number",
            term_of(self.child.map_count) == self.before["map_count"] + len(stored),
        )
        cleared_it = skipped and (not failed or self.plan.refused[-1:] == ["arch"])
        cleared = self.pages.term if cleared_it else z3.BitVecVal(0, 64)
        for name in COUNTERS:
            part = cleared if name == "total_vm" or name == counter_of(flags) else z3.BitVecVal(0, 64)
            kept = term_of(getattr(self.child, name)) == self.before[name] - part
            claim(f"{name} is the parent's less what was cleared", kept)
        self._check_objects(stored)

    def requests(self, bulk: bool) -> list[str]:
        """All that is asked for on the way, in order, if nothing is refused."""
        flags, old = self.old.flags, self.old
        anon = old.anon_vma is not None and not flags & VM_WIPEONFORK
        if flags & VM_DONTCOPY:
            return ["maple_node"] if bulk else ["maple_node", "maple_node"]
        wanted = [
            ("maple_node", True),
            ("signal", True),
            ("charge", bool(flags & VM_ACCOUNT)),
            ("vma", True),
            ("policy", old.policy is not None),
            ("userfaultfd", old.uffd is not None),
            ("anon_vma_chain", anon),
            ("anon_vma", anon),
            ("pat", bool(flags & VM_PFNMAP)),
            ("page_table", bool(flags & VM_PFNMAP) or anon),
        ]
        return [kind for kind, asked in wanted if asked]

    def check_requests(self, failed: bool, bulk: bool) -> None:
        """Claim that whatever can fail is asked for, in order, up to what is refused."""
        kinds, every = self.plan.kinds, self.requests(bulk)
        claim("what can fail is asked for, in order", kinds == [*every, "arch"][: len(kinds)])
        claim("all of it where nothing fails", failed or len(kinds) >= len(every))
        claim("what is refused comes last", self.plan.refused in ([], kinds[-1:]))

    def _over_limit(self) -> Any:
        """Formula: what is charged passes the limit."""
        limit = term_of(self.machine.commit_limit)
        return z3.UGT(self.charged + self.pages.term, limit)

    def _check_objects(self, stored: list[Vma]) -> None:
        copies = len(stored)
        for new in stored:
            tracked = self.old.pat is not None and "pat" not in self.plan.refused
            claim(
                "it holds the reserved range if that was granted",
                new.pat is (self.old.pat if tracked else None),
            )
            kept = self.old.anon_vma is not None and not self.old.flags & VM_WIPEONFORK
            claim("it has an anon_vma if and only if the parent's pages are shared", bool(new.chain) == kept)
        claim("a VMA is there for each copy", self.machine.vmas == self.held["vmas"] + copies)
        policies = copies if self.old.policy is not None else 0
        claim("and a reference to its policy", self.machine.policies == self.held["policies"] + policies)
        contexts = len(self.job.contexts) + (copies if self.old.uffd is not None else 0)
        claim(
            "and one to its userfaultfd context", self.machine.uffd_refs == self.held["uffd_refs"] + contexts
        )
        reserved = sum(1 for vma in stored if vma.pat is not None)
        claim("a reservation is held by a copy", self.machine.reserved == self.held["reserved"] + reserved)
        linked = {id(anon) for vma in stored for anon in vma.chain or ()} - {id(self.old.anon_vma)}
        claim("an anon_vma is there for each that is linked", self.machine.anon_vmas == len(linked))
        if self.old.anon_vma is not None:
            known = list(self.old.anon_vma.vmas)
            linked_to = [vma for vma in stored if vma.chain]
            claim("the parent's anon_vma knows the copy or nobody new", known == [self.old, *linked_to])


def counter_of(flags: int) -> str:
    """Which counter besides total_vm a VMA's pages are in (vm_stat_account())."""
    if flags & VM_EXEC and not flags & VM_WRITE:
        return "exec_vm"
    if flags & VM_GROWSDOWN:
        return "stack_vm"
    return "data_vm" if flags & VM_WRITE and not flags & VM_SHARED else ""
