"""Operations of the kernel's advanced API, through a cursor (`ma_state`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.operation import Common, Entry
from mapleproof.props.maple.dispatch import (
    AREA,
    CURSOR,
    CYCLIC,
    NO_MEMORY,
    NONE,
    RET,
    Seat,
    on_cursor,
    specially,
)


def _init(seat: Seat, op: Any) -> Answer:
    seat.cursors[op.cursor] = seat.new_cursor(seat.trees[op.tree], op.index)
    return NOTHING


def _store(cursor: Any, op: Any) -> Answer:
    cursor.store(op.entry)
    return Answer(ret=NO_MEMORY if cursor.status == "error" else 0)


def _store_prealloc(cursor: Any, op: Any) -> Answer:
    cursor.store_prealloc(op.entry)
    if cursor.status == "error":
        return Answer(crash="mas_store_prealloc() ran out of memory")
    return NOTHING


def _for_each(method: str, limit: str) -> Callable[[Any, Any], Answer]:
    def carry_out(cursor: Any, op: Any) -> Answer:
        entries = []
        while (entry := getattr(cursor, method)(getattr(op, limit))) is not None:
            entries.append((cursor.index, cursor.last, entry))
        return Answer(entries=sorted(entries))

    return carry_out


def _fill(cursor: Any, op: Any) -> Answer:
    for first, last, entry in op.ranges():
        cursor.set_range(first, last)
        cursor.store(entry)
        if cursor.status == "error":
            return Answer(ret=NO_MEMORY)
    return Answer(ret=0)


@dataclass(frozen=True, slots=True)
class Many(Common):
    """Many ranges: the k-th, of `length` indices, at first + k * stride, with entry k + 1."""

    first: int
    stride: int
    length: int
    count: int

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """The ranges, with their entries."""
        for k in range(self.count):
            first = self.first + k * self.stride
            yield first, first + self.length - 1, k + 1

    def fits(self) -> bool:
        """Whether they are ranges, apart from each other, and end within the address space."""
        end = self.first + (self.count - 1) * self.stride + self.length
        return 0 < self.length <= self.stride and self.count > 0 and end <= 2**64


@specially("seat", (), _init)
@dataclass(frozen=True, slots=True)
class MasInit(Common):
    """Put a cursor on a tree, anew (mas_init)."""

    index: int


@on_cursor("set", NONE)
@dataclass(frozen=True, slots=True)
class MasSet(Common):
    """Move to an index (mas_set)."""

    index: int


@on_cursor("set_range", NONE)
@dataclass(frozen=True, slots=True)
class MasSetRange(Common):
    """Move to a range (mas_set_range)."""

    first: int
    last: int


@on_cursor("set_range_staying", NONE, spelled="__mas_set_range")
@dataclass(frozen=True, slots=True)
class MasSetRangeStaying(Common):
    """Take another range that begins within the one the cursor is on; its place stays (__mas_set_range)."""

    first: int
    last: int


@on_cursor("reset", NONE)
@dataclass(frozen=True, slots=True)
class MasReset(Common):
    """Forget the place but not the range (mas_reset)."""


@on_cursor("pause", NONE)
@dataclass(frozen=True, slots=True)
class MasPause(Common):
    """Let go of the tree after this range (mas_pause)."""


@on_cursor("walk", CURSOR, moves=True, drawn="step")
@dataclass(frozen=True, slots=True)
class MasWalk(Common):
    """Go to the range around the cursor's index (mas_walk)."""


@on_cursor("find", CURSOR, drawn="step")
@dataclass(frozen=True, slots=True)
class MasFind(Common):
    """The entry at or above, then each next one (mas_find)."""

    max: int


@on_cursor("find_range", CURSOR, moves=True, drawn="ranges")
@dataclass(frozen=True, slots=True)
class MasFindRange(Common):
    """The entry at the index or the range above, then each next range (mas_find_range)."""

    max: int


@on_cursor("next", CURSOR, drawn="step")
@dataclass(frozen=True, slots=True)
class MasNext(Common):
    """The next entry (mas_next)."""

    max: int


@on_cursor("next_range", CURSOR, moves=True, drawn="ranges")
@dataclass(frozen=True, slots=True)
class MasNextRange(Common):
    """The next range (mas_next_range)."""

    max: int


@on_cursor("prev", CURSOR, drawn="step")
@dataclass(frozen=True, slots=True)
class MasPrev(Common):
    """The previous entry (mas_prev)."""

    min: int


