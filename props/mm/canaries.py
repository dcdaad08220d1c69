"""Damaged address spaces, each with the alarm that must tell of it; see `props/common/canary.py`.

There is one for every alarm of `impl/mm`, and for every observer one of each thing that it must not meet,
and one of each that it never gets to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mapleproof.impl.failure import FailNth
from mapleproof.impl.mm import calls, observers
from mapleproof.impl.mm.exit import drop_mm
from mapleproof.impl.mm.flags import VM_PFNMAP, VM_READ, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.fork import fork
from mapleproof.impl.mm.geometry import TINY
from mapleproof.impl.mm.machine import Machine, Observer
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import ZERO, Vma
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.impl.mm.rmap import unlink_file
from mapleproof.impl.mm.teardown import (
    MmuGather,
    free_pgtables,
    release_pat,
    release_vmas,
    remove_vma,
    zap_vma,
)
from mapleproof.props.common.canary import Canary

PAGE = TINY.page
RW = VM_READ | VM_WRITE
ANON, FILE, PFN = 0, PAGE, 2 * PAGE
"""Where the VMAs of a space lie: an anonymous one, one of a file, one of reserved memory; all have pages."""


def space() -> Mm:
    mm = Mm(Machine(TINY))
    made = (
        calls.mmap(mm, ANON, PAGE, RW),
        calls.mmap(mm, FILE, PAGE, RW, 1),
        calls.mmap(mm, PFN, PAGE, RW | VM_PFNMAP | VM_SHARED, 4),
        calls.touch(mm, ANON, 2 * PAGE),
    )
    assert made == (0, 0, 0, 0)
    return mm


def vma_at(mm: Mm, addr: int) -> Vma:
    """The VMA at an address."""
    vma = mm.find(addr)
    assert vma is not None
    return vma


Damage = Callable[[Mm], object]


def _damaged(damage: Damage) -> Callable[[], Iterable[str]]:
    """What is told of a damaged space, once it is in order before."""

    def told() -> Iterable[str]:
        mm = space()
        for look in observers.all_observers(swapoff_looks=True):
            look(mm.machine, "nothing")
        damage(mm)
        return [f"{alarm.promise}: {alarm.what}" for alarm in mm.machine.alarms]

    return told


def _table(mm: Mm, level: int = 1) -> Any:
    return next(table for table in mm.tables.tables() if table.level == level)


# Tables, pages, objects


def _table_freed_twice(mm: Mm) -> None:
    table, gather = _table(mm), MmuGather(mm)
    table.pages = 0
    gather.free_table(table)
    gather.free_table(table)


def _table_of_another(mm: Mm) -> None:
    table = _table(mm)
    table.pages = 0
    MmuGather(Mm(mm.machine)).free_table(table)


def _table_left(mm: Mm) -> None:
    """Tables that the counter does not know, where no VMA is."""
    mm.tables.reach(TINY.task_size - PAGE, 1)
    mm.tables.bytes = 4096 * sum(1 for table in mm.tables.tables() if table.start == 0)
    drop_mm(mm)


def _bytes_left(mm: Mm) -> None:
    mm.tables.bytes += 4096
    drop_mm(mm)


def _rss(name: str) -> Damage:
    def damage(mm: Mm) -> None:
        setattr(mm, name, getattr(mm, name) + 1)
        drop_mm(mm)

    return damage


def _node_left(mm: Mm) -> None:
    mm.tree.pool.take_all(1, [])
    drop_mm(mm)


def _vma_freed_twice(mm: Mm) -> None:
    vma = vma_at(mm, ANON)
    mm.machine.free_vma(vma)
    mm.machine.free_vma(vma)


def _vma_released_twice(mm: Mm) -> None:
    vma = vma_at(mm, ANON)
    remove_vma(mm, vma)
    remove_vma(mm, vma)


def _vma_read_after_that(mm: Mm) -> None:
    vma = vma_at(mm, ANON)
    mm.machine.free_vma(vma)
    assert vma.start == ANON


def _unlinked_twice(mm: Mm) -> None:
    vma = vma_at(mm, FILE)
    unlink_file(mm.machine, vma)
    unlink_file(mm.machine, vma)


def _unlinked_by_another(mm: Mm) -> None:
    other = Mm(mm.machine)
    free_pgtables(MmuGather(other), mm.cursor(2 * PAGE), vma_at(mm, FILE), 0, 0, 2 * PAGE)


def _released_by_another(mm: Mm) -> None:
    remove_vma(Mm(mm.machine), vma_at(mm, ANON))


def _zapped_by_another(mm: Mm) -> None:
    zap_vma(MmuGather(Mm(mm.machine)), vma_at(mm, ANON), 0, 1 << 40)


def _reservation_of_nobody(mm: Mm) -> None:
    vma = vma_at(mm, PFN)
    assert vma.pat is not None
    vma.pat.count = 0
    release_pat(vma)


def _counted_wrong(mm: Mm) -> None:
    mm.map_count += 1
    cursor = mm.cursor()
    unlink_file(mm.machine, vma_at(mm, FILE))
    unlink_file(mm.machine, vma_at(mm, PFN))
    release_vmas(mm, cursor, cursor.find(1 << 40), 0)


def _uffd_told_of_an_unclean_child(mm: Mm) -> None:
    """The second VMA is refused by a recovery that tells monitors too early and leaves a marker."""
    calls.register_userfaultfd(mm, ANON)
    mm.machine.plan = FailNth(9)
    ret, _ = fork(mm.machine, mm, RECOVERIES["zero_marker"])
    assert ret != 0


# Locks


def _lock(*steps: str) -> Damage:
    def damage(mm: Mm) -> None:
        for step in steps:
            getattr(mm.lock, step)()

    return damage


def _look_after(step: str, before: tuple[str, ...]) -> Damage:
    """Tell what others see that may run after a lock operation."""

    def damage(mm: Mm) -> None:
        _lock(*before)(mm)
        mm.machine.observers = (lambda machine, where: machine.alarm("seen", where),)
        _lock(step)(mm)
        mm.machine.observers = ()
        if mm.machine.record[-1] != (step, mm.number):
            raise AssertionError(f"{step} is not remembered")

    return damage


# Observers


def _marker(mm: Mm) -> None:
    mm.tree.store_range(ANON, PAGE - 1, ZERO)


def _foreign(mm: Mm) -> None:
    mm.tree.store_range(ANON, PAGE - 1, vma_at(space(), ANON))


def _freed(mm: Mm) -> None:
    mm.machine.free_vma(vma_at(mm, ANON))


def _freed_of_file(mm: Mm) -> None:
    mm.machine.free_vma(vma_at(mm, FILE))


def _not_in_the_tree(mm: Mm) -> None:
    mm.tree.store_range(FILE, FILE + PAGE - 1, None)


def _anon_leads_to_freed(mm: Mm) -> None:
    vma = vma_at(mm, ANON)
    ghost = Vma(mm, vma.start, vma.end, vma.flags)
    assert vma.chain is not None
    vma.chain[0].vmas[ghost] = None
    mm.machine.free_vma(ghost)


def _seen(look: Observer, *damage: Damage) -> Callable[[], Iterable[str]]:
    def both(mm: Mm) -> None:
        mm.machine.scanned[mm] = None
        for each in damage:
            each(mm)
        look(mm.machine, "damage")

    return _damaged(both)


def _set(name: str, value: object) -> Damage:
    return lambda mm: setattr(mm, name, value)


def _forking(mm: Mm) -> None:
    mm.machine.forking = True


def _not_scanned(mm: Mm) -> None:
    mm.machine.scanned.clear()


READ, WRITTEN = _lock("read_lock"), _lock("write_lock")

WALKERS: dict[str, tuple[Observer, tuple[Damage, ...], tuple[Damage, ...]]] = {
    "the OOM reaper": (
        observers.oom_reaper,
        (READ, _set("users", 0), _set("unstable", True)),
        (WRITTEN, _set("oom_skip", True)),
    ),
    "swapoff": (
        observers.swapoff,
        (READ, _set("oom_skip", True), _set("unstable", True)),
        (WRITTEN, _set("users", 0)),
    ),
    "swapoff that looks": (
        observers.swapoff_looking,
        (READ, _set("oom_skip", True)),
        (WRITTEN, _set("users", 0), _set("unstable", True)),
    ),
    "khugepaged": (
        observers.scanners,
        (READ, _set("unstable", True)),
        (WRITTEN, _set("users", 0), _not_scanned),
    ),
    "uprobe registration": (
        observers.uprobes,
        (_set("oom_skip", True),),
        (READ, WRITTEN, _set("users", 0), _set("unstable", True), _forking),
    ),
}
"""Who walks trees: in spite of what, and what keeps them away."""

UNSAFE = {
    "a marker": (_marker, "the zero marker"),
    "a VMA of another space": (_foreign, "a VMA of mm"),
    "a freed VMA": (_freed, "a freed VMA"),
}


def _walkers() -> Iterable[Canary]:
    for who, (look, in_spite, away) in WALKERS.items():
        for what, (damage, says) in UNSAFE.items():
            yield Canary(f"{who} meets {what}", _seen(look, damage), f"meets {says}")
        for number, state in enumerate(in_spite):
            yield Canary(f"{who} comes in, {number}", _seen(look, _marker, state), "meets the zero")
        for number, state in enumerate(away):
            yield Canary(f"{who} stays away, {number}", _seen(look, _marker, state), "")


_TOLD: tuple[tuple[str, Damage, str], ...] = (
    ("a table freed twice", _table_freed_twice, "is freed twice"),
    ("a table of another space", _table_of_another, "is freed by mm"),
    ("a table with tables below", lambda mm: MmuGather(mm).free_table(_table(mm, 2)), "live tables below"),
    ("a table with pages", lambda mm: MmuGather(mm).free_table(_table(mm)), "pages in it"),
    ("a table of another kind", lambda mm: MmuGather(mm).clear_bad(_table(mm)), "is met as a plain table"),
    ("a table that is left", _table_left, "are left below the topmost"),
    ("bytes of tables that are left", _bytes_left, "non-zero pgtables_bytes"),
    ("anonymous pages that are left", _rss("rss_anon"), "bad rss-counter state"),
    ("pages of a file that are left", _rss("rss_file"), "bad rss-counter state"),
    ("a node that is left", _node_left, "nodes of the tree are left"),
    ("a VMA freed twice", _vma_freed_twice, "a VMA is freed twice"),
    ("a VMA released twice", _vma_released_twice, "a VMA is freed twice"),
    ("a VMA read after it was freed", _vma_read_after_that, "VMA read after it was freed"),
    ("a marker taken for a VMA", lambda mm: ZERO.start, "is taken for a VMA"),
    ("a VMA unlinked twice", _unlinked_twice, "is unlinked twice from file"),
    ("a VMA unlinked by another", _unlinked_by_another, "is unlinked by mm"),
    ("a VMA released by another", _released_by_another, "is released by mm"),
    (
        "a VMA released that its file knows",
        lambda mm: remove_vma(mm, vma_at(mm, FILE)),
        "is released while file 1 still knows it",
    ),
    ("pages zapped by another", _zapped_by_another, "is zapped by mm"),
    ("a reservation that nobody holds", _reservation_of_nobody, "a reservation that nobody holds"),
    ("VMAs that are not counted", _counted_wrong, "VMAs released, map_count is"),
    ("a monitor told too early", _uffd_told_of_an_unclean_child, "userfaultfd completes a failed fork"),
    ("written and locked again", _lock("write_lock", "write_lock"), "the mmap lock is held"),
    ("read and locked for writing", _lock("read_lock", "write_lock"), "the mmap lock is held"),
    ("written and locked for reading", _lock("write_lock", "read_lock"), "is held for writing"),
    ("unlocked by nobody", _lock("write_unlock"), "is not held for writing"),
    ("left by no reader", _lock("read_unlock"), "is not held for reading"),
    ("a second reader", _lock("read_lock", "read_lock"), ""),
)

_LOCK_STEPS = (
    ("write_lock", ()),
    ("write_unlock", ("write_lock",)),
    ("read_lock", ()),
    ("read_unlock", ("read_lock",)),
)

_BY_FILE: tuple[tuple[str, Damage, str], ...] = (
    ("a file that leads to a freed VMA", _freed_of_file, "leads to a freed VMA"),
    ("a file that leads out of the tree", _not_in_the_tree, "which is in no tree"),
)

CANARIES: tuple[Canary, ...] = (
    *(Canary(name, _damaged(damage), says) for name, damage, says in _TOLD),
    *(
        Canary(f"others run after {step}", _damaged(_look_after(step, before)), f"{step} of mm")
        for step, before in _LOCK_STEPS
    ),
    Canary("a space without damage", _damaged(drop_mm), ""),
    *_walkers(),
    *(Canary(name, _seen(observers.rmap_walk, damage), says) for name, damage, says in _BY_FILE),
    Canary(
        "an anon_vma that leads to a freed VMA",
        _seen(observers.rmap_walk, _anon_leads_to_freed),
        "an anon_vma leads to a freed VMA",
    ),
    Canary("a marker among anon_vmas", _seen(observers.rmap_walk, _marker), ""),
    Canary(
        "a file in a space that is gone",
        _seen(observers.rmap_walk, _not_in_the_tree, lambda mm: mm.machine.mms.clear()),
        "",
    ),
    Canary(
        "a file in a space that is taken apart",
        _seen(observers.rmap_walk, _not_in_the_tree, _set("users", 0)),
        "",
    ),
)
"""All of them."""
