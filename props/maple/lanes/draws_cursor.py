"""What a bulk run does next through its cursors.

A kind of step is a few operations that belong together: what callers do with a cursor, from where it is set
to where they let go of it.
"""

from __future__ import annotations

from mapleproof.props.maple import coarse
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.lanes.aims import MAX, Aims
from mapleproof.props.maple.lanes.pairs import READY, STALE, CursorPair, Kind, TreePair
from mapleproof.props.maple.mixes import FAR, FARTHEST, LOOPED_OVER, NEEDS, UP_TO_THE_TOP
from mapleproof.props.maple.shortage import NOWAIT, once

COARSELY_WRONG = ("alloc", "alloc_rev", "bare", "destroy", "bulk_load")
"""Kinds of steps that kernels with coarse cursors get wrong."""


class CursorDraws(Aims):
    """Draws steps with cursors, and carries them out on ``sides``."""

    def _lacking(self, kind: str) -> bool:
        """Whether a kind of step is of an operation that the port has not got, or gets wrong in a careful
        run."""
        if self.careful and self.sides.traits.coarse and kind in COARSELY_WRONG:
            return True
        needed = TREE_FORMS[kind].operation if kind in TREE_FORMS else NEEDS.get(kind)
        return needed in self.sides.traits.lacks

    def _bare_from_above(self, pair: TreePair) -> bool:
        """Whether a careful run does not step down here: without a node, in a kernel with coarse cursors."""
        return self.careful and self.sides.traits.coarse and coarse.without_node(pair.model)

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
        if place.standing in (READY, STALE) and not (self.sides.traits.coarse and self._stuck(place)):
            self.sides.put(ops.MasPause if self.random() < 0.67 else ops.MasReset, place)

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
        if self.sides.traits.coarse:
            if place.pair.model.has_node and not place.pair.model.map.ranges:
                return
            if low == high:  # a window of two, as far down as the search may begin
                low = min(low, self._area_window_top(kind is ops.MasEmptyAreaRev) - 1)
                high = low + 1
            size = min(max(1, size), high - low + 1) if high - low < MAX else max(1, size)
        self.sides.put(ops.MasSet, place, low)
        found = self.sides.search(kind, place, low, high, size)
        if not found:
            if place.usable():
                self.sides.move(self._either(ops.MasNextRange, ops.MasNext), place, MAX)
            return
        chance, model = random(), place.model
        if chance < 0.35 or self.sides.traits.coarse:
            self.sides.store(place, self._short(), self._entry())
        elif chance < 0.5 and model.status == "active" and not self._lacking("mas_narrow"):
            first = model.index + int(random() * min(size, 4))
            self.sides.narrow(place, first, first + int(random() * (model.last - first + 1)))
            self.sides.store(place, self._short(), self._entry())
            self._go_on(place)
        elif chance < 0.8:
            self._go_on(place)

    def _either(self, one: Kind, other: Kind) -> Kind:
        """One of two operations that stand for one another, of those that the port has got."""
        if self.random() < 0.5:
            one, other = other, one
        return one if other in self.sides.traits.lacks else other

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
                self.sides.move(self._either(ops.MasNext, ops.MasNextRange), place, MAX)
            else:
                self.sides.move(self._either(ops.MasPrev, ops.MasPrevRange), place, 0)

    def _sweep(self) -> None:
        """A long walk over several leaves, up or down, range by range."""
        place, random = self._any_cursor(), self.random
        up = random() < 0.5
        step: Kind = ops.MasNextRange if up else ops.MasPrevRange
        if step in self.sides.traits.lacks:
            step = ops.MasNext if up else ops.MasPrev
        self.sides.put(ops.MasSet, place, self._index())
        self.sides.move(ops.MasWalk, place)
        for _ in range(int(random() * 40)):
            if self._stuck(place):
                break
            self.sides.move(step, place, MAX if up else 0)
            if place.model.status != "active":
                break

    def _mas_store(self) -> None:
        place = self._any_cursor()
        self.sides.put(ops.MasSetRange, place, *self._range())
        self._store_and_go_on(place, self._maybe_null())

    def _mas_store_here(self) -> None:
        """What loops with a store in their body do: a cursor that moved stores, and goes on."""
        place = self._cursor()
        up, gaps = self.random() < 0.5, self.random() < 0.3
        if gaps:
            kind = (
                self._either(ops.MasNextRange, ops.MasNext)
                if up
                else self._either(ops.MasPrevRange, ops.MasPrev)
            )
        else:
            kind = ops.MasFind if up else ops.MasPrev
        if not up and self._bare_from_above(place.pair):
            return
        self.sides.move(kind, place, MAX if up else 0)
        if place.model.status == "active" and not self._stuck(place):
            self._store_and_go_on(place, self._maybe_null())

    def _mas_narrow(self) -> None:
        """What mm's iterator does: the range changes, the place stays, and there it stores."""
        place, random = self._any_cursor(), self.random
        first, last = self._range()
        if random() < 0.7:
            self.sides.put(ops.MasSet, place, first)
            self.sides.move(ops.MasWalk, place)
            if not self._may_narrow(place):
                return
            first = min(max(first, place.model.index), place.model.last)
            last = max(first, last)
        else:
            self.sides.put(ops.MasSet, place, first)
        self.sides.narrow(place, first, last)
        self._store_and_go_on(place, self._maybe_null())

    def _may_narrow(self, place: CursorPair) -> bool:
        """Whether the cursor stands where another range can begin."""
        there = place.usable() and not self._stuck(place) and not self._lacking("mas_narrow")
        return there and place.model.status == "active"

    def _store_and_go_on(self, place: CursorPair, entry: int | None) -> None:
        """Store through a cursor, if need be again, and go on from there."""
        sides, random = self.sides, self.random
        if sides.store(place, self._short(), entry):
            if random() < 0.5:
                return
            if self.careful or sides.traits.coarse or random() < 0.5:
                sides.put(ops.MasReset, place)
            if sides.store(place, self._short(), entry):
                return
        self._go_on(place)

    def _go_on(self, place: CursorPair) -> None:
        """A step or two, or a store, from where a cursor stands."""
        random, sides = self.random, self.sides
        for _ in range(int(random() * 4)):
            if self._stuck(place) or not place.usable():
                return
            chance = random()
            if chance < 0.35:
                sides.move(self._either(ops.MasNext, ops.MasNextRange), place, self._limit(True))
            elif chance < 0.7:
                if not self._bare_from_above(place.pair):
                    sides.move(self._either(ops.MasPrev, ops.MasPrevRange), place, self._limit(False))
            elif chance < 0.8:
                sides.move(ops.MasFind, place, self._limit(True))
            elif chance < 0.9:
                sides.store(place, self._short(), self._maybe_null())
            else:
                sides.erase(place, self._short())

    def _mas_alloc_cyclic(self) -> None:
        """Store at a free index through a cursor, and go on from there."""
        if not self.sides.alloc_range:
            return
        place, (low, high) = self._any_cursor(), self._window()
        self.sides.put(ops.MasSet, place, low)
        self.sides.alloc(place, self._short(), self._entry(), low, high, self._index())
        self._go_on(place)

    def _for_each(self) -> None:
        """A loop over the entries from a cursor on."""
        place, up = self._cursor(), self.random() < 0.5
        kind = ops.MasForEach if up else ops.MasForEachRev
        small = len(place.pair.model.map.ranges) < LOOPED_OVER
        if small and kind not in self.sides.traits.lacks and (up or not self._bare_from_above(place.pair)):
            self.sides.loop(kind, place, self._limit(up))

    def _mas_replace(self) -> None:
        """What fork does: find an entry, store over exactly its range, go on."""
        place = self._any_cursor()
        self.sides.put(ops.MasSet, place, self._index())
        for _ in range(3):
            self.sides.move(ops.MasFind, place, MAX)
            if place.model.status == "active" and not self._stuck(place):
                self.sides.store(place, 0, self._entry())
                if not place.usable():
                    break
            if self._stuck(place):
                break

    def _retry(self) -> None:
        """A store that cannot wait is refused, memory is got with the lock let go, and it is made again."""
        place, entry, sides = self._any_cursor(), self._entry(), self.sides
        first, last = self._range()
        sides.put(ops.MasSetRange, place, first, last)
        short = (NOWAIT, 0, once(0), once(1))[int(self.random() * 4)]
        if not sides.store(place, short, entry, ops.MasStore):
            return
        chance = self.random()
        if chance < 0.15:
            sides.destroy(place)
            return
        if chance < 0.4 and ops.MasNomemNofail not in sides.traits.lacks:
            sides.nomem_nofail(place, first, last)
        elif not sides.nomem(place, None):
            return
        sides.store(place, None, entry, ops.MasStore)
        sides.destroy(place)

    def _mas_erase(self) -> None:
        place = self._any_cursor()
        if self.sides.traits.coarse and coarse.gives_up_its_node(place.pair.model):
            return
        self.sides.put(ops.MasSet, place, self._index())
        self.sides.erase(place, self._short())

    def _prealloc(self) -> None:
        place, entry, random = self._any_cursor(), self._maybe_null(), self.random
        sides = self.sides
        sides.put(ops.MasSetRange, place, *self._range())
        prepared = sides.preallocate(place, self._short(asks_again=False), entry)
        if not prepared:
            if random() < 0.5:
                sides.init(place, place.pair, self._index())  # what a cursor held that is dropped has leaked
                return
            prepared = random() < 0.5 and sides.preallocate(place, self._short(asks_again=False), entry)
        if random() < 0.1:
            sides.destroy(place)
            prepared = False
        if random() < 0.3:
            sides.put(ops.MasSetRange, place, *(self._window() if random() < 0.3 else self._range()))
            prepared = sides.preallocate(place, None, entry)
        if prepared:
            sides.store_prealloc(place, entry)
            self._go_on(place)

    def _prealloc_here(self) -> None:
        """Prepare a store, look at a neighbour, take another range there, prepare that and store."""
        place, sides, random, entry = self._any_cursor(), self.sides, self.random, self._entry()
        sides.put(ops.MasSet, place, self._index())
        sides.move(ops.MasWalk, place)
        if not self._may_narrow(place):
            return
        if not sides.preallocate(place, None, entry):
            return
        if random() < 0.5:
            up = random() < 0.5
            one, other = (ops.MasNext, ops.MasNextRange) if up else (ops.MasPrev, ops.MasPrevRange)
            sides.move(self._either(one, other), place, MAX if up else 0)
        model = place.model
        last = max(model.last, self._range()[1]) if random() < 0.5 else model.last
        sides.narrow(place, model.index + int(random() * 2) * int(model.last > model.index), last)
        if sides.preallocate(place, None, entry):
            sides.store_prealloc(place, entry)
            self._go_on(place)

    def _bulk_load(self) -> None:
        sides, rng = self.sides, self.rng
        place = self._any_cursor()
        pair = place.pair
        if self.random() < 0.85 or pair.rcu or len(sides.pairs) > 1:
            return
        sides.write(ops.MtreeDestroy, pair, None)
        count = rng.choice((1, 3, rng.randint(4, 40), rng.randint(16, 120), rng.randint(100, 320)))
        sides.put(ops.MasSet, place, 0)
        if sides.expect(place, count, self._short(asks_again=False)):
            return
        index, top = self.mix.base, self.random() < UP_TO_THE_TOP
        if self.random() < 0.7:
            stride = rng.choice((1, 2, 3))
            length = rng.randint(1, stride)
            if top:
                index = MAX - count * stride + 1
            if count * stride - 1 <= MAX - index:
                sides.load_many(place, index, stride, length, count)
            sides.destroy(place)
            return
        if top:
            index = MAX - count * 4
        for _ in range(count - 1):
            skip = rng.randrange(FARTHEST) if self.random() < FAR else rng.choice((0, 1, 1, 3))
            if MAX - index < FARTHEST + 4:
                break
            first = index + skip
            index = first + 1 + rng.randrange(4)
            sides.load(place, first, index - 1, self._entry())
        if top:
            sides.load(place, MAX, MAX, self._entry())
        sides.destroy(place)
