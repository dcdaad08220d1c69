"""The mistakes of the maple tree that the suite must find, by the entries of the catalogue (docs/seeds.md).

Each was made in the kernel, or is the natural slip at a place where the kernel has a special case.
"""

from __future__ import annotations

from props.seeded.seeding import Edit, Seed

TREE = "impl.maple.tree:MapleTree."
CURSOR = "impl.maple.cursor:Cursor."
PLACE = "impl.maple.cursor_place:PlacedCursor."
STORES = "impl.maple.cursor_stores:StoringCursor."
WRITE = "impl.maple.write:"
REBUILD = "impl.maple.rebuild:"
SEARCH = "impl.maple.search:"
DUP = "impl.maple.dup:"
BULK = "impl.maple.bulk:"


def _seed(name: str, what: str, *edits: tuple[str, str, str], lane: str = "bulk", steps: int = 12) -> Seed:
    return Seed(name, name.split("_")[0], what, tuple(Edit(*edit) for edit in edits), lane, steps)


WRITE_PATH = (
    _seed(
        "W01_slot_copied_twice",
        "a spanning store that ends with its ancestor copies the slot it has overwritten once more",
        (REBUILD + "classify_span", "left_min < first, last < far_high", "left_min < first, right <= end"),
    ),
    _seed(
        "W02_right_edge_not_merged",
        "a short leaf at the right edge of the tree is not merged with a neighbour",
        (
            REBUILD + "_climb",
            "len(content.slots) < least and not (low == 0 and high == MAX)",
            "len(content.slots) < least and high != MAX",
        ),
    ),
    _seed(
        "W02_both_edges_not_merged",
        "a short leaf at either edge of the tree is not merged with a neighbour",
        (
            REBUILD + "_climb",
            "len(content.slots) < least and not (low == 0 and high == MAX)",
            "len(content.slots) < least and low != 0 and high != MAX",
        ),
    ),
    _seed(
        "W03_split_far_right",
        "a split leaves the right node below its minimum",
        (REBUILD + "_cuts", "half = end // 2", "half = end - 2"),
    ),
    _seed(
        "W04_null_makes_a_node",
        "storing NULL into an empty tree makes a node whose slots are all NULL",
        (
            TREE + "store_at_root",
            "if entry is None:\n        if first == 0:",
            "if entry is None and (first == 0 or self.bare is not None):\n        if first == 0:",
        ),
        (
            WRITE + "nodes_needed",
            "return 0 if entry is None or store.last == 0 else 1",
            "return 0 if store.last == 0 else 1",
        ),
    ),
    _seed(
        "W04_null_beside_a_bare_entry",
        "storing NULL beside a bare entry makes a node with NULLs that touch",
        (
            TREE + "store_at_root",
            "if entry is None:\n        if first == 0:",
            "if entry is None and (first == 0 or self.bare is None):\n        if first == 0:",
        ),
        (
            WRITE + "nodes_needed",
            "return 0 if entry is None or store.last == 0 else 1",
            "return 0 if store.last == 0 else 1",
        ),
    ),
    _seed(
        "W05_final_pivot_missing",
        "a new root's last pivot is not written",
        (TREE + "store_at_root", "pivots.append(MAX)", "pivots.append(0)"),
    ),
    _seed(
        "W07_limit_from_last_pivot",
        "a copied leaf takes its maximum from the pivot before",
        (REBUILD + "leaf_content", "upper.append(high)", "upper.append(pivots[end - 1])"),
    ),
    _seed(
        "W08_height_counted_twice",
        "a root split counts the new level twice",
        (REBUILD + "split", "tree.height + 1)", "tree.height + 2)"),
    ),
    _seed(
        "W09_bulk_load_rebalances",
        "a store of a bulk load that leaves the last leaf short rebalances it",
        (WRITE + "classify", "tree.height == 1 or (bulk and high == MAX)", "tree.height == 1"),
        lane="unit",
    ),
    _seed(
        "W10_write_through_paused_cursor",
        "a paused cursor keeps its leaf, and a store through it goes there",
        (PLACE + "pause", "self.node = -1", "self.slot = -1"),
        (STORES + "_leaf_for_write", 'self.status == "active"', 'self.status in ("active", "pause")'),
    ),
    _seed(
        "W11_widened_range_kept",
        "a NULL's range, widened before the lock was dropped for memory, is used after it was taken again",
        (TREE + "write", "place = None\n", "place, first, last = None, done.first, done.last\n"),
        lane="unit",
    ),
    _seed(
        "W15_leaf_overflows",
        "the test whether the result fits into the leaf is off by one",
        (
            WRITE + "classify",
            "new_end - node >= tree.geometry.leaf_slots",
            "new_end - node > tree.geometry.leaf_slots",
        ),
    ),
    _seed(
        "W17_null_found_behind_the_end",
        "a NULL looks for NULLs to merge with in slots behind the leaf's end, and takes the stale pivot",
        (
            WRITE + "classify",
            "elif last == right_max and right < end and slots[right + 1] is None:",
            "elif last == right_max and right < node + META - 1 and slots[right + 1] is None:",
        ),
        (
            WRITE + "classify",
            "last = right_max = pivots[right] if right < end else high\n        if slots[left]",
            "last = right_max = pivots[right]\n        if slots[left]",
        ),
    ),
    _seed(
        "W20_split_at_null",
        "a split may leave a NULL at the end of the left leaf",
        (REBUILD + "_off_null", "if content.slots[cut] is not None:", "if cut >= 0:"),
    ),
    _seed(
        "W23_wrong_parent_slot",
        "the last child of a new node gets 0 as its parent slot",
        (
            REBUILD + "fill",
            "pool.parents[child >> 4] = slot",
            "pool.parents[child >> 4] = slot if slot < node + count - 1 else node",
        ),
    ),
    _seed(
        "W23_cursor_keeps_old_minimum",
        "a cursor that moves to the next leaf keeps the old leaf's minimum",
        (PLACE + "_next_leaf", "self.low = self.high + 1", "depth += 0"),
    ),
    _seed(
        "W25_cascade_not_foreseen",
        "the nodes reserved for a rebalance do not cover its parents",
        (WRITE + "nodes_needed", "return 2 * tree.height - 1", "return tree.height"),
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
        (WRITE + "nodes_needed", '("exact_fit", "slot_store", "append")', '("exact_fit", "append")'),
        lane="unit",
    ),
    _seed(
        "A04_expected_entries_cannot_wait",
        "the reservation for a bulk load is one that may not sleep",
        (
            STORES + "preallocate_nodes",
            'request(count, "preallocate")',
            'request(count, "preallocate", atomic=True)',
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
            TREE + "store_at_root",
            "    rebuild.fill(self.pool, node, rebuild.Content(0, pivots, slots, None))\n"
            '    self.pause_point("node built")\n'
            "    self.set_root(node, 1)",
            "    self.pool.pivots[node + META] = node\n"
            "    self.set_root(node, 1)\n"
            "    rebuild.fill(self.pool, node, rebuild.Content(0, pivots, slots, None))",
        ),
        lane="rcu",
    ),
    _seed(
        "R02_append_among_readers",
        "in RCU mode an append changes the last leaf in place",
        (WRITE + "classify", "left == end and not tree.rcu", "left == end"),
        (
            WRITE + "commit",
            'if tree.rcu and kind == "node_store":',
            'if kind == "append" and tree.rcu:\n'
            "        pivots[left : left + len(new_pivots)] = new_pivots\n"
            '        tree.pause_point("pivots written")\n'
            "        _splice(pool, node, high, left, right, new_pivots, new_slots, new_end)\n"
            '    elif tree.rcu and kind == "node_store":',
        ),
        lane="rcu",
    ),
    _seed(
        "R06_forward_from_a_dead_node",
        "a cursor goes on in a leaf that has died",
        (PLACE + "_forward", "pool.state[self.node >> 4] != LIVE and not", "limit < 0 and not"),
        lane="rcu",
    ),
    _seed(
        "R06_back_from_a_dead_node",
        "a cursor goes back in a leaf that has died",
        (PLACE + "_back", "pool.state[self.node >> 4] != LIVE and not", "limit < 0 and not"),
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
        (SEARCH + "lowest", "low, high = path.pop()", "path.pop()"),
    ),
    _seed(
        "G04_cursor_takes_limits_of_the_gap",
        "after a search the cursor takes the limits of the gap for those of its leaf",
        (
            CURSOR + "_empty_area",
            "place.node, place.low, place.high",
            "place.node, place.start, place.start + size - 1",
        ),
    ),
    _seed(
        "G06_reverse_on_a_bare_tree",
        "from the top, a tree without nodes answers with the upper limit itself",
        (SEARCH + "empty_area", "most - size + 1)", "most)"),
    ),
    _seed(
        "G06_size_not_checked_again",
        "the size is not checked again once a bare entry has raised the lower limit",
        (SEARCH + "empty_area", "if most < size:", "if most < 1:"),
    ),
    _seed(
        "G07_empty_tree_has_no_node",
        "a search in an empty tree takes it to have a node",
        (SEARCH + "empty_area", "if tree.root < 0:", "if tree.bare is not None:"),
    ),
    _seed(
        "G09_second_search_never_runs",
        "the cyclic allocation does not start over from its lower limit",
        (TREE + "alloc_cyclic", "if found.ret and next > min:", "if found.ret and next > max:"),
    ),
    _seed(
        "G12_first_slot_from_zero",
        "the first slot's gap is measured from 0 and not from the leaf's minimum",
        (WRITE + "leaf_gap", "else high) - low + 1", "else high) + 1"),
    ),
    _seed(
        "G12_trailing_null_ignored",
        "a NULL in the last slot of the last leaf does not count",
        (
            WRITE + "leaf_gap",
            "if end > node and slots[end] is None:",
            "if end > node + META and slots[end] is None:",
        ),
    ),
    _seed(
        "G12_slot_skipped_after_null",
        "the scan of a leaf skips two slots after each NULL",
        (WRITE + "leaf_gap", "slots.index(None, at + 1, end)", "slots.index(None, at + 3, end)"),
    ),
)

