"""Address spaces as items of a picture: VMAs and pages, the tree of VMAs, the page tables by level.

What is wrong is told by kind: a page table or page that should be gone is leaked, one that is needed and gone
is lost, one that was freed in a way that breaks a promise is wrong; in a child's tree a VMA of the parent is
foreign. The words that are shown beside come from the promise's alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

from mapleproof.impl.mm.flags import (
    SMAPS,
    VM_ACCOUNT,
    VM_EXEC,
    VM_HUGETLB,
    VM_MAYREAD,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
)
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import ZERO, FreedVma, Vma
from mapleproof.impl.mm.page_tables import PageTables, Table
from mapleproof.impl.mm.promises import Alarm
from mapleproof.model.address_space import Space
from mapleproof.show import trees
from mapleproof.show.picture import Item, Items
from mapleproof.show.watch import Child

Key = tuple[int, int]
"""A page table: its level, and where its span starts."""

PLAIN = VM_READ | VM_WRITE | VM_EXEC | VM_SHARED | VM_MAYREAD

NAMES = {1: "PTE", 2: "PMD", 3: "PUD", 4: "P4D", 5: "PGD"}
"""What tables of a level are called, the topmost left out."""


def spell_flags(flags: int) -> str:
    """Flags as /proc/PID/maps has them, then those that it has not, as in smaps."""
    return flag_words(flags) + (" ac" if flags & VM_ACCOUNT else "")


@lru_cache
def flag_words(flags: int) -> str:
    """The same; whether it is charged is left out."""
    word = "".join(
        letter if flags & flag else "-" for letter, flag in (("r", VM_READ), ("w", VM_WRITE), ("x", VM_EXEC))
    )
    more = [name for name, flag in SMAPS.items() if flags & flag and not flag & (PLAIN | VM_ACCOUNT)]
    return " ".join([word + ("s" if flags & VM_SHARED else "p"), *more])


def model_items(lane: str, space: Space) -> Items:
    """The areas and the pages that the model holds."""
    items = {
        f"{lane}/{area.start:x}": Item(
            lane, "VMAs", area.start, area.end - 1, "entry", flag_words(area.flags)
        )
        for area in space.areas
    }
    for first, last in runs(page_spans(space)):
        items[f"{lane}/p{first:x}"] = Item(lane, "pages", first, last, "page", "")
    return items


def page_spans(space: Space) -> set[tuple[int, int]]:
    """The pages that the model holds, each with its size."""
    return {
        (page, page + (space.shape.huge_page if _is_huge(space, page) else space.shape.page) - 1)
        for page in space.pages
    }


def _is_huge(space: Space, page: int) -> bool:
    return any(area.flags & VM_HUGETLB for area in space.inside(page, page + 1))


def runs(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that follow each other, as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and found[-1][1] + 1 == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def spell_vma(mm: Mm, parent: Mm | None) -> trees.Spell:
    """How the slots of a tree of VMAs are spelled."""

    def spell(first: int, last: int, vma: Any) -> tuple[str, str]:
        if vma is None:
            return "null", "NULL"
        if vma is ZERO:
            return "marker", "zero marker"
        if type(vma) is FreedVma:
            return "freedentry", "freed VMA"
        if not isinstance(vma, Vma):
            return "wrong", f"{vma!r:.24}"
        if vma.mm is mm:
            return "entry", flag_words(vma.flags)
        whose = "parent's" if vma.mm is parent else f"mm {vma.mm.number}'s"
        return "foreign", f"{whose} {flag_words(vma.flags)}"

    return spell


def tree_items(lane: str, mm: Mm, parent: Mm | None = None) -> Items:
    """The nodes of an address space's tree."""
    nodes = trees.impl_nodes(mm.tree, spell_vma(mm, parent))
    inside = len({node.name for node in nodes}) if mm.tree.root >= 0 else 0
    return trees.node_items(lane, [*nodes, *trees.nodes_outside(mm.tree, inside)])


def table_item(lane: str, table: Table, kind: str, label: str, note: str) -> tuple[str, Item]:
    """One page table, by its key."""
    last = table.start + (1 << table.owner.geometry.shift(table.level)) - 1
    row = f"level {table.level}"
    return f"{lane}/{table.level}/{table.start:x}", Item(lane, row, table.start, last, kind, label, (), note)


def table_items(
    lane: str,
    tables: PageTables,
    needed: Collection[Key] | None,
    before: Iterable[Table],
    alarms: list[Alarm],
) -> Items:
    """The page tables of a space and those that it had ``before``. ``needed`` are those that must be there,
    None where nobody says."""
    items: dict[str, Item] = {}
    there = tables.tables()
    for table in dict.fromkeys([*before, *there]):
        key = (table.level, table.start)
        noted = "; ".join(alarm.what for alarm in alarms if alarm.what.startswith(repr(table)))
        wanted = needed is None or key in needed
        if table.live:
            kind, label = ("table", _contents(table)) if wanted else ("leaked", "leaked")
        elif wanted and needed is not None:
            kind, label = "lost", "lost: freed, and needed"
        elif noted:
            kind, label = "wrong", _freed_with(table)
        else:
            kind, label = "freed", "freed"
        name, item = table_item(lane, table, kind, label, noted)
        if name not in items or table.live:
            items[name] = item
    return items


def _freed_with(table: Table) -> str:
    return f"freed with {_contents(table)}" if table.pages or table.below else "freed wrongly"


def _contents(table: Table) -> str:
    pages, below = table.pages.bit_count(), len(table.below)
    words = [f"{pages} page{'s' * (pages != 1)}"] if pages or not below else []
    words += [f"{below} table{'s' * (below != 1)}"] if below else []
    return ("hugepd, " if table.huge else "") + ", ".join(words)


def page_items(lane: str, tables: Iterable[Table], wanted: set[tuple[int, int]] | None) -> Items:
    """The pages in page tables, as runs; leaked are those that should be gone, lost those that should not."""
    there = set(_pages(tables))
    leaked = set() if wanted is None else there - wanted
    lost = set() if wanted is None else wanted - there
    items: Items = {}
    for kind, spans in (("page", there - leaked), ("leaked", leaked), ("lost", lost)):
        for first, last in runs(spans):
            label = "" if kind == "page" else "not zapped" if kind == "leaked" else "lost"
            items[f"{lane}/p{first:x}"] = Item(lane, "pages", first, last, kind, label)
    return items


def _pages(tables: Iterable[Table]) -> Iterator[tuple[int, int]]:
    for table in tables:
        for entry in range(table.pages.bit_length()):
            if table.pages >> entry & 1:
                start = table.start + (entry << table.shift)
                yield start, start + (1 << table.shift) - 1


def fate_items(lane: str, child: Child, gone: bool) -> Items:
    """The child's own VMAs: where the child is ``gone``, whether each was released."""
    items: Items = {}
    for first, last, vma in child.vmas:
        kind, label = "entry", "there"
        if type(vma) is FreedVma:
            kind, label = "freed", "released"
        elif gone:
            kind, label = "leaked", "leaked: not released"
        items[f"{lane}/{first:x}"] = Item(lane, "own", first, last, kind, label)
    return items


def table_rows(geometry: PageGeometry) -> dict[str, str]:
    """The rows of page tables, the highest first."""
    levels = range(geometry.levels - 1, 0, -1)
    return {f"level {level}": f"level {level} ({NAMES[level]})" for level in levels}
