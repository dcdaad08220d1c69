"""Page tables: sparse tables of several levels, the pages in them, and the ledger of which are live.

Each address space has one topmost table. A table is allocated when something below it is populated and is
freed by a teardown only. Which pages a table holds is one integer, a bit for each entry, so that copying
and zapping a table is one operation. The ledger refuses a second free, a free with a live child, and a free
by another address space than the owner: each is noted as a broken promise.

Not covered: what pages hold, dirty and accessed bits, and locking of single tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.limits import step_end
from mapleproof.impl.mm.promises import PARENT, TABLES, ZAPPED

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


class Table:
    """One table: ``level``, the address ``start`` of its aligned span, the tables below by entry number,
    and ``pages``, a bit for each entry that is a page. ``huge`` marks one of hugetlb's own kind."""

    __slots__ = ("above", "below", "huge", "level", "live", "owner", "pages", "shift", "start")

    def __init__(self, owner: PageTables, level: int, start: int, above: Table | None, huge: bool) -> None:
        self.owner = owner
        self.level = level
        self.start = start
        self.above = above
        self.huge = huge
        self.shift = owner.geometry.shift(level - 1)
        self.below: dict[int, Table] = {}
        self.pages = 0
        self.live = True

    def __repr__(self) -> str:
        kind = "hugepd table" if self.huge else f"table of level {self.level}"
        return f"{kind} at {self.start:#x} of mm {self.owner.mm.number}"

    def met(self, addr: int, end: int) -> Iterator[tuple[Table, int, int]]:
        """The tables below that meet [addr, end), each with the part of the range in its span."""
        below, shift, start = self.below, self.shift, self.start
        first, last = (addr - start) >> shift, (end - 1 - start) >> shift
        if last - first < len(below):
            entries: list[int] = [entry for entry in range(first, last + 1) if entry in below]
        else:
            entries = sorted(entry for entry in below if first <= entry <= last)
        size = 1 << shift
        for entry in entries:
            child = below[entry]
            low = addr if entry == first else child.start
            yield child, low, step_end(low, end, size)

    def bits(self, addr: int, end: int) -> int:
        """The bits of the entries that meet [addr, end)."""
        first = (addr - self.start) >> self.shift
        return ((1 << (((end - 1 - self.start) >> self.shift) - first + 1)) - 1) << first


