"""Copying a tree whole (__mt_dup) and taking a half-made copy back.

The copy is made depth first, a node before its children. For each internal node all of its children are
requested at once; where that is refused, everything allocated so far is freed and the copy stays empty.

Node positions mean the same in every pool, so the contents of all nodes are carried over by copying the
pool's lists; what is done node by node is the allocation: which nodes of the copy are live. A node whose
turn never came is not live, and the tree that used it would be caught by its check and by its ledger.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from impl.maple.geometry import META, STRIDE
from impl.maple.pool import FREE, LIVE, POISON, POISON_WORD, NodePool

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree


def mt_dup(source: MapleTree, target: MapleTree) -> int:
    """Make ``target``, an empty tree, a copy of ``source``; entries are shared, nodes are not.

    0; -EINVAL where ``target`` is not empty or was made with other flags, -ENOMEM where a request was
    refused: in both cases ``target`` is as it was. Visits every node once.
    """
    if target.root >= 0 or target.bare is not None or target.track_gaps != source.track_gaps:
        return -errno.EINVAL
    if source.root < 0:
        target.bare = source.bare
    elif not _copy_nodes(source, target):
        return -errno.ENOMEM
    target.wrapped = source.wrapped
    target.rcu = source.rcu
    target.loaded = source.loaded
    return 0


def _copy_nodes(source: MapleTree, target: MapleTree) -> bool:
    old, new = source.pool, target.pool
    plan = new.plan
    root, height = source.root, source.height
    if plan is not None and not plan.ask("maple_node", 1):
        new.events["alloc_failed.dup"] += 1
        return False
    new.pivots, new.slots = old.pivots[:], old.slots[:]
    new.gaps, new.parents = old.gaps[:], old.parents[:]
    state = new.state = bytearray(len(old.state))
    state[root >> 4] = LIVE
    live = 1

    # Internal nodes in pre-order; a level's nodes wait at the end of the list, first child last.
    pivots, slots = new.pivots, new.slots
    waiting = [(root, height)] if height > 1 else []
    done: list[int] = []
    while waiting:
        node, level = waiting.pop()
        children = slots[node : pivots[node + META] + 1]
        if plan is not None and not plan.ask("maple_node", len(children)):
            new.events["alloc_failed.dup"] += 1
            new.live = live
            _undo(new, root, done)
            return False
        live += len(children)
        for child in children:
            state[child >> 4] = LIVE
        done.append(node)
        if level > 2:
            waiting += [(child, level - 1) for child in reversed(children)]
    new.live = live
    new.events["dup_nodes"] += live
    _clear_unused(new)
    target.root, target.height = root, height
    return True


def _undo(pool: NodePool, root: int, done: list[int]) -> None:
    """Free what a failed copy allocated: children in bulk, the last first, and the root (mas_dup_free)."""
    for node in reversed(done):
        pool.free(pool.slots[node : pool.end(node) + 1])
    pool.free([root])
    if pool.live:
        raise AssertionError(f"{pool.live} nodes of a failed copy are left")


def replace_each(tree: MapleTree, new: Callable[[Any], Any]) -> int:
    """See MapleTree.replace_each. Goes leaf by leaf; how many entries there were."""
    pivots, slots = tree.pool.pivots, tree.pool.slots
    count = 0
    for node, _, _ in tree.leaves():
        for at in range(node, pivots[node + META] + 1):
            entry = slots[at]
            if entry is not None:
                slots[at] = new(entry)
                count += 1
    return count


def _clear_unused(pool: NodePool) -> None:
    """Poison what the source had free or retired and the copy therefore never allocated."""
    at = pool.state.find(FREE)
    while at >= 0:
        node, end = at * STRIDE, (at + 1) * STRIDE
        pool.unused.append(node)
        pool.pivots[node:end] = [POISON_WORD] * STRIDE
        pool.slots[node:end] = [POISON] * STRIDE
        at = pool.state.find(FREE, at + 1)
