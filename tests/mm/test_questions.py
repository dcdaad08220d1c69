"""The questions that the mail leaves to judgement; docs/recoveries.md tells the answers to people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mapleproof.impl.failure import FailAfter, FailurePlan
from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.impl.maple.dup import mt_dup
from mapleproof.impl.mm.flags import VM_HUGETLB, VM_READ, VM_WRITE
from mapleproof.impl.mm.geometry import TINY, TINY_5, TINY_HUGEPD, X86_64, PageGeometry
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.page_tables import PageTables, Table
from mapleproof.impl.mm.promises import CRASH, RELEASED, TABLES, ZAPPED
from mapleproof.impl.mm.recovery.base import Fork
from mapleproof.impl.mm.recovery.unmap_in_place import UnmapInPlace
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces
from mapleproof.props.mm.scenarios import Program, corners
from mapleproof.props.mm.sweep import sweep
from mapleproof.props.mm.tiny import layouts, program_of

RW = VM_READ | VM_WRITE
PAGE = 4096


@contextmanager
def freed_tables(log: list[tuple[int, int]]) -> Iterator[None]:
    """Note each table that is freed, as (level, start), in order."""
    detach = PageTables.detach

    def noted(self: PageTables, table: Table, by: Mm) -> None:
        log.append((table.level, table.start))
        detach(self, table, by)

    PageTables.detach = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        PageTables.detach = detach  # type: ignore[method-assign]


def freed(program: Program, shape: PageGeometry, recovery: str) -> Iterator[list[tuple[int, int]]]:
    """For each failure point what the recovery frees; the world is made anew for each."""
    n = 0
    while True:
        port = ImplSpaces(shape, observed=False)
        for op in program:
            port.apply(op)
        log: list[tuple[int, int]] = []
        with freed_tables(log):
            port.apply(ops.Fork(0, 1, recovery, fail_after=n))
        if not port.refused:
            return
        yield log
        n += 1


def small_layouts() -> Iterator[tuple[Program, PageGeometry]]:
    for shape in (TINY, TINY_5):
        for layout in layouts(5, ["anonymous", "file"], 2):
            yield program_of(layout, shape), shape


def test_v3_frees_the_same_tables_in_the_same_calls_but_for_hugetlb_at_0() -> None:
    """Does v3's missing iterator move change what is freed? Not the tables, without hugetlb at 0 ..."""
    for program, shape in small_layouts():
        assert list(freed(program, shape, "undo_v3")) == list(freed(program, shape, "undo_v4"))
    # ... where the first VMA's own start, 0, is taken for "no ceiling": the PMD table goes with a PTE table
    # below it.
    size = X86_64.span(1)
    huge_first: Program = [
        ops.Mmap(0, 0, size, RW | VM_HUGETLB, None),
        ops.Mmap(0, size, PAGE, RW, None),
        ops.Touch(0, 0, size + PAGE),
    ]
    assert TABLES in sweep(huge_first, X86_64, "undo_v3").broken
    assert TABLES not in sweep(huge_first, X86_64, "undo_v4").broken


def test_v3_unlinks_a_first_vma_with_a_file_twice() -> None:
    """... but the first VMA is met twice, and its file's interval tree is damaged."""
    program: Program = [ops.Mmap(0, PAGE, PAGE, RW, 1), ops.Mmap(0, 2 * PAGE, PAGE, RW, 1)]
    assert "unlinked twice" in sweep(program, X86_64, "undo_v3").broken[RELEASED].what
    assert RELEASED not in sweep(program, X86_64, "undo_v4").broken


class CeilingAtFirstLeft(UnmapInPlace):
    """free_pgtables() with the first VMA left as ceiling, and nothing after it."""

    def recover(self, fork: Fork) -> None:
        mm = fork.child
        kept = mm.tables.geometry
        if fork.first_left is not None:
            object.__setattr__(mm.tables, "geometry", with_ceiling(kept, fork.first_left.start))
        super().recover(fork)
        object.__setattr__(mm.tables, "geometry", kept)


def with_ceiling(shape: PageGeometry, ceiling: int) -> PageGeometry:
    return replace(shape, ceiling=ceiling)


def leaks(gap: int, shape: PageGeometry) -> bool:
    """Whether a ceiling at the first VMA left leaks, where that starts ``gap`` pages behind the last copy."""
    program: Program = [
        ops.Mmap(0, 0, PAGE, RW, None),
        ops.Mmap(0, (1 + gap) * PAGE, PAGE, RW, None),
        ops.Touch(0, 0, PAGE),
    ]
    port = ImplSpaces(shape)
    port.recoveries = {"ceiling": CeilingAtFirstLeft()}
    for op in program:
        port.apply(op)
    # root; signal, charge, vma, anon_vma_chain, anon_vma, three tables; then the second VMA's signal
    for n in range(40):
        port.apply(ops.Fork(0, 1, "ceiling", fail_after=n))
        if any(alarm.promise == TABLES for alarm in port.alarms):
            return True
        if not port.refused:
            return False
        if port.alarms:
            raise AssertionError(port.alarms)
    return False


def test_a_ceiling_at_the_first_vma_left_leaks_when_they_share_a_table() -> None:
    """Does it leak, and when? Exactly when a table of the last copy reaches up to or over that start."""
    tiny = PageGeometry(page_shift=12, bits=2, levels=2, task_size=1 << 16)
    assert [leaks(gap, tiny) for gap in range(6)] == [True, True, True, False, False, False]
    # With upper levels it leaks those too, as long as both lie in one of their spans.
    assert leaks(3, TINY)


