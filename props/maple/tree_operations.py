"""Operations of the kernel's normal API, on whole trees; and what only a suite asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.operation import Common, Entry
from mapleproof.props.maple.cursor_operations import Many
from mapleproof.props.maple.dispatch import (
    CYCLIC,
    ENTRY,
    FOUND,
    NO_MEMORY,
    NONE,
    RET,
    START,
    Seat,
    Shape,
    on_tree,
    specially,
)

ERASED = Shape(("entry", "ret"), ENTRY.answer)


def _fill(tree: Any, op: Any) -> Answer:
    for range_ in op.ranges():
        if ret := tree.store_range(*range_):
            return Answer(ret=ret)
    return Answer(ret=0)


def _erase(tree: Any, op: Any) -> Answer:
    entry = tree.erase(op.index)
    if not op.short_of_memory:
        return Answer(entry=entry)
    # mtree_erase does not say whether it had the memory to erase: what is there now does.
    refused = entry is not None and tree.load(op.index) is not None
    return Answer(entry=entry, ret=NO_MEMORY if refused else 0)


def _dup(seat: Seat, op: Any) -> Answer:
    ret, new = seat.trees[op.tree].dup()
    if new is not None:
        seat.trees[op.into] = new
    return Answer(ret=ret)


def _entries_from(tree: Any, op: Any) -> Answer:
    return Answer(entries=[range_ for range_ in tree.entries() if range_[1] >= op.index])


def _barrier(seat: Seat, op: Any) -> Answer:
    seat.end_grace_period()
    return NOTHING


@on_tree("load", ENTRY, drawn="normal")
@dataclass(frozen=True, slots=True)
class MtreeLoad(Common):
    """The entry at an index (mtree_load)."""

    index: int


@on_tree("store_range", RET, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeStoreRange(Common):
    """Store over first..last, whatever stood there (mtree_store_range)."""

    first: int
    last: int
    entry: Entry


@on_tree("store_range", RET, writes=True)
@dataclass(frozen=True, slots=True)
class StoreRangeCounted(MtreeStoreRange):
    """The same, with the nodes counted: how many more it took, or asked for, than our tree does from the same
    nodes."""


@specially("tree", RET.keys, _fill, writes=True)
@dataclass(frozen=True, slots=True)
class Fill(Many):
    """Store many ranges.

    The same as so many mtree_store_range, in one step, so that a case that needs a large tree stays short.
    """

    def stores(self) -> Iterator[MtreeStoreRange]:
        """The stores that it stands for."""
        for first, last, entry in self.ranges():
            yield MtreeStoreRange(first, last, entry, tree=self.tree)


@on_tree("insert_range", RET, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeInsertRange(Common):
    """Store over first..last if all of it is empty (mtree_insert_range)."""

    first: int
    last: int
    entry: Entry


@on_tree("erase", ERASED, carry_out=_erase, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeErase(Common):
    """Empty the whole range around an index (mtree_erase)."""

    index: int


@on_tree("alloc_range", START, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeAllocRange(Common):
    """Store over the lowest `size` empty indices within min..max (mtree_alloc_range)."""

    entry: Entry
    size: int
    min: int
    max: int


@on_tree("alloc_rrange", START, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeAllocRrange(Common):
    """Store over the highest `size` empty indices within min..max (mtree_alloc_rrange)."""

    entry: Entry
    size: int
    min: int
    max: int


@on_tree("alloc_cyclic", CYCLIC, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeAllocCyclic(Common):
    """Store at the first empty index from `next`, else from `min` on (mtree_alloc_cyclic)."""

    entry: Entry
    min: int
    max: int
    next: int


@on_tree("find", FOUND, drawn="normal")
@dataclass(frozen=True, slots=True)
class MtFind(Common):
    """The first entry at or above an index (mt_find)."""

    index: int
    max: int


@on_tree("find_after", FOUND, drawn="normal")
@dataclass(frozen=True, slots=True)
class MtFindAfter(Common):
    """As MtFind, but nothing from index 0 (mt_find_after)."""

    index: int
    max: int


@on_tree("next", ENTRY, drawn="normal")
@dataclass(frozen=True, slots=True)
class MtNext(Common):
    """The first entry after the range around an index (mt_next)."""

    index: int
    max: int


@on_tree("prev", ENTRY, drawn="normal")
@dataclass(frozen=True, slots=True)
class MtPrev(Common):
    """The last entry before the range around an index (mt_prev)."""

    index: int
    min: int


@specially("seat", RET.keys, _dup, takes_memory=True)
@dataclass(frozen=True, slots=True)
class MtreeDup(Common):
    """Duplicate a tree into the new tree `into` (mtree_dup)."""

    into: int


@specially("seat", RET.keys, _dup, takes_memory=True, spelled="__mt_dup")
@dataclass(frozen=True, slots=True)
class MtDup(MtreeDup):
    """The same with the locks of both trees held by the caller, as fork does it (__mt_dup)."""


@on_tree("destroy", NONE, writes=True)
@dataclass(frozen=True, slots=True)
class MtreeDestroy(Common):
    """Empty a tree, which may be used again (mtree_destroy)."""


@on_tree("destroy", NONE, writes=True, spelled="__mt_destroy")
@dataclass(frozen=True, slots=True)
class MtDestroy(MtreeDestroy):
    """The same with the lock held by the caller (__mt_destroy)."""


@on_tree("set_in_rcu", NONE, True, for_readers=True)
@dataclass(frozen=True, slots=True)
class MtSetInRcu(Common):
    """Enter RCU mode (mt_set_in_rcu)."""


@on_tree("set_in_rcu", NONE, False, for_readers=True)
@dataclass(frozen=True, slots=True)
class MtClearInRcu(Common):
    """Leave RCU mode; no reader is inside (mt_clear_in_rcu)."""


@specially("tree", (), lambda tree, op: NOTHING, for_readers=True)
@dataclass(frozen=True, slots=True)
class MtSetExternalLock(Common):
    """From here on an empty tree is written under a lock outside it, which may sleep, as mm's trees are
    (MT_FLAGS_LOCK_EXTERN). Only a kernel's tree has locks."""


@on_tree("rcu_read_lock", NONE, for_readers=True)
@dataclass(frozen=True, slots=True)
class RcuReadLock(Common):
    """A reader comes in: what it may see is not freed before it leaves (rcu_read_lock)."""


@on_tree("rcu_read_unlock", NONE, for_readers=True)
@dataclass(frozen=True, slots=True)
class RcuReadUnlock(Common):
    """A reader leaves (rcu_read_unlock)."""


@on_tree("load", ENTRY)
@dataclass(frozen=True, slots=True)
class LockVmaUnderRcu(Common):
    """The entry at an index, as mm looks it up: walk, lock the VMA, look again (lock_vma_under_rcu)."""

    index: int


@specially("tree", ("entries",), _entries_from, loops=True)
@dataclass(frozen=True, slots=True)
class LockNextVma(Common):
    """Every entry from an index on, as mm steps on: find, lock, look again, next (lock_next_vma)."""

    index: int


@specially("seat", (), _barrier)
@dataclass(frozen=True, slots=True)
class RcuBarrier(Common):
    """The grace period ends: what no reader can see any more is freed (rcu_barrier)."""


@specially("seat", ("entries",), lambda seat, op: Answer(entries=seat.snapshot(op.tree)))
@dataclass(frozen=True, slots=True)
class Snapshot(Common):
    """All that a tree holds, and whether its invariants do."""
