"""What a bulk run does next, drawn from its mix.

A kind of step is one operation, or a few that belong together, on the two sides of a run.
"""

from __future__ import annotations

from props.lanes.aims import MAX, Aims
from props.lanes.sides import AREA, LOST, TREES, Kind
from props.ops import operations as ops

AIM_EVERY = 96
"""Steps after which is looked anew where ranges and leaves end."""


class Draws(Aims):
    """Draws the steps of one run, and carries them out on ``sides``."""

    def run(self, count: int) -> None:
        """At least ``count`` operations."""
        sides, mix, choices = self.sides, self.mix, self.rng.choices
        kinds = [getattr(self, "_" + kind) for kind in mix.kinds]
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
            self.sides.fill(self.sides.twins[0], mix.base, step, length, mix.prefill)
        self._aim()

    # Kinds of steps on trees

    def _store(self) -> None:
        first, last = self._range()
        self.sides.write(ops.MtreeStoreRange, self._tree(), self._short(), first, last, self._maybe_null())

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

    def _load(self) -> None:
        self.sides.look(ops.MtreeLoad, self._tree(), self._index())

    def _find(self) -> None:
        self.sides.look(ops.MtFind, self._tree(), self._index(), self._limit(True))

    def _find_after(self) -> None:
        self.sides.look(ops.MtFindAfter, self._tree(), self._index(), self._limit(True))

    def _next(self) -> None:
        self.sides.look(ops.MtNext, self._tree(), self._index(), self._limit(True))

    def _prev(self) -> None:
        self.sides.look(ops.MtPrev, self._tree(), self._index(), self._limit(False))

    def _alloc(self) -> None:
        self._allocate(ops.MtreeAllocRange)

    def _alloc_rev(self) -> None:
        self._allocate(ops.MtreeAllocRrange)

    def _allocate(self, kind: Kind) -> None:
        low, high = self._area_window(kind is ops.MtreeAllocRrange)
        entry, size = self._entry(), self._size()
        self.sides.write(kind, self._tree(), self._short(), entry, size, low, high)

    def _bare(self) -> None:
        """A bare entry, and room for as much as there is around it, or for a little more."""
        if self.random() < 0.03:
            twin, high = self._tree(), min(self._index(), MAX - 1)
            self.sides.write(ops.MtreeDestroy, twin, None)
            self.sides.write(ops.MtreeStoreRange, twin, None, 0, 0, self._entry())
            kind = ops.MtreeAllocRange if self.random() < 0.5 else ops.MtreeAllocRrange
            size = high + int(self.random() * 2)
            self.sides.write(kind, twin, self._short(), self._entry(), size, 0, high)

    def _alloc_cyclic(self) -> None:
        low, high = self._window()
        entry, follows = self._entry(), self._index()
        self.sides.write(ops.MtreeAllocCyclic, self._tree(), self._short(), entry, low, high, follows)

    def _dup(self) -> None:
        if len(self.sides.twins) < TREES and self.random() < 0.15:
            few, many = self._short(), int(2 ** (self.random() * 8))
            short = (None, 0, few, many, many, many)[int(self.random() * 6)]
            copy = self.sides.dup(self._tree(), short)
            if copy is not None:
                self.sides.init(self._any_cursor(), copy, self._index())

    def _destroy(self) -> None:
        if self.random() < 0.03:
            self.sides.write(ops.MtreeDestroy, self._tree(), None)

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

    # Kinds of steps with cursors

    def _set(self) -> None:
        place, chance = self._any_cursor(), self.random()
        if chance < 0.05:
            self.sides.init(place, self._tree(), self._index())
        elif chance < 0.25:
            self.sides.put(ops.MasSetRange, place, *self._range())
        else:
            self.sides.put(ops.MasSet, place, self._index())

    def _pause(self) -> None:
        place = self._any_cursor()
        if place.standing != LOST:
            self.sides.put(ops.MasPause if self.random() < 0.67 else ops.MasReset, place)

    def _walk(self) -> None:
        self.sides.move(ops.MasWalk, self._cursor())

    def _mas_find(self) -> None:
        self.sides.move(ops.MasFind, self._cursor(), self._limit(True))

    def _mas_find_range(self) -> None:
        self.sides.move(ops.MasFindRange, self._cursor(), self._limit(True))

    def _mas_next(self) -> None:
        self.sides.move(ops.MasNext, self._cursor(), self._limit(True))

    def _mas_next_range(self) -> None:
        self.sides.move(ops.MasNextRange, self._cursor(), self._limit(True))

    def _mas_find_rev(self) -> None:
        self.sides.move(ops.MasFindRev, self._cursor(), self._limit(False))

    def _mas_find_range_rev(self) -> None:
        self.sides.move(ops.MasFindRangeRev, self._cursor(), self._limit(False))

    def _mas_prev(self) -> None:
        self.sides.move(ops.MasPrev, self._cursor(), self._limit(False))

    def _mas_prev_range(self) -> None:
        self.sides.move(ops.MasPrevRange, self._cursor(), self._limit(False))

    def _area(self) -> None:
        self._search(ops.MasEmptyArea)

    def _area_rev(self) -> None:
        self._search(ops.MasEmptyAreaRev)

    def _search(self, kind: Kind) -> None:
        if not self.sides.alloc_range:
            return
        place, random = self._any_cursor(), self.random
        low, high = self._area_window(kind is ops.MasEmptyAreaRev)
        size = self._size()
        if random() < 0.15:
            size = min(high - low + (0, 1, 1)[int(random() * 3)], MAX)
        self.sides.put(ops.MasSet, place, low)
        self.sides.search(kind, place, low, high, size)
        if place.standing == AREA:
            if random() < 0.35:
                self.sides.store(place, self._short(), self._entry())
        elif place.usable():
            self.sides.move(ops.MasNextRange if random() < 0.5 else ops.MasNext, place, MAX)

    def _cross(self) -> None:
        """Go over the end of a leaf or a larger subtree, up or down."""
        place, random = self._any_cursor(), self.random
        index, up = self.edges[int(random() * len(self.edges))], random() < 0.5
        self.sides.put(ops.MasSet, place, index if up or index == MAX else index + 1)
        self.sides.move(ops.MasWalk, place)
        for _ in range(3):
            if self._stuck(place):
                break
            if up:
                self.sides.move(ops.MasNext if random() < 0.5 else ops.MasNextRange, place, MAX)
            else:
                self.sides.move(ops.MasPrev if random() < 0.5 else ops.MasPrevRange, place, 0)

    def _sweep(self) -> None:
        """A long walk over several leaves, up or down, range by range."""
        place, random = self._any_cursor(), self.random
        up = random() < 0.5
        self.sides.put(ops.MasSet, place, self._index())
        self.sides.move(ops.MasWalk, place)
        for _ in range(int(random() * 40)):
            self.sides.move(ops.MasNextRange if up else ops.MasPrevRange, place, MAX if up else 0)
            if place.model.status != "active":
                break

    def _mas_store(self) -> None:
        place = self._any_cursor()
        self.sides.put(ops.MasSetRange, place, *self._range())
        self.sides.store(place, self._short(), self._maybe_null())

    def _mas_replace(self) -> None:
        """What fork does: find an entry, store over exactly its range, go on."""
        place = self._any_cursor()
        self.sides.put(ops.MasSet, place, self._index())
        for _ in range(3):
            self.sides.move(ops.MasFind, place, MAX)
            if place.model.status == "active":
                self.sides.store(place, 0, self._entry())
                if not place.usable():
                    break
            if self._stuck(place):
                break

    def _mas_erase(self) -> None:
        place = self._any_cursor()
        self.sides.put(ops.MasSet, place, self._index())
        self.sides.erase(place, self._short())

    def _prealloc(self) -> None:
        place, entry, random = self._any_cursor(), self._maybe_null(), self.random
        sides = self.sides
        sides.put(ops.MasSetRange, place, *self._range())
        prepared = sides.preallocate(place, self._short(), entry)
        if random() < 0.1:
            sides.destroy(place)
            prepared = False
        if random() < 0.3:
            sides.put(ops.MasSetRange, place, *(self._window() if random() < 0.3 else self._range()))
            prepared = sides.preallocate(place, None, entry)
        if prepared:
            sides.store_prealloc(place, entry)

    def _bulk_load(self) -> None:
        sides, rng = self.sides, self.rng
        place = self._any_cursor()
        twin = place.twin
        if self.random() < 0.85 or twin.rcu or len(sides.twins) > 1:
            return
        sides.write(ops.MtreeDestroy, twin, None)
        count = rng.choice((1, 3, 20, 100, 300))
        sides.put(ops.MasSet, place, 0)
        sides.expect(place, count)
        if self.random() < 0.7:
            stride = rng.choice((1, 2, 3))
            length = rng.randint(1, stride)
            if self.mix.base + (count - 1) * stride + length <= MAX:
                sides.load_many(place, self.mix.base, stride, length, count)
            sides.destroy(place)
            return
        index = self.mix.base
        for _ in range(count):
            first = index + rng.choice((0, 1, 1, 3))
            index = first + 1 + rng.randrange(4)
            if index > MAX:
                break
            sides.load(place, first, index - 1, self._entry())
        sides.destroy(place)
