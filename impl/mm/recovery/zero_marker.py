"""zero_marker: a marker in the tree tells exit_mmap() where the child's own VMAs end (6.8 to 6.18)."""

from __future__ import annotations

from typing import ClassVar

from mapleproof.impl.mm.exit import ExitRules
from mapleproof.impl.mm.objects import ZERO
from mapleproof.impl.mm.promises import OBSERVERS
from mapleproof.impl.mm.recovery.base import Fork, Known, Recovery


class ZeroMarker(Recovery):
    """As it went into 6.8: the marker alone. ksm, khugepaged and userfaultfd were told too early until
    6.12."""

    name = "zero_marker"
    when = "v5 to v7, 6.8 to 6.13"
    claimed = frozenset({"undo_exact", "recoveries_agree"})
    early_hooks = True
    completes_uffd = True
    exit_rules = ExitRules(at_head=True, zap=True, tables=True, release=True)
    known: ClassVar[Known] = {
        OBSERVERS: "the OOM reaper and swapoff meet the marker once the locks are dropped",
    }

    def recover(self, fork: Fork) -> None:
        """Store the marker over the first VMA left: an exact fit, which needs no memory."""
        left = fork.first_left
        if left is not None:
            fork.cursor.set_range(left.start, left.end - 1)
            fork.cursor.store(ZERO)


class ZeroMarker614(ZeroMarker):
    """Since 6.14 the child is marked unstable, and to be skipped by the OOM reaper if there is a marker."""

    name = "zero_marker_6_14"
    when = "6.14 to 6.16"
    claimed = frozenset({"undo_exact"})
    known: ClassVar[Known] = {OBSERVERS: "swapoff meets the marker once the locks are dropped"}
    early_hooks = False
    completes_uffd = False

    def recover(self, fork: Fork) -> None:
        ZeroMarker.recover(self, fork)
        if fork.first_left is not None:
            fork.child.oom_skip = True
        fork.child.unstable = True


class ZeroMarker617(ZeroMarker614):
    """The same, at a time when swapoff too asks whether an address space is stable."""

    name = "zero_marker_6_17"
    when = "6.17 to 6.18"
    claimed = frozenset({"undo_exact", "observers"})
    known: ClassVar[Known] = {}
    swapoff_looks = True
