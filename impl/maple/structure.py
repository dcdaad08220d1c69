"""What a tree is made of: its root, its height, its nodes and their limits, and how nodes come and go.

``tree.py`` has the tree that is used; how it is written to is told from ``write.py`` on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import ARANGE_64, FIRST_NODE, MAX, META, RANGE_64, STRIDE, Geometry
from mapleproof.impl.maple.kinds import HEIGHT_0, HEIGHT_DOWN, HEIGHT_UP
from mapleproof.impl.maple.place import Found, Store
from mapleproof.impl.maple.pool import NodePool
from mapleproof.impl.maple.tally import Tally

RETIRED_LIMIT = 64
"""Retired nodes after which a grace period ends by itself when no reader is inside."""


class Structure:
    """A tree without its operations; ``MapleTree`` tells of its attributes.

    ``store`` and ``found`` are what the last write and the last search came to, or are about to; ``seen`` is
    the place that a reader looked at, who may be there in the middle of a write. ``walked``
    counts the nodes that walks from the root and steps to the next leaf went through.
    """

    def __init__(
        self,
        alloc_range: bool = False,
        rcu: bool = False,
        plan: FailurePlan | None = None,
        geometry: Geometry | None = None,
    ) -> None:
        self.track_gaps = alloc_range
        self.rcu = rcu
        self.geometry = shape = geometry or (ARANGE_64 if alloc_range else RANGE_64)
        self.leaf_slots, self.leaf_min = shape.leaf_slots, shape.leaf_min
        self.node_slots, self.node_min = shape.node_slots, shape.node_min
        self.tally = Tally()
        self.pool = NodePool(plan, self.tally)
        self.store = Store()
        self.found = Found()
        self.seen = Found()
        self.root = -1
        self.bare: Any = None
        self.height = 0
        self.wrapped = False
        self.error = 0
        self.readers = 0
        self.loaded = False
        self.walked = 0
        self.reserve: list[int] | None = None
        self.unadopted: list[int] = []
        self.yield_point: Callable[[str], None] | None = None
        self.on_retry: Callable[[], None] | None = None

    @property
    def plan(self) -> FailurePlan | None:
        """What decides which node requests fail; None grants all."""
        return self.pool.plan

    @plan.setter
    def plan(self, plan: FailurePlan | None) -> None:
        self.pool.plan = plan

    @property
    def events(self) -> Counter[str]:
        """What happened to this tree and its copies, by kind of store and more, and how often."""
        return self.tally.events()

    def share_tally(self, tally: Tally) -> None:
        """Count with another tree from now on."""
        self.tally = self.pool.tally = tally

    def copy_from(self, source: Structure) -> None:
        """Be as another tree is, nodes retired and waiting included, with the same entries and tally."""
        self.pool.copy_rows(source.pool)
        for node in range(FIRST_NODE, self.pool.used, STRIDE):
            self.pool.copy_above(source.pool, node)
        self.pool.copy_ledger(source.pool)
        self.share_tally(source.tally)
        self.root, self.bare, self.height = source.root, source.bare, source.height
        self.wrapped, self.error = source.wrapped, source.error
        self.readers, self.loaded = source.readers, source.loaded

    # Nodes

    def low_of(self, node: int) -> int:
        """The first index that ``node`` covers, found by going up."""
        parents = self.pool.parents
        slot = parents[node >> 4]
        while slot >= 0:
            if slot & META:
                return self.pool.pivots[slot - 1] + 1
            slot = parents[slot >> 4]
        return 0

    def high_of(self, node: int) -> int:
        """The last index that ``node`` covers, found by going up."""
        pivots, parents = self.pool.pivots, self.pool.parents
        slot = parents[node >> 4]
        while slot >= 0:
            if slot < pivots[slot | META]:
                return pivots[slot]
            slot = parents[slot >> 4]
        return MAX

    def borders(self, level: int = 1) -> list[int]:
        """The last index of each node of a level but the last; leaves are level 1."""
        found: list[int] = []
        if self.height > level:
            self.add_borders(self.root, self.height, level, found)
        return found

    def add_borders(self, node: int, above: int, level: int, found: list[int]) -> None:
        """Add the borders below ``node``, which is on level ``above``."""
        pool = self.pool
        end = pool.pivots[node + META]
        for at in range(node, end + 1):
            if above > level + 1:
                self.add_borders(pool.children[at], above - 1, level, found)
            if at < end:
                found.append(pool.pivots[at])

    def nodes(self) -> list[int]:
        """Every node of the tree, depth first, a parent before its children."""
        found: list[int] = []
        if self.root >= 0:
            self.add_nodes(self.root, self.height, found)
        return found

    def add_nodes(self, node: int, level: int, found: list[int]) -> None:
        """Add ``node``, which is on a level, and all below it."""
        pool = self.pool
        found.append(node)
        if level == 2:
            found += rows.part(pool.children, node, pool.pivots[node + META] + 1)
        elif level > 2:
            for at in range(node, pool.pivots[node + META] + 1):
                self.add_nodes(pool.children[at], level - 1, found)

    def live_nodes(self) -> int:
        """Nodes allocated at this moment, retired ones included."""
        return self.pool.live

    def synchronize_rcu(self) -> None:
        """The grace period ends: retired nodes are freed, whoever still looks at them."""
        self.pool.end_grace_period()

    # Changes, for write.py and rebuild.py

    def pause_point(self, word: str) -> None:
        """A step of a write that lock-free readers may see in between."""
        if self.yield_point is not None:
            self.yield_point(word)

    def take(self) -> int:
        """A fresh node, of those that were granted or reserved."""
        return self.pool.take() if self.reserve is None else self.reserve.pop()

    def put(self, old: int, new: int) -> None:
        """``new`` takes the place of ``old`` in the tree, by one assignment."""
        pool = self.pool
        slot = pool.parents[old >> 4]
        pool.parents[new >> 4] = slot
        if slot < 0:
            self.root = new
        else:
            pool.children[slot] = new
        self.adopt()
        self.pause_point("published")

    def set_root(self, node: int, height: int) -> None:
        """``node`` becomes the root of a tree of ``height`` levels."""
        if height > self.height:
            self.tally.count(HEIGHT_UP)
        elif height < self.height:
            self.tally.count(HEIGHT_DOWN)
        self.tally.count(HEIGHT_0 + height)
        self.pool.parents[node >> 4] = -height
        self.height = height
        self.root = node
        self.bare = None
        self.adopt()
        self.pause_point("published")

    def adopt(self) -> None:
        """Old children of new nodes learn their place where that had to wait: as long as the new ones are not
        in the tree, a reader goes up from them by the old ones (mas_adopt_children)."""
        if self.unadopted:
            pool = self.pool
            for node in self.unadopted:
                for at in range(node, pool.end(node) + 1):
                    pool.parents[pool.children[at] >> 4] = at
            self.unadopted.clear()

    def retire(self, nodes: list[int]) -> None:
        """``nodes`` left the tree: free them, in RCU mode once no reader can be in them."""
        pool = self.pool
        for node in nodes:
            if self.rcu:
                pool.retire(node)
            elif self.reserve is None:
                pool.free(node)
            else:
                pool.recycle(node, self.reserve)
        if self.rcu and not self.readers and len(pool.retired) > RETIRED_LIMIT:
            pool.end_grace_period()
