"""exit_marker_v2: version 2 of the series (August 2023) left all to exit_mmap()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impl.mm.exit import ExitRules
from impl.mm.objects import ZERO
from impl.mm.recovery.base import Recovery

if TYPE_CHECKING:
    from impl.mm.fork import Fork


class ExitMarkerV2(Recovery):
    """Only where a VM_DONTCOPY VMA could not be cleared is a zero marker stored in its place.

    exit_mmap() stops its last loop there, and returns at once where the marker is the first entry.
    """

    name = "exit_marker_v2"
    when = "v2, 2023-08"
    early_hooks = True
    completes_uffd = True
    exit_rules = ExitRules(at_head=True, release=True, destroys=False)

    def recover(self, fork: Fork) -> None:
        left = fork.first_left
        if fork.clearing_failed and left is not None:
            fork.cursor.set_range(left.start, left.end - 1)
            fork.cursor.store(ZERO)
