"""Mistakes of our own tree that only a reader beside a writer meets, for the lane `interleavings`."""

from __future__ import annotations

from mapleproof.props.common.planting import Edit, Seed

STRUCTURE = "impl.maple.structure:Structure."
WRITE = "impl.maple.write:"
BENCH = "impl.maple.workbench:"
TREE = "impl.maple.tree:MapleTree."
PLACE = "impl.maple.cursor_place:PlacedCursor."
CLASSIFY = "impl.maple.classify:"


def _seed(name: str, what: str, *edits: tuple[str, str, str]) -> Seed:
    return Seed(name, name.split("_")[0], what, tuple(Edit(*edit) for edit in edits), "interleavings", 8)


SEEDS = (
    _seed(
        "I01_freed_at_once",
        "a node that was replaced is freed while readers may be in it",
        (STRUCTURE + "retire", "pool.retire(node)", "pool.free(node)"),
    ),
    _seed(
        "I02_root_before_its_height",
        "a root is published before it says how high the tree is",
        (STRUCTURE + "set_root", "    self.pool.parents[node >> 4] = -height\n", ""),
        (
            STRUCTURE + "set_root",
            "    self.root = node\n",
            "    self.root = node\n    self.pool.parents[node >> 4] = -height\n",
        ),
    ),
    _seed(
        "I03_border_before_entry",
        "a border moves before the entry is there that it lets in",
        (
            WRITE + "move_border",
            "        pool.slots[store.left] = entry\n        pool.pivots[store.left] = store.last",
            "        pool.pivots[store.left] = store.last\n        pool.slots[store.left] = entry",
        ),
    ),
    _seed(
        "I04_changed_in_place",
        "a leaf that readers may be in is changed, not copied",
        (WRITE + "change_leaf", "if not tree.rcu:", "if not tree.rcu or store.kind == NODE_STORE:"),
    ),
    _seed(
        "I05_cleared_before_the_store",
        "an entry is cleared before another takes its place",
        (
            WRITE + "replace_entry",
            "    slots[store.left] = entry",
            "    slots[store.left] = None\n    slots[store.left] = entry",
        ),
    ),
    _seed(
        "I06_node_before_its_parent",
        "a node is published before it knows where it hangs",
        (STRUCTURE + "put", "    pool.parents[new >> 4] = slot\n", ""),
        (
            STRUCTURE + "put",
            "    self.adopt()\n",
            "    pool.parents[new >> 4] = slot\n    self.adopt()\n",
        ),
    ),
    _seed(
        "I07_new_children_adopted_late",
        "new children learn where they hang only once readers may be in them",
        (BENCH + "fill", "if not late or parents[children[at] >> 4] == UNBORN:", "if not late:"),
    ),
    _seed(
        "I08_root_read_again",
        "a search reads the root again after it was looked at",
        (
            TREE + "look",
            "classify.locate(self, root, index, place)",
            "classify.locate(self, self.root, index, place)",
        ),
    ),
    _seed(
        "I09_moved_border_not_seen",
        "a search takes a range whose border moved while it was read",
        (TREE + "look", "moved = self.rcu and not (", "moved = False and not ("),
    ),
    _seed(
        "I10_walk_takes_moved_border",
        "a walk takes a range whose border moved while it was read",
        (PLACE + "go", "moved = tree.rcu and not (", "moved = False and not ("),
    ),
    _seed(
        "I11_grace_period_too_short",
        "retired nodes are freed while a reader is inside",
        (
            STRUCTURE + "retire",
            "if self.rcu and not self.readers and len(pool.retired) > RETIRED_LIMIT:",
            "if self.rcu and len(pool.retired) > 0:",
        ),
    ),
    _seed(
        "I12_bare_entry_goes_first",
        "the bare entry is gone before the first node is published",
        (
            STRUCTURE + "set_root",
            "    self.root = node\n    self.bare = None\n",
            "    self.bare = None\n    self.root = node\n",
        ),
    ),
    _seed(
        "I13_walk_reads_root_again",
        "a cursor's walk reads the root again after it was looked at",
        (
            PLACE + "go",
            "classify.locate(tree, root, self.index, self)",
            "classify.locate(tree, tree.root, self.index, self)",
        ),
    ),
    _seed(
        "I14_height_of_another_root",
        "a walk goes as far down as the tree is high, not the root that it took",
        (CLASSIFY + "locate", "height = -tree.pool.parents[root >> 4]", "height = tree.height"),
    ),
)
"""Mistakes, each with a case of at most eight steps."""
