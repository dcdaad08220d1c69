"""The alarms go off: each check must be able to fail."""

import pytest

from mapleproof.impl.failure import FailNth
from mapleproof.impl.mm import calls
from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.impl.mm.fork import fork
from mapleproof.impl.mm.geometry import TINY
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import ZERO
from mapleproof.impl.mm.observers import oom_reaper, rmap_walk
from mapleproof.impl.mm.promises import COUNT, OBSERVERS, PARENT, RELEASED, TABLES, ZAPPED, Oops
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.impl.mm.teardown import MmuGather, release_vmas, remove_vma

PAGE = TINY.page


@pytest.fixture
def mm() -> Mm:
    mm = Mm(Machine(TINY))
    assert calls.mmap(mm, 0, PAGE, VM_READ | VM_WRITE) == 0
    assert calls.mmap(mm, PAGE, PAGE, VM_READ | VM_WRITE, 1) == 0
    assert calls.touch(mm, 0, 2 * PAGE) == 0
    return mm


def promises(mm: Mm) -> set[str]:
    return {alarm.promise for alarm in mm.machine.alarms}


def test_a_table_freed_twice(mm: Mm) -> None:
    table = mm.tables.tables()[-1]
    table.pages = 0
    gather = MmuGather(mm)
    gather.free_table(table)
    assert not promises(mm)
    gather.free_table(table)
    assert promises(mm) == {TABLES}


def test_a_table_freed_with_a_live_child(mm: Mm) -> None:
    MmuGather(mm).free_table(mm.tables.tables()[0])
    assert promises(mm) == {TABLES}


def test_a_table_freed_with_pages_in_it(mm: Mm) -> None:
    MmuGather(mm).free_table(mm.tables.tables()[-1])
    assert promises(mm) == {ZAPPED}


def test_a_table_of_another_address_space(mm: Mm) -> None:
    table = mm.tables.tables()[-1]
    table.pages = 0
    MmuGather(Mm(mm.machine)).free_table(table)
    assert promises(mm) == {PARENT}


def test_a_vma_freed_twice_and_read_after_that(mm: Mm) -> None:
    vma = mm.find(0)
    assert vma is not None
    remove_vma(mm, vma)
    assert not promises(mm)
    remove_vma(mm, vma)
    assert promises(mm) == {RELEASED}
    with pytest.raises(Oops):
        _ = vma.start


def test_the_zero_marker_is_no_vma() -> None:
    with pytest.raises(Oops):
        _ = ZERO.vm_start


def test_map_count_is_held_against_what_was_released(mm: Mm) -> None:
    mm.map_count += 1
    cursor = mm.cursor()
    release_vmas(mm, cursor, cursor.find(1 << 40), 0)
    assert COUNT in promises(mm)


def test_observers_see_a_marker_and_a_freed_vma(mm: Mm) -> None:
    oom_reaper(mm.machine, "nothing")
    rmap_walk(mm.machine, "nothing")
    assert not promises(mm)
    vma = mm.find(PAGE)
    assert vma is not None
    mm.machine.free_vma(vma)
    rmap_walk(mm.machine, "a free")
    assert promises(mm) == {OBSERVERS}
    mm.machine.alarms.clear()
    mm.tree.store_range(PAGE, 2 * PAGE - 1, ZERO)
    oom_reaper(mm.machine, "a store")
    assert promises(mm) == {OBSERVERS}


def test_a_failed_fork_is_recovered_from_under_both_locks(mm: Mm) -> None:
    machine = mm.machine
    machine.record.clear()
    machine.plan = FailNth(3)
    ret, child = fork(machine, mm, RECOVERIES["unmap_in_place"])
    assert (ret < 0, child) == (True, None)
    both = [("write_lock", 0), ("write_lock", 1), ("write_unlock", 1), ("write_unlock", 0)]
    exit_of_an_empty_tree = [("read_lock", 1), ("read_unlock", 1), ("write_lock", 1), ("write_unlock", 1)]
    assert list(machine.record) == both + exit_of_an_empty_tree


def test_a_lock_is_not_taken_twice(mm: Mm) -> None:
    mm.lock.write_lock()
    with pytest.raises(AssertionError):
        mm.lock.read_lock()
    mm.lock.write_unlock()
    with pytest.raises(AssertionError):
        mm.lock.write_unlock()
