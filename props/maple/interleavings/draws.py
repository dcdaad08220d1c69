"""Scenarios drawn at random: trees of up to some 200 ranges, one to three writes, and readers near to what is
written."""

from __future__ import annotations

import random
from collections.abc import Iterator

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings.scenario import Scenario

TOP = 2**64 - 1
MOST_RANGES = 220

UP = (ops.MasNext, ops.MasNextRange, ops.MasFind, ops.MasFindRange)
DOWN = (ops.MasPrev, ops.MasPrevRange, ops.MasFindRev, ops.MasFindRangeRev)


def scenarios(rng: random.Random, readers: int) -> Iterator[Scenario]:
    """One tree and its writer, beside so many readers, one after the other."""
    alloc_range = rng.random() < 0.5
    setup, space = _tree(rng)
    before, writes = _writer(rng, space)
    setup += before
    for _ in range(readers):
        at, reads = _reader(rng, space, writes, before)
        yield Scenario(alloc_range, tuple(setup), tuple(writes), reads, at)


def _tree(rng: random.Random) -> tuple[list[Common], int]:
    """What makes a tree, and the index below which most of it lies."""
    shape = rng.randrange(10)
    if shape == 0:
        return [], 8
    if shape < 4:
        stores: list[Common] = []
        for entry in range(rng.randint(1, 7)):
            first = rng.randrange(30)
            stores.append(ops.MtreeStoreRange(first, first + rng.choice((0, 0, 2, 5)), entry + 1))
        return stores, 40
    count = rng.choice((8, 14, 15, 16, 17, 20, 30, 31, 33, 45, 60, 100, MOST_RANGES))
    stride = rng.randint(1, 4)
    fill = ops.Fill(rng.randrange(4), stride, rng.randint(1, stride), count)
    space = fill.first + stride * count + 4
    more: list[Common] = []
    for entry in range(rng.choice((0, 0, 1, 2, 3))):
        first = rng.randrange(space)
        last = first + rng.choice((0, 1, 4, 12, space // 3))
        more.append(ops.MtreeStoreRange(first, last, None if rng.random() < 0.4 else 500 + entry))
    return [fill, *more], space


def _span(rng: random.Random, space: int) -> tuple[int, int]:
    first = rng.randrange(space)
    length = rng.choice((1, 1, 1, 2, 3, 4, 8, 16, 1 + rng.randrange(space)))
    return first, first + length - 1


def _write(rng: random.Random, space: int, entry: int) -> Common:
    first, last = _span(rng, space)
    kind = rng.randrange(40)
    if kind < 24:
        return ops.MtreeStoreRange(first, last, None if rng.random() < 0.25 else entry)
    if kind < 32:
        return ops.MtreeErase(first)
    if kind < 35:
        return ops.MtreeInsertRange(first, last, entry)
    if kind < 36:
        return ops.MtreeDestroy()
    if kind < 37:
        return ops.MtreeStoreRange(0, TOP, None)
    if kind < 38:
        return ops.MtreeStoreRange(0, rng.choice((TOP, space, space // 2)), entry)
    return ops.MtreeStoreRange(first, rng.choice((TOP, last)), entry)


def _writer(rng: random.Random, space: int) -> tuple[list[Common], list[Common]]:
    """What the writer does before the reader comes in, and beside it."""
    before: list[Common] = []
    writes: list[Common] = []
    through = rng.randrange(5)
    if through == 0:
        entry = None if rng.random() < 0.2 else 1000
        before = [ops.MasSetRange(*_span(rng, space)), ops.MasPreallocate(entry)]
        writes = [ops.MasStorePrealloc(entry)]
    elif through == 1:
        before = [ops.MasSetRange(*_span(rng, space))]
        writes = [ops.MasErase() if rng.random() < 0.3 else ops.MasStoreGfp(1000)]
    while len(writes) < rng.choice((1, 1, 1, 1, 2, 2, 3)):
        writes.append(_write(rng, space, 1001 + len(writes)))
    last = rng.randrange(25)
    if last == 0:
        writes.append(ops.MtreeDup(1))
    elif last == 1:
        writes.append(rng.choice((ops.MtSetInRcu(), ops.MtClearInRcu())))
    return before, writes


def _near(rng: random.Random, space: int, places: list[int]) -> int:
    if places and rng.random() < 0.7:
        return min(max(0, rng.choice(places) + rng.randint(-3, 3)), TOP)
    return rng.randrange(space)


def _reader(
    rng: random.Random, space: int, writes: list[Common], before: list[Common]
) -> tuple[int, tuple[Common, ...]]:
    """Where a reader's cursor begins, and its steps."""
    places = [
        place
        for op in (*before, *writes)
        for name in ("first", "last", "index")
        if (place := getattr(op, name, None)) is not None and place < 4 * space
    ]
    at = _near(rng, space, places)
    to = _near(rng, space, places)
    high = rng.choice((TOP, TOP, max(at, to)))
    low = rng.choice((0, 0, min(at, to)))
    kind = rng.randrange(12)
    if kind == 0:
        return 0, (ops.MtreeLoad(at),)
    if kind == 1:
        return 0, (ops.MtFind(at, high),)
    if kind == 2:
        return 0, (ops.MtNext(at, high) if rng.random() < 0.5 else ops.MtPrev(at, low),)
    if kind == 3:
        return 0, (ops.LockVmaUnderRcu(at) if rng.random() < 0.5 else ops.LockNextVma(at),)
    if kind == 4:
        return at, (ops.MasWalk(),)
    if kind == 5:
        return at, (ops.MasForEach(high),)
    if kind == 6:
        return at, (ops.MasForEachRev(low),)
    up = rng.random() < 0.5
    move = rng.choice(UP if up else DOWN)
    steps: list[Common] = [move(high if up else low) for _ in range(rng.randint(1, 5))]
    if move in (ops.MasNext, ops.MasNextRange, ops.MasPrev, ops.MasPrevRange) or rng.random() < 0.3:
        steps.insert(0, ops.MasWalk())
    return at, tuple(steps)
