"""Both sides of a bulk run, and what the run may do to them next.

A run is written once, in ``draws.py``, as calls of `Sides`. Which of its two kinds is behind them decides
the pace: `DirectSides` calls model and implementation and compares plain results; `RecordedSides` makes an
operation of each call, asks the rules of use, and goes through `Lockstep`, which works with any port and
leaves the explicit operations of a failure. Both keep the same book on trees and cursors, so the same draws
make the same run on either.
"""

from __future__ import annotations

from typing import Any

from props.expect import fits_one_slot
from props.ops import operations as ops
from props.ops.common_operations import Common
from props.ops.dispatch import NO_MEMORY

READY, AREA, STALE, LOST = range(4)
"""What a cursor may be used for: anything; to store in the room it found; once it is set, reset or paused;
once it is set. See ``rules.py``, whose rules these keep."""

CURSORS = 3
TREES = 4
"""The most trees in a run."""

RHYTHM = 40
"""Writes to a small tree between two looks at all that it holds; a large tree is looked at less often."""

Kind = type[Common]

MUST_SUCCEED = (ops.MasStorePrealloc, ops.MasStore)
"""Stores whose nodes were got ahead. They say nothing; the cursor's status does."""

CHANGE_ONE_SLOT = (ops.MtreeStoreRange, ops.MtreeInsertRange)
"""Writes to a tree that may need no memory, where they replace what one slot holds."""


def write_refused(kind: Kind, twin: Twin, ret: int, arguments: tuple[Any, ...]) -> bool:
    """Whether a write to a tree that returned ``ret`` was refused memory, as it may have been."""
    return ret == NO_MEMORY and not (kind in CHANGE_ONE_SLOT and fits_one_slot(twin.model, *arguments))


def store_refused(kind: Kind, place: Place, ret: int, arguments: tuple[Any, ...]) -> bool:
    """The same of a store through a cursor; if so the model's cursor is as after a refusal."""
    model = place.model
    if ret != NO_MEMORY or kind in MUST_SUCCEED:
        return False
    if fits_one_slot(place.twin.model, model.index, model.last, *arguments):
        return False
    if kind is ops.MasPreallocate:
        model.reset()
    else:
        model.refuse()
    return True


class Twin:
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


class Place:
    """One cursor on both sides, and what it may be used for. ``seen`` is the writes of its tree by then."""

    __slots__ = ("impl", "model", "number", "seen", "standing", "twin")

    def __init__(self, number: int, twin: Twin, model: Any, impl: Any) -> None:
        self.number = number
        self.twin = twin
        self.model = model
        self.impl = impl
        self.standing = READY
        self.seen = 0

    def usable(self) -> bool:
        """Whether it may be used for anything."""
        if self.standing:
            return False
        return self.seen == self.twin.writes or self.model.status in ("start", "pause")


