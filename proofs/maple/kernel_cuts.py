"""Where the kernel cuts what does not fit a node, told once more from its own text.

`mab_calc_split()`, `mab_middle_node()`, `mab_no_null_split()`, `mas_push_data()` and the choice of a sibling
in `mas_rebalance()`, as far as they say how many slots each new leaf gets. ``null(at)`` is whether a slot
holds NULL. What is claimed of the shipped code is that its leaves come out so, which is more than that they
keep their minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from mapleproof.impl.maple.geometry import Geometry

Null = Callable[[int], bool]


def off_null(null: Null, split: int, b_end: int, slots: int, least: int) -> int:
    """mab_no_null_split(); ``least`` is one more than mt_min_slots."""
    if not null(split):
        return split
    fits = split < slots - 1 and b_end - split > least - 1
    return split + 1 if fits else split - 1


def cuts(null: Null, size: int, slots: int, least: int) -> list[int]:
    """mab_calc_split(): the last slot of each node but the last, none where all fits one."""
    if size <= slots:
        return []
    b_end = size - 1
    split = b_end // 2
    middle = b_end >= 2 * slots or (b_end >= 2 * slots - 1 and null(split))
    if middle:
        return [off_null(null, at, b_end, slots, least) for at in (b_end // 3, b_end // 3 * 2)]
    return [off_null(null, split, b_end, slots, least)]


def bulk_cut(null: Null, size: int, least: int) -> list[int]:
    """mab_calc_split() while a tree is loaded in order."""
    split = size - 1 - (least - 1)
    return [split - 1 if null(split) else split]


def sizes_of(size: int, at: list[int]) -> list[int]:
    """How many slots each part has."""
    ends = [-1, *at, size - 1]
    return [end - before for before, end in pairwise(ends)]


def _from(null: Null, first: int) -> Null:
    """Slots are counted from ``first`` on."""
    return lambda at: null(first + at)


def split_sizes(null: Null, size: int, left: int, right: int, shape: Geometry) -> list[int]:
    """Slots of the leaves after mas_split() of ``size`` slots between siblings of ``left`` and ``right``, 0
    for none. ``null`` counts the slots of all of them together."""
    slots, least = shape.leaf_slots, shape.leaf_min
    for beside, is_left in ((left, True), (right, False)):
        if not beside:
            continue
        slot_total = size - 1 + beside - 1
        space = 2 * slots - 2 - 1 - (0 if right else 1)
        if slot_total >= space:
            continue
        first = 0 if is_left else left
        at = slots - 2 if is_left else slot_total - (slots - 2)
        b_end = slot_total + 1 if is_left else slot_total + 2
        split = off_null(_from(null, first), at, b_end, slots, least)
        both = sizes_of(size + beside, [split])
        return [*both, *([right] if right else [])] if is_left else [*([left] if left else []), *both]
    own = sizes_of(size, cuts(_from(null, left), size, slots, least))
    return [*([left] if left else []), *own, *([right] if right else [])]


def rebalance_sizes(null: Null, size: int, left: int, right: int, shape: Geometry) -> list[int]:
    """Slots of the leaves after mas_rebalance(): with the right sibling if there is one, else the left."""
    slots, least = shape.leaf_slots, shape.leaf_min
    if right:
        own = sizes_of(size + right, cuts(_from(null, left), size + right, slots, least))
        return [*([left] if left else []), *own]
    return sizes_of(left + size, cuts(null, left + size, slots, least))