def test_v4_and_the_reviewers_lines_free_the_same_tables() -> None:
    """Are they equal in what they free? Yes, wherever a VMA is left, ..."""
    compared = 0
    for program, shape in [*small_layouts(), *((c, X86_64) for c in corners(X86_64))]:
        pairs = zip(freed(program, shape, "undo_v4"), freed(program, shape, "open_coded"), strict=True)
        for v4, reviewer in pairs:
            if sorted(v4) != sorted(reviewer):
                # ... where none is left, the reviewer's crash before they free anything; ...
                assert not reviewer
            compared += 1
    assert compared > 3000


def test_they_differ_where_hugetlb_has_tables_of_its_own() -> None:
    """... and where hugetlb's tables are of another kind, the plain call takes them for damage."""
    program: Program = [
        ops.Mmap(0, 4 * PAGE, PAGE, RW | VM_HUGETLB, None),
        ops.Mmap(0, 5 * PAGE, PAGE, RW | VM_HUGETLB, None),
        ops.Touch(0, 4 * PAGE, 2 * PAGE),
    ]
    assert TABLES in sweep(program, TINY_HUGEPD, "open_coded").broken
    assert TABLES not in sweep(program, TINY_HUGEPD, "undo_v4").broken
    assert TABLES not in sweep(program, TINY, "open_coded").broken


def test_with_none_left_v4_zaps_nothing_and_the_reviewers_lines_crash() -> None:
    """Does either mean something wrong when there is no unduplicated VMA? Both; ..."""
    program: Program = [ops.Mmap(0, PAGE, PAGE, RW, None), ops.Touch(0, PAGE, PAGE)]
    assert set(sweep(program, X86_64, "undo_v4").broken) == {ZAPPED}
    assert set(sweep(program, X86_64, "open_coded").broken) == {CRASH}


def test_where_the_ceiling_is_a_real_address_v4_holds() -> None:
    """On such an architecture what v4 takes for the end is one."""
    program: Program = [ops.Mmap(0, PAGE, PAGE, RW, None), ops.Touch(0, PAGE, PAGE)]
    shape = replace(TINY, ceiling=TINY.task_size)
    assert ZAPPED in sweep(program, TINY, "undo_v4").broken
    assert not sweep(program, shape, "undo_v4").broken
    assert not sweep(program, shape, "unmap_in_place").broken


@pytest.mark.parametrize("recovery", ["undo_v3", "undo_v4", "open_coded", "unmap_in_place"])
def test_a_first_vma_left_at_0_is_meant_right_by_all(recovery: str) -> None:
    """... or when it starts at 0? Neither."""
    program: Program = [ops.Mmap(0, 0, PAGE, RW, None), ops.Mmap(0, 2 * PAGE, PAGE, RW, 1)]
    points = range(4)  # up to the request for the first VMA's copy
    port = ImplSpaces(X86_64)
    for op in program:
        port.apply(op)
    for n in points:
        port.apply(ops.Fork(0, 1, recovery, fail_after=n))
        assert not port.alarms


@pytest.mark.parametrize("rcu", [False, True])
@pytest.mark.parametrize("entries", [1, 15, 16, 17, 200])
def test_the_store_after_dup_never_needs_memory(entries: int, rcu: bool) -> None:
    """Can it ever? Never: each store is an exact fit, in and out of RCU mode."""
    source, target = MapleTree(True, rcu), MapleTree(True, rcu)
    for k in range(entries):
        source.store_range(4 * k, 4 * k + 1 + k % 3, k + 1)
    assert mt_dup(source, target) == 0
    plan = target.plan = FailAfter(0)
    cursor = Cursor(target)
    stored = 0
    while (entry := cursor.find(2**64 - 1)) is not None:
        cursor.store(-entry)
        assert cursor.error == 0
        stored += 1
    assert stored == entries
    assert plan.asked == 0
    assert target.events["exact_fit"] == entries
    target.check()


def test_clearing_a_vma_after_dup_can_need_memory() -> None:
    """The other store can: the NULL merges with its neighbour and the leaf gets too small."""
    source, target = MapleTree(True), MapleTree(True)
    for k in range(40):
        source.store_range(k, k, k + 1)
    assert mt_dup(source, target) == 0
    plan = target.plan = FailurePlan()
    cursor = Cursor(target)
    for _ in range(12):
        cursor.find(2**64 - 1)
        assert cursor.store_gfp(None) == 0
    assert plan.asked > 0


def test_after_a_failure_total_vm_is_the_parents_less_what_was_cleared() -> None:
    """What is left in total_vm? The parent's, though the child has nothing; nobody reads it any more."""
    seen: list[int] = []

    class Looking(UnmapInPlace):
        def recover(self, fork: Fork) -> None:
            super().recover(fork)
            seen.append(fork.child.total_vm)

    port = ImplSpaces(X86_64)
    port.recoveries = {"looking": Looking()}
    for op in (
        ops.Mmap(0, 0, 2 * PAGE, RW, None),
        ops.Mmap(0, 4 * PAGE, 8 * PAGE, RW, None),
        ops.Madvise(0, 0, 2 * PAGE, "dontfork"),
    ):
        port.apply(op)
    port.apply(ops.Fork(0, 1, "looking", fail_after=1))
    assert not port.alarms
    assert seen == [8]
