"""Making all indices of a run small at once, where no single one can be lowered by itself.

Two ways: where a `fill` puts ranges at a stride, every index is brought down to a small stride; and the gaps
between the indices that a run names are narrowed, all to the same most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mapleproof.props.common.operation import Common

END = 2**64 - 1

STRIDES = (1, 2, 3, 4, 16)
"""Strides that a fill is tried with."""

GAPS = (1, 2, 4, 16, 256, 2**12, 2**16, 2**32)
"""What gaps between two indices are narrowed to."""

INDICES = ("index", "first", "last", "min", "max", "next")


def indices(op: Any) -> list[tuple[str, int]]:
    """The indices that an operation names, each with the argument that holds it."""
    return [(name, value) for name in INDICES if (value := getattr(op, name, None)) is not None]


def scaled(run: Sequence[Common]) -> Iterator[list[Common]]:
    """Runs with smaller indices, those that lower most first."""
    yield from _to_smaller_strides(run)
    yield from _to_narrower_gaps(run)


def _to_smaller_strides(run: Sequence[Any]) -> Iterator[list[Common]]:
    strides = {op.stride for op in run if hasattr(op, "stride")}
    for old in sorted(strides, reverse=True):
        for new in STRIDES:
            if new < old:
                yield [_with_stride(op, old, new) for op in run]


def _with_stride(op: Any, old: int, new: int) -> Any:
    changed = _mapped(op, lambda index: index // old * new + min(index % old, new - 1))
    if getattr(op, "stride", None) == old:
        return replace(changed, stride=new, length=min(op.length, new))
    return changed


def _to_narrower_gaps(run: Sequence[Any]) -> Iterator[list[Common]]:
    if any(hasattr(op, "stride") for op in run):
        return
    named = sorted({0, *(value for op in run for _, value in indices(op))})
    widest = max((high - low for low, high in pairwise(named)), default=0)
    for most in GAPS:
        if most >= widest:
            return
        lower = {0: 0}
        for low, high in pairwise(named):
            lower[high] = lower[low] + min(high - low, most)
        yield [_mapped(op, lower.__getitem__) for op in run]


def _mapped(op: Any, to: Callable[[int], int]) -> Any:
    """The operation with other indices; the last one of all stays."""
    return replace(op, **{name: to(value) for name, value in indices(op) if value != END})
