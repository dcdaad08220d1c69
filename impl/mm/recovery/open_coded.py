"""open_coded: what the reviewer of version 4 proposed in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impl.mm.free_range import free_pgd_range
from impl.mm.promises import Oops
from impl.mm.recovery.undo_v3 import UndoV3
from impl.mm.teardown import MmuGather, free_pgtables, unmap_vmas

if TYPE_CHECKING:
    from impl.maple import Cursor
    from impl.mm.fork import Fork
    from impl.mm.objects import Vma


class OpenCoded(UndoV3):
    """free_pgtables() as it was, the first VMA left as its ceiling, then one free_pgd_range() over it all
    with the real ceiling. It uses the first VMA left without asking whether there is one."""

    name = "open_coded"
    when = "review of v4, 2023-10"

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
