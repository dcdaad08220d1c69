"""From table to table: free_pgd_range() and its variant for hugetlb, over the decisions in ``limits.py``.

Both work on whatever offers a table's ``level`` and ``met(addr, end)``, so a proof may hand in tables of its
own. A child goes before its parent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.limits import narrow, table_goes
from mapleproof.impl.mm.words import Word


class AnyTable(Protocol):
    """What is asked of a table."""

    @property
    def level(self) -> int: ...

    @property
    def huge(self) -> bool: ...

    def met(self, addr: Word, end: Word) -> Iterable[tuple[Any, Word, Word]]: ...


class Gather(Protocol):
    """Where freed tables go."""

    def free_table(self, table: Any) -> None: ...

    def clear_bad(self, table: Any) -> None: ...


def free_pgd_range(
    gather: Gather,
    top: AnyTable,
    shape: PageGeometry,
    addr: Word,
    end: Word,
    floor: Word,
    ceiling: Word,
    huge: bool = False,
) -> None:
    """Free the tables that meet [addr, end) and whose spans lie inside [floor, ceiling).

    ``huge`` is hugetlb's variant (hugetlb_free_pgd_range()): the same limits, and tables of hugetlb's own
    kind are known. The plain one takes such a table for damage.
    """
    narrowed = narrow(addr, end, floor, ceiling, shape.span(1))
    if narrowed is None:
        return
    addr, end, ceiling = narrowed
    for table, low, high in top.met(addr, end):
        free_below(gather, table, shape, low, high, floor, ceiling, huge)


def free_below(
    gather: Gather,
    table: AnyTable,
    shape: PageGeometry,
    addr: Word,
    end: Word,
    floor: Word,
    ceiling: Word,
    huge: bool,
) -> None:
    """Free what is below ``table`` in [addr, end), which lies in its span, then the table itself if its
    span is inside [floor, ceiling) (free_p4d_range() to free_pte_range())."""
    level = table.level
    if level == 1:
        if table.huge and not huge:
            gather.clear_bad(table)
        else:
            gather.free_table(table)
        return
    for child, low, high in table.met(addr, end):
        free_below(gather, child, shape, low, high, floor, ceiling, huge)
    if table_goes(addr, end, floor, ceiling, shape.span(level)):
        gather.free_table(table)