CURSORS = (
    _seed(
        "C01_active_after_prev_found_nothing",
        "going back past the lower limit leaves the cursor active",
        (PLACE + "_back", 'self.status = "underflow"', 'self.status = "active"'),
    ),
    _seed(
        "C02_underflow_is_none",
        "going back past the lower limit is told as 'none'",
        (CURSOR + "_prev", 'self.status = "underflow"', 'self.status = "none"'),
    ),
    _seed(
        "C02_overflow_is_none",
        "going past the upper limit is told as 'none'",
        (PLACE + "_forward", 'self.status = "overflow"', 'self.status = "none"'),
    ),
    _seed(
        "C03_active_without_a_node",
        "a cursor that met a limit becomes active again though it holds no node",
        (CURSOR + "_resume", "if self.node >= 0:", "if self.status:"),
    ),
    _seed(
        "C05_wrong_slot_after_going_up",
        "going back to the leaf before goes up only once",
        (PLACE + "_prev_leaf", "while not slot & META:", "if not slot & META:"),
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
            "entry = self._walk()",
            'entry = self._walk() if self.status in ("start", "pause") or self.node < 0 '
            "else self.tree.pool.slots[self.slot]",
        ),
    ),
)

DUPLICATION = (
    _seed(
        "D01_flags_lost_on_destroy",
        "destroying a tree clears the flag that it tracks gaps",
        (TREE + "destroy", "old = list(self.nodes())", "old, self.track_gaps = list(self.nodes()), False"),
    ),
    _seed(
        "D03_root_left_behind",
        "the undo of a failed copy does not free the root",
        (DUP + "_undo", "pool.free([root])", "pool.end(root)"),
    ),
    _seed(
        "D03_left_subtrees_left_behind",
        "the undo frees only what hangs on the last parent",
        (DUP + "_undo", "reversed(done)", "done[-1:]"),
    ),
    _seed(
        "D03_children_never_allocated_are_freed",
        "the undo frees the children whose request was refused",
        (DUP + "_copy_nodes", "_undo(new, root, done)", "_undo(new, root, [*done, node])"),
    ),
    _seed(
        "D03_undo_of_nothing",
        "the undo runs although the request for the root was refused",
        (
            DUP + "_copy_nodes",
            'new.events["alloc_failed.dup"] += 1\n        return False\n    new.pivots',
            "new.state = bytearray(len(old.state))\n        _undo(new, root, [])\n        "
            "return False\n    new.pivots",
        ),
    ),
    _seed(
        "D04_height_not_taken_over",
        "the copy does not get the height of its source",
        (DUP + "_copy_nodes", "target.root, target.height = root, height", "target.root = root"),
    ),
    _seed(
        "D04_height_set_before_the_copy",
        "the height is taken over before the copy is made, and stays where that fails",
        (
            DUP + "_copy_nodes",
            "old, new = source.pool, target.pool",
            "old, new = source.pool, target.pool\n    target.height = source.height",
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
        (DUP + "_copy_nodes", "for child in reversed(children)", "for child in reversed(children[:-1])"),
    ),
)

SEEDS = WRITE_PATH + ALLOCATION + READERS + GAPS + CURSORS + DUPLICATION

EQUIVALENT = {
    "D06": "a copy takes the contents of all nodes at one moment, before the first request that could let a "
    "writer in: there is no half-read node in which a dead one could be met",
}
"""Entries of the catalogue that cannot be put in, and why."""

BY_NAME = {seed.name: seed for seed in SEEDS}
