"""open_coded: what the reviewer of version 4 proposed in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mapleproof.impl.mm.free_range import free_pgd_range
from mapleproof.impl.mm.promises import CRASH, TABLES, Oops
from mapleproof.impl.mm.recovery.base import Fork, Known
from mapleproof.impl.mm.recovery.undo_v3 import UndoV3
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, unmap_vmas

if TYPE_CHECKING:
    from mapleproof.impl.maple import Cursor
    from mapleproof.impl.mm.objects import Vma


class OpenCoded(UndoV3):
    """free_pgtables() as it was, the first VMA left as its ceiling, then one free_pgd_range() over it all
    with the real ceiling. It uses the first VMA left without asking whether there is one."""

    name = "open_coded"
    when = "review of v4, 2023-10"
    claimed = frozenset({"observers", "recoveries_agree"})
    known: ClassVar[Known] = {
        CRASH: "the start of the first VMA left is read where none is left",
        TABLES: "free_pgd_range() is not the hugetlb variant, and loses a table of hugetlb's own",
    }

    def unmap_region(self, fork: Fork, cursor: Cursor, first: Vma, tree_end: int) -> None:
        mm = fork.child
        shape = mm.tables.geometry
        gather = MmuGather(mm)
        unmap_vmas(gather, cursor, first, 0, tree_end, tree_end)
        cursor.set(first.end)
        left = fork.first_left
        if left is None:
            raise Oops("the start of the first VMA left is read, and there is none (NULL)")
        ceiling = left.start
        free_pgtables(gather, cursor, first, shape.first_user, ceiling, ceiling)
        free_pgd_range(gather, mm.tables.top, shape, first.start, ceiling, shape.first_user, shape.ceiling)
        gather.finish()