class Sides:
    """The trees and cursors of a run. ``done`` counts operations."""

    twins: list[Twin]
    places: list[Place]

    def __init__(self, alloc_range: bool) -> None:
        self.alloc_range = alloc_range
        self.done = 0
        self.numbers = 1
        """Trees there have been."""

    # Whole trees

    def look(self, kind: Kind, twin: Twin, *arguments: int) -> None:
        """Ask a tree something."""
        self.done += 1
        self._on_tree(kind, twin, None, arguments)

    def write(self, kind: Kind, twin: Twin, short: int | None, *arguments: int | None) -> None:
        """Change a tree; with ``short`` there is memory for so many nodes."""
        self.done += 1
        self._on_tree(kind, twin, short, arguments)
        self._written(twin)

    def fill(self, twin: Twin, first: int, stride: int, length: int, count: int) -> None:
        """Store many ranges, if they fit into the address space."""
        if first + (count - 1) * stride + length <= 1 << 64:
            self.done += 1
            self._fill(twin, first, stride, length, count)
            self._written(twin)

    def dup(self, twin: Twin, short: int | None) -> Twin | None:
        """Duplicate a tree."""
        self.done += 1
        copy = self._dup(twin, self.numbers, short)
        self.numbers += 1
        if copy is not None:
            self.twins.append(copy)
        return copy

    def rcu_mode(self, twin: Twin, on: bool) -> None:
        """Switch RCU mode; no reader may be inside any tree."""
        self.done += 1
        twin.rcu = on
        self._on_tree(ops.MtSetInRcu if on else ops.MtClearInRcu, twin, None, ())

    def reader(self, twin: Twin) -> None:
        """A reader comes in, or leaves."""
        self.done += 1
        kind = ops.RcuReadUnlock if twin.readers else ops.RcuReadLock
        twin.readers = 1 - twin.readers
        self._on_tree(kind, twin, None, ())

    def barrier(self) -> None:
        """The grace period ends; no reader may be inside any tree."""
        self.done += 1
        self._barrier()

    def readers_inside(self) -> bool:
        return any(twin.readers for twin in self.twins)

    # Cursors

    def init(self, place: Place, twin: Twin, index: int) -> None:
        """Put a cursor on a tree anew."""
        self.done += 1
        self.places[place.number] = self._init(place.number, twin, index)

    def put(self, kind: Kind, place: Place, *arguments: int) -> None:
        """Set, pause or reset a cursor."""
        self.done += 1
        self._place(kind, place, arguments)
        place.standing = READY
        place.seen = place.twin.writes

    def move(self, kind: Kind, place: Place, *arguments: int) -> None:
        """Walk or step with a usable cursor."""
        self.done += 1
        self._move(kind, place, arguments)
        place.seen = place.twin.writes

    def search(self, kind: Kind, place: Place, low: int, high: int, size: int) -> None:
        """Search for room with a cursor that was just set."""
        self.done += 1
        ret = self._area(kind, place, (low, high, size))
        if ret != -22:
            place.standing = LOST if ret else AREA
            place.seen = place.twin.writes

    def store(self, place: Place, short: int | None, entry: int | None) -> None:
        """Store over the range of a usable cursor, or of one that found room."""
        self.done += 1
        cursor, twin = place.model, place.twin
        stays = (
            entry is not None
            and place.standing == READY
            and cursor.status == "active"
            and twin.model.map.at(cursor.index)[:2] == (cursor.index, cursor.last)
        )
        refused = self._store(ops.MasStoreGfp, place, short, (entry,))
        place.standing = LOST if refused else READY if stays else STALE
        self._written(twin)
        place.seen = twin.writes

    def erase(self, place: Place, short: int | None) -> None:
        """Empty the range around a usable cursor."""
        self.done += 1
        held = place.model.tree.load(place.model.index)
        refused = self._erase(place, short)
        place.standing = LOST if refused else READY if held is None else STALE
        self._written(place.twin)
        place.seen = place.twin.writes

    def preallocate(self, place: Place, short: int | None, entry: int | None) -> bool:
        """Get the nodes for a store ahead; whether they were had. If so the store must follow."""
        self.done += 1
        refused = self._store(ops.MasPreallocate, place, short, (entry,))
        if refused:
            place.standing = LOST
        return not refused

    def store_prealloc(self, place: Place, entry: int | None) -> None:
        """Store with the nodes that were got ahead, and no others."""
        self.done += 1
        self._store(ops.MasStorePrealloc, place, 0, (entry,))
        place.standing = STALE
        self._written(place.twin)

    def expect(self, place: Place, count: int) -> None:
        """Get the nodes for storing so many ranges in order, into an empty tree outside RCU mode."""
        self.done += 1
        self._store(ops.MasExpectedEntries, place, None, (count,))

    def load(self, place: Place, first: int, last: int, entry: int) -> None:
        """Store one of the ranges in order."""
        self.done += 2
        self._place(ops.MasSetRange, place, (first, last))
        self._store(ops.MasStore, place, 0, (entry,))
        self._written(place.twin)

    def load_many(self, place: Place, first: int, stride: int, length: int, count: int) -> None:
        """Store many of the ranges in order."""
        self.done += 1
        self._load_many(place, first, stride, length, count)
        self._written(place.twin)

    def destroy(self, place: Place) -> None:
        """Give back what was got ahead."""
        self.done += 1
        self._place(ops.MasDestroy, place, ())
        place.standing = LOST

    def _written(self, twin: Twin) -> None:
        twin.writes += 1
        if twin.writes >= twin.look_at:
            twin.look_at = twin.writes + RHYTHM + len(twin.model.map.ranges) // 2
            self._verify(twin.number)

    # What the two kinds do in their own way. Those that may be refused memory return whether they were.

    def _verify(self, tree: int) -> None:
        """Look at a tree's invariants and at all that it holds."""
        raise NotImplementedError

    def finish(self) -> None:
        """Look at all trees a last time, and see that no node is left behind."""
        raise NotImplementedError

    def borders(self, twin: Twin) -> list[int]:
        """Where a tree's nodes end."""
        raise NotImplementedError

    def _on_tree(self, kind: Kind, twin: Twin, short: int | None, arguments: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _fill(self, twin: Twin, first: int, stride: int, length: int, count: int) -> None:
        raise NotImplementedError

    def _dup(self, twin: Twin, number: int, short: int | None) -> Twin | None:
        raise NotImplementedError

    def _barrier(self) -> None:
        raise NotImplementedError

    def _init(self, number: int, twin: Twin, index: int) -> Place:
        raise NotImplementedError

    def _place(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _move(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _area(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> int:
        raise NotImplementedError

    def _store(self, kind: Kind, place: Place, short: int | None, arguments: tuple[Any, ...]) -> bool:
        raise NotImplementedError

    def _erase(self, place: Place, short: int | None) -> bool:
        raise NotImplementedError

    def _load_many(self, place: Place, first: int, stride: int, length: int, count: int) -> None:
        raise NotImplementedError
