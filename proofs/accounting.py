"""After a failed fork nothing is charged that was not before, and map_count is what was released.

For any number of VMAs, by induction. One turn of the loops of _copy_by_dup() and _copy_by_insertion() is run
from an arbitrary state: so many VMAs copied, so much charged, any counters; over a VMA anywhere, of every
kind, with every request granted or refused. What is charged is then what the VM_ACCOUNT copies in the child's
tree span, map_count is their number, and the counters are the parent's less the VM_DONTCOPY VMAs cleared.
What release_vmas() gives back is the other half (``walks.py``), and that every recovery has it release
exactly those copies is `undo_exact`.

Whole forks are executed besides, for every recovery that is meant to hold and every failure point of a few
VMAs.

Not covered: what a request is refused for; hugetlb's reservations.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import z3  # type: ignore[import-untyped]

from impl.mm import fork as forking
from impl.mm.flags import (
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
from impl.mm.geometry import X86_64
from impl.mm.machine import Machine
from impl.mm.mm import Mm
from impl.mm.objects import AnonVma, PatRange, Policy, UffdContext, Vma
from impl.mm.promises import OBSERVERS
from impl.mm.words import MAX
from proofs.cases import space_case
from proofs.claim import Claim, Edit, Twin, main
from proofs.layouts import areas
from proofs.loops import Rest, turn
from proofs.paths import Program, assume, claim
from proofs.walks import release_parts
from proofs.whole_fork import Chosen, case_of, forked, parent_of, scenarios
from proofs.words import Word, choose, term_of
from props.cases.files import Case
from props.fork import operations as ops
from props.fork.audit import after_failure, note
from props.fork.ports import FailFrom, ImplSpaces
from props.ops.common_operations import Common

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
        self.job = forking.Fork.__new__(forking.Fork)
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


def turn_program(flags: int, extras: bool, more: bool, bulk: bool, plan: bool = True) -> Program:
    """One turn of the loop, by duplication or by insertion; without a ``plan`` nothing of a VMA can fail."""

    def run() -> None:
        around = Around(flags, extras, more)
        job, cursor = around.job, around.cursor
        if not plan:
            around.machine.plan = None
        returned: list[int] = []
        loop = forking._copy_by_insertion if bulk else forking._copy_by_dup

        def call() -> None:
            returned.append(loop(job))

        def duplicate(*_: Any) -> int:
            return 0 if around.plan.ask("maple_node") else -12

        with patch.object(forking, "mt_dup", duplicate), patch.object(forking, "Cursor", lambda tree: cursor):
            state = turn(loop, {}, call)
        claim("it goes on, or says how it ended", (state is None) == bool(returned))
        around.check(returned[0] if returned else None)
        if plan:
            around.check_requests(bool(returned and returned[0]), bulk)
        if returned and returned[0]:
            _check_left(around, returned[0], bulk, more)
        if returned and not returned[0]:
            claim("it ends where nothing is behind", not more)
        if bulk and returned and around.plan.refused != ["maple_node"]:
            claim("what was got ahead is given back", cursor.destroyed)

    return run


def _check_left(around: Around, ret: int, bulk: bool, more: bool) -> None:
    """Where the fork failed, the first VMA left is the one that was not duplicated."""
    refused, job = around.plan.refused, around.job
    claim("the reason is the signal or a lack of memory", ret == (-4 if refused[-1:] == ["signal"] else -12))
    begun = len(around.cursor.waiting) < 2
    if bulk or not begun:
        return
    stored = bool(around.cursor.stored)
    clearing = bool(around.old.flags & VM_DONTCOPY) and refused[-1:] == ["maple_node"]
    claim("whether clearing failed is known", job.clearing_failed == clearing)
    at_end = refused[-1:] == ["arch"]
    if not stored and not at_end:
        claim("it is the first VMA left", job.first_left is around.old)
    elif more:
        left: Any = job.first_left
        claim("the next one is the first VMA left", type(left) is Rest)
    else:
        claim("none is left", job.first_left is None)


def charge_program() -> Program:
    """Machine.charge() and uncharge()."""

    def run() -> None:
        machine = Machine(X86_64)
        before, limit, pages = (Around.free(name) for name in ("committed", "commit limit", "pages"))
        machine.committed, machine.commit_limit = before, limit
        plan = Asked()
        machine.plan = plan  # type: ignore[assignment]
        granted = machine.charge(pages)
        fits = z3.ULE(before.term + pages.term, limit.term)
        claim(
            "it is granted if it fits and is not refused",
            fits if granted else z3.Implies(fits, plan.refused != []),
        )
        now = term_of(machine.committed)
        claim(
            "then it is charged, and nothing otherwise", now == before.term + (pages.term if granted else 0)
        )
        machine.uncharge(pages)
        claim("and given back", term_of(machine.committed) == now - pages.term)

    return run


def whole_program(name: str, kinds: tuple[str, ...]) -> Program:
    """A fork of VMAs of these kinds, at each of its failure points: all that is counted afterwards."""

    def run() -> None:
        port = parent_of(kinds)
        machine, parent = port.machine, port.spaces[0]
        before = note(machine, parent)
        machine.plan = plan = Chosen()
        ret, child = forked(port, name)
        claim("it fails if and only if something was refused", (ret != 0) == bool(plan.refused))
        claim("there is a child if and only if it did not", (child is None) == (ret != 0))
        claim("no lock is held", parent.lock.idle and (child is None or child.lock.idle))
        claim("no fork is under way", not machine.forking)
        if child is None:
            after_failure(machine, parent, before)
        else:
            _check_child(machine, parent, child, before.committed)
        broken = [alarm for alarm in machine.alarms if alarm.promise != OBSERVERS]
        claim("nothing is charged, left, or counted wrongly", not broken)

    return run


def _check_child(machine: Machine, parent: Mm, child: Mm, charged: int) -> None:
    """What a fork that went well has made."""
    wanted = [vma for vma in parent.vmas() if not vma.flags & VM_DONTCOPY]
    made = list(child.vmas())
    alike = len(made) == len(wanted) and all(
        (new.start, new.end, new.file, new.mm) == (old.start, old.end, old.file, child)
        for new, old in zip(made, wanted, strict=True)
    )
    claim("the child has the VMAs that are to be forked, its own", alike)
    claim("map_count is their number", child.map_count == len(made))
    pages = {vma: (vma.end - vma.start) >> machine.geometry.page_shift for vma in made}
    charge = sum(pages[vma] for vma in made if vma.flags & VM_ACCOUNT)
    claim("the VM_ACCOUNT ones are charged", machine.committed == charged + charge)
    for name in COUNTERS:
        counted = [vma for vma in made if name in ("total_vm", counter_of(vma.flags))]
        claim(f"{name} is their pages", getattr(child, name) == sum(pages[vma] for vma in counted))
    for new, old in zip(made, wanted, strict=True):
        copied = old.anon_vma is not None and not old.flags & VM_WIPEONFORK
        there = [parent.tables.has_page(old.start), child.tables.has_page(new.start)]
        claim("pages of shared anon_vmas are copied", not copied or there[0] == there[1])
    present = sum(child.tables.has_page(vma.start) for vma in made if not vma.flags & VM_PFNMAP)
    claim("what is present is counted", child.rss_anon + child.rss_file == present)


def to_case(part: str, inputs: dict[str, int]) -> Case | None:
    """The fork that fails at the request that the inputs refuse."""
    name, _, rest = part.partition(": ")
    if name.startswith("whole fork by "):
        return case_of(name.removeprefix("whole fork by "), tuple(rest.split(", ")), inputs)
    kind = rest.partition(",")[0]
    recovery = "bulk_insert" if part.startswith("insertion") else "unmap_in_place"
    program = _parent(kind if kind in KINDS else "private", areas(inputs, "vma"))
    wishes = [(key.partition(": ")[2], value) for key, value in inputs.items() if key.startswith("grant ")]
    refused = next((kind for kind, value in wishes if value == 0), "arch" if not wishes else None)
    granted = None if refused is None else _granted(program, recovery, refused)
    if granted is None:
        last: list[Common] = [ops.Fork(0, 1, recovery), ops.Areas(1), ops.Committed(), ops.Exit(1)]
    else:
        last = [ops.Fork(0, 1, recovery, fail_after=granted)]
    return space_case("accounting", [*program, *last, ops.Committed()], X86_64, "charge zero")


def _parent(kind: str, placed: list[tuple[int, int]]) -> list[Common]:
    """A parent with a private VMA, which is copied before, and one of the kind with a policy, a userfaultfd
    context and a page."""
    page = X86_64.page
    start, end = placed[0] if placed and placed[0][1] <= X86_64.task_size else (0, page)
    if start < page:
        start, end = start + page, end + page
    flags = KINDS[kind]
    asked = flags & (RW | VM_EXEC | VM_SHARED | VM_GROWSDOWN | VM_PFNMAP | VM_LOCKED)
    file = 1 if flags & (VM_SHARED | VM_PFNMAP) else None
    program: list[Common] = [ops.Mmap(0, 0, page, RW, None), ops.Touch(0, 0, page)]
    program.append(ops.Mmap(0, start, end - start, asked, file))
    if not flags & VM_PFNMAP:
        program.append(ops.Touch(0, start, page))
    program += [ops.Mbind(0, start), ops.Userfaultfd(0, start)]
    for flag, advice in ((VM_DONTCOPY, "dontfork"), (VM_WIPEONFORK, "wipeonfork")):
        if flags & flag:
            program.append(ops.Madvise(0, start, end - start, advice))
    return program


class Recorded(FailFrom):
    """Grants everything and takes down what was asked for."""

    def __init__(self, _: int) -> None:
        super().__init__(1 << 30)
        self.kinds: list[str] = []

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        self.kinds.append(kind)
        return True


def _granted(program: list[Common], recovery: str, kind: str) -> int | None:
    """How many requests come before the last one of that kind; None where it is never made."""
    port = ImplSpaces(X86_64, audits=False, observed=False)
    plans: list[Recorded] = []

    def plan_for(number: int) -> Recorded:
        plans.append(Recorded(number))
        return plans[-1]

    port.plan_for = plan_for
    for op in [*program, ops.Fork(0, 1, recovery, fail_after=0)]:
        port.apply(op)
    kinds = plans[-1].kinds
    return max((at for at, asked in enumerate(kinds) if asked == kind), default=None)


def _parts() -> dict[str, Program]:
    parts: dict[str, Program] = {}
    for bulk in (False, True):
        way = "insertion" if bulk else "duplication"
        for kind, flags in KINDS.items():
            parts[f"{way}: {kind}, the last, without a plan"] = turn_program(flags, True, False, bulk, False)
            for more in (True, False):
                told = "more behind" if more else "the last"
                parts[f"{way}: {kind}, {told}"] = turn_program(flags, True, more, bulk)
        parts[f"{way}: private, bare"] = turn_program(KINDS["private"], False, True, bulk)
    parts["charge"] = charge_program()
    parts |= release_parts()
    for name in WHOLE:
        for kinds in scenarios(2):
            parts[f"whole fork by {name}: {', '.join(kinds)}"] = whole_program(name, kinds)
    return parts


WHOLE = ("bulk_insert", "zero_marker", "unmap_in_place")
FORK = "impl.mm.fork"
PRIVATE = ("duplication: private, more behind",)

CLAIM = Claim(
    name="accounting",
    sentence="At whichever request a fork fails, what is charged is what the VM_ACCOUNT copies in its tree"
    " span, map_count is their number, and the counters are the parent's less the VM_DONTCOPY VMAs cleared;"
    " releasing them gives exactly that back, so the net charge is zero.",
    formula="charged = before + sum of pages(v), v copied and VM_ACCOUNT;  map_count = |copied|;"
    "  given back = sum of pages(v), v released and VM_ACCOUNT",
    bounds="any number of VMAs by induction over the loops, each VMA of 10 kinds anywhere, every request"
    f" granted or refused; whole forks by {', '.join(WHOLE)}: 1 and 2 VMAs of 5 kinds",
    executes=(
        "fork._copy_by_dup",
        "fork._copy_by_insertion",
        "fork._duplicate",
        "fork._give_up",
        "fork._duplicate_userfaultfd",
        "fork._link",
        "fork._track_pfn",
        "fork._duplicate_arch",
        "machine.Machine.charge",
        "machine.Machine.uncharge",
        "mm.Mm.count_pages",
        "mm.Mm.pages",
        "rmap.fork_anon_vma",
        "rmap.clone_anon_vmas",
        "rmap.prepare_anon_vma",
        "rmap.unlink_anon_vmas",
        "teardown.release_vmas",
        "teardown.remove_vma",
        "teardown.put_policy",
        "exit.drop_mm",
        "exit.exit_mmap",
        "fork._end_userfaultfd",
        "fork._is_clean",
        "fork.dup_mmap",
        "fork.fork",
        "locks.MmapLock.idle",
        "locks.MmapLock.read_lock",
        "locks.MmapLock.read_unlock",
        "locks.MmapLock.write_lock",
        "locks.MmapLock.write_unlock",
        "machine.Machine.file",
        "machine.Machine.free_vma",
        "machine.Machine.lock_step",
        "machine.Machine.look_at",
        "recovery.unmap_in_place.UnmapInPlace.recover",
        "recovery.unmap_in_place.UnmapInPlace.tree_end",
        "recovery.unmap_in_place.UnmapInPlace.unmap",
        "recovery.zero_marker.ZeroMarker.recover",
        "rmap._link",
        "rmap.link_file",
        "rmap.unlink_file",
        "teardown._unlink",
        "teardown.count_rss",
        "teardown.free_pgtables",
        "teardown.release_pat",
        "teardown.unmap_vmas",
        "teardown.zap_vma",
    ),
    around=(
        "impl.maple",
        "failure",
        "advise",
        "calls",
        "flags",
        "free_range",
        "geometry",
        "limits",
        "map",
        "objects",
        "page_tables",
        "ranges",
        "split",
        "touch",
    ),
    parts=_parts(),
    twins=(
        Twin(
            "charge_kept",
            "a copy that is given up keeps its charge",
            (Edit(f"{FORK}:_give_up", "job.machine.uncharge(charge)", "pass"),),
            PRIVATE,
        ),
        Twin(
            "not_counted",
            "a copy is not counted",
            (Edit(f"{FORK}:_link", "child.map_count += 1", "pass"),),
            PRIVATE,
        ),
        Twin(
            "cleared_is_added",
            "what is cleared is added to the counters",
            (Edit(f"{FORK}:_copy_by_dup", "-pages", "pages"),),
            ("duplication: not to be forked, more behind",),
        ),
        Twin(
            "uncharged_not_charged",
            "the charge of the wrong VMAs is given back",
            (Edit("impl.mm.teardown:release_vmas", "if vma.flags", "if not vma.flags"),),
            ("any number, release_vmas, behind it none, charged",),
        ),
        Twin(
            "policy_kept",
            "a copy that is given up keeps its policy",
            (Edit(f"{FORK}:_give_up", "put_policy(job.child, new)", "pass"),),
            PRIVATE,
        ),
        Twin(
            "second_is_left",
            "the first VMA left is taken for the one behind",
            (Edit(f"{FORK}:_copy_by_dup", "job.first_left = old\n                return new", "return new"),),
            PRIVATE,
        ),
    ),
    to_case=to_case,
)

if __name__ == "__main__":
    main(CLAIM)
