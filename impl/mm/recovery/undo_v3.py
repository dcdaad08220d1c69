"""undo_v3: version 3 of the series (September 2023) takes the copies back under the locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mapleproof.impl.mm.exit import ExitRules
from mapleproof.impl.mm.promises import RELEASED, TABLES, ZAPPED
from mapleproof.impl.mm.recovery.base import Fork, Known, Recovery
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, release_vmas, unmap_vmas
from mapleproof.impl.mm.words import wrap

if TYPE_CHECKING:
    from mapleproof.impl.maple import Cursor
    from mapleproof.impl.mm.objects import Vma


NOTHING_ZAPPED = "where no VMA is left, the end for zapping is 0, and nothing is zapped"


class UndoV3(Recovery):
    """undo_dup_mmap() with the first VMA that was not duplicated; one number is the limit for the tree
    and for zapping, the page tables have their own ceiling."""

    name = "undo_v3"
    when = "v3, 2023-09"
    claimed = frozenset({"observers", "recoveries_agree"})
    early_hooks = True
    completes_uffd = True
    exit_rules = ExitRules(destroys=False)
    known: ClassVar[Known] = {
        TABLES: "the first VMA is gathered twice, and its start becomes the ceiling of its own tables",
        ZAPPED: NOTHING_ZAPPED,
        RELEASED: "the first VMA is unlinked twice",
    }

    def recover(self, fork: Fork) -> None:
        mm = fork.child
        left = fork.first_left
        tree_end = mm.tables.geometry.ceiling if left is None else left.start
        if left is None or tree_end != 0:
            cursor = mm.cursor()
            first: Vma | None = cursor.find(wrap(tree_end - 1))
            if first is not None:
                self.move(cursor, first)
                self.unmap_region(fork, cursor, first, tree_end)
                cursor.set(first.end)
                release_vmas(mm, cursor, first, tree_end)
        mm.tree.destroy()

    def move(self, cursor: Cursor, first: Vma) -> None:
        """Here the cursor should be moved behind the first VMA; this version does not."""

    def unmap_region(self, fork: Fork, cursor: Cursor, first: Vma, tree_end: int) -> None:
        """unmap_region() with neither a VMA before nor one behind, over [0, tree_end). It remembers where
        the cursor stands and goes back there for the page tables."""
        mm = fork.child
        shape = mm.tables.geometry
        remembered = cursor.index
        gather = MmuGather(mm)
        unmap_vmas(gather, cursor, first, 0, tree_end, tree_end)
        cursor.set(remembered)
        free_pgtables(gather, cursor, first, shape.first_user, shape.ceiling, tree_end)
        gather.finish()
