"""What a run does next through its cursors: the kinds of steps of `props.maple.lanes.draws_cursor`."""

from __future__ import annotations

from mapleproof.props.maple.loop.aims import Aims
from mapleproof.props.maple.loop.book import Place
from mapleproof.props.maple.loop.codes import (
    ACTIVE,
    AREA_REV,
    DESTROY,
    FOR_EACH,
    FOR_EACH_REV,
    MAS_FIND,
    MAS_NEXT,
    MAS_NEXT_RANGE,
    MAS_PREV,
    MAS_PREV_RANGE,
    MAS_STORE,
    MAX,
    NEVER,
    NOMEM_NOFAIL,
    NOWAIT,
    ONCE,
    READY,
    STALE,
    STORE_GFP,
    WALK,
)
from mapleproof.props.maple.mixes import FAR as _FAR
from mapleproof.props.maple.mixes import FARTHEST as _FARTHEST
from mapleproof.props.maple.mixes import LOOPED_OVER as _LOOPED_OVER
from mapleproof.props.maple.mixes import UP_TO_THE_TOP as _UP_TO_THE_TOP

LOOPED_OVER, UP_TO_THE_TOP, FAR, FARTHEST = _LOOPED_OVER, _UP_TO_THE_TOP, _FAR, _FARTHEST


