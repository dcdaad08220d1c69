"""Looking for free ranges: the lowest and the highest run of NULL that fits.

Sizes are counted in 64 bits, as in the kernel: a single NULL slot over all 2**64 indices counts as 0, so
nothing is found in it (with the whole as limits; the highest never).

The gaps kept in internal nodes say where a large enough run may lie; whether it lies within the limits
of the search is only known in the leaf. Trees without gap tracking find room only while their root is a
leaf, as in the kernel.
"""

from __future__ import annotations

import errno

from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import MAX, META
from mapleproof.impl.maple.place import Found
from mapleproof.impl.maple.structure import Structure

EBUSY = errno.EBUSY
EINVAL = errno.EINVAL


def empty_area(tree: Structure, least: int, most: int, size: int, upwards: bool) -> int:
    """``size`` free indices within [least, most]: the lowest if ``upwards``, else the highest.

    0, and ``tree.found`` says where; -EINVAL where ``size`` is 0 or more than the limits leave, -EBUSY where
    there is no such range.
    """
    found = tree.found
    found.node = -1
    found.left_tree = False
    if size == 0 or least > most or most - least < size - 1:
        found.ret = -EINVAL
    elif tree.root < 0:
        found.ret = 0
        if tree.bare is not None and least == 0:
            least = 1
            if most < size:
                found.ret = -EBUSY
        found.start = least if upwards else most - size + 1
    elif upwards:
        found.ret = 0 if lowest(tree, found, least, most, size) else -EBUSY
    else:
        found.ret = 0 if highest(tree, found, least, most, size) else -EBUSY
    return found.ret


def lowest(tree: Structure, found: Found, least: int, most: int, size: int) -> bool:
    """The lowest ``size`` free indices within [least, most], if there are any (mas_empty_area, mas_awalk)."""
    pool = tree.pool
    pivots, gaps = pool.pivots, pool.gaps
    node, level = tree.root, tree.height
    low, high = 0, MAX
    at = rows.find(pivots, least, node, pivots[node + META])
    while True:
        end = pivots[node + META]
        while at <= end:
            limit = pivots[at] if at < end else high
            if level == 1:
                if pool.slots[at] is None:
                    start = max(least, pivots[at - 1] + 1 if at > node else low)
                    if (min(limit, most) - start + 1) & MAX >= size:
                        found.node, found.low, found.high, found.slot = node, low, high, at
                        found.start = start
                        return True
            elif gaps[at] >= size and tree.track_gaps:
                break
            if limit >= most:
                return False
            at += 1
        if at <= end:
            low, high = (pivots[at - 1] + 1 if at > node else low), limit
            node, level = pool.children[at], level - 1
            at = rows.find(pivots, least, node, pivots[node + META])
        else:
            slot = pool.parents[node >> 4]
            while slot == pivots[slot | META]:
                slot, level = pool.parents[slot >> 4], level + 1
            node, level = slot & ~META, level + 1
            low, high = tree.low_of(node), tree.high_of(node)
            at = slot + 1


def highest(tree: Structure, found: Found, least: int, most: int, size: int) -> bool:
    """The highest ``size`` free indices within [least, most], if there are any (mas_empty_area_rev,
    mas_rev_awalk).

    Where there are none, ``found.left_tree`` is true if the search left the first node of the tree below
    the root, false if it ended for lack of room in between. The kernel's cursor ends differently in the two
    cases.
    """
    pool = tree.pool
    pivots, gaps = pool.pivots, pool.gaps
    node, level = tree.root, tree.height
    low, high = 0, MAX
    at = rows.find(pivots, most, node, pivots[node + META])
    while True:
        start = pivots[at - 1] + 1 if at > node else low
        limit = pivots[at] if at < pivots[node + META] else high
        fits = False
        while limit >= least:
            if level > 1:
                gap = gaps[at] if tree.track_gaps else 0
            else:
                gap = (limit - start + 1) & MAX if pool.slots[at] is None else 0
            if gap >= size and size - 1 <= most - start:
                fits = True
                break
            if level == 1 and gap and at - node == 1:
                at = node
            if at == node:
                break
            at -= 1
            limit = start - 1
            start = pivots[at - 1] + 1 if at > node else low
        if limit < least or (fits and size - 1 > limit - least):
            return False
        if fits and level == 1:
            found.node, found.low, found.high, found.slot = node, low, high, at
            found.start = min(limit, most) - (size - 1)
            return True
        if fits:
            low, high = start, limit
            node, level = pool.children[at], level - 1
            at = rows.find(pivots, most, node, pivots[node + META])
        elif node == tree.root:
            return False
        else:
            slot = pool.parents[node >> 4]
            while not slot & META:
                if slot == tree.root:
                    found.left_tree = True
                    return False
                slot, level = pool.parents[slot >> 4], level + 1
            node, level = slot & ~META, level + 1
            low, high = tree.low_of(node), tree.high_of(node)
            at = slot - 1
