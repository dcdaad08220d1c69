"""exit_marker_v2: version 2 of the series (August 2023) left all to exit_mmap()."""

from __future__ import annotations

from typing import ClassVar

from mapleproof.impl.mm.exit import ExitRules
from mapleproof.impl.mm.objects import ZERO
from mapleproof.impl.mm.promises import CHARGE, COUNT, CRASH, NODES, OBSERVERS, PARENT, RELEASED
from mapleproof.impl.mm.recovery.base import Fork, Known, Recovery

TAKEN = "without a marker exit_mmap() takes the parent's VMAs for the child's"


class ExitMarkerV2(Recovery):
    """Only where a VM_DONTCOPY VMA could not be cleared is a zero marker stored in its place.

    exit_mmap() stops its last loop there, and returns at once where the marker is the first entry.
    """

    name = "exit_marker_v2"
    when = "v2, 2023-08"
    claimed = frozenset({"recoveries_agree"})
    early_hooks = True
    completes_uffd = True
    exit_rules = ExitRules(at_head=True, release=True, destroys=False)
    known: ClassVar[Known] = {
        **dict.fromkeys((RELEASED, CHARGE, COUNT, PARENT, OBSERVERS), TAKEN),
        NODES: "exit_mmap() returns without destroying the tree where the marker is its first entry",
        CRASH: "free_pgtables() takes a marker that comes second for a VMA",
    }

    def recover(self, fork: Fork) -> None:
        left = fork.first_left
        if fork.clearing_failed and left is not None:
            fork.cursor.set_range(left.start, left.end - 1)
            fork.cursor.store(ZERO)
