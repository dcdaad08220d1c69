"""Copying a tree whole (__mt_dup) and taking a half-made copy back.

The copy is made depth first, a node before its children. For each internal node all of its children are
requested at once; where that is refused, everything allocated so far is freed and the copy stays empty.

Node positions mean the same in every pool, so the contents of all nodes are carried over by copying the
pool's rows; what is done node by node is the allocation: which nodes of the copy are live. A node whose
turn never came is not live, and the tree that used it would be caught by its check and by its ledger.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import FIRST_NODE, META, STRIDE
from mapleproof.impl.maple.kinds import DUP_NODES, FREE, LIVE
from mapleproof.impl.maple.pool import NodePool
from mapleproof.impl.maple.structure import Structure


def mt_dup(source: Structure, target: Structure) -> int:
    """Make ``target``, an empty tree, a copy of ``source``; entries are shared, nodes are not.

    0; -EINVAL where ``target`` is not empty or was made with other flags, -ENOMEM where a request was
    refused: in both cases ``target`` is as it was. Visits every node once.
    """
    if target.root >= 0 or target.bare is not None or target.track_gaps != source.track_gaps:
        return -errno.EINVAL
    if source.root < 0:
        target.bare = source.bare
    elif not copy_nodes(source, target):
        return -errno.ENOMEM
    target.wrapped = source.wrapped
    target.rcu = source.rcu
    target.loaded = source.loaded
    return 0


def copy_nodes(source: Structure, target: Structure) -> bool:
    """Copy all nodes of ``source``; false where a request was refused, and ``target`` is empty then."""
    new = target.pool
    plan = new.plan
    root, height = source.root, source.height
    if plan is not None and not plan.ask("maple_node", 1):
        new.tally.refuse("dup")
        return False
    new.copy_rows(source.pool)
    rows.put(new.states, 0, new.used // STRIDE, FREE)
    new.states[root >> 4] = LIVE
    live = 1

    # Internal nodes in pre-order; a level's nodes wait at the end of the list, first child last.
    pivots, children, states = new.pivots, new.children, new.states
    waiting = [(root, height)] if height > 1 else []
    done: list[int] = []
    while waiting:
        node, level = waiting.pop()
        end = pivots[node + META]
        if plan is not None and not plan.ask("maple_node", end - node + 1):
            new.tally.refuse("dup")
            new.live = live
            undo(new, root, done)
            return False
        live += end - node + 1
        new.copy_above(source.pool, node)
        for at in range(node, end + 1):
            states[children[at] >> 4] = LIVE
        done.append(node)
        if level > 2:
            for at in range(end, node - 1, -1):
                waiting.append((children[at], level - 1))
    new.live = live
    target.tally.count(DUP_NODES, live)
    clear_unused(new)
    target.root, target.height = root, height
    return True


def undo(pool: NodePool, root: int, done: list[int]) -> None:
    """Free what a failed copy allocated: children, the last node's first, and the root (mas_dup_free)."""
    for node in reversed(done):
        for at in range(node, pool.end(node) + 1):
            pool.free(pool.children[at])
    pool.free(root)
    if pool.live:
        raise AssertionError(f"{pool.live} nodes of a failed copy are left")


def clear_unused(pool: NodePool) -> None:
    """Poison what the source had free or retired and the copy therefore never allocated."""
    stop = pool.used // STRIDE
    at = rows.seek(pool.states, FREE, FIRST_NODE // STRIDE, stop)
    while at < stop:
        pool.poison(at * STRIDE)
        pool.wait(at * STRIDE)
        at = rows.seek(pool.states, FREE, at + 1, stop)


def replace_each(tree: Structure, new: Callable[[Any], Any]) -> int:
    """See MapleTree.replace_each; how many entries there were in leaves."""
    return replace_below(tree, tree.root, tree.height, new) if tree.root >= 0 else 0


def replace_below(tree: Structure, node: int, level: int, new: Callable[[Any], Any]) -> int:
    """Replace the entries below ``node``, which is on a level; how many there were."""
    pool = tree.pool
    slots = pool.slots
    count = 0
    for at in range(node, pool.pivots[node + META] + 1):
        if level > 1:
            count += replace_below(tree, pool.children[at], level - 1, new)
        else:
            entry = slots[at]
            if entry is not None:
                slots[at] = new(entry)
                count += 1
    return count