class PageTables:
    """The page tables of ``mm``. ``bytes`` counts tables below the topmost, 4096 for each
    (pgtables_bytes)."""

    __slots__ = ("bytes", "geometry", "mm", "top")

    def __init__(self, mm: Mm, geometry: PageGeometry) -> None:
        self.mm = mm
        self.geometry = geometry
        self.bytes = 0
        self.top = Table(self, geometry.levels, 0, None, False)

    # Building

    def add(self, above: Table, entry: int, huge: bool = False) -> Table | None:
        """A new table below ``above``; None where the plan refuses it (pte_alloc() and its like)."""
        plan = self.mm.machine.plan
        if plan is not None and not plan.ask("page_table"):
            return None
        table = Table(self, above.level - 1, above.start + (entry << above.shift), above, huge)
        above.below[entry] = table
        self.bytes += 4096
        return table

    def populate(self, addr: int, huge: bool) -> bool:
        """A page at ``addr``: whether there was memory for the tables on the way. What was allocated
        before a refusal stays (handle_mm_fault(), hugetlb_fault())."""
        table = self.reach(addr, 2 if huge and not self.geometry.hugepd else 1, huge)
        if table is None:
            return False
        table.pages |= 1 << ((addr - table.start) >> table.shift)
        return True

    def reach(self, addr: int, level: int, huge: bool = False) -> Table | None:
        """The table of a level over ``addr``, made with those above it where it is not there; None where
        there is no memory."""
        table = self.top
        while table.level > level:
            entry = (addr - table.start) >> table.shift
            child = table.below.get(entry) or self.add(table, entry, huge and table.level == 2)
            if child is None:
                return None
            table = child
        return table

    def lookup(self, addr: int, level: int) -> Table | None:
        """The table of a level over ``addr``; None where there is none."""
        table: Table | None = self.top
        while table is not None and table.level > level:
            table = table.below.get((addr - table.start) >> table.shift)
        return table

    def has_page(self, addr: int) -> bool:
        """Whether there is a page at ``addr``."""
        table: Table | None = self.top
        while table is not None:
            entry = (addr - table.start) >> table.shift
            if table.pages >> entry & 1:
                return True
            table = table.below.get(entry)
        return False

    def copy_range(self, source: PageTables, addr: int, end: int) -> tuple[int, bool]:
        """Take over the pages of ``source`` in [addr, end): how many entries, and whether all went well
        (copy_page_range()). Every table there is on the way is made here too, pages in it or not."""
        return self._copy(self.top, source.top, addr, end)

    def _copy(self, to: Table, source: Table, addr: int, end: int) -> tuple[int, bool]:
        copied = 0
        if source.pages:
            bits = source.pages & source.bits(addr, end)
            to.pages |= bits
            copied = bits.bit_count()
        if source.below:
            shift, start = source.shift, source.start
            for child, low, high in source.met(addr, end):
                entry = (low - start) >> shift
                twin = to.below.get(entry) or self.add(to, entry, child.huge)
                if twin is None:
                    return copied, False
                more, whole = self._copy(twin, child, low, high)
                copied += more
                if not whole:
                    return copied, False
        return copied, True

    # Taking apart

    def zap(self, addr: int, end: int) -> int:
        """Clear all pages in [addr, end): how many entries there were (unmap_page_range())."""
        return self._zap(self.top, addr, end)

    def _zap(self, table: Table, addr: int, end: int) -> int:
        zapped = 0
        if table.pages:
            bits = table.pages & table.bits(addr, end)
            table.pages &= ~bits
            zapped = bits.bit_count()
        if table.below:
            for child, low, high in table.met(addr, end):
                zapped += self._zap(child, low, high)
        return zapped

    def detach(self, table: Table, by: Mm) -> None:
        """``table`` leaves the tree on behalf of ``by``; broken promises are noted."""
        alarm = self.mm.machine.alarm
        if not table.live:
            alarm(TABLES, f"{table!r} is freed twice")
            return
        if self.mm is not by:
            alarm(PARENT, f"{table!r} is freed by mm {by.number}")
        if table.below:
            alarm(TABLES, f"{table!r} is freed with {len(table.below)} live tables below it")
        if table.pages:
            alarm(ZAPPED, f"{table!r} is freed with {table.pages.bit_count()} pages in it")
        table.live = False
        above = table.above
        if above is not None:
            del above.below[(table.start - above.start) >> above.shift]
        self.bytes -= 4096

    def clear_bad(self, table: Table) -> None:
        """An entry that is no plain table was met where only those are known: it is cleared, and what it
        pointed to is lost (pmd_clear_bad())."""
        self.mm.machine.alarm(TABLES, f"{table!r} is met as a plain table; its entry is cleared")
        if table.above is not None:
            del table.above.below[(table.start - table.above.start) >> table.above.shift]

    # Looking

    def tables(self) -> list[Table]:
        """Every table below the topmost, a table before those below it."""
        found: list[Table] = []
        waiting = [self.top]
        while waiting:
            below = list(waiting.pop().below.values())
            found += below
            waiting += below
        return found

    def pages(self) -> list[tuple[int, int, int]]:
        """Runs of pages as (first address, last address, 1), in order."""
        runs: list[tuple[int, int, int]] = []
        single = sorted(
            (table.start + (entry << table.shift), 1 << table.shift)
            for table in [self.top, *self.tables()]
            if table.pages
            for entry in range(table.pages.bit_length())
            if table.pages >> entry & 1
        )
        for start, size in single:
            if runs and runs[-1][1] + 1 == start:
                runs[-1] = (runs[-1][0], start + size - 1, 1)
            else:
                runs.append((start, start + size - 1, 1))
        return runs
