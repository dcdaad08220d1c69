"""unmap_in_place: what was copied is taken apart inside dup_mmap(), under both locks (January 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapleproof.impl.mm.recovery.base import Fork, Recovery
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, release_vmas, unmap_vmas
from mapleproof.impl.mm.words import MAX, wrap

if TYPE_CHECKING:
    from mapleproof.impl.mm.objects import Vma


class UnmapInPlace(Recovery):
    """Four values that earlier versions took for one another are kept apart: up to where pages are zapped,
    the ceiling for page tables, how far the tree belongs to the child, and where the cursor goes on.
    exit_mmap() then meets an empty tree."""

    name = "unmap_in_place"
    when = "2026-01"
    claimed = frozenset({"undo_exact", "observers", "recoveries_agree"})
    swapoff_looks = True

    def recover(self, fork: Fork) -> None:
        mm = fork.child
        if mm.map_count:
            self.unmap(fork, self.tree_end(fork))
        mm.tree.destroy()
        mm.oom_skip = mm.unstable = True

    def tree_end(self, fork: Fork) -> int:
        """The end of the child's own part of the tree; there is at least one VMA in it."""
        left = fork.first_left
        return MAX if left is None else left.start

    def unmap(self, fork: Fork, tree_end: int) -> None:
        """Take apart all VMAs that start below ``tree_end``, which is not 0."""
        mm = fork.child
        shape = mm.tables.geometry
        zap_end = MAX
        cursor = mm.cursor()
        first: Vma | None = cursor.find(wrap(tree_end - 1))
        assert first is not None
        behind = first.end
        gather = MmuGather(mm)
        unmap_vmas(gather, cursor, first, 0, zap_end, tree_end)
        cursor.set(behind)
        free_pgtables(gather, cursor, first, shape.first_user, shape.ceiling, tree_end)
        gather.finish()
        cursor.set(behind)
        release_vmas(mm, cursor, first, tree_end)
