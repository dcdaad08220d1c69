"""After a failed fork nothing is charged that was not before, and map_count is what was released.

For any number of VMAs, by induction. One turn of the loops of _copy_by_dup() and _copy_by_insertion() is run
from an arbitrary state: so many VMAs copied, so much charged, any counters; over a VMA anywhere, of every
kind, with every request granted or refused. What is charged is then what the VM_ACCOUNT copies in the child's
tree span, map_count is their number, and the counters are the parent's less the VM_DONTCOPY VMAs cleared.
What release_vmas() gives back is the other half (``walk_turns.py``), and that every recovery has it release
exactly those copies is `undo_exact`.

Whole forks are executed besides, for every recovery that is meant to hold and every failure point of a few
VMAs.

Not covered: what a request is refused for; hugetlb's reservations.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm import fork as forking
from mapleproof.impl.mm.flags import VM_ACCOUNT, VM_DONTCOPY, VM_PFNMAP, VM_WIPEONFORK
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.promises import OBSERVERS
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.loops import Rest, turn
from mapleproof.proofs.engine.paths import Program, claim
from mapleproof.proofs.engine.words import term_of
from mapleproof.proofs.mm.accounting_cases import to_case
from mapleproof.proofs.mm.one_copy import COUNTERS, KINDS, Around, Asked, counter_of
from mapleproof.proofs.mm.walk_turns import release_parts
from mapleproof.proofs.mm.whole_fork import AROUND, EXECUTED, Chosen, forked, parent_of, scenarios
from mapleproof.props.mm.audit import after_failure, note


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
        *EXECUTED,
        "machine.Machine.uncharge",
        "mm.Mm.pages",
    ),
    around=AROUND,
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
