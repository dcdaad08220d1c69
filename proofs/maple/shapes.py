"""Shapes of trees."""

from __future__ import annotations

Shape = int | tuple["Shape", ...]
"""A leaf's slots, or the children of a node."""


def height_of(shape: Shape) -> int:
    """Levels of a tree of this shape."""
    return 1 if isinstance(shape, int) else 1 + height_of(shape[0])


def slots_of(shape: Shape) -> int:
    """Slots of all leaves."""
    return shape if isinstance(shape, int) else sum(map(slots_of, shape))
