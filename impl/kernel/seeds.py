"""Mistakes to put into a copy of lib/maple_tree.c, to see whether the suite finds them.

Each seed names a function, a fragment that stands exactly once in it, and what stands there instead:
one line, a mistake that a person could make. A seed is refused where its fragment is not found exactly
once, so that a tree of another version never gets a mistake other than the one that is described.

The fragments are anchors for Linux 6.12; what they mean is said in ``promise``, the promise that
breaks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from impl.kernel.errors import KernelBuildError


class Seed(NamedTuple):
    """One mistake."""

    name: str
    function: str
    find: str
    replace: str
    promise: str


SEEDS = (
    Seed(
        "gap-too-exact", "mas_anode_descend", "gap >= size", "gap > size", "a gap of just the size is found"
    ),
    Seed("gap-too-exact-down", "mas_rev_awalk", "(size <= gap)", "(size < gap)", "so is it from the top"),
    Seed("first-gap-short", "mas_leaf_max_gap", "- mas->min + 1", "- mas->min", "a gap counts both its ends"),
    Seed(
        "gap-skips-slot-0", "ma_max_gap", "while (i--)", "while (--i > 0)", "the largest gap may be the first"
    ),
    Seed(
        "gap-never-shrinks",
        "mas_parent_gap",
        "new < meta_gap",
        "new > meta_gap",
        "a gap that shrank is replaced",
    ),
    Seed(
        "slot-store-gap", "mas_wr_slot_store", "!wr_mas->entry || gap", "gap", "a NULL in a slot makes a gap"
    ),
    Seed(
        "exact-fit-gap",
        "mas_wr_store_entry",
        "!!wr_mas->entry ^ !!",
        "!wr_mas->entry && ",
        "an entry ends a gap",
    ),
    Seed("append-gap", "mas_wr_append", "!wr_mas->content || ", "", "an entry that is appended ends a gap"),
    Seed(
        "null-beside-null",
        "mas_wr_extend_null",
        "mas->end != wr",
        "mas->end < wr",
        "neighbouring NULLs are one",
    ),
    Seed(
        "null-before-null",
        "mas_wr_extend_null",
        "&& mas->offset &&",
        "&& mas->offset > 1 &&",
        "also at slot 1",
    ),
    Seed(
        "null-eats-slot",
        "mas_extend_spanning_null",
        "l_slot > 1",
        "l_slot > 2",
        "a wide NULL spares its neighbour",
    ),
    Seed(
        "copy-short",
        "mas_wr_node_store",
        "- offset_end + 1",
        "- offset_end",
        "a write keeps the node's last entry",
    ),
    Seed(
        "node-overflow",
        "mas_wr_store_type",
        "new_end >= mt_slots",
        "new_end > mt_slots",
        "a full node is split",
    ),
    Seed(
        "node-too-empty",
        "mas_wr_store_type",
        "(new_end < mt_min",
        "(new_end + 2 < mt_min",
        "a node stays half full",
    ),
    Seed(
        "middle-too-late",
        "mab_middle_node",
        "size >= 2 * slot_count)",
        "size > 2 * slot_count)",
        "three nodes if two are full",
    ),
    Seed("split-on-null", "mab_no_null_split", "split--", "(void)split", "no node ends with a NULL"),
    Seed("prev-too-far", "mas_prev_slot", "(pivot <= min)", "(pivot < min)", "a search stops at its minimum"),
    Seed("next-too-far", "mas_next_slot", "pivot >= max", "pivot > max", "a search stops at its maximum"),
    Seed(
        "prev-node-minimum",
        "mas_prev_node",
        "pivots[offset - 1] + 1",
        "pivots[offset - 1]",
        "ranges do not overlap",
    ),
    Seed(
        "pause-repeats",
        "mas_find_setup",
        "= ++mas->last",
        "= mas->last",
        "after a pause the next entry is found",
    ),
    Seed(
        "pause-repeats-down", "mas_find_rev_setup", "= --mas->index", "= mas->index", "so is the previous one"
    ),
    Seed(
        "underflow-late",
        "mas_prev_setup",
        "mas->index <= min",
        "mas->index < min",
        "nothing lies below the minimum",
    ),
    Seed(
        "area-below-gap", "mas_empty_area", "mas->index < min", "mas->index > min", "an area lies in its gap"
    ),
    Seed(
        "area-above-gap",
        "mas_empty_area_rev",
        "max < mas->last",
        "max > mas->last",
        "so does one from the top",
    ),
    Seed(
        "sparse-too-exact",
        "mas_sparse_area",
        "max - min + 1 <",
        "max - min <",
        "an almost empty tree has its gaps",
    ),
    Seed(
        "dup-leaks-child",
        "mas_dup_free",
        "mas_data_end(mas) + 1",
        "mas_data_end(mas)",
        "a failed copy frees all of it",
    ),
    Seed(
        "dup-forgets-slot",
        "mas_copy_node",
        "->parent & MAPLE_NODE_MASK",
        "->parent & 6",
        "a copy knows its slots",
    ),
    Seed(
        "dup-forgets-height",
        "mas_dup_build",
        "ma_flags = mas->tree->",
        "ma_flags |= 0 & mas->tree->",
        "a copy is as high",
    ),
    Seed("cyclic-repeats", "mas_alloc_cyclic", "*startp + 1", "*startp", "the next number is another one"),
    Seed("find-repeats", "mt_find", "= mas.last + 1", "= mas.last", "a search goes on behind what it found"),
    Seed(
        "insert-too-shy",
        "mas_insert",
        "mas->last > wr_mas.r_max",
        "mas->last >= wr_mas.r_max",
        "a free range can be filled",
    ),
    Seed(
        "root-expand",
        "mas_root_expand",
        "mas->index > 1",
        "mas->index > 0",
        "index 0 keeps its entry beside index 1",
    ),
    Seed("root-erased", "mas_store_root", "(!mas->index)", "(1)", "erasing elsewhere keeps index 0"),
    Seed(
        "subtree-leak",
        "mas_mat_destroy",
        "call_rcu(&node->rcu, mt_free_walk)",
        "(void)node",
        "replaced nodes are freed",
    ),
    Seed(
        "no-node-to-pop", "mas_prealloc_calc", "? 1 : 0", "? 0 : 0", "enough nodes are there before a write"
    ),
    Seed("relies-on-zeroes", "mas_pop_node", "sizeof(*ret)", "sizeof(ret->total)", "a new node is empty"),
)
"""Thirty-six mistakes, each found by a comparison with the model or by a check of the nodes."""


def seed_named(name: str) -> Seed:
    for seed in SEEDS:
        if seed.name == name:
            return seed
    raise KernelBuildError(f"no seed is named {name}; there are: {', '.join(each.name for each in SEEDS)}")


def body_of(source: str, function: str) -> tuple[int, int]:
    """Where a function's definition stands in a C source. ValueError unless there is exactly one."""
    places = []
    for match in re.finditer(rf"^[^\s/*#].*\b{function}\(|^{function}\(", source, re.MULTILINE):
        opening = source.find("\n{", match.start())
        semicolon = source.find(";", match.start())
        if opening < 0 or 0 <= semicolon < opening:
            continue
        places.append((opening, source.find("\n}", opening)))
    if len(places) != 1:
        raise ValueError(f"{function}() is defined {len(places)} times")
    return places[0]


def plant(source: str, seed: Seed) -> str:
    """The source with the mistake in it. KernelBuildError unless the seed fits this source exactly once."""
    try:
        start, end = body_of(source, seed.function)
    except ValueError as error:
        raise KernelBuildError(f"seed {seed.name} does not fit this tree: {error}") from None
    body = source[start:end]
    if body.count(seed.find) != 1:
        found = body.count(seed.find)
        raise KernelBuildError(
            f"seed {seed.name} does not fit this tree: {found} places in {seed.function}()"
        )
    return source[:start] + body.replace(seed.find, seed.replace) + source[end:]