class CursorSteps(Aims):
    """Draws steps with cursors, and carries them out on both sides. ``lacks`` says by the number of an
    operation whether the tree's kernel has none such."""

    lacks: tuple[bool, ...]

    def cursor(self) -> Place:
        """A cursor that may be used for anything; it is set, reset or paused first where it must be."""
        place = self.any_cursor()
        if self.stuck(place) or not place.usable():
            chance = self.random()
            if chance < 0.6 or not (place.standing == READY or place.standing == STALE):
                self.set(place, self.index())
            elif chance < 0.85:
                self.pause(place)
            else:
                self.reset(place)
        return place

    def step_set(self) -> None:
        place, chance = self.any_cursor(), self.random()
        if chance < 0.05:
            index = self.index()
            self.init(place, self.tree(), index)
        elif chance < 0.25:
            self.draw_range()
            self.set_range(place, self.low, self.high)
        else:
            self.set(place, self.index())

    def step_pause(self) -> None:
        place = self.any_cursor()
        if place.standing == READY or place.standing == STALE:
            if self.random() < 0.67:
                self.pause(place)
            else:
                self.reset(place)

    def step_area(self, op: int) -> None:
        if not self.alloc_range:
            return
        place = self.any_cursor()
        self.draw_area(op == AREA_REV)
        low, high = self.low, self.high
        size = self.size()
        if self.random() < 0.15:
            size = high - low
            if self.random() < 0.67 and size < MAX:
                size += 1
        self.set(place, low)
        if not self.search(op, place, low, high, size):
            if place.usable():
                self.move(MAS_NEXT_RANGE if self.random() < 0.5 else MAS_NEXT, place, MAX)
            return
        chance = self.random()
        if chance < 0.35:
            self.store_entry(place, self.entry())
        elif chance < 0.5 and place.status == ACTIVE:
            first = place.index + self.below(size if size < 4 else 4)
            self.narrow(place, first, first + self.up_to(place.last - first))
            self.store_entry(place, self.entry())
            self.go_on(place)
        elif chance < 0.8:
            self.go_on(place)

    def step_cross(self) -> None:
        """Go over the end of a leaf or a larger subtree, up or down."""
        place = self.any_cursor()
        index, up = self.edges[self.below(6)], self.random() < 0.5
        self.set(place, index if up or index == MAX else index + 1)
        self.move(WALK, place, 0)
        for _ in range(3):
            if self.stuck(place):
                break
            self.neighbour(place, up, MAX if up else 0)

    def neighbour(self, place: Place, up: bool, limit: int) -> None:
        """To the next entry or range, up or down."""
        gaps = self.random() < 0.5
        if up:
            self.move(MAS_NEXT_RANGE if gaps else MAS_NEXT, place, limit)
        else:
            self.move(MAS_PREV_RANGE if gaps else MAS_PREV, place, limit)

    def step_sweep(self) -> None:
        """A long walk over several leaves, up or down, range by range."""
        place, up = self.any_cursor(), self.random() < 0.5
        self.set(place, self.index())
        self.move(WALK, place, 0)
        for _ in range(self.below(40)):
            if self.stuck(place):
                break
            self.move(MAS_NEXT_RANGE if up else MAS_PREV_RANGE, place, MAX if up else 0)
            if place.status != ACTIVE:
                break

    def step_store(self) -> None:
        place = self.any_cursor()
        self.draw_range()
        self.set_range(place, self.low, self.high)
        self.store_and_go_on(place, self.maybe_null())

    def step_store_here(self) -> None:
        """What loops with a store in their body do: a cursor that moved stores, and goes on."""
        place = self.cursor()
        up, gaps = self.random() < 0.5, self.random() < 0.3
        if gaps:
            self.neighbour(place, up, MAX if up else 0)
        else:
            self.move(MAS_FIND if up else MAS_PREV, place, MAX if up else 0)
        if place.status == ACTIVE and not self.stuck(place):
            self.store_and_go_on(place, self.maybe_null())

    def step_narrow(self) -> None:
        """What mm's iterator does: the range changes, the place stays, and there it stores."""
        place = self.any_cursor()
        self.draw_range()
        first, last = self.low, self.high
        self.set(place, first)
        if self.random() < 0.7:
            self.move(WALK, place, 0)
            if not self.may_narrow(place):
                return
            if first < place.index:
                first = place.index
            if first > place.last:
                first = place.last
            if last < first:
                last = first
        self.narrow(place, first, last)
        self.store_and_go_on(place, self.maybe_null())

    def may_narrow(self, place: Place) -> bool:
        """Whether the cursor stands where another range can begin."""
        return place.usable() and not self.stuck(place) and place.status == ACTIVE

    def store_entry(self, place: Place, entry: int) -> bool:
        """Store through a cursor, with as much memory as is drawn; whether that was refused."""
        return self.store(place, self.short(True), entry, STORE_GFP)

    def store_and_go_on(self, place: Place, entry: int) -> None:
        """Store through a cursor, if need be again, and go on from there."""
        if self.store_entry(place, entry):
            if self.random() < 0.5:
                return
            if self.careful or self.random() < 0.5:
                self.reset(place)
            if self.store_entry(place, entry):
                return
        self.go_on(place)

    def go_on(self, place: Place) -> None:
        """A step or two, or a store, from where a cursor stands."""
        for _ in range(self.below(4)):
            if self.stuck(place) or not place.usable():
                return
            chance = self.random()
            if chance < 0.35:
                self.neighbour(place, True, self.limit(True))
            elif chance < 0.7:
                self.neighbour(place, False, self.limit(False))
            elif chance < 0.8:
                self.move(MAS_FIND, place, self.limit(True))
            elif chance < 0.9:
                self.store_entry(place, self.maybe_null())
            else:
                self.erase(place, self.short(True))

    def step_alloc_cyclic(self) -> None:
        """Store at a free index through a cursor, and go on from there."""
        if not self.alloc_range:
            return
        place = self.any_cursor()
        self.draw_window()
        low, high = self.low, self.high
        self.set(place, low)
        entry, index, short = self.entry(), self.index(), self.short(True)
        self.alloc(place, short, entry, low, high, index)
        self.go_on(place)

    def step_for_each(self) -> None:
        """A loop over the entries from a cursor on."""
        place, up = self.cursor(), self.random() < 0.5
        lacking = self.lacks[FOR_EACH] if up else self.lacks[FOR_EACH_REV]
        if place.pair.tree.map.count < LOOPED_OVER and not lacking:
            self.loop(up, place, self.limit(up))

    def step_replace(self) -> None:
        """What fork does: find an entry, store over exactly its range, go on."""
        place = self.any_cursor()
        self.set(place, self.index())
        for _ in range(3):
            self.move(MAS_FIND, place, MAX)
            if place.status == ACTIVE and not self.stuck(place):
                self.store(place, 0, self.entry(), STORE_GFP)
                if not place.usable():
                    break
            if self.stuck(place):
                break

    def step_retry(self) -> None:
        """A store that cannot wait is refused, memory is got with the lock let go, and it is made again."""
        place, entry = self.any_cursor(), self.entry()
        self.draw_range()
        first, last = self.low, self.high
        self.set_range(place, first, last)
        kind = self.below(4)
        short = NOWAIT if kind == 0 else 0 if kind == 1 else ONCE | (kind - 2)
        if not self.store(place, short, entry, MAS_STORE):
            return
        chance = self.random()
        if chance < 0.15:
            self.destroy(place)
            return
        if chance < 0.4 and not self.lacks[NOMEM_NOFAIL]:
            self.nomem_nofail(place, first, last)
        else:
            self.nomem(place)
        self.store(place, NEVER, entry, MAS_STORE)
        self.destroy(place)

    def step_erase(self) -> None:
        place = self.any_cursor()
        self.set(place, self.index())
        self.erase(place, self.short(True))

    def step_prealloc(self) -> None:
        place, entry = self.any_cursor(), self.maybe_null()
        self.draw_range()
        self.set_range(place, self.low, self.high)
        prepared = self.preallocate(place, self.short(False), entry)
        if not prepared:
            if self.random() < 0.5:
                self.init(place, place.pair, self.index())  # what a cursor held that is dropped has leaked
                return
            prepared = self.random() < 0.5 and self.preallocate(place, self.short(False), entry)
        if self.random() < 0.1:
            self.destroy(place)
            prepared = False
        if self.random() < 0.3:
            if self.random() < 0.3:
                self.draw_window()
            else:
                self.draw_range()
            self.set_range(place, self.low, self.high)
            prepared = self.preallocate(place, NEVER, entry)
        if prepared:
            self.store_prealloc(place, entry)
            self.go_on(place)

    def step_prealloc_here(self) -> None:
        """Prepare a store, look at a neighbour, take another range there, prepare that and store."""
        place, entry = self.any_cursor(), self.entry()
        self.set(place, self.index())
        self.move(WALK, place, 0)
        if not self.may_narrow(place) or not self.preallocate(place, NEVER, entry):
            return
        if self.random() < 0.5:
            up = self.random() < 0.5
            self.neighbour(place, up, MAX if up else 0)
        last = place.last
        if self.random() < 0.5:
            self.draw_range()
            if self.high > last:
                last = self.high
        first = place.index
        if place.last > first and self.random() < 0.5:
            first += 1
        self.narrow(place, first, last)
        if self.preallocate(place, NEVER, entry):
            self.store_prealloc(place, entry)
            self.go_on(place)

    def step_bulk_load(self) -> None:
        place = self.any_cursor()
        pair = place.pair
        if self.random() < 0.85 or pair.rcu or len(self.pairs) > 1:
            return
        self.write(DESTROY, pair, NEVER)
        kind = self.below(5)
        if kind < 2:
            count = 1 + 2 * kind
        elif kind == 2:
            count = 4 + self.below(37)
        elif kind == 3:
            count = 16 + self.below(105)
        else:
            count = 100 + self.below(221)
        self.set(place, 0)
        if self.expect(place, count, self.short(False)):
            return
        index, top = self.base, self.random() < UP_TO_THE_TOP
        if self.random() < 0.7:
            stride = 1 + self.below(3)
            length = 1 + self.below(stride)
            if top:
                index = MAX - count * stride + 1
            if count * stride - 1 <= MAX - index:
                for number in range(count):
                    self.load(
                        place, index + number * stride, index + number * stride + (length - 1), number + 1
                    )
        else:
            if top:
                index = MAX - count * 4
            for _ in range(count - 1):
                far = self.random() < FAR
                skip, long = self.below(FARTHEST if far else 4), self.below(4)
                if MAX - index < FARTHEST + 4:
                    break
                first = index + (skip if far or skip < 2 else 1 if skip == 2 else 3)
                index = first + 1 + long
                self.load(place, first, index - 1, self.entry())
            if top:
                self.load(place, MAX, MAX, self.entry())
        self.destroy(place)
