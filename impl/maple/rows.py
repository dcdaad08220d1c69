"""Rows of cells, of which nodes are made: lists, or where this is compiled arrays of 64-bit words in C.

Here alone the two differ. A row of *words* has indices, positions or gaps in its cells; the row of *entries*
has objects and is a list in either case. Nothing here looks at what a cell means.
"""

from __future__ import annotations

from bisect import bisect_left
from types import SimpleNamespace
from typing import Any

from mapleproof.impl.maple.geometry import POISON_WORD

try:
    import cython
except ImportError:  # it is needed for compiling alone
    globals()["cython"] = SimpleNamespace(compiled=False)

Words = list[int]
Entries = list[Any]


def find(row: Words, index: int, at: int, end: int) -> int:
    """The first cell from ``at`` on that is not below ``index``; ``end`` where that is none before it."""
    while at < end and row[at] < index:
        at += 1
    return at


if not cython.compiled:
    find = bisect_left  # type: ignore[assignment]


def seek(row: Words, word: int, at: int, stop: int) -> int:
    """The first cell from ``at`` on that has this word; ``stop`` where that is none before it."""
    if not cython.compiled:
        try:
            return row.index(word, at, stop)
        except ValueError:
            return stop
    while at < stop and row[at] != word:
        at += 1
    return at


def largest(row: Words, at: int, stop: int) -> int:
    """The largest of the cells ``at`` to ``stop - 1``."""
    if not cython.compiled:
        return max(row[at:stop])
    word = row[at]
    while at < stop:
        if row[at] > word:
            word = row[at]
        at += 1
    return word


def null(entries: Entries, at: int, stop: int) -> int:
    """The first cell from ``at`` on that holds None; ``stop`` where that is none before it."""
    if not cython.compiled:
        try:
            return entries.index(None, at, stop)
        except ValueError:
            return stop
    return first_none(entries, at, stop)  # type: ignore[name-defined,no-any-return]  # noqa: F821


def has_null(entries: Entries, at: int, stop: int) -> bool:
    """Whether one of the cells ``at`` to ``stop - 1`` holds None."""
    if not cython.compiled:
        return None in entries[at:stop]
    return null(entries, at, stop) < stop


def move(row: Words, to: int, at: int, count: int) -> None:
    """Move ``count`` words from ``at`` to ``to``; they may overlap."""
    if not cython.compiled:
        row[to : to + count] = row[at : at + count]
    elif to < at:
        for k in range(count):
            row[to + k] = row[at + k]
    else:
        for k in range(count - 1, -1, -1):
            row[to + k] = row[at + k]


def shift(entries: Entries, to: int, at: int, count: int) -> None:
    """Move ``count`` entries from ``at`` to ``to``; they may overlap."""
    if not cython.compiled:
        entries[to : to + count] = entries[at : at + count]
    else:
        slide(entries, to, at, count)  # type: ignore[name-defined]  # noqa: F821


def carry(entries: Entries, to: int, at: int, count: int) -> None:
    """Move ``count`` entries from ``at`` to ``to``, apart from it; what is left there means nothing."""
    if not cython.compiled:
        entries[to : to + count] = entries[at : at + count]
    else:
        swap(entries, to, at, count)  # type: ignore[name-defined]  # noqa: F821


def put(row: Words, at: int, count: int, word: int) -> None:
    """Put one word into ``count`` cells."""
    if not cython.compiled:
        row[at : at + count] = [word] * count
    else:
        for k in range(at, at + count):
            row[k] = word


def fill(entries: Entries, at: int, count: int, entry: Any) -> None:
    """Put one entry into ``count`` cells."""
    if not cython.compiled:
        entries[at : at + count] = [entry] * count
    else:
        set_all(entries, at, count, entry)  # type: ignore[name-defined]  # noqa: F821


def new(room: int) -> Words:
    """A row of so many cells; what is in them is not told. Raises MemoryError."""
    if not cython.compiled:
        return [POISON_WORD] * room
    return again(room)  # type: ignore[name-defined,no-any-return]  # noqa: F821


def grow(row: Words, was: int, room: int) -> Words:
    """The row with ``room`` cells where it had ``was``; what is in the new ones is not told. Raises
    MemoryError."""
    if not cython.compiled:
        row += [POISON_WORD] * (room - was)
        return row
    return resized(row, room)  # type: ignore[name-defined,no-any-return]  # noqa: F821


def copied(row: Words, used: int) -> Words:
    """A row of its own with the first ``used`` cells of this one. Raises MemoryError."""
    if not cython.compiled:
        return row[:used]
    copy = new(used)
    for k in range(used):
        copy[k] = row[k]
    return copy


def beside(row: Words, used: int) -> Words:
    """A row of its own with as many cells; those that are wanted come by ``bring``. Raises MemoryError."""
    return copied(row, used) if not cython.compiled else new(used)


def bring(row: Words, old: Words, at: int, count: int) -> None:
    """Have ``count`` cells of ``old`` in a row beside it; uncompiled they are there, since nothing is
    faster than to copy all."""
    if cython.compiled:
        for k in range(at, at + count):
            row[k] = old[k]


def drop(row: Words, room: int) -> None:
    """The row, of so many cells, is needed no more. A few large ones are kept for the next tree, as a slab
    cache keeps nodes: new memory costs more than what is written to it."""
    if cython.compiled:
        keep(row, room)  # type: ignore[name-defined]  # noqa: F821


def part(row: Words, at: int, stop: int) -> list[int]:
    """The cells ``at`` to ``stop - 1`` as a list."""
    if not cython.compiled:
        return row[at:stop]
    return [row[k] for k in range(at, stop)]
