"""A fork looked at in the middle: the child when the recovery begins, and when it is done.

A failed fork leaves no child, so what became of it is not to be seen afterwards: the watcher keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.page_tables import Table
from mapleproof.impl.mm.recovery.base import Recovery

if TYPE_CHECKING:
    from mapleproof.impl.mm.recovery.base import Fork

Look = Callable[[str], None]
"""Called with the name of the stage that a fork has reached."""

BEGINS = "before the recovery"
DONE = "recovered, exit_mmap() comes next"


@dataclass(slots=True)
class Child:
    """The child of a fork that failed: what it had when the recovery began."""

    mm: Mm
    parent: Mm
    tables: list[Table] = field(default_factory=list)
    vmas: list[tuple[int, int, Vma]] = field(default_factory=list)


class Watched(Recovery):
    """A recovery that is looked at: else it does what ``inner`` does."""

    def __init__(self, inner: Recovery, watcher: Watcher) -> None:
        self.inner = inner
        self.watcher = watcher
        vars(self).update(
            bulk=inner.bulk,
            early_hooks=inner.early_hooks,
            completes_uffd=inner.completes_uffd,
            exit_rules=inner.exit_rules,
            swapoff_looks=inner.swapoff_looks,
        )

    def recover(self, fork: Fork) -> None:
        child = Child(fork.child, fork.parent)
        child.tables = child.mm.tables.tables()
        child.vmas = [
            entry for entry in child.mm.tree.entries() if type(entry[2]) is Vma and entry[2].mm is child.mm
        ]
        self.watcher.child = child
        self.watcher.look(BEGINS)
        self.inner.recover(fork)
        self.watcher.look(DONE)


class Watcher:
    """Looks at forks: ``child`` is that of the last one that failed, None where none did."""

    def __init__(self, recoveries: Mapping[str, Recovery]) -> None:
        self.child: Child | None = None
        self.look: Look = lambda stage: None
        self.recoveries = {name: Watched(recovery, self) for name, recovery in recoveries.items()}
