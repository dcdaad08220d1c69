"""The trees and cursors of a bulk run, each on both sides, and what the run may do to them.

Here is also what both sides of a run must agree on: what the operations are called there, and what a refusal
is.
"""

from __future__ import annotations

from typing import Any

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY, TREE_FORMS
from mapleproof.props.maple.expect import cannot_be_refused, fits_one_slot
from mapleproof.props.maple.shortage import Short
from mapleproof.props.maple.standings import Standing

READY, NARROWED, STALE, LOST, REFUSED, AGAIN, PREPARED, MOVED, LOADING = map(int, Standing)
"""What a cursor may be used for, by the table in ``standings.py``: these keep its rules."""

Kind = type[Common]

METHODS: dict[Kind, str] = {
    form.operation: form.method for form in TREE_FORMS.values() if form.method and not form.for_readers
}
"""What both sides call it."""

WITHOUT_MODEL: dict[Kind, tuple[str, tuple[Any, ...]]] = {
    form.operation: (form.method, form.fixed) for form in TREE_FORMS.values() if form.for_readers
}
"""What does not matter to the model: the method, and its arguments."""

LOOPED: dict[Kind, str] = {ops.MasForEach: "find", ops.MasForEachRev: "find_rev"}
"""What a loop over entries does again and again."""

SILENT = (ops.MasStorePrealloc, ops.MasStore)
"""Stores that say nothing; the cursor's status does."""

CHANGE_ONE_SLOT = (ops.MtreeStoreRange, ops.MtreeInsertRange)
"""Writes to a tree that may need no memory, where they replace what one slot holds."""


def write_refused(kind: Kind, pair: TreePair, short: Short, ret: int, arguments: tuple[Any, ...]) -> bool:
    """Whether a write to a tree that returned ``ret`` was refused memory, as it may have been."""
    if ret != NO_MEMORY or cannot_be_refused(kind, short):
        return False
    return not (kind in CHANGE_ONE_SLOT and fits_one_slot(pair.model, *arguments))


def store_refused(kind: Kind, place: CursorPair, short: Short, ret: int, arguments: tuple[Any, ...]) -> bool:
    """The same of a store through a cursor; if so the model's cursor is as after a refusal."""
    model = place.model
    if ret != NO_MEMORY or kind is ops.MasStorePrealloc or place.loading or cannot_be_refused(kind, short):
        return False
    if kind is ops.MasExpectedEntries:
        return True
    if fits_one_slot(place.pair.model, model.index, model.last, *arguments):
        return False
    if kind is ops.MasPreallocate:
        model.reset()
    else:
        model.refuse()
    return True


class TreePair:
    """One tree on both sides. ``writes`` counts them; at ``look_at`` its contents are looked at."""

    __slots__ = ("impl", "look_at", "model", "number", "rcu", "readers", "writes")

    def __init__(self, number: int, model: Any, impl: Any, rcu: bool) -> None:
        self.number = number
        self.model = model
        self.impl = impl
        self.rcu = rcu
        self.readers = 0
        self.writes = 0
        self.look_at = 0


class CursorPair:
    """One cursor on both sides, and what it may be used for. ``seen`` is the writes of its tree by then;
    ``found`` whether its last move met an entry, where anyone asks for that; ``loading`` whether it loads in
    order, with nodes that were got ahead; ``doubtful`` whether a kernel's cursor knows too little to go
    on from there, see ``rules.py``."""

    __slots__ = ("doubtful", "found", "impl", "loading", "model", "number", "pair", "seen", "standing")

    def __init__(self, number: int, pair: TreePair, model: Any, impl: Any) -> None:
        self.number = number
        self.pair = pair
        self.model = model
        self.impl = impl
        self.standing = READY
        self.seen = 0
        self.found = False
        self.loading = False
        self.doubtful = False

    def usable(self) -> bool:
        """Whether it may be used for anything."""
        if self.standing:
            return False
        return self.seen == self.pair.writes or self.model.status in ("start", "pause")
