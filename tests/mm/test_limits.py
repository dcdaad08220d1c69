"""Which page tables go, held against the one sentence that says it, over every small case."""

from itertools import product

import pytest

from mapleproof.impl.mm.free_range import free_pgd_range
from mapleproof.impl.mm.geometry import TINY, X86_64, PageGeometry
from mapleproof.impl.mm.limits import clip, is_gathered, narrow, step_end
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.page_tables import Table
from mapleproof.impl.mm.teardown import MmuGather
from mapleproof.impl.mm.words import MAX, wrap

SHAPES = {
    "four levels": PageGeometry(page_shift=2, bits=1, levels=4, task_size=32),
    "five levels": PageGeometry(page_shift=1, bits=1, levels=5, task_size=32),
}


def populated(shape: PageGeometry, addr: int, end: int, floor: int, ceiling: int) -> Mm:
    """Tables for [addr, end), and for the neighbours below floor and from ceiling on."""
    mm = Mm(Machine(shape))
    for page in range(0, shape.task_size, shape.page):
        if addr <= page < end or page < floor or (ceiling and page >= ceiling):
            assert mm.tables.populate(page, False)
    for table in mm.tables.tables():
        table.pages = 0
    return mm


def goes(table: Table, shape: PageGeometry, addr: int, end: int, floor: int, ceiling: int) -> bool:
    """The sentence: it meets [addr, end), and its aligned span lies inside [floor, ceiling)."""
    start, stop = table.start, table.start + shape.span(table.level)
    return start < end and addr < stop and floor <= start and (ceiling == 0 or stop <= ceiling)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_tables_that_go_are_those_of_the_sentence(shape: PageGeometry) -> None:
    step = shape.span(1) // 2
    grid = range(0, shape.task_size + 1, step)
    tried = 0
    for addr, end, floor, ceiling in product(grid, repeat=4):
        # A teardown's own VMAs lie between floor and ceiling.
        if not floor <= addr < end or not (ceiling == 0 or end <= ceiling):
            continue
        mm = populated(shape, addr, end, floor, ceiling)
        tables = mm.tables.tables()
        before = {(table.level, table.start) for table in tables}
        expected = {(t.level, t.start) for t in tables if goes(t, shape, addr, end, floor, ceiling)}
        free_pgd_range(MmuGather(mm), mm.tables.top, shape, addr, end, floor, ceiling)
        gone = before - {(t.level, t.start) for t in mm.tables.tables()}
        assert gone == expected, (addr, end, floor, ceiling)
        assert not mm.machine.alarms
        tried += 1
    assert tried >= 450


def test_zero_is_the_bottom_as_floor_and_the_top_as_ceiling() -> None:
    assert narrow(0x1000, 0x2000, 0, 0, 0x4000) == (0, 0x2000, 0)
    assert narrow(0x1000, 0x2000, 0, 0x3000, 0x4000) is None
    assert narrow(0x1000, 0x2000, 0x1000, 0, 0x4000) is None
    top = MAX - 0xFFF
    assert narrow(top, wrap(top + 0x1000), 0x1000, 0, 0x1000) == (top, 0, 0)


def test_an_end_of_zero_zaps_nothing() -> None:
    assert clip(0x1000, 0x2000, 0, MAX) == (0x1000, 0x2000)
    assert clip(0x1000, 0x3000, 0x2000, 0x8000) == (0x2000, 0x3000)
    assert clip(0x1000, 0x2000, 0, 0) is None


def test_neighbours_are_gathered_up_to_a_table_apart() -> None:
    size = X86_64.span(1)
    assert is_gathered(0x1000 + size, 0x1000, size)
    assert not is_gathered(0x2000 + size, 0x1000, size)


def test_a_step_ends_at_the_border_or_at_the_end() -> None:
    assert step_end(0x1000, 0x9000, 0x4000) == 0x4000
    assert step_end(0x4000, 0x6000, 0x4000) == 0x6000
    assert step_end(MAX - 0xFFF, 0, 0x4000) == 0


def test_geometries_know_their_spans() -> None:
    assert [X86_64.span(level) for level in (1, 2, 3)] == [2 << 20, 1 << 30, 512 << 30]
    assert TINY.span(1) == 4 * TINY.page
    with pytest.raises(ValueError, match="levels"):
        PageGeometry(levels=1)
