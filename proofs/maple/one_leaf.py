"""One leaf anywhere in a tree, a store that begins in it, and what goes on from there to rebuild.py."""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple import classify, rebuild
from mapleproof.impl.maple.geometry import BENCH, MAX, Geometry
from mapleproof.impl.maple.kinds import SPANNING_STORE
from mapleproof.proofs.engine.integers import Integer, Truth, assume, flag, number
from mapleproof.proofs.maple.slots import Ranges, raw, rising
from mapleproof.proofs.maple.stage import TreeStage, new_tree, ranges_of

WIDE = Geometry(leaf_slots=16, node_slots=16, leaf_min=7, node_min=7)
QUARTER = Geometry(leaf_slots=4, node_slots=4, leaf_min=1, node_min=2)
SMALL = Geometry(leaf_slots=5, node_slots=4, leaf_min=2, node_min=2)


class OneLeaf:
    """A leaf of ``count`` slots in a tree: the root where it is below the minimum, else one of several."""

    def __init__(self, count: int, geometry: Geometry, nulls: bool, track: bool = False) -> None:
        self.tree = new_tree(geometry, track, Truth(flag("rcu")))
        stage = TreeStage(self.tree)
        self.above, self.leaf = stage.node(), stage.node()
        self.alone = count < geometry.leaf_min
        self.low: Any = 0 if self.alone else Integer.named("low")
        self.high: Any = MAX if self.alone else Integer.named("high")
        limits = [*(Integer.named(f"limit{at}") for at in range(count - 1)), self.high]
        assume(rising(self.low, limits))
        entries = stage.entries(count) if nulls else stage.full(count)
        assume(z3.Or(z3.Not(entries[-1].null), number(self.high) == MAX))
        stage.put(self.leaf, limits, entries)
        pool = self.tree.pool
        if self.alone:
            self.tree.root, self.tree.height = self.leaf, 1
            pool.parents[self.leaf >> 4] = -1
        else:
            self.tree.root, self.tree.height = self.above, 2
            pool.parents[self.leaf >> 4], pool.parents[self.above >> 4] = self.above, -2
            stage.put_above(self.above, [self.high, MAX], [self.leaf, -1])
            assume(z3.Or(number(self.low) != 0, number(self.high) != MAX))
        self.was = ranges_of(self.tree, self.leaf, self.low, self.high)
        self.first, self.last = Integer.named("first"), Integer.named("last")
        assume(z3.And(self.first.term >= number(self.low), self.first.term <= number(self.high)))
        assume(self.first.term <= self.last.term)

    def now(self) -> Ranges:
        """What the leaf holds that is now in its place."""
        node = self.tree.root if self.alone else self.tree.pool.children[self.above]
        return ranges_of(self.tree, node, self.low, self.high)


class Taken:
    """Stand-ins for what goes on to rebuild.py and for classify_span(): what lay on the workbench then, and
    in which way it went on."""

    def __init__(self) -> None:
        self.limits: list[Any] = []
        self.slots: list[Any] = []
        self.kind = ""

    def __enter__(self) -> Taken:
        self.old = rebuild.split, rebuild.rebalance, classify.classify_span
        rebuild.split = self._split  # type: ignore[assignment]
        rebuild.rebalance = self._rebalance  # type: ignore[assignment]
        classify.classify_span = self._span  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        rebuild.split, rebuild.rebalance, classify.classify_span = self.old

    def _split(self, tree: Any, _node: int, _low: Any, stop: int, _bulk: bool) -> None:
        self._take("split", tree, stop)

    def _rebalance(self, tree: Any, _node: int, stop: int) -> None:
        self._take("rebalance", tree, stop)

    def _take(self, kind: str, tree: Any, stop: int) -> None:
        self.kind = kind
        self.limits, self.slots = tree.pool.pivots[BENCH:stop], raw(tree.pool.slots)[BENCH:stop]

    def _span(self, _tree: Any, store: Any, first: Any, last: Any, _null: bool) -> None:
        store.kind, store.first, store.last = SPANNING_STORE, first, last
