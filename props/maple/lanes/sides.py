"""Both sides of a bulk run, and what the run may do to them next.

A run is written once, in ``draws.py``, as calls of `Sides`. Which of its two kinds is behind them decides
the pace: `DirectSides` calls model and implementation and compares plain results; `RecordedSides` makes an
operation of each call, asks the rules of use, and goes through `Lockstep`, which works with any port and
leaves the explicit operations of a failure. Both keep the same book on trees and cursors, so the same draws
make the same run on either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mapleproof.props.common.port import USUAL, Traits
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.pairs import (
    AGAIN,
    LOST,
    MOVED,
    NARROWED,
    PREPARED,
    READY,
    REFUSED,
    CursorPair,
    Kind,
    TreePair,
)
from mapleproof.props.maple.mixes import RHYTHM
from mapleproof.props.maple.shortage import Short


class Sides(ABC):
    """The trees and cursors of a run. ``done`` counts operations."""

    pairs: list[TreePair]
    places: list[CursorPair]

    def __init__(self, alloc_range: bool, traits: Traits = USUAL) -> None:
        self.alloc_range = alloc_range
        self.traits = traits
        self.done = 0
        self.numbers = 1
        """Trees there have been."""

    # Whole trees

    def look(self, kind: Kind, pair: TreePair, *arguments: int) -> None:
        """Ask a tree something."""
        self.done += 1
        self._on_tree(kind, pair, None, arguments)

    def write(self, kind: Kind, pair: TreePair, short: Short, *arguments: int | None) -> None:
        """Change a tree; with ``short`` there is memory for so many nodes."""
        self.done += 1
        self._on_tree(kind, pair, short, arguments)
        self._written(pair)

    def fill(self, pair: TreePair, first: int, stride: int, length: int, count: int) -> None:
        """Store many ranges, if they fit into the address space."""
        if first + (count - 1) * stride + length <= 1 << 64:
            self.done += 1
            self._fill(pair, first, stride, length, count)
            self._written(pair)

    def dup(self, kind: Kind, pair: TreePair, short: Short) -> TreePair | None:
        """Duplicate a tree."""
        self.done += 1
        copy = self._dup(kind, pair, self.numbers, short)
        self.numbers += 1
        if copy is not None:
            self.pairs.append(copy)
        return copy

    def rcu_mode(self, pair: TreePair, on: bool) -> None:
        """Switch RCU mode; no reader may be inside any tree."""
        self.done += 1
        pair.rcu = on
        self._on_tree(ops.MtSetInRcu if on else ops.MtClearInRcu, pair, None, ())

    def reader(self, pair: TreePair) -> None:
        """A reader comes in, or leaves."""
        self.done += 1
        kind = ops.RcuReadUnlock if pair.readers else ops.RcuReadLock
        pair.readers = 1 - pair.readers
        self._on_tree(kind, pair, None, ())

    def barrier(self) -> None:
        """The grace period ends; no reader may be inside any tree."""
        self.done += 1
        self._barrier()

    def readers_inside(self) -> bool:
        return any(pair.readers for pair in self.pairs)

    # Cursors

    def init(self, place: CursorPair, pair: TreePair, index: int) -> None:
        """Put a cursor on a tree anew."""
        self.done += 1
        self.places[place.number] = self._init(place.number, pair, index)

    def put(self, kind: Kind, place: CursorPair, *arguments: int) -> None:
        """Set, pause or reset a cursor. After a refusal a reset one is good for another try only."""
        self.done += 1
        self._place(kind, place, arguments)
        refused = kind is ops.MasReset and place.standing in (REFUSED, AGAIN)
        place.standing = AGAIN if refused else READY
        place.doubtful = False
        place.seen = place.pair.writes

    def narrow(self, place: CursorPair, first: int, last: int) -> None:
        """Another range for a cursor that stands, or is to stand, where that begins."""
        self.done += 1
        self._place(ops.MasSetRangeStaying, place, (first, last))
        if place.standing in (PREPARED, MOVED):
            place.standing = MOVED
        else:
            place.standing = NARROWED

    def move(self, kind: Kind, place: CursorPair, *arguments: int) -> None:
        """Walk or step with a usable cursor, or with one that holds nodes for a store."""
        self.done += 1
        self._move(kind, place, arguments)
        if place.standing == PREPARED:
            place.standing = MOVED
        if kind is ops.MasWalk:
            place.doubtful = False
        place.seen = place.pair.writes

    def loop(self, kind: Kind, place: CursorPair, limit: int) -> None:
        """All entries from a usable cursor on, up or down to a limit."""
        self.done += 1
        self._loop(kind, place, limit)
        place.seen = place.pair.writes

    def search(self, kind: Kind, place: CursorPair, low: int, high: int, size: int) -> bool:
        """Search for room with a cursor that was just set; whether it stands there now."""
        self.done += 1
        ret = self._area(kind, place, (low, high, size))
        if ret != -22:
            place.standing = LOST if ret else READY
            place.seen = place.pair.writes
            start = place.model.index
            place.doubtful = not ret and place.pair.model.map.at(start)[0] != start
        return ret == 0

    def store(self, place: CursorPair, short: Short, entry: int | None, kind: Kind = ops.MasStoreGfp) -> bool:
        """Store over the range of a cursor that may do so; whether that was refused. `MasStore` does not wait
        for memory."""
        self.done += 1
        had_node = place.pair.model.has_node
        refused = self._store(kind, place, short, (entry,))
        self._stored(place, had_node, REFUSED if refused else READY)
        return refused

    def alloc(self, place: CursorPair, short: Short, *arguments: int) -> None:
        """Store at the first empty index, with a cursor that was just set, and stand there."""
        self.done += 1
        had_node = place.pair.model.has_node
        stored = self._alloc(place, short, arguments)
        self._stored(place, had_node, READY if stored else LOST)

    def nomem(self, place: CursorPair, short: Short) -> bool:
        """Get memory for a store that was refused; whether it was had, and the store can be made again."""
        self.done += 1
        had = self._nomem(ops.MasNomem, place, short, ())
        place.standing = AGAIN if had else LOST
        place.seen = place.pair.writes
        return had

    def nomem_nofail(self, place: CursorPair, first: int, last: int) -> None:
        """The same where it cannot fail; the cursor is set to first..last."""
        self.done += 1
        self._nomem(ops.MasNomemNofail, place, None, (first, last))
        place.standing = AGAIN
        place.seen = place.pair.writes

    def erase(self, place: CursorPair, short: Short) -> None:
        """Empty the range around a usable cursor."""
        self.done += 1
        had_node = place.pair.model.has_node
        refused = self._erase(place, short)
        self._stored(place, had_node, LOST if refused else READY)

    def _stored(self, place: CursorPair, had_node: bool, standing: int) -> None:
        """A write through a cursor was made, or was refused."""
        place.standing = standing
        place.found = False
        place.doubtful = had_node != place.pair.model.has_node
        self._written(place.pair)
        place.seen = place.pair.writes

    def preallocate(self, place: CursorPair, short: Short, entry: int | None) -> bool:
        """Get the nodes for a store ahead; whether they were had. If so the store must follow."""
        self.done += 1
        refused = self._store(ops.MasPreallocate, place, short, (entry,))
        place.standing = AGAIN if refused else PREPARED
        place.seen = place.pair.writes
        return not refused

    def store_prealloc(self, place: CursorPair, entry: int | None) -> None:
        """Store with the nodes that were got ahead, and no others."""
        self.done += 1
        had_node = place.pair.model.has_node
        self._store(ops.MasStorePrealloc, place, 0, (entry,))
        self._stored(place, had_node, READY)

    def expect(self, place: CursorPair, count: int, short: Short) -> bool:
        """Get the nodes for storing so many ranges in order, into an empty tree outside RCU mode; whether
        that was refused."""
        self.done += 1
        refused = self._store(ops.MasExpectedEntries, place, short, (count,))
        place.loading = not refused
        place.standing = LOST
        return refused

    def load(self, place: CursorPair, first: int, last: int, entry: int) -> None:
        """Store one of the ranges in order."""
        self.done += 2
        self._place(ops.MasSetRange, place, (first, last))
        self._store(ops.MasStore, place, 0, (entry,))
        self._written(place.pair)

    def load_many(self, place: CursorPair, first: int, stride: int, length: int, count: int) -> None:
        """Store many of the ranges in order."""
        self.done += 1
        self._load_many(place, first, stride, length, count)
        self._written(place.pair)

    def destroy(self, place: CursorPair) -> None:
        """Give back what was got ahead."""
        self.done += 1
        self._place(ops.MasDestroy, place, ())
        place.standing = LOST
        place.loading = False

    def _written(self, pair: TreePair) -> None:
        pair.writes += 1
        if pair.writes >= pair.look_at:
            pair.look_at = pair.writes + RHYTHM + len(pair.model.map.ranges) // 2
            self._verify(pair.number)

    # What the two kinds do in their own way. Those that may be refused memory return whether they were.

    @abstractmethod
    def _verify(self, tree: int) -> None:
        """Look at a tree's invariants and at all that it holds."""

    @abstractmethod
    def finish(self) -> None:
        """Look at all trees a last time, and see that no node is left behind."""

    @abstractmethod
    def borders(self, pair: TreePair) -> list[int]:
        """Where a tree's nodes end."""

    @abstractmethod
    def _on_tree(self, kind: Kind, pair: TreePair, short: Short, arguments: tuple[Any, ...]) -> None: ...

    @abstractmethod
    def _fill(self, pair: TreePair, first: int, stride: int, length: int, count: int) -> None: ...

    @abstractmethod
    def _dup(self, kind: Kind, pair: TreePair, number: int, short: Short) -> TreePair | None: ...

    @abstractmethod
    def _barrier(self) -> None: ...

    @abstractmethod
    def _init(self, number: int, pair: TreePair, index: int) -> CursorPair: ...

    @abstractmethod
    def _place(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None: ...

    @abstractmethod
    def _move(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None: ...

    @abstractmethod
    def _loop(self, kind: Kind, place: CursorPair, limit: int) -> None: ...

    @abstractmethod
    def _alloc(self, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        """Whether it was stored."""

    @abstractmethod
    def _area(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> int: ...

    @abstractmethod
    def _store(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[Any, ...]) -> bool: ...

    @abstractmethod
    def _erase(self, place: CursorPair, short: Short) -> bool: ...

    @abstractmethod
    def _nomem(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool: ...

    @abstractmethod
    def _load_many(self, place: CursorPair, first: int, stride: int, length: int, count: int) -> None: ...
