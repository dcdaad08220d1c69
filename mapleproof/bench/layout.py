"""What the tree benchmark stores and asks: one layout at each n.

Ranges of two pages with a page between them, as mmap leaves them, with a gap of two pages near the low end
and one of three near the high end, so that a search can be near, far, or for nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

PAGE = 0x1000
BASE = 0x7F00_0000_0000
FEW = 2000
"""Loads, overwrites and searches measured in one round."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The ranges at one n, and what is asked of them."""

    ranges: tuple[tuple[int, int, int], ...]
    shuffled: tuple[tuple[int, int, int], ...]
    indices: tuple[int, ...]
    overwrites: tuple[tuple[int, int, int], ...]
    searches: dict[str, tuple[int, int, int]]
    """By operation: low, high, size."""


def layout(n: int) -> Layout:
    """The layout at ``n``; the same every time."""
    rng = random.Random(n)
    ranges = []
    at = BASE
    for k in range(n):
        ranges.append((at, at + 2 * PAGE - 1, k + 1))
        at += (2 + {4: 2, n - 6: 3}.get(k, 1)) * PAGE
    low, high = ranges[0][0], ranges[-1][1]
    shuffled = ranges[:]
    rng.shuffle(shuffled)
    overwrites = []
    for _ in range(min(n, FEW)):
        first = low + rng.randrange((high - low) // PAGE) * PAGE
        overwrites.append((first, first + rng.randrange(1, 7) * PAGE - 1, rng.randrange(1, n)))
    return Layout(
        ranges=tuple(ranges),
        shuffled=tuple(shuffled),
        indices=tuple(rng.randrange(low, high) for _ in range(FEW)),
        overwrites=tuple(overwrites),
        searches={
            "lowest gap, near": (low, high, 2 * PAGE),
            "lowest gap, far": (low, high, 3 * PAGE),
            "lowest gap, none": (low, high, 4 * PAGE),
            "highest gap, near": (low, high, 3 * PAGE),
            "highest gap, far": (low, ranges[n - 6][0], 2 * PAGE),
            "highest gap, none": (low, high, 4 * PAGE),
        },
    )
