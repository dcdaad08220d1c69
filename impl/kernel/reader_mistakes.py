"""Mistakes that only a reader beside a writer meets: what is freed or changed too soon, published too early,
looked at too late, or seen in another order.

They are put in as those of `mistakes.py` are. One thread alone does the right thing with each of them.
"""

from __future__ import annotations

from mapleproof.impl.kernel.seed import KernelSeed, Spot

_PUBLISHED = "rcu_assign_pointer(mas->tree->ma_root, mte_mk_root(mas->node))"
_NEW_ROOT = "mas->status = ma_active;"
_DEAD = "ma_dead_node(node)"

READER_SEEDS = (
    # freed or changed while a reader may be inside
    KernelSeed(
        "freed-at-once",
        "ma_free_rcu",
        "call_rcu(&node->rcu, mt_free_rcu)",
        "mt_free_rcu(&node->rcu)",
        "a replaced node is freed after a grace period",
        (Spot("ma_free_rcu", "kfree_rcu(node, rcu)", "kfree(node)"),),
    ),
    KernelSeed(
        "reused-in-place",
        "mas_free",
        "if (mt_in_rcu(mas->tree))",
        "if (0)",
        "a replaced node is not used again while readers are inside",
        (Spot("mas_free", "ma_free_rcu(", "kfree("),),
    ),
    KernelSeed(
        "subtree-freed-at-once",
        "mas_mat_destroy",
        "in_rcu = mt_in_rcu(mas->tree)",
        "in_rcu = false",
        "a replaced subtree is freed after a grace period",
    ),
    KernelSeed(
        "destroyed-at-once",
        "mte_destroy_walk",
        "if (mt_in_rcu(mt))",
        "if (0)",
        "a tree that is destroyed is freed after a grace period",
    ),
    KernelSeed(
        "destroyed-before-unlinked",
        "__mt_destroy",
        "mte_destroy_walk(root, mt);",
        "{ mt->ma_root = root; mte_destroy_walk(root, mt); mt->ma_root = NULL; }",
        "no reader comes to a tree that is being destroyed",
    ),
    KernelSeed(
        "append-beside-readers",
        "mas_wr_store_type",
        "!mt_in_rcu(mas->tree) && (mas->offset",
        "(mas->offset",
        "a node that readers may be in is not appended to",
        (Spot("mas_wr_store_type", "mas_is_root_limits(mas) && (mas->offset", "(mas->offset"),),
    ),
    KernelSeed(
        "changed-in-place",
        "mas_wr_node_store",
        "in_rcu = mt_in_rcu(mas->tree)",
        "in_rcu = false",
        "a node that readers may be in is copied, not changed",
    ),
    KernelSeed(
        "old-node-cleared",
        "mas_wr_node_store",
        "mas_replace_node(mas, old_enode",
        "wr_mas->slots[0] = NULL; mas_replace_node(mas, old_enode",
        "a node is not changed before it is marked dead",
    ),
    # published too early
    KernelSeed(
        "first-root-too-early",
        "mas_root_expand",
        _NEW_ROOT,
        f"{_NEW_ROOT} {_PUBLISHED};",
        "a first node is published when it is whole",
    ),
    KernelSeed(
        "new-root-too-early",
        "mas_new_root",
        _NEW_ROOT,
        f"{_NEW_ROOT} {_PUBLISHED};",
        "a root over everything is published when it is whole",
    ),
    KernelSeed(
        "border-moved-first",
        "mas_wr_slot_store",
        "rcu_assign_pointer(slots[offset], wr_mas->entry)",
        "wr_mas->pivots[offset] = mas->last; rcu_assign_pointer(slots[offset], wr_mas->entry)",
        "an entry is there before the border moves over it",
    ),
    KernelSeed(
        "metadata-after",
        "mas_wr_node_store",
        "mas_replace_node(mas, old_enode);",
        "newnode->mr64.meta.end = 0; mas_replace_node(mas, old_enode); newnode->mr64.meta.end = new_end;",
        "a node knows its data end when it is published",
    ),
    KernelSeed(
        "marked-too-late",
        "ma_free_rcu",
        "call_rcu(&node->rcu, mt_free_rcu);",
        "node->parent = NULL; call_rcu(&node->rcu, mt_free_rcu); node->parent = ma_parent_ptr(node);",
        "a node is marked dead before its words are used for the callback",
        (
            Spot(
                "ma_free_rcu",
                "kfree_rcu(node, rcu);",
                "node->parent = NULL; kfree_rcu(node, rcu); node->parent = ma_parent_ptr(node);",
            ),
        ),
    ),
    # a reader does not look whether its node is dead
    KernelSeed("dead-load", "mtree_lookup_walk", _DEAD, "0", "a load looks whether its node is dead"),
    KernelSeed("dead-walk", "mtree_range_walk", _DEAD, "0", "a walk looks whether its node is dead"),
    KernelSeed("dead-rewalk", "mas_rewalk_if_dead", _DEAD, "0", "a step looks whether its node is dead"),
    KernelSeed(
        "load-gives-up",
        "mtree_load",
        "goto retry;",
        "goto unlock;",
        "a load that met a dead node tries again",
    ),
    KernelSeed(
        "walk-gives-up", "mas_walk", "goto retry;", "return NULL;", "a walk that met a dead node tries again"
    ),
    KernelSeed(
        "find-gives-up", "mt_find", "goto retry;", "goto unlock;", "a search that met a dead node tries again"
    ),
    KernelSeed(
        "rewalk-from-end",
        "mas_rewalk",
        "mas_set(mas, index)",
        "mas_set(mas, mas->max)",
        "a step that walks anew begins where it was",
        (Spot("mas_rewalk", "__mas_set_range(mas, index, index)", "mas_set(mas, mas->max)"),),
    ),
    # seen in another order, on weakly ordered machines
    KernelSeed(
        "dead-mark-unordered",
        "mte_set_node_dead",
        "smp_wmb();",
        "",
        "the dead mark is seen before what follows",
    ),
    KernelSeed(
        "node-published-plainly",
        "mas_put_in_tree",
        "rcu_assign_pointer(slots[offset], mas->node)",
        "RCU_INIT_POINTER(slots[offset], mas->node)",
        "a node's contents are seen before the pointer to it",
    ),
    KernelSeed(
        "root-published-plainly",
        "mas_put_in_tree",
        _PUBLISHED,
        "RCU_INIT_POINTER(mas->tree->ma_root, mte_mk_root(mas->node))",
        "a root's contents are seen before the pointer to it",
    ),
    KernelSeed(
        "first-root-plainly",
        "mas_root_expand",
        _PUBLISHED,
        "RCU_INIT_POINTER(mas->tree->ma_root, mte_mk_root(mas->node))",
        "so are a first node's",
    ),
    KernelSeed(
        "new-root-plainly",
        "mas_new_root",
        _PUBLISHED,
        "RCU_INIT_POINTER(mas->tree->ma_root, mte_mk_root(mas->node))",
        "so are those of a root over everything",
    ),
)
"""Mistakes, each found by the lane `interleavings`."""
