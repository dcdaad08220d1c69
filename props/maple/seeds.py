"""The mistakes of the maple tree that the suite must find, by the entries of the catalogue (docs/seeds.md).

Each was made in the kernel, or is the natural slip at a place where the kernel has a special case.
"""

from __future__ import annotations

from mapleproof.props.common.planting import Edit, Seed

TREE = "impl.maple.tree:MapleTree."
CURSOR = "impl.maple.cursor:Cursor."
PLACE = "impl.maple.cursor_place:PlacedCursor."
STORES = "impl.maple.cursor_stores:StoringCursor."
CLASSIFY = "impl.maple.classify:"
WRITE = "impl.maple.write:"
REBUILD = "impl.maple.rebuild:"
BENCH = "impl.maple.workbench:"
GAPS_KEPT = "impl.maple.gaps:"
SEARCH = "impl.maple.search:"
DUP = "impl.maple.dup:"
BULK = "impl.maple.bulk:"


def _seed(name: str, what: str, *edits: tuple[str, str, str], lane: str = "bulk", steps: int = 12) -> Seed:
    return Seed(name, name.split("_")[0], what, tuple(Edit(*edit) for edit in edits), lane, steps)


WRITE_PATH = (
    _seed(
        "W01_slot_copied_twice",
        "a spanning store that ends with its ancestor copies the slot it has overwritten once more",
        (CLASSIFY + "classify_span", "left_min < first, last < far_high", "left_min < first, right <= end"),
    ),
    _seed(
        "W02_right_edge_not_merged",
        "a short leaf at the right edge of the tree is not merged with a neighbour",
        (
            REBUILD + "climb",
            "stop - start < least and not (low == 0 and high == MAX)",
            "stop - start < least and high != MAX",
        ),
    ),
    _seed(
        "W02_both_edges_not_merged",
        "a short leaf at either edge of the tree is not merged with a neighbour",
        (
            REBUILD + "climb",
            "stop - start < least and not (low == 0 and high == MAX)",
            "stop - start < least and low != 0 and high != MAX",
        ),
    ),
    _seed(
        "W03_split_far_right",
        "a split leaves the right node below its minimum",
        (BENCH + "cuts", "half = end // 2", "half = end - 2"),
    ),
    _seed(
        "W04_null_makes_a_node",
        "storing NULL into an empty tree makes a node whose slots are all NULL",
        (
            WRITE + "store_at_root",
            "if entry is None:\n        if first == 0:",
            "if entry is None and (first == 0 or tree.bare is not None):\n        if first == 0:",
        ),
        (
            CLASSIFY + "nodes_needed",
            "return 0 if entry is None or store.last == 0 else 1",
            "return 0 if store.last == 0 else 1",
        ),
    ),
    _seed(
        "W04_null_beside_a_bare_entry",
        "storing NULL beside a bare entry makes a node with NULLs that touch",
        (
            WRITE + "store_at_root",
            "if entry is None:\n        if first == 0:",
            "if entry is None and (first == 0 or tree.bare is None):\n        if first == 0:",
        ),
        (
            CLASSIFY + "nodes_needed",
            "return 0 if entry is None or store.last == 0 else 1",
            "return 0 if store.last == 0 else 1",
        ),
    ),
    _seed(
        "W05_final_pivot_missing",
        "a new root's last pivot is not written",
        (WRITE + "store_at_root", "pivots[at] = MAX", "pivots[at] = 0"),
    ),
    _seed(
        "W07_limit_from_last_pivot",
        "a copied leaf takes its maximum from the pivot before",
        (
            BENCH + "gather_leaf",
            "rest - 1] = store.high",
            "rest - 1] = pivots[end - 1]",
        ),
    ),
    _seed(
        "W08_height_counted_twice",
        "a root split counts the new level twice",
        (REBUILD + "split", "tree.height + 1)", "tree.height + 2)"),
    ),
    _seed(
        "W09_bulk_load_rebalances",
        "a store of a bulk load that leaves the last leaf short rebalances it",
        (CLASSIFY + "classify", "tree.height == 1 or (bulk and high == MAX)", "tree.height == 1"),
        lane="unit",
    ),
    _seed(
        "W10_write_through_paused_cursor",
        "a paused cursor keeps its leaf, and a store through it goes there",
        (PLACE + "pause", "self.node = -1", "self.slot = -1"),
        (STORES + "leaf_for_write", "self.state == ACTIVE", 'self.status in ("active", "pause")'),
    ),
    _seed(
        "W11_widened_range_kept",
        "a NULL's range, widened before the lock was dropped for memory, is used after it was taken again",
        (TREE + "write", "placed = False\n", "placed, first, last = False, store.first, store.last\n"),
        lane="unit",
    ),
    _seed(
        "W15_leaf_overflows",
        "the test whether the result fits into the leaf is off by one",
        (
            CLASSIFY + "classify",
            "new_end - node >= tree.leaf_slots",
            "new_end - node > tree.leaf_slots",
        ),
    ),
    _seed(
        "W17_null_found_behind_the_end",
        "a NULL looks for NULLs to merge with in slots behind the leaf's end, and takes the stale pivot",
        (
            CLASSIFY + "classify",
            "elif last == right_max and right < end and slots[right + 1] is None:",
            "elif last == right_max and right < node + META - 1 and slots[right + 1] is None:",
        ),
        (
            CLASSIFY + "classify",
            "last = right_max = pivots[right] if right < end else high\n        if slots[left]",
            "last = right_max = pivots[right]\n        if slots[left]",
        ),
    ),
    _seed(
        "W20_split_at_null",
        "a split may leave a NULL at the end of the left leaf",
        (BENCH + "off_null", "if leaf and tree.pool.slots[start + cut] is None:", "if cut < 0:"),
    ),
    _seed(
        "W23_wrong_parent_slot",
        "the last child of a new node gets 0 as its parent slot",
        (
            BENCH + "fill",
            "parents[children[at] >> 4] = at",
            "parents[children[at] >> 4] = at if at < node + count - 1 else node",
        ),
    ),
    _seed(
        "W23_cursor_keeps_old_minimum",
        "a cursor that moves to the next leaf keeps the old leaf's minimum",
        (PLACE + "next_leaf", "self.low = self.high + 1", "depth += 0"),
    ),
    _seed(
        "W25_cascade_not_foreseen",
        "the nodes reserved for a rebalance do not cover its parents",
        (CLASSIFY + "nodes_needed", "return 2 * tree.height - 1", "return tree.height"),
    ),
)

