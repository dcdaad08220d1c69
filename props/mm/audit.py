"""What must hold after a fork, whether it failed or not, beyond what the kernel itself complains about.

`note` takes down all of a parent before; `after_failure` and `after_success` hold the world against it and
raise the machine's alarms. Not covered: which areas and tables a child must have; that is the reference's.
"""

import errno
from collections import Counter
from typing import Any, NamedTuple

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple import BrokenInvariant, LedgerError
from mapleproof.impl.maple.geometry import FIRST_NODE, STRIDE
from mapleproof.impl.mm.flags import VM_ACCOUNT, VM_WIPEONFORK
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.promises import (
    ANSWERED,
    CHARGE,
    COUNT,
    CRASH,
    NODES,
    PARENT,
    RELEASED,
    Alarm,
    Oops,
)
from mapleproof.props.common.guard import Hang


class Noted(NamedTuple):
    """All there was before a fork."""

    live: tuple[int, ...]
    committed: int
    counters: tuple[int, ...]
    tree: tuple[Any, ...]
    vmas: list[tuple[Any, ...]]
    tables: list[tuple[Any, ...]]
    mms: int


def note(machine: Machine, parent: Mm) -> Noted:
    """Take down the machine's ledgers and every bit of the parent. Raises Oops where it is damaged."""
    return Noted(
        machine.live(),
        machine.committed,
        parent.counters(),
        _tree(parent),
        [_vma(vma) for vma in parent.vmas()],
        [(table, table.pages, table.live) for table in parent.tables.tables()],
        len(machine.mms),
    )


