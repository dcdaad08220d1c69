"""The mistakes that `seeds.py` puts into lib/maple_tree.c: where each goes, and which promise breaks."""

from __future__ import annotations

from mapleproof.impl.kernel.reader_mistakes import READER_SEEDS
from mapleproof.impl.kernel.seed import KernelSeed, Spot

ALONE = (
    KernelSeed(
        "gap-too-exact", "mas_anode_descend", "gap >= size", "gap > size", "a gap of just the size is found"
    ),
    KernelSeed(
        "gap-too-exact-down", "mas_rev_awalk", "(size <= gap)", "(size < gap)", "so is it from the top"
    ),
    KernelSeed(
        "first-gap-short",
        "mas_leaf_max_gap",
        "- mas->min + 1",
        "- mas->min",
        "a gap counts both its ends",
        (Spot("ma_leaf_max_gap", "- min + 1", "- min"),),
    ),
    KernelSeed(
        "gap-skips-slot-0", "ma_max_gap", "while (i--)", "while (--i > 0)", "the largest gap may be the first"
    ),
    KernelSeed(
        "gap-never-shrinks",
        "mas_parent_gap",
        "new < meta_gap",
        "new > meta_gap",
        "a gap that shrank is replaced",
    ),
    KernelSeed(
        "slot-store-gap",
        "mas_wr_slot_store",
        "!wr_mas->entry || gap",
        "gap",
        "a NULL in a slot makes a gap",
        (Spot("mas_wr_slot_store", "\tmas_update_gap(mas);\n", ""),),
    ),
    KernelSeed(
        "exact-fit-gap",
        "mas_wr_store_entry",
        "!!wr_mas->entry ^ !!",
        "!wr_mas->entry && ",
        "an entry ends a gap",
        (Spot("mas_wr_modify", "!!wr_mas->entry ^ !!", "!wr_mas->entry && "),),
    ),
    KernelSeed(
        "append-gap",
        "mas_wr_append",
        "!wr_mas->content || ",
        "",
        "an entry that is appended ends a gap",
        (Spot("mas_wr_modify", "!wr_mas->content || ", ""),),
    ),
    KernelSeed(
        "null-beside-null",
        "mas_wr_extend_null",
        "mas->end != wr",
        "mas->end < wr",
        "neighbouring NULLs are one",
        (Spot("mas_wr_extend_null", "->node_end != wr", "->node_end < wr"),),
    ),
    KernelSeed(
        "null-before-null",
        "mas_wr_extend_null",
        "&& mas->offset &&",
        "&& mas->offset > 1 &&",
        "also at slot 1",
    ),
    KernelSeed(
        "null-eats-slot",
        "mas_extend_spanning_null",
        "l_slot > 1",
        "l_slot > 2",
        "a wide NULL spares its neighbour",
    ),
    KernelSeed(
        "copy-short",
        "mas_wr_node_store",
        "- offset_end + 1",
        "- offset_end",
        "a write keeps the node's last entry",
        (Spot("mas_wr_node_store", "- wr_mas->offset_end + 1", "- wr_mas->offset_end"),),
    ),
    KernelSeed(
        "node-overflow",
        "mas_wr_store_type",
        "new_end >= mt_slots",
        "new_end > mt_slots",
        "a full node is split",
        (Spot("mas_wr_node_store", "new_end >= node_slots", "new_end > node_slots"),),
    ),
    KernelSeed(
        "node-too-empty",
        "mas_wr_store_type",
        "(new_end < mt_min",
        "(new_end + 2 < mt_min",
        "a node stays half full",
        (Spot("mas_wr_node_store", "(new_end <= mt_min", "(new_end + 2 <= mt_min"),),
    ),
    KernelSeed(
        "middle-too-late",
        "mab_middle_node",
        "size >= 2 * slot_count)",
        "size > 2 * slot_count)",
        "three nodes if two are full",
        (Spot("dst_setup", "cp->data < mt_slots[mt] * 2", "cp->data < mt_slots[mt] * 2 + 1"),),
    ),
    KernelSeed(
        "split-on-null",
        "mab_no_null_split",
        "split--",
        "(void)split",
        "no node ends with a NULL",
        (Spot("cp_data_write", "cp->dst[d].max != ULONG_MAX", "cp->dst[d].max == ULONG_MAX"),),
    ),
    KernelSeed(
        "prev-too-far",
        "mas_prev_slot",
        "(pivot <= min)",
        "(pivot < min)",
        "a search stops at its minimum",
        (Spot("mas_prev_entry", "mas->last < min", "mas->last + 1 < min"),),
    ),
    KernelSeed(
        "next-too-far",
        "mas_next_slot",
        "pivot >= max",
        "pivot > max",
        "a search stops at its maximum",
        (Spot("mas_next_nentry", "pivot >= max", "pivot > max"),),
    ),
    KernelSeed(
        "prev-node-minimum",
        "mas_prev_node",
        "pivots[offset - 1] + 1",
        "pivots[offset - 1]",
        "ranges do not overlap",
        (
            Spot(
                "mas_prev_nentry",
                "min = mas_safe_min(mas, pivots, offset)",
                "min = mas_safe_min(mas, pivots, offset) - !!offset",
            ),
        ),
    ),
    KernelSeed(
        "pause-repeats",
        "mas_find_setup",
        "= ++mas->last",
        "= mas->last",
        "after a pause the next entry is found",
        (Spot("mas_find", "= ++mas->last", "= mas->last"),),
    ),
    KernelSeed(
        "pause-repeats-down", "mas_find_rev_setup", "= --mas->index", "= mas->index", "so is the previous one"
    ),
    KernelSeed(
        "underflow-late",
        "mas_prev_setup",
        "mas->index <= min",
        "mas->index < min",
        "nothing lies below the minimum",
    ),
    KernelSeed(
        "area-below-gap", "mas_empty_area", "mas->index < min", "mas->index > min", "an area lies in its gap"
    ),
    KernelSeed(
        "area-above-gap",
        "mas_empty_area_rev",
        "max < mas->last",
        "max > mas->last",
        "so does one from the top",
        (Spot("mas_empty_area_rev", "max <= mas->last", "max > mas->last"),),
    ),
    KernelSeed(
        "sparse-too-exact",
        "mas_sparse_area",
        "max - min + 1 <",
        "max - min <",
        "an almost empty tree has its gaps",
    ),
    KernelSeed(
        "dup-leaks-child",
        "mas_dup_free",
        "mas_data_end(mas) + 1",
        "mas_data_end(mas)",
        "a failed copy frees all of it",
    ),
    KernelSeed(
        "dup-forgets-slot",
        "mas_copy_node",
        "->parent & MAPLE_NODE_MASK",
        "->parent & 6",
        "a copy knows its slots",
    ),
    KernelSeed(
        "dup-forgets-height",
        "mas_dup_build",
        "ma_flags = mas->tree->",
        "ma_flags |= 0 & mas->tree->",
        "a copy is as high",
    ),
    KernelSeed(
        "cyclic-repeats", "mas_alloc_cyclic", "*startp + 1", "*startp", "the next number is another one"
    ),
    KernelSeed(
        "find-repeats", "mt_find", "= mas.last + 1", "= mas.last", "a search goes on behind what it found"
    ),
    KernelSeed(
        "insert-too-shy",
        "mas_insert",
        "mas->last > wr_mas.r_max",
        "mas->last >= wr_mas.r_max",
        "a free range can be filled",
    ),
    KernelSeed(
        "root-expand",
        "mas_root_expand",
        "mas->index > 1",
        "mas->index > 0",
        "index 0 keeps its entry beside index 1",
    ),
    KernelSeed("root-erased", "mas_store_root", "(!mas->index)", "(1)", "erasing elsewhere keeps index 0"),
    KernelSeed(
        "subtree-leak",
        "mas_mat_destroy",
        "call_rcu(&node->rcu, mt_free_walk)",
        "(void)node",
        "replaced nodes are freed",
        (Spot("mas_mat_destroy", "mte_destroy_walk(mat->head, mat->mtree)", "(void)mat->mtree"),),
    ),
    KernelSeed(
        "no-node-to-pop", "mas_prealloc_calc", "? 1 : 0", "? 0 : 0", "enough nodes are there before a write"
    ),
    KernelSeed("relies-on-zeroes", "mas_pop_node", "sizeof(*ret)", "sizeof(void *)", "a new node is empty"),
    KernelSeed(
        "erase-retries-elsewhere",
        "mas_erase",
        "mas->index = mas->last = index;",
        "",
        "a retry erases what was meant",
        (
            Spot(
                "mas_erase",
                "mas_nomem_nofail(mas, index, index)",
                "mas_nomem_nofail(mas, mas->index, mas->last)",
            ),
        ),
    ),
    KernelSeed(
        "insert-overwrites",
        "mas_insert",
        "wr_mas.content || ",
        "",
        "an insert finds a range that is taken",
        (Spot("mas_insert", "if (wr_mas.content)", "if (0 && wr_mas.content)"),),
    ),
    KernelSeed(
        "range-reversed", "mtree_store_range", "index > last", "index > last + 8", "first > last is refused"
    ),
    KernelSeed(
        "walk-off-by-one",
        "mtree_range_walk",
        "(pivots[0] >= mas->index",
        "(pivots[0] > mas->index",
        "a walk ends in the range around its index",
        (Spot("mtree_range_walk", "pivots[offset] >= mas->index", "pivots[offset] > mas->index"),),
    ),
    KernelSeed(
        "new-root-leaks",
        "mas_new_root",
        "mte_destroy_walk(root, mas->tree)",
        "(void)root",
        "an old tree is freed",
    ),
    KernelSeed(
        "metadata-short",
        "mas_root_expand",
        "maple_leaf_64, 0, slot)",
        "maple_leaf_64, 0, slot - 1)",
        "a node knows its data end",
    ),
    KernelSeed(
        "gap-not-raised",
        "mas_update_gap",
        "p_gap != max_gap",
        "p_gap > max_gap",
        "a gap that grew is replaced",
        (Spot("mas_update_gap_known", "p_gap != gap", "p_gap > gap"),),
    ),
    KernelSeed(
        "prealloc-leaks",
        "mas_preallocate",
        "mas_set_alloc_req(mas, 0);",
        "ret = xa_err(mas->node); mas_reset(mas); return ret;",
        "a refused preallocation keeps nothing",
    ),
    KernelSeed(
        "area-size-unchecked",
        "mas_empty_area",
        "size == 0 || ",
        "",
        "no room is searched for nothing",
    ),
    KernelSeed(
        "nomem-gives-up",
        "mas_nomem",
        "mas->status = ma_start;",
        "",
        "a cursor that got memory can be used again",
        (Spot("mas_nomem", "mas_reset(mas);", ""), Spot("mas_nomem", "mas->node = MAS_START;", "")),
    ),
    KernelSeed("load-unlocked", "mtree_load", "rcu_read_lock();", "", "a walk is under RCU or the lock"),
    KernelSeed(
        "store-unlocked", "mtree_store_range", "mtree_lock(mt);", "rcu_read_lock();", "a write is locked"
    ),
    KernelSeed("nomem-keeps-lock", "mas_nomem", "mtree_unlock(mas->tree);", "", "no sleep under a spinlock"),
    KernelSeed(
        "nomem-drops-outside-lock",
        "mas_nomem",
        " && !mt_external_lock(mas->tree)",
        "",
        "an outside lock is the caller's to drop",
    ),
    KernelSeed(
        "splits-too-early",
        "mas_wr_store_type",
        "new_end >= mt_slots[wr_mas->type]",
        "new_end >= mt_slots[wr_mas->type] - 1",
        "a node is filled before it is split",
        (
            Spot(
                "mas_wr_modify", "new_end >= mt_slots[wr_mas->type]", "new_end >= mt_slots[wr_mas->type] - 1"
            ),
        ),
    ),
    KernelSeed(
        "asks-for-more",
        "mas_prealloc_calc",
        "mt_in_rcu(mas->tree) ? 1 : 0",
        "mt_in_rcu(mas->tree) ? 2 : 0",
        "no node is asked for beyond need",
    ),
    KernelSeed(
        "root-takes-no-pointer",
        "mas_store_root",
        "& 3) == 2",
        "& 1) == 0",
        "a pointer at index 0 needs no node",
    ),
)
"""Mistakes, each found by a comparison with the model or by a check of the nodes."""

SEEDS = (*ALONE, *READER_SEEDS)
"""All mistakes."""
