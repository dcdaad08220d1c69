"""Making a failing run small: fewer operations first, then smaller numbers.

Works on operations as data and on any question of the form "does this run still fail in the same way?".
First all operations of one kind, tree or cursor are taken out where that can be done, then runs of
operations, long ones before short ones (delta debugging), and rows of stores become one `fill`; then each
number is lowered, and entries become 1. All of it again until nothing changes, or the time is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.common.reducing import Patience, Spent
from mapleproof.props.maple.operations import (
    Fill,
    MasFill,
    MasPreallocate,
    MasSetRange,
    MasStore,
    MasStoreGfp,
    MasStorePrealloc,
    MtreeAllocCyclic,
    MtreeAllocRange,
    MtreeAllocRrange,
    MtreeInsertRange,
    MtreeStoreRange,
)
from mapleproof.props.maple.scaling import indices, scaled
from mapleproof.props.maple.shortage import fields_of, short_of

ALLOCATING = (MtreeAllocRange, MtreeAllocRrange, MtreeAllocCyclic)
THROUGH_CURSOR = (MasStoreGfp, MasStore, MasStorePrealloc)

FAR = (1, 2, 16, 2**8, 2**12, 2**16, 2**24, 2**32, 2**48)
"""How far apart two indices are put where all from one of them on are lowered."""

MOST_SHIFTS = 64
"""Times that all indices are lowered in a row: where each is by one only, there is no end to it."""

EXACT, ROUGHLY = 4096, 16
"""Numbers up to this are lowered as far as they go; above, to within so much of what they are."""

Fails = Callable[[Sequence[Common]], bool]


class Shrinker:
    """Shrinks ``run``, for which ``fails`` holds."""

    def __init__(
        self,
        run: Sequence[Common],
        fails: Fails,
        last_answers: Callable[[], Sequence[tuple[Common, Answer]]] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.best = list(run)
        self.last_answers = last_answers
        self.fails = fails
        self.patience = patience or Patience()
        self._known: set[tuple[Common, ...]] = set()

    def shrink(self) -> list[Common]:
        """The smallest failing run found in time."""
        try:
            self._lower_fills()
            self._drop_kinds()
            self._fuse_loads()
            before = None
            while before != self.best:
                before = list(self.best)
                self._drop_runs()
                self._plain_stores()
                self._simplify()
                self._fuse()
                self._scale()
                self._lower_numbers()
        except Spent:
            pass
        return self.best

    def _try(self, run: list[Common]) -> bool:
        key = tuple(run)
        if key in self._known:
            return False
        self._known.add(key)
        self.patience.check()
        if not self.fails(run):
            return False
        self.best = run
        return True

    def _lower_fills(self) -> None:
        """Fill less: nothing else costs as much in every question that follows."""
        for at, op in enumerate(self.best):
            if isinstance(op, Fill):
                self._thin_out(at, op)
                self._lower(at, "count", getattr(self.best[at], "count", 0))

    def _thin_out(self, at: int, fill: Fill) -> None:
        """Fewer ranges over the same span, so that what follows still meets them."""
        for factor in (64, 16, 8, 4, 2):
            if fill.count < 2 * factor:
                continue
            for length in (fill.length, fill.length + fill.stride * (factor - 1)):
                fewer = replace(fill, stride=fill.stride * factor, length=length, count=fill.count // factor)
                if self._try([*self.best[:at], fewer, *self.best[at + 1 :]]):
                    return

    def _drop_kinds(self) -> None:
        """Take out all operations of one kind, on one tree, through one cursor."""
        for trait in (_kind_of, _tree_of, _cursor_of):
            for value in sorted({trait(op) for op in self.best}):
                self._try([op for op in self.best if trait(op) != value])

    def _drop_runs(self) -> None:
        size = len(self.best) // 2
        while size:
            at = len(self.best) - size
            while at >= 0:
                self._try(self.best[:at] + self.best[at + size :])
                at = min(at, len(self.best)) - size
            size //= 2

    def _plain_stores(self) -> None:
        """Make plain stores of insertions and allocations, whose place the last failing run tells, and of
        fills that are but one store."""
        if self.last_answers is None or not self.fails(self.best):
            return
        answers = {id(op): answer for op, answer in self.last_answers()}
        for at in range(len(self.best) - 1, -1, -1):
            op: Any = self.best[at]
            answer = answers.get(id(op))
            if answer is None or answer.ret not in (0, 1):
                continue
            if isinstance(op, MtreeInsertRange):
                store = MtreeStoreRange(op.first, op.last, op.entry, tree=op.tree)
            elif isinstance(op, Fill) and op.count == 1:
                store = MtreeStoreRange(op.first, op.first + op.length - 1, 1, tree=op.tree)
            elif isinstance(op, ALLOCATING) and isinstance(answer.start, int):
                last = answer.start + getattr(op, "size", 1) - 1
                store = MtreeStoreRange(answer.start, last, op.entry, tree=op.tree)
            else:
                continue
            self._try([*self.best[:at], store, *self.best[at + 1 :]])

    def _simplify(self) -> None:
        """Make a plain store of one that went through a cursor."""
        for at in range(len(self.best) - 1, -1, -1):
            op: Any = self.best[at] if at < len(self.best) else None
            if not isinstance(op, THROUGH_CURSOR):
                continue
            placed = [k for k in range(at) if isinstance(self.best[k], MasSetRange)]
            placed = [k for k in placed if self.best[k].cursor == op.cursor]
            if not placed:
                continue
            place: Any = self.best[placed[-1]]
            between = [o for o in self.best[placed[-1] + 1 : at] if not isinstance(o, MasPreallocate)]
            store = MtreeStoreRange(place.first, place.last, op.entry, tree=op.tree)
            self._try([*self.best[: placed[-1]], *between, store, *self.best[at + 1 :]])

    def _fuse(self) -> None:
        """Make one fill of several stores in a row, even if they were not evenly spaced."""
        self._fuse_loads()
        end = len(self.best)
        while end > 0:
            start = end
            while start > 0 and isinstance(self.best[start - 1], (MtreeStoreRange, Fill)):
                start -= 1
            self._fuse_row(start, end)
            end = start - 1

    def _fuse_row(self, start: int, end: int) -> None:
        """Make one fill of a row of stores, or else of each half of it."""
        if end - start < 2:
            return
        for fill in _fills(self.best[start:end]):
            if self._try([*self.best[:start], fill, *self.best[end:]]):
                return
        middle = (start + end) // 2
        self._fuse_row(middle, end)
        self._fuse_row(start, middle)

    def _fuse_loads(self) -> None:
        """Make one step of a load in order through a cursor."""
        load = (MasSetRange, MasStore, MasFill)
        end = len(self.best)
        while end > 0:
            start = end
            while start > 0 and isinstance(self.best[start - 1], load):
                start -= 1
            row: list[Any] = self.best[start:end]
            if len(row) > 1 and any(hasattr(op, "first") for op in row):
                stores = [op for op in row if isinstance(op, MasSetRange)]
                count = len(stores) + sum(op.count for op in row if isinstance(op, MasFill))
                first = min(op.first for op in row if hasattr(op, "first"))
                for stride, length, more in ((s, n, m) for m in (0, 1, 3) for s in (1, 2, 3) for n in (1, s)):
                    on = {"tree": row[0].tree, "cursor": row[0].cursor, **fields_of(short_of(row[-1]))}
                    fill = MasFill(first, stride, length, count + more, **on)
                    if self._try([*self.best[:start], fill, *self.best[end:]]):
                        break
            end = start - 1

    def _scale(self) -> None:
        while any(self._try(smaller) for smaller in scaled(self.best)):
            pass

    def _lower_numbers(self) -> None:
        for at in range(len(self.best) - 1, -1, -1):
            for field in fields(self.best[at]):
                value = getattr(self.best[at], field.name)
                if isinstance(value, int) and field.name not in ("fail_count", "fail_nowait"):
                    self._lower(at, field.name, value)
            self._try_plenty(at)
        self._lower_equal()
        self._shift()

    def _lower(self, at: int, name: str, value: int) -> None:
        for smaller in _smaller(value, 1 if name in ("entry", "count", "length", "stride") else 0):
            if self._try_number(at, name, smaller):
                break

    def _lower_equal(self) -> None:
        """Lower what is the same number in several places, an index here and a size there."""
        for value in sorted({number for op in self.best for _, number in _numbers(op)}):
            for smaller in _smaller(value, 1):
                lowered = [
                    replace(op, **{name: smaller for name, number in _numbers(op) if number == value})
                    for op in self.best
                ]
                if self._try(lowered):
                    break

    def _try_plenty(self, at: int) -> None:
        """Do without a shortage of memory, or with the plainest: from some request on all are refused."""
        for fewer in ({"fail_after": None}, {"fail_after": 0}):
            op: Any = self.best[at]
            plain = replace(op, **{"fail_count": None, "fail_nowait": None, **fewer})
            if op.short_of_memory and plain != op:
                self._try([*self.best[:at], plain, *self.best[at + 1 :]])

    def _try_number(self, at: int, name: str, value: int | None) -> bool:
        op: Any = self.best[at]
        return self._try([*self.best[:at], replace(op, **{name: value}), *self.best[at + 1 :]])

    def _shift(self) -> None:
        """Lower all indices at once, where no single one can be lowered by itself."""
        for _ in range(MOST_SHIFTS):
            if not self._shift_once():
                return

    def _shift_once(self) -> bool:
        numbers = sorted({value for op in self.best for _, value in _numbers(op)})
        for rank, value in enumerate(numbers):
            below = numbers[rank - 1] if rank else 0
            for target in (below + far for far in FAR):
                if target >= value:
                    break
                if any(self._try(moved) for moved in self._moved(value, value - target)):
                    return True
        return False

    def _moved(self, least: int, drop: int) -> Iterator[list[Common]]:
        """All indices from `least` on lowered by `drop`, then all sizes too: without those near the end,
        without the last one, and whole."""
        for end in (2**64 - 4096, 2**64 - 1, 2**64):
            for numbers in (indices, _numbers):
                if least < end:
                    yield [
                        replace(op, **{k: v - drop for k, v in numbers(op) if least <= v < end})
                        for op in self.best
                    ]


def _numbers(op: Common) -> list[tuple[str, int]]:
    """The indices and sizes of an operation, by their fields."""
    size = getattr(op, "size", None)
    return [*indices(op), *([("size", size)] if isinstance(size, int) else [])]


def _kind_of(op: Common) -> str:
    return type(op).__name__


def _tree_of(op: Common) -> str:
    return str(op.tree)


def _cursor_of(op: Common) -> str:
    return str(op.cursor)


def _fills(row: Sequence[Any]) -> Iterator[Fill]:
    """Fills that could stand for a row of stores and fills."""
    ranges: list[tuple[int, int]] = []
    for op in row:
        if isinstance(op, Fill):
            ranges += [(store.first, store.last) for store in op.stores()]
        elif op.entry is not None:
            ranges.append((op.first, op.last))
    if len(ranges) < 2:
        return
    ranges.sort()
    low, high, count, tree = ranges[0][0], ranges[-1][0], len(ranges), row[0].tree
    gaps = Counter(b[0] - a[0] for a, b in pairwise(ranges) if b[0] > a[0])
    strides = [stride for stride, _ in gaps.most_common(2)] + [max(1, (high - low) // (count - 1)), 2, 1]
    for stride in strides:
        for length in (1, stride):
            for more in (0, 1, 3, 8):
                yield Fill(low, stride, length, count + more, tree=tree)
                yield Fill(0, stride, length, count + more, tree=tree)


def _smaller(value: int, least: int) -> Iterator[int]:
    """Candidates below ``value``, the smallest first. A large number is lowered roughly: exactly the least
    would be no easier to read."""
    yield from (number for number in (least, least + 1, least + 2) if number < value)
    step, finest = value // 2, 2 if value <= EXACT else value // ROUGHLY
    while step > finest:
        if least + 2 < value - step:
            yield value - step
        step //= 2
    if least + 2 < value - 1 < EXACT:
        yield value - 1
