"""What a bulk run does next, drawn from its mix.

A kind of step is one operation, or a few that belong together, on the two sides of a run.
"""

from __future__ import annotations

from collections.abc import Callable

from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS, TreeForm
from mapleproof.props.maple.lanes.aims import MAX
from mapleproof.props.maple.lanes.draws_cursor import CursorDraws
from mapleproof.props.maple.lanes.pairs import Kind
from mapleproof.props.maple.mixes import AIM_EVERY, OUTSIDE_LOCKS, TREES

COUNTED, MOST_COUNTED = 0.012, 120
"""Share of the stores of a run that counts nodes in which it does, and ranges of the largest tree."""


class Draws(CursorDraws):
    """Draws the steps of one run, and carries them out on ``sides``. ``counted``: the share of stores in
    which nodes are counted."""

    counted = COUNTED

    def run(self, count: int) -> None:
        """At least ``count`` operations."""
        sides, mix, choices = self.sides, self.mix, self.rng.choices
        kinds = [
            getattr(self, "_" + kind, None) or self._plainly(TREE_FORMS[kind])
            for kind in mix.kinds
            if not self._lacking(kind)
        ] or [self._store]
        if sides.traits.has_locks and self.random() < OUTSIDE_LOCKS:
            sides.look(ops.MtSetExternalLock, sides.pairs[0])
            self.can_wait = True
        self._prefill()
        while sides.done < count:
            for step in choices(kinds, k=AIM_EVERY):
                step()
            self._aim()

    def _prefill(self) -> None:
        mix, rng = self.mix, self.rng
        step = max(2, mix.space // max(1, mix.prefill))
        if mix.prefill:
            length = step if mix.touching else 1 + rng.randrange(max(1, min(step - 1, mix.longest)))
            self.sides.fill(self.sides.pairs[0], mix.base, step, length, mix.prefill)
        self._aim()

    def _plainly(self, form: TreeForm) -> Callable[[], None]:
        """The step that is one operation, which looks at a tree or moves a cursor, and nothing else."""
        kind, up, limited = form.operation, form.limit == "max", bool(form.limit)

        def look() -> None:
            tree, index = self._tree(), self._index()
            if kind is ops.MtPrev and self._bare_from_above(tree):
                return
            self.sides.look(kind, tree, index, *((self._limit(up),) if limited else ()))

        def move() -> None:
            place = self._cursor()
            if kind is ops.MasWalk and self.sides.traits.coarse:
                self.sides.put(ops.MasSet, place, self._index())
            if kind in (ops.MasPrev, ops.MasFindRev) and self._bare_from_above(place.pair):
                return
            self.sides.move(kind, place, *((self._limit(up),) if limited else ()))

        return move if form.uses_cursor else look

    # Kinds of steps on trees

    def _store(self) -> None:
        first, last = self._range()
        self.sides.write(ops.MtreeStoreRange, self._tree(), self._short(), first, last, self._maybe_null())

    def _store_counted(self) -> None:
        """Nodes are counted in trees that are not too large to be told of now and then."""
        pair = self._tree()
        if self.random() > self.counted or len(pair.model.map.ranges) > MOST_COUNTED:
            self._store()
            return
        first, last = self._range()
        self.sides.write(ops.StoreRangeCounted, pair, None, first, last, self._maybe_null())

    def _store_null(self) -> None:
        first, last = self._range()
        self.sides.write(ops.MtreeStoreRange, self._tree(), self._short(), first, last, None)

    def _store_wide(self) -> None:
        if self.random() < 0.3:
            first, last = self._spared(*self._window())
            entry = self._maybe_null()
            self.sides.write(ops.MtreeStoreRange, self._tree(), self._short(), first, last, entry)

    def _fill(self) -> None:
        rng = self.rng
        if self.random() < 0.025:
            count = rng.choice((3, 8, 17, 17, 40, 150))
            stride = rng.choice((1, 2, 2, 3, 10))
            self.sides.fill(self._tree(), self._index(), stride, rng.randint(1, stride), count)

    def _insert(self) -> None:
        first, last = self._range()
        if self.careful and (first, last) == (0, MAX):
            last -= 1
        self.sides.write(ops.MtreeInsertRange, self._tree(), self._short(), first, last, self._entry())

    def _erase(self) -> None:
        self.sides.write(ops.MtreeErase, self._tree(), self._short(), self._index())

    def _alloc(self) -> None:
        self._allocate(ops.MtreeAllocRange)

    def _alloc_rev(self) -> None:
        self._allocate(ops.MtreeAllocRrange)

    def _allocate(self, kind: Kind) -> None:
        low, high = self._area_window(kind is ops.MtreeAllocRrange)
        entry, size = self._entry(), self._size()
        self.sides.write(kind, self._tree(), self._short(), entry, size, low, high)

    def _wrong(self) -> None:
        """Arguments that are wrong on purpose: the documented error, and nothing changed."""
        if self.random() < 0.8:
            return
        pair, low, high, chance = self._tree(), *sorted((self._index(), self._index())), self.random()
        if low == high:
            return
        if chance < 0.3:
            self.sides.write(ops.MtreeStoreRange, pair, None, high, low, self._maybe_null())
        elif chance < 0.5:
            self.sides.write(ops.MtreeInsertRange, pair, None, high, low, self._entry())
        elif not self._lacking("alloc"):
            kind = ops.MtreeAllocRange if chance < 0.75 else ops.MtreeAllocRrange
            size, limits = (0, (low, high)) if self.random() < 0.5 else (1, (high, low))
            self.sides.write(kind, pair, None, self._entry(), size, *limits)

    def _bare(self) -> None:
        """A bare entry, and room for as much as there is around it, or for a little more."""
        if self.random() < 0.03:
            pair, high = self._tree(), min(self._index(), MAX - 1)
            self.sides.write(ops.MtreeDestroy, pair, None)
            self.sides.write(ops.MtreeStoreRange, pair, None, 0, 0, self._entry())
            kind = ops.MtreeAllocRange if self.random() < 0.5 else ops.MtreeAllocRrange
            size = high + int(self.random() * 2)
            self.sides.write(kind, pair, self._short(), self._entry(), size, 0, high)

    def _alloc_cyclic(self) -> None:
        low, high = self._window()
        entry, follows = self._entry(), self._index()
        self.sides.write(ops.MtreeAllocCyclic, self._tree(), self._short(), entry, low, high, follows)

    def _dup(self) -> None:
        if len(self.sides.pairs) < TREES and self.random() < 0.15:
            few, many = self._short(), int(2 ** (self.random() * 8))
            short = (None, 0, few, many, many, many)[int(self.random() * 6)]
            kind = ops.MtreeDup if self.random() < 0.5 else ops.MtDup
            copy = self.sides.dup(kind, self._tree(), short)
            if copy is not None:
                self.sides.init(self._any_cursor(), copy, self._index())

    def _destroy(self) -> None:
        if self.random() < 0.03:
            kind = ops.MtreeDestroy if self.random() < 0.5 else ops.MtDestroy
            self.sides.write(kind, self._tree(), None)

    def _rcu_mode(self) -> None:
        wrong = self.careful and not self.sides.alloc_range
        if self.random() < 0.05 and not wrong and not self.sides.readers_inside():
            self.sides.rcu_mode(self._tree(), self.random() < 0.5)

    def _barrier(self) -> None:
        if self.random() < 0.1 and not self.sides.readers_inside():
            self.sides.barrier()

    def _reader(self) -> None:
        if self.random() < 0.1:
            self.sides.reader(self._tree())