ALLOCATION = (
    _seed(
        "A01_second_preallocation_ignored",
        "a second, larger preallocation through the same cursor does nothing",
        (STORES + "preallocate", "self.destroy()\n", "if self.prepared:\n        return 0\n"),
    ),
    _seed(
        "A02_node_for_a_slot_store",
        "a node is reserved for a store that only moves a border",
        (CLASSIFY + "nodes_needed", "(EXACT_FIT, SLOT_STORE, APPEND)", "(EXACT_FIT, APPEND)"),
        lane="unit",
    ),
    _seed(
        "A04_expected_entries_cannot_wait",
        "the reservation for a bulk load is one that may not sleep",
        (
            STORES + "preallocate_nodes",
            'request(count, "preallocate", False)',
            'request(count, "preallocate", True)',
        ),
        lane="unit",
    ),
    _seed(
        "A06_no_slot_for_the_gap",
        "the reservation for a bulk load forgets the gap behind each entry",
        (BULK + "nodes_for", "2 * entries + 1", "entries"),
    ),
    _seed(
        "A06_no_working_room",
        "the reservation for a bulk load forgets the nodes of a split under way",
        (BULK + "nodes_for", "nodes + 2 * height + 1", "nodes"),
    ),
)

READERS = (
    _seed(
        "R01_root_published_before_it_is_filled",
        "a new root is put in place before its slots and end are written",
        (
            WRITE + "store_at_root",
            "    node = workbench.build_node(tree, BENCH, at, True, 0, ABOVE)\n"
            '    tree.pause_point("node built")\n'
            "    tree.set_root(node, 1)",
            "    node = tree.take()\n"
            "    tree.pool.pivots[node + META] = node\n"
            "    tree.set_root(node, 1)\n"
            "    workbench.fill(tree, node, BENCH, at, True, 0)",
        ),
        lane="rcu",
    ),
    _seed(
        "R02_append_among_readers",
        "in RCU mode an append changes the last leaf in place",
        (CLASSIFY + "classify", "left == end and not tree.rcu", "left == end"),
        (
            WRITE + "change_leaf",
            "if not tree.rcu:\n",
            'if tree.rcu and store.name == "append":\n'
            "        tree.pool.pivots[store.left] = store.first - 1\n"
            "        tree.pool.pivots[store.left + store.keep_left] = store.last\n"
            '        tree.pause_point("pivots written")\n'
            "        splice(tree, store, entry)\n"
            "    elif not tree.rcu:\n",
        ),
        lane="rcu",
    ),
    _seed(
        "R06_forward_from_a_dead_node",
        "a cursor goes on in a leaf that has died",
        (PLACE + "forward", "pool.states[self.node >> 4] != LIVE and not", "limit < 0 and not"),
        lane="rcu",
    ),
    _seed(
        "R06_back_from_a_dead_node",
        "a cursor goes back in a leaf that has died",
        (PLACE + "back", "pool.states[self.node >> 4] != LIVE and not", "limit < 0 and not"),
        lane="rcu",
    ),
)