@on_cursor("prev_range", CURSOR, moves=True, drawn="ranges")
@dataclass(frozen=True, slots=True)
class MasPrevRange(Common):
    """The previous range (mas_prev_range)."""

    min: int


@on_cursor("find_rev", CURSOR, drawn="step")
@dataclass(frozen=True, slots=True)
class MasFindRev(Common):
    """The entry at or below, then each previous one (mas_find_rev)."""

    min: int


@on_cursor("find_range_rev", CURSOR, moves=True, drawn="ranges")
@dataclass(frozen=True, slots=True)
class MasFindRangeRev(Common):
    """The entry at the index or the range below, then each previous range (mas_find_range_rev)."""

    min: int


@specially("cursor", ("entries",), _for_each("find", "max"), loops=True)
@dataclass(frozen=True, slots=True)
class MasForEach(Common):
    """Every entry from the cursor up to `max` (mas_for_each)."""

    max: int


@specially("cursor", ("entries",), _for_each("find_rev", "min"), loops=True)
@dataclass(frozen=True, slots=True)
class MasForEachRev(Common):
    """Every entry from the cursor down to `min` (mas_for_each_rev)."""

    min: int


@on_cursor("empty_area", AREA)
@dataclass(frozen=True, slots=True)
class MasEmptyArea(Common):
    """Go to the lowest `size` empty indices within min..max (mas_empty_area)."""

    min: int
    max: int
    size: int


@on_cursor("empty_area_rev", AREA)
@dataclass(frozen=True, slots=True)
class MasEmptyAreaRev(Common):
    """Go to the highest `size` empty indices within min..max (mas_empty_area_rev)."""

    min: int
    max: int
    size: int


@on_cursor("alloc_cyclic", CYCLIC, writes=True)
@dataclass(frozen=True, slots=True)
class MasAllocCyclic(Common):
    """Store at the first empty index from `next`, else from `min` on, and stand there (mas_alloc_cyclic)."""

    entry: Entry
    min: int
    max: int
    next: int


@on_cursor("store_gfp", RET, writes=True)
@dataclass(frozen=True, slots=True)
class MasStoreGfp(Common):
    """Store over the cursor's range (mas_store_gfp)."""

    entry: Entry


@on_cursor("store", RET, carry_out=_store, writes=True)
@dataclass(frozen=True, slots=True)
class MasStore(Common):
    """Store over the cursor's range, without waiting for memory (mas_store)."""

    entry: Entry


@specially("cursor", RET.keys, _fill, writes=True)
@dataclass(frozen=True, slots=True)
class MasFill(Many):
    """Load many ranges in order, while a cursor loads in order.

    The same as so many mas_set_range and mas_store, in one step.
    """


@on_cursor("erase", CURSOR, writes=True)
@dataclass(frozen=True, slots=True)
class MasErase(Common):
    """Empty the range around the cursor's index (mas_erase)."""


@on_cursor("preallocate", RET, takes_memory=True)
@dataclass(frozen=True, slots=True)
class MasPreallocate(Common):
    """Get the nodes for a store of `entry` ahead (mas_preallocate)."""

    entry: Entry


@on_cursor("store_prealloc", NONE, carry_out=_store_prealloc, writes=True)
@dataclass(frozen=True, slots=True)
class MasStorePrealloc(Common):
    """Store with the nodes that were got ahead: cannot fail (mas_store_prealloc)."""

    entry: Entry


@on_cursor("expected_entries", RET, takes_memory=True)
@dataclass(frozen=True, slots=True)
class MasExpectedEntries(Common):
    """Get the nodes for storing `count` ranges in order, ahead (mas_expected_entries)."""

    count: int


@on_cursor("nomem", RET, takes_memory=True)
@dataclass(frozen=True, slots=True)
class MasNomem(Common):
    """After a store for which there was no memory: get it now (mas_nomem)."""


@on_cursor("nomem_nofail", RET, takes_memory=True)
@dataclass(frozen=True, slots=True)
class MasNomemNofail(Common):
    """After a store for which there was no memory: get it now, whatever it takes, and be set to first..last
    (mas_nomem_nofail)."""

    first: int
    last: int


@on_cursor("destroy", NONE)
@dataclass(frozen=True, slots=True)
class MasDestroy(Common):
    """Give back what was got ahead; ends a load in order (mas_destroy)."""
