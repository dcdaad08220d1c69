"""bulk_insert: up to Linux 6.7 the child's tree never held anything but the child's own VMAs."""

from __future__ import annotations

from mapleproof.impl.mm.recovery.base import Fork, Recovery


class BulkInsert(Recovery):
    """Nothing to undo: exit_mmap() frees what is in the tree."""

    name = "bulk_insert"
    when = "up to 6.7"
    claimed = frozenset({"undo_exact", "observers", "recoveries_agree"})
    bulk = True
    early_hooks = True
    completes_uffd = True

    def recover(self, fork: Fork) -> None:
        """Leave it to exit_mmap()."""
