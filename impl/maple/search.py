"""Looking for free ranges: the lowest and the highest run of NULL that fits.

Sizes are counted in 64 bits, as in the kernel: a single NULL slot over all 2**64 indices counts as 0, so
nothing is found in it (with the whole as limits; the highest never).

The gaps kept in internal nodes say where a large enough run may lie; whether it lies within the limits
of the search is only known in the leaf. Trees without gap tracking find room only while their root is a
leaf, as in the kernel.
"""

from __future__ import annotations

import errno
from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from impl.maple.geometry import MAX, META

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree


class Place(NamedTuple):
    """A slot of a leaf that was found: the leaf, its limits, the slot, the first index of the free range."""

    node: int
    low: int
    high: int
    slot: int
    start: int


class Found(NamedTuple):
    """The answer of a search: ``ret`` 0, -EBUSY or -EINVAL; the first index of the free range.

    ``place`` is where it was found, None in a tree without nodes; ``left_tree`` see :func:`highest`.
    """

    ret: int
    start: int = 0
    place: Place | None = None
    left_tree: bool = False

    @property
    def leaf(self) -> tuple[int, int, int] | None:
        """The leaf that was found, with its limits."""
        return None if self.place is None else (self.place.node, self.place.low, self.place.high)


Direction = Callable[["MapleTree", int, int, int], Place | bool]


def empty_area(tree: MapleTree, least: int, most: int, size: int, direction: Direction) -> Found:
    """``size`` free indices within [least, most]: the lowest or the highest, as ``direction`` says.

    -EINVAL where ``size`` is 0 or more than the limits leave, -EBUSY where there is no such range.
    """
    if size == 0 or least > most or most - least < size - 1:
        return Found(-errno.EINVAL)
    if tree.root < 0:
        if tree.bare is not None and least == 0:
            least = 1
            if most < size:
                return Found(-errno.EBUSY)
        return Found(0, least if direction is lowest else most - size + 1)
    place = direction(tree, least, most, size)
    if isinstance(place, bool):
        return Found(-errno.EBUSY, left_tree=place)
    return Found(0, place.start, place)


def lowest(tree: MapleTree, least: int, most: int, size: int) -> Place | bool:
    """The lowest ``size`` free indices within [least, most], else False (mas_empty_area, mas_awalk)."""
    pool = tree.pool
    pivots, slots, gaps, parents = pool.pivots, pool.slots, pool.gaps, pool.parents
    node, level = tree.root, tree.height
    low, high = 0, MAX
    path: list[tuple[int, int]] = []  # limits of the nodes above
    at = bisect_left(pivots, least, node, pivots[node + META])
    while True:
        end = pivots[node + META]
        while at <= end:
            limit = pivots[at] if at < end else high
            if level == 1:
                if slots[at] is None:
                    start = max(least, pivots[at - 1] + 1 if at > node else low)
                    if (min(limit, most) - start + 1) & MAX >= size:
                        return Place(node, low, high, at, start)
            elif gaps[at] >= size and tree.track_gaps:
                break
            if limit >= most:
                return False
            at += 1
        if at <= end:
            path.append((low, high))
            low, high = (pivots[at - 1] + 1 if at > node else low), limit
            node, level = slots[at], level - 1
            at = bisect_left(pivots, least, node, pivots[node + META])
            continue
        while True:
            slot = parents[node >> 4]
            node, level = slot & ~META, level + 1
            low, high = path.pop()
            if slot < pivots[node + META]:
                break
        at = slot + 1


def highest(tree: MapleTree, least: int, most: int, size: int) -> Place | bool:
    """The highest ``size`` free indices within [least, most] (mas_empty_area_rev, mas_rev_awalk).

    Where there are none: True if the search left the first node of the tree below the root, False if it
    ended for lack of room in between. The kernel's cursor ends differently in the two cases.
    """
    pool = tree.pool
    pivots, slots, gaps, parents = pool.pivots, pool.slots, pool.gaps, pool.parents
    node, level = tree.root, tree.height
    low, high = 0, MAX
    path: list[tuple[int, int]] = []  # limits of the nodes above
    at = bisect_left(pivots, most, node, pivots[node + META])
    while True:
        start = pivots[at - 1] + 1 if at > node else low
        limit = pivots[at] if at < pivots[node + META] else high
        found = False
        while limit >= least:
            if level > 1:
                gap = gaps[at] if tree.track_gaps else 0
            else:
                gap = (limit - start + 1) & MAX if slots[at] is None else 0
            if gap >= size and size <= most - start + 1:
                found = True
                break
            if level == 1 and gap and at - node == 1:
                at = node
            if at == node:
                break
            at -= 1
            limit = start - 1
            start = pivots[at - 1] + 1 if at > node else low
        if limit < least or (found and size - 1 > limit - least):
            return False
        if found:
            if level == 1:
                last = min(limit, most)
                return Place(node, low, high, at, last - size + 1)
            path.append((low, high))
            low, high = start, limit
            node, level = slots[at], level - 1
            at = bisect_left(pivots, most, node, pivots[node + META])
            continue
        if node == tree.root:
            return False
        while True:
            slot = parents[node >> 4]
            node, level = slot & ~META, level + 1
            low, high = path.pop()
            if slot > node:
                break
            if node == tree.root:
                return True
        at = slot - 1