GAPS = (
    _seed(
        "G01_lower_bound_ignored",
        "the search from the top takes a gap that begins below the lower bound",
        (SEARCH + "highest", "size - 1 > limit - least", "size < 1"),
    ),
    _seed(
        "G02_capacity_for_data_end",
        "the search in a node goes on to the node's capacity, not to its end",
        (
            SEARCH + "lowest",
            "end = pivots[node + META]\n        while at <= end:",
            "end = node + META - 1\n        while at <= end:",
        ),
    ),
    _seed(
        "G02_limits_not_moved",
        "moving to the next node keeps the limits of the one before",
        (
            SEARCH + "lowest",
            "low, high = tree.low_of(node), tree.high_of(node)\n            at = slot + 1",
            "at = slot + 1",
        ),
        steps=16,
    ),
    _seed(
        "G04_cursor_takes_limits_of_the_gap",
        "after a search the cursor takes the limits of the gap for those of its leaf",
        (
            CURSOR + "take_area",
            "found.node, found.low, found.high",
            "found.node, found.start, found.start + size - 1",
        ),
    ),
    _seed(
        "G06_reverse_on_a_bare_tree",
        "from the top, a tree without nodes answers with the upper limit itself",
        (SEARCH + "empty_area", "most - size + 1", "most"),
    ),
    _seed(
        "G06_size_not_checked_again",
        "the size is not checked again once a bare entry has raised the lower limit",
        (SEARCH + "empty_area", "if most < size:", "if most < 1:"),
    ),
    _seed(
        "G07_empty_tree_has_no_node",
        "a search in an empty tree takes it to have a node",
        (SEARCH + "empty_area", "elif tree.root < 0:", "elif tree.bare is not None:"),
    ),
    _seed(
        "G09_second_search_never_runs",
        "the cyclic allocation does not start over from its lower limit",
        (TREE + "alloc_cyclic", "if ret and next > min:", "if ret and next > max:"),
    ),
    _seed(
        "G12_first_slot_from_zero",
        "the first slot's gap is measured from 0 and not from the leaf's minimum",
        (GAPS_KEPT + "leaf_gap", "else high) - low + 1", "else high) + 1"),
    ),
    _seed(
        "G12_trailing_null_ignored",
        "a NULL in the last slot of the last leaf does not count",
        (
            GAPS_KEPT + "leaf_gap",
            "if end > node and slots[end] is None:",
            "if end > node + META and slots[end] is None:",
        ),
    ),
    _seed(
        "G12_slot_skipped_after_null",
        "the scan of a leaf skips two slots after each NULL",
        (GAPS_KEPT + "leaf_gap", "rows.null(slots, at + 1, end)", "rows.null(slots, at + 3, end)"),
    ),
)