def _tree(mm: Mm) -> tuple[Any, ...]:
    pool = mm.tree.pool
    shape = mm.tree.root, mm.tree.height, mm.tree.bare
    nodes = pool.used // STRIDE
    cells = [pool.cells(row, FIRST_NODE, pool.used) for row in ("pivots", "slots", "children", "gaps")]
    return *shape, *cells, pool.cells("parents", FIRST_NODE // STRIDE, nodes)


def _vma(vma: Vma) -> tuple[Any, ...]:
    file, chain, policy, pat = vma.file, vma.chain, vma.policy, vma.pat
    return (
        vma.start,
        vma.end,
        vma.flags,
        vma.pgoff,
        vma.mm,
        file,
        file is None or vma in file.i_mmap,
        None if chain is None else tuple((anon, vma in anon.vmas, len(anon.vmas)) for anon in chain),
        vma.anon_vma,
        policy,
        None if policy is None else policy.refs,
        vma.uffd,
        None if vma.uffd is None else vma.uffd.refs,
        pat,
    )


KINDS = (
    "VMAs",
    "anon_vmas",
    "policies",
    "userfaultfd references",
    "unfinished gathers",
    "reserved ranges",
    "file references",
)


def refused(machine: Machine, plan: FailurePlan | None) -> str:
    """What was refused for good since the machine was last asked, empty where nothing was."""
    if plan is not None and plan.final:
        return plan.final
    return "charge" if machine.over_limit else ""


def errno_of(kind: str) -> int:
    """What an operation answers that asked for such a thing in vain: -EINTR or -ENOMEM."""
    return -errno.EINTR if kind == "signal" else -errno.ENOMEM


def check_answer(machine: Machine, ret: int, kind: str) -> None:
    """A fork fails if and only if something was refused: ``kind``, whose errno it answers."""
    if kind and ret != errno_of(kind):
        machine.alarm(ANSWERED, f"{kind} was refused, and the fork answers {ret}, not {errno_of(kind)}")
    elif not kind and ret != 0:
        machine.alarm(ANSWERED, f"nothing was refused, and the fork answers {ret}")


def after_failure(machine: Machine, parent: Mm, before: Noted) -> None:
    """A fork failed and was recovered from: nothing may be left of it."""
    for kind, then, now in zip(KINDS, before.live, machine.live(), strict=True):
        if now > then:
            machine.alarm(RELEASED, f"{now - then} {kind} are left")
        elif now < then:
            machine.alarm(RELEASED, f"{then - now} {kind} too many are gone")
    if machine.committed != before.committed:
        machine.alarm(CHARGE, f"{machine.committed - before.committed} pages are charged too many")
    if len(machine.mms) != before.mms:
        machine.alarm(RELEASED, "the child is still on the list of address spaces")
    _compare_parent(machine, parent, before)


def _compare_parent(machine: Machine, parent: Mm, before: Noted) -> None:
    try:
        now = note(machine, parent)
    except Oops as oops:
        machine.alarm(PARENT, str(oops))
        return
    for what in ("counters", "tree", "vmas", "tables"):
        if getattr(now, what) != getattr(before, what):
            machine.alarm(PARENT, f"the parent's {what} are not what they were")


def after_success(machine: Machine, parent: Mm, child: Mm, before: Noted) -> None:
    """A fork went well: the child's objects are its own, all is counted, the parent is as before."""
    charge = 0
    own = {id(vma) for vma in parent.vmas()}
    for vma in child.vmas():
        if id(vma) in own or vma.mm is not child:
            machine.alarm(PARENT, f"{vma!r} is in the child's tree")
        if vma.flags & VM_ACCOUNT:
            charge += child.pages(vma)
        if vma.flags & VM_WIPEONFORK and vma.anon_vma is not None:
            machine.alarm(RELEASED, f"{vma!r} is to be wiped and has an anon_vma")
    if machine.committed - before.committed != charge:
        machine.alarm(CHARGE, f"{charge} pages of the child are not what was charged")
    try:
        check_counters(child)
        check_counters(parent)
    except AssertionError as error:
        promise = NODES if isinstance(error, (BrokenInvariant, LedgerError)) else COUNT
        machine.alarm(promise, str(error))
    now = (parent.counters(), _tree(parent))
    if now != (before.counters, before.tree):
        machine.alarm(PARENT, "the parent's counters or tree are not what they were")


def check_counters(mm: Mm) -> None:
    """Raise AssertionError where a counter is not the sum over what is there, or the tree is unsound."""
    mm.tree.check()
    fresh = Mm.__new__(Mm)
    fresh.total_vm = fresh.data_vm = fresh.exec_vm = fresh.stack_vm = 0
    count = 0
    for first, last, vma in mm.tree.entries():
        assert (vma.start, vma.end) == (first, last + 1), f"{vma!r} is stored over {first:#x}..{last:#x}"
        assert vma.mm is mm, f"{vma!r} is in the tree of mm {mm.number}"
        assert vma.file is None or vma in vma.file.i_mmap, f"{vma!r} is not known to its file"
        fresh.count_pages(vma.flags, mm.pages(vma))
        count += 1
    assert mm.map_count == count, f"map_count is {mm.map_count}, there are {count} VMAs"
    for name in ("total_vm", "data_vm", "exec_vm", "stack_vm"):
        there, kept = getattr(fresh, name), getattr(mm, name)
        assert there == kept, f"{name} is {kept}, the VMAs have {there}"
    check_references(mm)
    tables = 4096 * len(mm.tables.tables())
    assert mm.tables.bytes == tables, f"pgtables_bytes is {mm.tables.bytes}, there are {tables}"


def check_references(mm: Mm) -> None:
    """Raise AssertionError where what VMAs share is not held as often as there are VMAs that hold it."""
    held: Counter[int] = Counter()
    for space in mm.machine.mms.values():
        for vma in space.vmas():
            held.update(id(shared) for shared in (vma.policy, vma.uffd, vma.pat) if shared is not None)
    for vma in mm.vmas():
        for name, shared, kept in (
            ("policy", vma.policy, vma.policy and vma.policy.refs),
            ("userfaultfd context", vma.uffd, vma.uffd and vma.uffd.refs),
            ("reserved range", vma.pat, vma.pat and vma.pat.count),
        ):
            assert shared is None or kept == held[id(shared)], (
                f"the {name} of {vma!r} is held {kept} times, by {held[id(shared)]} VMAs"
            )


def crash_alarm(error: Exception) -> Alarm:
    """A run that ended in an exception, as a broken promise."""
    text = " ".join(str(error).split())
    if isinstance(error, Hang):
        return Alarm(CRASH, text)
    if isinstance(error, (BrokenInvariant, LedgerError)):
        return Alarm(NODES, text)
    if isinstance(error, Oops):
        return Alarm(CRASH, text)
    return Alarm(CRASH, f"{type(error).__name__}: {text}")


__all__ = [
    "Noted",
    "after_failure",
    "after_success",
    "check_answer",
    "check_counters",
    "crash_alarm",
    "errno_of",
    "note",
    "refused",
]
