"""Tiny worlds: every tree that can arise over a few indices, by every operation on every one of them.

With nodes of few slots, trees over a handful of indices have several levels, and all of them can be visited.
A world is explored breadth first from the empty tree until no operation leads to a new state, where a state
is the whole shape of the tree, node by node. Each step is held against the model, and the invariants of each
new state are checked.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mapleproof.impl.maple import MAX, BrokenInvariant, Geometry, MapleTree
from mapleproof.impl.maple.tally import Tally
from mapleproof.model.maple_tree import MapleTree as Model
from mapleproof.props.common import guard
from mapleproof.props.common.forms import spell
from mapleproof.props.maple.operations import MtreeErase, MtreeStoreRange

SMALL = Geometry(leaf_slots=5, node_slots=4, leaf_min=2, node_min=2)
"""Nodes of few slots: a tree over a handful of indices has several levels."""


@dataclass(slots=True)
class Explored:
    """What was visited: ``states`` (shapes), ``contents`` (what they hold), ``steps`` taken, the ``heights``
    met, the ``tally`` of all trees, and the first ``failure`` in words, None where all agreed."""

    states: int = 0
    contents: int = 0
    steps: int = 0
    heights: Counter[int] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    failure: str | None = None

    @property
    def events(self) -> Counter[str]:
        """What happened in the trees, by name."""
        return self.tally.events()


def operations(indices: int) -> Iterator[MtreeStoreRange | MtreeErase]:
    """Every store of an entry or NULL within the world or from it to the top, and every erasure."""
    for first in range(indices):
        yield MtreeErase(first)
        for last in [*range(first, indices), MAX]:
            for entry in (None, 1):
                yield MtreeStoreRange(first, last, entry)


def shape(tree: MapleTree) -> tuple[Any, ...]:
    """The tree as nested tuples: two trees of the same shape behave the same from here on."""
    pool = tree.pool

    def node(at: int, level: int) -> tuple[Any, ...]:
        end = pool.end(at)
        held = pool.cells("slots" if level == 1 else "children", at, end + 1)
        if level > 1:
            held = [node(child, level - 1) for child in held]
        return (*pool.cells("pivots", at, end), None, *held)

    return (tree.bare,) if tree.root < 0 else node(tree.root, tree.height)


def explore(indices: int, *, rcu: bool = False, geometry: Geometry = SMALL, most: int = 10**9) -> Explored:
    """Visit every state over ``indices`` indices, at the most ``most`` of them."""
    found = Explored()
    start = MapleTree(alloc_range=True, rcu=rcu, geometry=geometry)
    seen = {shape(start)}
    contents: set[tuple[Any, ...]] = {()}
    waiting = deque([start])
    todo = list(operations(indices))
    while waiting and len(seen) < most:
        tree = waiting.popleft()
        before = tuple(tree.entries())
        found.heights[tree.height] += 1
        for op in todo:
            after = copy.deepcopy(tree)
            after.share_tally(found.tally)
            found.steps += 1
            found.failure = step(before, after, op)
            if found.failure:
                return found
            key = shape(after)
            if key not in seen:
                seen.add(key)
                contents.add(tuple(after.entries()))
                waiting.append(after)
    found.states, found.contents = len(seen), len(contents)
    return found


def step(before: tuple[Any, ...], tree: MapleTree, op: MtreeStoreRange | MtreeErase) -> str | None:
    """Take one step on ``tree`` and on a model that holds the same; what is wrong then, in words."""
    model = Model(alloc_range=True)
    for first, last, entry in before:
        model.store_range(first, last, entry)
    expected = (
        model.erase(op.index)
        if isinstance(op, MtreeErase)
        else model.store_range(op.first, op.last, op.entry)
    )
    try:
        with guard.step():
            agreed = expected == (
                tree.erase(op.index)
                if isinstance(op, MtreeErase)
                else tree.store_range(op.first, op.last, op.entry)
            )
            tree.synchronize_rcu()
            tree.check()
    except BrokenInvariant as broken:
        return f"{spell(op)} on {before}: {broken}"
    except Exception as error:  # whatever it is, it is what this step found
        return f"{spell(op)} on {before}: {type(error).__name__}: {error}"
    if not agreed or list(tree.entries()) != list(model.entries()):
        return f"{spell(op)} on {before} gives {list(tree.entries())}"
    return None