CURSORS = (
    _seed(
        "C01_active_after_prev_found_nothing",
        "going back past the lower limit leaves the cursor active",
        (PLACE + "back", "self.state = UNDERFLOW", "self.state = ACTIVE"),
    ),
    _seed(
        "C02_underflow_is_none",
        "going back past the lower limit is told as 'none'",
        (CURSOR + "go_prev", "self.state = UNDERFLOW", "self.state = NONE"),
    ),
    _seed(
        "C02_overflow_is_none",
        "going past the upper limit is told as 'none'",
        (PLACE + "forward", "self.state = OVERFLOW", "self.state = NONE"),
    ),
    _seed(
        "C03_active_without_a_node",
        "a cursor that met a limit becomes active again though it holds no node",
        (CURSOR + "resume", "if self.node >= 0:", "if self.state:"),
    ),
    _seed(
        "C05_wrong_slot_after_going_up",
        "going back to the leaf before goes up only once",
        (PLACE + "prev_leaf", "while not slot & META:", "if not slot & META:"),
    ),
    _seed(
        "C07_place_kept_after_an_error",
        "a cursor whose preallocation failed keeps its place",
        (STORES + "preallocate", "    self.reset()\n", ""),
        lane="unit",
    ),
    _seed(
        "C08_walk_does_not_restart",
        "a walk starts from the root only if the cursor was new or paused",
        (
            PLACE + "walk",
            "entry = self.go()",
            "entry = self.go() if self.state in (START, PAUSE) or self.node < 0 "
            "else self.tree.pool.slots[self.slot]",
        ),
    ),
    _seed(
        "C09_active_after_a_store_without_a_place",
        "a store makes its cursor active, and leaves the place where it was",
        (STORES + "put", "    self.go()\n    self.index, self.last = first, last", "    self.state = ACTIVE"),
    ),
    _seed(
        "C10_range_changed_in_place_is_a_new_place",
        "a cursor whose range is changed in place, to store there, takes its old range for that of the store",
        (PLACE + "set_range_staying", "self.last = last", "self.last = max(self.last, last)"),
    ),
)

DUPLICATION = (
    _seed(
        "D01_flags_lost_on_destroy",
        "destroying a tree clears the flag that it tracks gaps",
        (TREE + "destroy", "old = self.nodes()", "old, self.track_gaps = self.nodes(), False"),
    ),
    _seed(
        "D03_root_left_behind",
        "the undo of a failed copy does not free the root",
        (DUP + "undo", "pool.free(root)", "pool.end(root)"),
    ),
    _seed(
        "D03_left_subtrees_left_behind",
        "the undo frees only what hangs on the last parent",
        (DUP + "undo", "reversed(done)", "done[-1:]"),
    ),
    _seed(
        "D03_children_never_allocated_are_freed",
        "the undo frees the children whose request was refused",
        (DUP + "copy_nodes", "undo(new, root, done)", "undo(new, root, [*done, node])"),
    ),
    _seed(
        "D03_undo_of_nothing",
        "the undo runs although the request for the root was refused",
        (
            DUP + "copy_nodes",
            'new.tally.refuse("dup")\n        return False\n    new.copy_rows',
            "new.copy_rows(source.pool)\n        rows.put(new.states, 0, new.used // STRIDE, FREE)\n"
            "        undo(new, root, [])\n        return False\n    new.copy_rows",
        ),
    ),
    _seed(
        "D04_height_not_taken_over",
        "the copy does not get the height of its source",
        (DUP + "copy_nodes", "target.root, target.height = root, height", "target.root = root"),
    ),
    _seed(
        "D04_height_set_before_the_copy",
        "the height is taken over before the copy is made, and stays where that fails",
        (
            DUP + "copy_nodes",
            "new = target.pool\n",
            "new = target.pool\n    target.height = source.height\n",
        ),
        lane="unit",
    ),
    _seed(
        "D05_cleanup_on_every_error",
        "a copy into a tree that is not empty destroys that tree",
        (DUP + "mt_dup", "return -errno.EINVAL", "target.destroy()\n        return -errno.EINVAL"),
        lane="unit",
    ),
    _seed(
        "D08_ascends_only_once",
        "the copy's walk forgets the last subtree of a node",
        (DUP + "copy_nodes", "range(end, node - 1, -1)", "range(end - 1, node - 1, -1)"),
    ),
)

SEEDS = WRITE_PATH + ALLOCATION + READERS + GAPS + CURSORS + DUPLICATION

EQUIVALENT = {
    "D06": "a copy takes the contents of all nodes at one moment, before the first request that could let a "
    "writer in: there is no half-read node in which a dead one could be met",
}
"""Entries of the catalogue that cannot be put in, and why."""

BY_NAME = {seed.name: seed for seed in SEEDS}
