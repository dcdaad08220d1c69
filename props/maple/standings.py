"""What may be done through a cursor after what: the table that the rules of use carry out.

It is settled from Documentation/core-api/maple_tree.rst, from the comments in include/linux/maple_tree.h and
lib/maple_tree.c, and from what callers do where these are silent:

- A store leaves the cursor on what it stored, and it goes on from there, up, down, or with another store:
  mm's loops over VMAs store in their body (`for_each_vma`), alloc_tag stores twice in a row, regcache-maple
  erases within `mas_for_each`.
- `__mas_set_range` changes the range and keeps the place, to store there; a new range begins within the one
  that the cursor stands on (`vma_iter_config`, `vma_iter_store_overwrite`).
- A search for room leaves the cursor in that room (irqdesc, execmem, mm's unmapped areas): it is stored in,
  in part or whole, or the cursor goes on.
- Who was refused memory may make the same request again, as it stands or once it was reset. What a refused
  store of NULL leaves as range is not told, so nothing else may be made of it before it is set.
- After a preallocation its store follows, or another preallocation, with steps and other ranges in between.
"""

from collections.abc import Mapping
from enum import IntEnum

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS

Kind = type[Common]


class Standing(IntEnum):
    """What a cursor may be used for."""

    READY = 0  # anything
    NARROWED = 1  # its range was changed where it stands: to store there
    STALE = 2  # the tree changed: to be set, reset or paused
    LOST = 3  # to be set
    REFUSED = 4  # a store through it was refused memory
    AGAIN = 5  # to make again what was refused, or to be set
    PREPARED = 6  # holds the nodes for one store, and must make it next
    MOVED = 7  # holds the nodes for a store elsewhere: to be prepared again, or to give them back
    LOADING = 8  # loads in order


SET: tuple[Kind, ...] = (ops.MasInit, ops.MasSet, ops.MasSetRange)
STEPS: tuple[Kind, ...] = (ops.MasNext, ops.MasNextRange, ops.MasPrev, ops.MasPrevRange)
ROOM: tuple[Kind, ...] = (ops.MasEmptyArea, ops.MasEmptyAreaRev)
STORES: tuple[Kind, ...] = (ops.MasStoreGfp, ops.MasStore)
SAME: tuple[Kind, ...] = (*STORES, ops.MasPreallocate)
"""What may be made again where it was refused, with the entry that it had."""
GIVEN_MEMORY: tuple[Kind, ...] = (ops.MasNomem, ops.MasNomemNofail)
BOUND: tuple[Kind, ...] = (*GIVEN_MEMORY, ops.MasStorePrealloc, ops.MasFill)
"""What has something else right before it."""

NEED_START: tuple[Kind, ...] = (*ROOM, ops.MasAllocCyclic)
"""What begins at the root, with a cursor that has not looked yet, in a tree that keeps gaps."""

ANYTHING: tuple[Kind, ...] = tuple(
    form.operation for form in TREE_FORMS.values() if form.uses_cursor and form.operation not in BOUND
)

MAY: Mapping[Standing, frozenset[Kind]] = {
    Standing.READY: frozenset(ANYTHING),
    Standing.NARROWED: frozenset((*SET, ops.MasReset, ops.MasSetRangeStaying, *SAME)),
    Standing.STALE: frozenset((*SET, ops.MasReset, ops.MasPause)),
    Standing.LOST: frozenset(SET),
    Standing.REFUSED: frozenset((*SET, ops.MasReset, *GIVEN_MEMORY, *SAME)),
    Standing.AGAIN: frozenset((*SET, ops.MasReset, *SAME)),
    Standing.PREPARED: frozenset(
        (ops.MasSetRange, ops.MasSetRangeStaying, *STEPS, ops.MasPreallocate, ops.MasStorePrealloc)
    ),
    Standing.MOVED: frozenset((ops.MasSetRange, ops.MasSetRangeStaying, *STEPS, ops.MasPreallocate)),
    Standing.LOADING: frozenset((ops.MasSetRange, ops.MasStore, ops.MasFill)),
}
"""What may be done through a cursor of each standing. `mas_destroy` always may."""

WHY_NOT: Mapping[Standing, str] = {
    Standing.READY: "nothing goes before it",
    Standing.NARROWED: "is to store in its range",
    Standing.STALE: "must be set, reset or paused",
    Standing.LOST: "must be set",
    Standing.REFUSED: "was refused: must be set, reset, or tried again",
    Standing.AGAIN: "was refused: must be set, or tried again",
    Standing.PREPARED: "must make its store",
    Standing.MOVED: "must prepare again",
    Standing.LOADING: "loads in order",
}
"""Why it may not do anything else."""

DONE, REFUSED, NOT_FOUND = "done", "refused", "not found"
"""How an operation ended: it did what it is for; memory was refused to it; there is no room."""

THEN: Mapping[Kind, Mapping[str, Standing]] = {
    **{kind: {DONE: Standing.READY} for kind in ANYTHING},
    ops.MasSetRangeStaying: {DONE: Standing.NARROWED},
    **{kind: {DONE: Standing.READY, NOT_FOUND: Standing.LOST} for kind in ROOM},
    **{kind: {DONE: Standing.READY, REFUSED: Standing.REFUSED} for kind in STORES},
    ops.MasErase: {DONE: Standing.READY, REFUSED: Standing.LOST},
    ops.MasAllocCyclic: {DONE: Standing.READY, NOT_FOUND: Standing.LOST, REFUSED: Standing.LOST},
    ops.MasPreallocate: {DONE: Standing.PREPARED, REFUSED: Standing.AGAIN},
    ops.MasStorePrealloc: {DONE: Standing.READY},
    ops.MasExpectedEntries: {DONE: Standing.LOADING, REFUSED: Standing.LOST},
    ops.MasNomem: {DONE: Standing.AGAIN, REFUSED: Standing.LOST},
    ops.MasNomemNofail: {DONE: Standing.AGAIN},
}
"""What a cursor is good for after an operation through it."""

AFTER_ANOTHER: Mapping[Standing, Standing] = {
    Standing.READY: Standing.STALE,
    Standing.NARROWED: Standing.STALE,
    Standing.REFUSED: Standing.LOST,
    Standing.AGAIN: Standing.LOST,
}
"""The same after a write to the tree that did not go through it; where a cursor has not looked yet, or is
paused, it stays what it is."""
