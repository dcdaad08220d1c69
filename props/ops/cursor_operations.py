"""Operations of the kernel's advanced API, through a cursor (`ma_state`)."""

from dataclasses import dataclass

from props.ops.common_operations import Common, Entry


@dataclass(frozen=True, slots=True)
class MasInit(Common):
    """Put a cursor on a tree, anew (mas_init)."""

    index: int


@dataclass(frozen=True, slots=True)
class MasSet(Common):
    """Move to an index (mas_set)."""

    index: int


@dataclass(frozen=True, slots=True)
class MasSetRange(Common):
    """Move to a range (mas_set_range)."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class MasReset(Common):
    """Forget the place but not the range (mas_reset)."""


@dataclass(frozen=True, slots=True)
class MasPause(Common):
    """Let go of the tree after this range (mas_pause)."""


@dataclass(frozen=True, slots=True)
class MasWalk(Common):
    """Go to the range around the cursor's index (mas_walk)."""


@dataclass(frozen=True, slots=True)
class MasFind(Common):
    """The entry at or above, then each next one (mas_find)."""

    max: int


@dataclass(frozen=True, slots=True)
class MasFindRange(Common):
    """The entry at the index or the range above, then each next range (mas_find_range)."""

    max: int


@dataclass(frozen=True, slots=True)
class MasFindRev(Common):
    """The entry at or below, then each previous one (mas_find_rev)."""

    min: int


@dataclass(frozen=True, slots=True)
class MasFindRangeRev(Common):
    """The entry at the index or the range below, then each previous range (mas_find_range_rev)."""

    min: int


@dataclass(frozen=True, slots=True)
class MasNext(Common):
    """The next entry (mas_next)."""

    max: int


@dataclass(frozen=True, slots=True)
class MasNextRange(Common):
    """The next range (mas_next_range)."""

    max: int


@dataclass(frozen=True, slots=True)
class MasPrev(Common):
    """The previous entry (mas_prev)."""

    min: int


@dataclass(frozen=True, slots=True)
class MasPrevRange(Common):
    """The previous range (mas_prev_range)."""

    min: int


@dataclass(frozen=True, slots=True)
class MasEmptyArea(Common):
    """Go to the lowest `size` empty indices within min..max (mas_empty_area)."""

    min: int
    max: int
    size: int


@dataclass(frozen=True, slots=True)
class MasEmptyAreaRev(Common):
    """Go to the highest `size` empty indices within min..max (mas_empty_area_rev)."""

    min: int
    max: int
    size: int


@dataclass(frozen=True, slots=True)
class MasStoreGfp(Common):
    """Store over the cursor's range (mas_store_gfp)."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class MasStore(Common):
    """Store over the cursor's range, without waiting for memory (mas_store)."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class MasFill(Common):
    """Load many ranges in order: the k-th, of `length` indices, at first + k * stride, with entry k + 1.

    The same as so many mas_set_range and mas_store, in one step, while a cursor loads in order.
    """

    first: int
    stride: int
    length: int
    count: int


@dataclass(frozen=True, slots=True)
class MasErase(Common):
    """Empty the range around the cursor's index (mas_erase)."""


@dataclass(frozen=True, slots=True)
class MasPreallocate(Common):
    """Get the nodes for a store of `entry` ahead (mas_preallocate)."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class MasStorePrealloc(Common):
    """Store with the nodes that were got ahead: cannot fail (mas_store_prealloc)."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class MasExpectedEntries(Common):
    """Get the nodes for storing `count` ranges in order, ahead (mas_expected_entries)."""

    count: int


@dataclass(frozen=True, slots=True)
class MasNomem(Common):
    """After a store for which there was no memory: get it now (mas_nomem)."""


@dataclass(frozen=True, slots=True)
class MasDestroy(Common):
    """Give back what was got ahead; ends a load in order (mas_destroy)."""
