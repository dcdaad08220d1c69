"""What a bulk run does: an operation mix drawn from a seed, and the operations drawn from the mix.

Swarm testing: each mix has only some kinds of operations, one profile of addresses, one share of NULLs, and
so on, so that rare combinations become frequent in some run. Addresses are aimed at what breaks trees: the
ends of ranges and leaves, the limits of the address space, spans over many leaves.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from props import operations as ops
from props.operations import Common
from props.ports import ModelPort
from props.rules import Rules

MAX = 2**64 - 1
TREES = 4
CURSORS = 3


@dataclass(frozen=True, slots=True)
class Mix:
    """One operation mix. ``space`` is the number of indices it uses, from ``base`` up; ``longest`` the
    longest usual range; ``nulls`` the share of NULLs; ``short_of_memory`` the share of writes that are kept
    short of it; ``prefill`` the number of ranges stored in order before; ``kinds`` what is drawn from."""

    alloc_range: bool
    rcu: bool
    base: int
    space: int
    longest: int
    nulls: float
    short_of_memory: float
    prefill: int
    touching: bool
    kinds: tuple[str, ...]


GROUPS: dict[str, tuple[str, ...]] = {
    "fill": ("fill", "store"),
    "store": ("store", "store", "store_null", "store_null", "store_wide"),
    "normal": ("insert", "erase", "load", "find", "find_after", "next", "prev"),
    "alloc": ("alloc", "alloc_rev", "alloc_cyclic"),
    "step": ("set", "walk", "mas_find", "mas_next", "mas_prev", "mas_find_rev", "pause"),
    "cross": ("cross",),
    "ranges": ("set", "mas_find_range", "mas_next_range", "mas_prev_range", "mas_find_range_rev", "pause"),
    "area": ("area", "area_rev"),
    "write_cursor": ("mas_store", "mas_erase", "mas_replace"),
    "prealloc": ("prealloc",),
    "load": ("bulk_load",),
    "trees": ("dup", "destroy", "load"),
    "rcu": ("rcu_mode", "barrier", "reader"),
}


def draw_mix(rng: random.Random) -> Mix:
    """A mix, at random."""
    chosen = [name for name in GROUPS if rng.random() < 0.5] or ["store"]
    kinds = [kind for name in chosen for kind in GROUPS[name] for _ in range(rng.choice((1, 1, 2, 4)))]
    if not any(kind.startswith(("store", "insert", "alloc")) for kind in kinds):
        kinds += GROUPS["store"]
    space = rng.choice((8, 24, 60, 200, 600, 3000, 40_000, 2**32, 2**64))
    base = rng.choice((0, 0, 0, rng.randrange(2**40), 2**64 - space))
    prefill = rng.choice((0, 0, 10, 40, 200, 600, 1500))
    prefill = min(prefill, space // 3)
    longest = max(1, rng.choice((1, 2, 5, 30, space // 50, space // 4)))
    return Mix(
        alloc_range=rng.random() < 0.65,
        rcu=rng.random() < 0.4,
        base=base if base + space <= 2**64 else 0,
        space=space,
        longest=longest,
        nulls=rng.choice((0.0, 0.1, 0.3, 0.6)),
        short_of_memory=rng.choice((0.0, 0.0, 0.05, 0.3)),
        prefill=prefill,
        touching=rng.random() < 0.4,
        kinds=tuple(kinds),
    )


class Source:
    """The operations of one run. ``model`` tells what the trees hold, ``borders`` where leaves end."""

    def __init__(
        self,
        rng: random.Random,
        mix: Mix,
        rules: Rules,
        model: ModelPort,
        borders: Callable[[int], list[int]],
    ) -> None:
        self.rng = rng
        self.mix = mix
        self.rules = rules
        self.model = model
        self.borders = borders
        self.aims: list[int] = [0, mix.base, min(mix.base + mix.space, MAX), MAX]
        self.drawn = 0
        self.next_tree = 1
        self.inside: set[int] = set()

    def operations(self, count: int) -> Iterator[Common]:
        """At least ``count`` operations."""
        yield from self._prefill()
        makers = {kind: getattr(self, "_" + kind) for kind in set(self.mix.kinds)}
        while self.drawn < count:
            for kind in self.rng.choices(self.mix.kinds, k=64):
                for op in makers[kind]():
                    if self.rules.refusal(op, self.model) is None:
                        self.drawn += 1
                        yield op
            self._aim()

    def _prefill(self) -> Iterator[Common]:
        mix, rng = self.mix, self.rng
        step = max(2, mix.space // max(1, mix.prefill))
        if mix.prefill:
            length = step if mix.touching else 1 + rng.randrange(max(1, min(step - 1, mix.longest)))
            self.drawn += 1
            yield ops.Fill(mix.base, step, length, mix.prefill)
        self._aim()

    def _aim(self) -> None:
        """Look where ranges and leaves end now."""
        tree = self.rng.choice(sorted(self.model.trees))
        ranges = self.model.trees[tree].map.ranges
        aims = [0, self.mix.base, min(self.mix.base + self.mix.space, MAX), MAX]
        for first, last, _ in self.rng.sample(ranges, min(6, len(ranges))):
            aims += (first, last)
        borders = self.borders(tree)
        aims += self.rng.sample(borders, min(6, len(borders)))
        self.aims = aims

    # Numbers

    def _index(self) -> int:
        rng = self.rng
        if rng.random() < 0.3:
            return min(max(rng.choice(self.aims) + rng.choice((-1, 0, 0, 1)), 0), MAX)
        return self.mix.base + int(rng.random() * self.mix.space)

    def _range(self) -> tuple[int, int]:
        rng = self.rng
        first = self._index()
        chance = rng.random()
        if chance < 0.15:
            other = self._index()
            return min(first, other), max(first, other)
        if chance < 0.25:
            last = min(max(rng.choice(self.aims), first), MAX)
        else:
            last = first + int(rng.random() * self.mix.longest)
        return first, min(last, MAX)

    def _window(self) -> tuple[int, int]:
        first, second = self._index(), self._index()
        if self.rng.random() < 0.3:
            return 0, MAX
        return min(first, second), max(first, second)

    def _size(self) -> int:
        ranges = self.model.trees[self._tree()].map.ranges
        if len(ranges) > 1 and self.rng.random() < 0.4:
            at = int(self.rng.random() * (len(ranges) - 1))
            return max(1, ranges[at + 1][0] - ranges[at][1] + self.rng.choice((-1, 0)))
        return 1 + int(self.rng.random() * self.mix.longest * 2)

    def _entry(self) -> int:
        return 1 + int(self.rng.random() * 1000)

    def _maybe_null(self) -> int | None:
        return None if self.rng.random() < self.mix.nulls else self._entry()

    def _tree(self) -> int:
        return self.rng.choice(sorted(self.model.trees)) if len(self.model.trees) > 1 else 0

    def _short(self) -> int | None:
        if self.rng.random() < self.mix.short_of_memory:
            return self.rng.choice((0, 0, 1, 2, 5))
        return None

    def _at(self) -> dict[str, int]:
        """A cursor, and the tree it is on."""
        number = int(self.rng.random() * CURSORS)
        place = self.rules.places.get(number)
        return {"tree": place.tree if place else 0, "cursor": number}

    def _limit(self, up: bool) -> int:
        chance = self.rng.random()
        if chance < 0.6:
            return MAX if up else 0
        return self._index()

    # Kinds

    def _store(self) -> Iterator[Common]:
        first, last = self._range()
        yield ops.MtreeStoreRange(
            first, last, self._maybe_null(), tree=self._tree(), fail_after=self._short()
        )

    def _store_null(self) -> Iterator[Common]:
        first, last = self._range()
        yield ops.MtreeStoreRange(first, last, None, tree=self._tree(), fail_after=self._short())

    def _store_wide(self) -> Iterator[Common]:
        first, last = self._window()
        if self.rng.random() < 0.3:
            yield ops.MtreeStoreRange(
                first, last, self._maybe_null(), tree=self._tree(), fail_after=self._short()
            )

    def _fill(self) -> Iterator[Common]:
        rng = self.rng
        if rng.random() < 0.05:
            count = rng.choice((3, 8, 17, 40, 150))
            stride = rng.choice((1, 2, 2, 3, 10))
            yield ops.Fill(self._index(), stride, rng.randint(1, stride), count, tree=self._tree())

    def _insert(self) -> Iterator[Common]:
        first, last = self._range()
        yield ops.MtreeInsertRange(first, last, self._entry(), tree=self._tree(), fail_after=self._short())

    def _erase(self) -> Iterator[Common]:
        yield ops.MtreeErase(self._index(), tree=self._tree(), fail_after=self._short())

    def _load(self) -> Iterator[Common]:
        yield ops.MtreeLoad(self._index(), tree=self._tree())

    def _find(self) -> Iterator[Common]:
        yield ops.MtFind(self._index(), self._limit(True), tree=self._tree())

    def _find_after(self) -> Iterator[Common]:
        yield ops.MtFindAfter(self._index(), self._limit(True), tree=self._tree())

    def _next(self) -> Iterator[Common]:
        yield ops.MtNext(self._index(), self._limit(True), tree=self._tree())

    def _prev(self) -> Iterator[Common]:
        yield ops.MtPrev(self._index(), self._limit(False), tree=self._tree())

    def _alloc(self) -> Iterator[Common]:
        low, high = self._window()
        yield ops.MtreeAllocRange(
            self._entry(), self._size(), low, high, tree=self._tree(), fail_after=self._short()
        )

    def _alloc_rev(self) -> Iterator[Common]:
        low, high = self._window()
        yield ops.MtreeAllocRrange(
            self._entry(), self._size(), low, high, tree=self._tree(), fail_after=self._short()
        )

    def _alloc_cyclic(self) -> Iterator[Common]:
        low, high = self._window()
        yield ops.MtreeAllocCyclic(
            self._entry(), low, high, self._index(), tree=self._tree(), fail_after=self._short()
        )

    def _set(self) -> Iterator[Common]:
        at = self._at()
        if self.rng.random() < 0.05:
            yield ops.MasInit(self._index(), tree=self._tree(), cursor=at["cursor"])
        elif self.rng.random() < 0.2:
            first, last = self._range()
            yield ops.MasSetRange(first, last, **at)
        else:
            yield ops.MasSet(self._index(), **at)

    def _pause(self) -> Iterator[Common]:
        yield self.rng.choice((ops.MasPause, ops.MasPause, ops.MasReset))(**self._at())

    def _walk(self) -> Iterator[Common]:
        yield ops.MasWalk(**self._at())

    def _mas_find(self) -> Iterator[Common]:
        yield ops.MasFind(self._limit(True), **self._at())

    def _mas_find_range(self) -> Iterator[Common]:
        yield ops.MasFindRange(self._limit(True), **self._at())

    def _mas_next(self) -> Iterator[Common]:
        yield ops.MasNext(self._limit(True), **self._at())

    def _mas_next_range(self) -> Iterator[Common]:
        yield ops.MasNextRange(self._limit(True), **self._at())

    def _mas_find_rev(self) -> Iterator[Common]:
        yield ops.MasFindRev(self._limit(False), **self._at())

    def _mas_find_range_rev(self) -> Iterator[Common]:
        yield ops.MasFindRangeRev(self._limit(False), **self._at())

    def _mas_prev(self) -> Iterator[Common]:
        yield ops.MasPrev(self._limit(False), **self._at())

    def _mas_prev_range(self) -> Iterator[Common]:
        yield ops.MasPrevRange(self._limit(False), **self._at())

    def _area(self) -> Iterator[Common]:
        yield from self._search(ops.MasEmptyArea)

    def _area_rev(self) -> Iterator[Common]:
        yield from self._search(ops.MasEmptyAreaRev)

    def _search(self, kind: type[ops.MasEmptyArea] | type[ops.MasEmptyAreaRev]) -> Iterator[Common]:
        at = self._at()
        low, high = self._window()
        size = self._size()
        if self.rng.random() < 0.15:
            size = min(high - low + self.rng.choice((0, 1, 1)), MAX)
        yield ops.MasSet(low, **at)
        yield kind(low, high, size, **at)
        if self.rng.random() < 0.3:
            yield self.rng.choice((ops.MasNextRange, ops.MasNext))(MAX, **at)
        elif self.rng.random() < 0.5:
            yield ops.MasStoreGfp(self._entry(), **at)

    def _cross(self) -> Iterator[Common]:
        """Go over the end of a leaf or a larger subtree, up or down."""
        at = self._at()
        aims = [index for index in self.aims if index < MAX]
        index = self.rng.choice(aims)
        up = self.rng.random() < 0.5
        yield ops.MasSet(index if up else index + 1, **at)
        yield ops.MasWalk(**at)
        for _ in range(3):
            if up:
                yield self.rng.choice((ops.MasNext, ops.MasNextRange))(MAX, **at)
            else:
                yield self.rng.choice((ops.MasPrev, ops.MasPrevRange))(0, **at)

    def _mas_store(self) -> Iterator[Common]:
        at = self._at()
        first, last = self._range()
        yield ops.MasSetRange(first, last, **at)
        yield ops.MasStoreGfp(self._maybe_null(), fail_after=self._short(), **at)

    def _mas_replace(self) -> Iterator[Common]:
        """What fork does: find an entry, store over exactly its range, go on."""
        at = self._at()
        yield ops.MasSet(self._index(), **at)
        for _ in range(3):
            yield ops.MasFind(MAX, **at)
            cursor = self.model.cursors.get(at["cursor"])
            if cursor is not None and cursor.status == "active":
                yield ops.MasStoreGfp(self._entry(), fail_after=0, **at)

    def _mas_erase(self) -> Iterator[Common]:
        at = self._at()
        yield ops.MasSet(self._index(), **at)
        yield ops.MasErase(fail_after=self._short(), **at)

    def _prealloc(self) -> Iterator[Common]:
        at = self._at()
        entry = self._maybe_null()
        first, last = self._range()
        yield ops.MasSetRange(first, last, **at)
        yield ops.MasPreallocate(entry, fail_after=self._short(), **at)
        if self.rng.random() < 0.1:
            yield ops.MasDestroy(**at)
        if self.rng.random() < 0.3:
            first, last = self._window() if self.rng.random() < 0.3 else self._range()
            yield ops.MasSetRange(first, last, **at)
            yield ops.MasPreallocate(entry, **at)
        yield ops.MasStorePrealloc(entry, fail_after=0, **at)

    def _bulk_load(self) -> Iterator[Common]:
        if self.rng.random() < 0.85 or len(self.model.trees) > 1:
            return
        at = self._at()
        if at["tree"] != 0:
            return
        yield ops.MtreeDestroy()
        count = self.rng.choice((1, 3, 20, 100, 300))
        yield ops.MasSet(0, **at)
        yield ops.MasExpectedEntries(count, **at)
        if self.rng.random() < 0.7:
            stride = self.rng.choice((1, 2, 3))
            length = self.rng.randint(1, stride)
            yield ops.MasFill(self.mix.base, stride, length, count, fail_after=0, **at)
            yield ops.MasDestroy(**at)
            return
        index = self.mix.base
        for _ in range(count):
            first = index + self.rng.choice((0, 1, 1, 3))
            index = first + 1 + self.rng.randrange(4)
            if index > MAX:
                break
            yield ops.MasSetRange(first, index - 1, **at)
            yield ops.MasStore(self._entry(), fail_after=0, **at)
        yield ops.MasDestroy(**at)

    def _dup(self) -> Iterator[Common]:
        if len(self.model.trees) < TREES and self.rng.random() < 0.1:
            into = self.next_tree
            self.next_tree += 1
            fail_after = self.rng.choice((None, None, self._short(), int(2 ** (self.rng.random() * 8))))
            yield ops.MtreeDup(into, tree=self._tree(), fail_after=fail_after)
            yield ops.MasInit(self._index(), tree=into, cursor=int(self.rng.random() * CURSORS))

    def _destroy(self) -> Iterator[Common]:
        if self.rng.random() < 0.03:
            yield ops.MtreeDestroy(tree=self._tree())

    def _rcu_mode(self) -> Iterator[Common]:
        if self.rng.random() < 0.05 and not self.inside:
            yield self.rng.choice((ops.MtSetInRcu, ops.MtClearInRcu))(tree=self._tree())

    def _barrier(self) -> Iterator[Common]:
        if self.rng.random() < 0.1 and not self.inside:
            yield ops.RcuBarrier()

    def _reader(self) -> Iterator[Common]:
        if self.rng.random() < 0.1:
            tree = self._tree()
            if tree in self.inside:
                self.inside.discard(tree)
                yield ops.RcuReadUnlock(tree=tree)
            else:
                self.inside.add(tree)
                yield ops.RcuReadLock(tree=tree)
