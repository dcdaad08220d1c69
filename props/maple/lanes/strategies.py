"""Hypothesis strategies for operations on maple trees, and what they aim at.

A machine draws small numbers only; what they mean depends on what the tree holds when they are used, so that
an operation can aim at the ranges that are there and at the borders of leaves. One number says one place, or
one choice of several things at once, since each draw costs as much as an operation.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

from mapleproof.props.maple.shortage import CANNOT_WAIT, NOFAIL, NOWAIT, fields_of, once

TOP = 2**64 - 1
CODES = 2**24
"""Numbers up to this are drawn evenly."""

codes = st.integers(0, CODES - 1)
"""One number to be taken apart with `split`."""

prefill_sizes = st.sampled_from((3, 7, 15, 16, 17, 24, 60, 150, 400, 1200))
"""How many ranges to store at once: around full leaves, and for trees of two to four levels."""

Ranges = Sequence[tuple[int, int, int]]


def split(code: int, *sizes: int) -> list[int]:
    """Take a drawn number apart into numbers below these sizes."""
    parts = []
    for size in sizes:
        code, part = divmod(code, size)
        parts.append(part)
    return parts


def place(code: int, ranges: Ranges, borders: Sequence[int]) -> int:
    """An index: a limit of the address space, a power of two, the edge of a range or leaf, or some other."""
    kind, which, offset = split(code, 12, 256, 5)
    near = offset - 2
    if kind < 3 and ranges:
        index = ranges[which * len(ranges) // 256][0] + near
    elif kind < 6 and ranges:
        index = ranges[which * len(ranges) // 256][1] + near
    elif kind < 8 and borders:
        index = borders[which * len(borders) // 256] + near
    elif kind == 8:
        index = (1 << which % 64) + near
    elif kind == 9:
        index = TOP - which
    elif kind == 10:
        index = 0x7F0000000000 + which * 0x1000
    else:
        index = which
    return min(max(index, 0), TOP)


def span(code: int, other: int, ranges: Ranges, borders: Sequence[int]) -> tuple[int, int]:
    """A range: one index, a few, one that is held, or from one place to another over whatever is between."""
    first = place(code, ranges, borders)
    shape, length = split(other, 10, 64)
    if shape < 2:
        return first, first
    if shape < 4:
        return first, min(first + length, TOP)
    if shape == 4 and ranges:
        held = ranges[length * len(ranges) // 64]
        return held[0], held[1]
    if shape == 5 and borders:
        # Up to the end of a leaf, which may be the end of a whole subtree, or from behind it.
        border = borders[length * len(borders) // 64]
        return (first, border) if first <= border else (border + 1, first)
    if shape in (6, 7) and borders:
        # A little of two leaves, which leaves much of both.
        border = borders[length * len(borders) // 64]
        reach = code % 16
        return max(border - reach % 4, 0), min(border + 1 + reach // 4, TOP)
    last = place(other // 640, ranges, borders)
    return (first, last) if first <= last else (last, first)


def entry(code: int) -> int | None:
    """An entry, in one of four cases NULL."""
    null, which = split(code, 4, 20)
    return None if null == 0 else which + 1


def shortage(code: int) -> dict[str, int]:
    """How an operation is kept short of memory: usually not; else none to seven nodes are granted, one
    request is refused after so many, or all that may not sleep are."""
    short, units = split(code, 8, 8)
    if short == 1:
        return fields_of(
            (once(units // 2), NOWAIT, once(units // 2), (CANNOT_WAIT, NOFAIL)[units // 4])[units % 4]
        )
    return fields_of(units) if short == 0 else {}
