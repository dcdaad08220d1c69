"""Operations of the kernel's normal API, on whole trees; and what only a suite asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from props.ops.common_operations import Common, Entry
from props.ops.cursor_operations import MasFill


@dataclass(frozen=True, slots=True)
class MtreeLoad(Common):
    """The entry at an index (mtree_load)."""

    index: int


@dataclass(frozen=True, slots=True)
class MtreeStoreRange(Common):
    """Store over first..last, whatever stood there (mtree_store_range)."""

    first: int
    last: int
    entry: Entry


def filled(fill: Fill | MasFill) -> Iterator[tuple[int, int, int]]:
    """The ranges of a fill, with their entries."""
    for k in range(fill.count):
        first = fill.first + k * fill.stride
        yield first, first + fill.length - 1, k + 1


def fits(fill: Fill | MasFill) -> bool:
    """Whether the ranges of a fill are ranges, apart from each other, and end within the address space."""
    end = fill.first + (fill.count - 1) * fill.stride + fill.length
    return 0 < fill.length <= fill.stride and fill.count > 0 and end <= 2**64


@dataclass(frozen=True, slots=True)
class Fill(Common):
    """Store many ranges: the k-th, of `length` indices, at first + k * stride, with entry k + 1.

    The same as so many mtree_store_range, in one step, so that a case that needs a large tree stays short.
    """

    first: int
    stride: int
    length: int
    count: int

    def stores(self) -> Iterator[MtreeStoreRange]:
        """The stores that it stands for."""
        for first, last, entry in filled(self):
            yield MtreeStoreRange(first, last, entry, tree=self.tree)


@dataclass(frozen=True, slots=True)
class MtreeInsertRange(Common):
    """Store over first..last if all of it is empty (mtree_insert_range)."""

    first: int
    last: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class MtreeErase(Common):
    """Empty the whole range around an index (mtree_erase)."""

    index: int


@dataclass(frozen=True, slots=True)
class MtreeAllocRange(Common):
    """Store over the lowest `size` empty indices within min..max (mtree_alloc_range)."""

    entry: Entry
    size: int
    min: int
    max: int


@dataclass(frozen=True, slots=True)
class MtreeAllocRrange(Common):
    """Store over the highest `size` empty indices within min..max (mtree_alloc_rrange)."""

    entry: Entry
    size: int
    min: int
    max: int


@dataclass(frozen=True, slots=True)
class MtreeAllocCyclic(Common):
    """Store at the first empty index from `next`, else from `min` on (mtree_alloc_cyclic)."""

    entry: Entry
    min: int
    max: int
    next: int


@dataclass(frozen=True, slots=True)
class MtFind(Common):
    """The first entry at or above an index (mt_find)."""

    index: int
    max: int


@dataclass(frozen=True, slots=True)
class MtFindAfter(Common):
    """As MtFind, but nothing from index 0 (mt_find_after)."""

    index: int
    max: int


@dataclass(frozen=True, slots=True)
class MtNext(Common):
    """The first entry after the range around an index (mt_next)."""

    index: int
    max: int


@dataclass(frozen=True, slots=True)
class MtPrev(Common):
    """The last entry before the range around an index (mt_prev)."""

    index: int
    min: int


@dataclass(frozen=True, slots=True)
class MtreeDup(Common):
    """Duplicate a tree into the new tree `into` (mtree_dup)."""

    into: int


@dataclass(frozen=True, slots=True)
class MtreeDestroy(Common):
    """Empty a tree, which may be used again (mtree_destroy)."""


@dataclass(frozen=True, slots=True)
class MtSetInRcu(Common):
    """Enter RCU mode (mt_set_in_rcu)."""


@dataclass(frozen=True, slots=True)
class MtClearInRcu(Common):
    """Leave RCU mode; no reader is inside (mt_clear_in_rcu)."""


@dataclass(frozen=True, slots=True)
class RcuReadLock(Common):
    """A reader comes in: what it may see is not freed before it leaves (rcu_read_lock)."""


@dataclass(frozen=True, slots=True)
class RcuReadUnlock(Common):
    """A reader leaves (rcu_read_unlock)."""


@dataclass(frozen=True, slots=True)
class RcuBarrier(Common):
    """The grace period ends: what no reader can see any more is freed (rcu_barrier)."""


@dataclass(frozen=True, slots=True)
class Snapshot(Common):
    """All that a tree holds, and whether its invariants do."""
