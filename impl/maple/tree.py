"""The maple tree: a sorted map from ranges of indices to entries (struct maple_tree, the normal API).

Indices are 0 to 2**64 - 1, ranges inclusive; an entry is any object, None is the empty entry (NULL). A
tree is empty, or holds one bare entry at index 0, or has a root node; see ``pool.py`` for what a node is.
Functions that can fail return 0 or a negative errno, as the kernel's do.

Not covered: locking (a tree is used by one thread; ``yield_point`` and ``on_retry`` stand for what others
may do meanwhile) and entries reserved by the XArray.
"""

from __future__ import annotations

import builtins
import errno
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from impl.failure import FailurePlan
from impl.maple import check, dup, rebuild, search, write
from impl.maple.geometry import ARANGE_64, MAX, META, RANGE_64, Geometry
from impl.maple.pool import NodePool
from impl.maple.write import Store

RETIRED_LIMIT = 64
"""Retired nodes after which a grace period ends by itself when no reader is inside."""


class MapleTree:
    """A maple tree.

    ``alloc_range`` tracks gaps (MT_FLAGS_ALLOC_RANGE): needed for alloc_* and to search for free ranges.
    ``rcu`` keeps replaced nodes readable until a grace period has passed (MT_FLAGS_USE_RCU).
    ``plan`` decides which node requests fail. ``geometry`` is the shape of the nodes.

    ``events`` counts what happened, by kind of store and more. ``error`` is the negative errno of the
    last write, 0 where it went well. ``yield_point``, if set, is called with a word at each step of a
    write that a lock-free reader could see; ``on_retry`` when a write had to drop the lock to wait for
    memory and will look again.
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
        self.geometry = geometry or (ARANGE_64 if alloc_range else RANGE_64)
        self.events: Counter[str] = Counter()
        self.pool = NodePool(plan, self.events)
        self.root = -1
        self.bare: Any = None
        self.height = 0
        self.wrapped = False
        self.error = 0
        self.readers = 0
        self.loaded = False
        self.reserve: list[int] | None = None
        self.yield_point: Callable[[str], None] | None = None
        self.on_retry: Callable[[], None] | None = None

    @property
    def plan(self) -> FailurePlan | None:
        """What decides which node requests fail; None grants all."""
        return self.pool.plan

    @plan.setter
    def plan(self, plan: FailurePlan | None) -> None:
        self.pool.plan = plan

    # Reading

    def load(self, index: int) -> Any:
        """The entry at ``index`` (mtree_load)."""
        node = self.root
        if node < 0:
            return self.bare if index == 0 else None
        pool = self.pool
        pivots, slots = pool.pivots, pool.slots
        for _ in range(self.height):
            node = slots[bisect_left(pivots, index, node, pivots[node + 15])]
        return node

    def slot_of(self, index: int) -> tuple[int, int, Any]:
        """The range of the slot that holds ``index``, and its entry."""
        if self.root < 0:
            if self.bare is None:
                return 0, MAX, None
            return (0, 0, self.bare) if index == 0 else (1, MAX, None)
        pool = self.pool
        node, low, high = write.locate(pool, self.root, self.height, index)
        end = pool.end(node)
        at = bisect_left(pool.pivots, index, node, end)
        first = pool.pivots[at - 1] + 1 if at > node else low
        return first, pool.pivots[at] if at < end else high, pool.slots[at]

    def find(self, index: int, max: int) -> tuple[Any, int]:
        """The first entry at or after ``index`` that starts at or below ``max``, and where the next
        search goes on (mt_find); (None, index) where there is none."""
        if index > max:
            return None, index
        _, last, entry = self.slot_of(index)
        while entry is None:
            if last >= max:
                return None, index
            _, last, entry = self.slot_of(last + 1)
        return entry, (last + 1) & MAX

    def find_after(self, index: int, max: int) -> tuple[Any, int]:
        """Like :meth:`find`, for going on: an ``index`` of 0 means that the last search ended at the top
        (mt_find_after)."""
        return self.find(index, max) if index else (None, index)

    def next(self, index: int, max: int) -> Any:
        """The entry of the first range behind the one at ``index`` that starts at or below ``max``
        (mt_next)."""
        if index >= max:
            return None
        _, last, _ = self.slot_of(index)
        return None if last >= max else self.find(last + 1, max)[0]

    def prev(self, index: int, min: int) -> Any:
        """The entry of the last range before the one at ``index`` that reaches up to ``min``
        (mt_prev)."""
        if index <= min:
            return None
        if self.root < 0:
            # The kernel returns a bare entry whatever ``min`` says; kept, so that recordings of it replay.
            return self.bare
        first, _, entry = self.slot_of(index)
        entry = None
        while entry is None and first > min:
            first, _, entry = self.slot_of(first - 1)
        return entry

    def leaves(self) -> Iterator[tuple[int, int, int]]:
        """Every leaf with its limits, in order."""
        pool = self.pool
        if self.root < 0:
            return
        pivots, slots = pool.pivots, pool.slots
        nodes, limits = [self.root], [MAX]
        for _ in range(self.height - 1):
            above = zip(nodes, limits, strict=True)
            nodes, limits = [], []
            for node, high in above:
                end = pivots[node + META]
                nodes += slots[node : end + 1]
                limits += pivots[node:end]
                limits.append(high)
        low = 0
        for node, high in zip(nodes, limits, strict=True):
            yield node, low, high
            low = high + 1

    def entries(self) -> Iterator[tuple[int, int, Any]]:
        """Every range that holds an entry, in order, as (first, last, entry)."""
        if self.bare is not None:
            yield 0, 0, self.bare
        pool = self.pool
        for node, low, high in self.leaves():
            end = pool.pivots[node + META]
            first = low
            for last, entry in zip([*pool.pivots[node:end], high], pool.slots[node : end + 1], strict=True):
                if entry is not None:
                    yield first, last, entry
                first = last + 1

    def borders(self, level: int = 1) -> list[int]:
        """The last index of each node of a level but the last; leaves are level 1."""
        pool = self.pool
        found: list[int] = []
        nodes = [self.root] if self.height > level else []
        for above in range(self.height, level, -1):
            # The limits of this level's slots, and those that its nodes share with the level above.
            shared, found = found, []
            for at, node in enumerate(nodes):
                found += pool.pivots[node : pool.end(node)]
                found += shared[at : at + 1]
            if above - 1 > level:
                nodes = [child for node in nodes for child in pool.slots[node : pool.end(node) + 1]]
        return found

    def limits(self, node: int) -> tuple[int, int]:
        """The first and last index that ``node`` covers."""
        return rebuild.limits(self.pool, node)

    # Writing

    def store_range(self, first: int, last: int, entry: Any) -> int:
        """Put ``entry`` over [first, last], whatever stood there (mtree_store_range).

        0, -EINVAL where first > last, -ENOMEM with nothing changed.
        """
        if first > last:
            return -errno.EINVAL
        self.write(first, last, entry)
        return self.error

    def insert_range(self, first: int, last: int, entry: Any) -> int:
        """Put ``entry`` over [first, last] if that is free: else -EEXIST (mtree_insert_range)."""
        if first > last:
            return -errno.EINVAL
        _, end, there = self.slot_of(first)
        if there is not None or last > end:
            return -errno.EEXIST
        self.write(first, last, entry)
        return self.error

    def erase(self, index: int) -> Any:
        """Clear the whole range that holds ``index``; returns the entry that stood there (mtree_erase).

        Where that needs memory and there is none, ``error`` is -ENOMEM and nothing changed, though the
        entry is returned.
        """
        first, last, entry = self.slot_of(index)
        self.error = 0
        if entry is not None:
            self.write(first, last, None)
        return entry

    def alloc_range(self, entry: Any, size: int, min: int, max: int) -> tuple[int, int | None]:
        """Store ``entry`` over the lowest ``size`` free indices within [min, max] (mtree_alloc_range).

        (0, first index), or -EBUSY where there is no room, -EINVAL where ``size`` is 0 or does not fit
        the limits or the tree tracks no gaps, -ENOMEM.
        """
        return self._alloc(entry, size, min, max, search.lowest)

    def alloc_rrange(self, entry: Any, size: int, min: int, max: int) -> tuple[int, int | None]:
        """Like :meth:`alloc_range`, but the highest free indices (mtree_alloc_rrange)."""
        return self._alloc(entry, size, min, max, search.highest)

    def _alloc(
        self, entry: Any, size: int, least: int, most: int, direction: search.Direction
    ) -> tuple[int, int | None]:
        if not self.track_gaps:
            return -errno.EINVAL, None
        found = search.empty_area(self, least, most, size, direction)
        if found.ret:
            return found.ret, None
        self.write(found.start, found.start + size - 1, entry, found.leaf)
        return self.error, None if self.error else found.start

    def alloc_cyclic(self, entry: Any, min: int, max: int, next: int) -> tuple[int, int | None, int | None]:
        """Store ``entry`` at the lowest free index from ``next`` on, else from ``min`` on
        (mtree_alloc_cyclic).

        (0 or 1, index, the next call's ``next``): 1 where the search wrapped, or the call before ended at
        the top of all indices. Errors as :meth:`alloc_range`.
        """
        if not self.track_gaps:
            return -errno.EINVAL, None, None
        wrapped = 0
        found = search.empty_area(self, builtins.max(min, next), max, 1, search.lowest)
        if found.ret and next > min:
            wrapped = 1
            found = search.empty_area(self, min, max, 1, search.lowest)
        if found.ret:
            return found.ret, None, None
        self.write(found.start, found.start, entry, found.leaf)
        if self.error:
            return self.error, None, None
        if self.wrapped and not wrapped:
            self.wrapped = False
            wrapped = 1
        follows = (found.start + 1) & MAX
        if follows == 0:
            self.wrapped = True
        return wrapped, found.start, follows

    def dup(self) -> tuple[int, MapleTree | None]:
        """A copy of the whole tree, entries shared (mtree_dup): (0, copy) or (-ENOMEM, None)."""
        copy = MapleTree(self.track_gaps, self.rcu, self.plan, self.geometry)
        copy.events = copy.pool.events = self.events
        ret = dup.mt_dup(self, copy)
        return ret, None if ret else copy

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        """Put ``new(entry)`` in the place of each entry, in order, as fork does with a copied tree.

        Each is an exact-fit store: no node is needed, no range or gap changes. ``new`` is not asked for
        NULL, and must not return it.
        """
        if self.bare is not None:
            self.bare = new(self.bare)
        self.events["exact_fit"] += dup.replace_each(self, new)

    def destroy(self) -> None:
        """Free every node; the tree is empty afterwards and keeps its flags (mtree_destroy)."""
        old = list(self.nodes())
        self.root, self.bare, self.height = -1, None, 0
        self.retire(old)

    def check(self) -> None:
        """Raise BrokenInvariant where the tree is not as it must be; see ``check.py``."""
        check.check(self)

    # RCU

    def set_in_rcu(self, rcu: bool) -> None:
        """Switch RCU mode (mt_set_in_rcu, mt_clear_in_rcu)."""
        if not rcu:
            self.synchronize_rcu()
        self.rcu = rcu

    def rcu_read_lock(self) -> None:
        """A reader comes in: nodes retired from now on stay until it has left."""
        self.readers += 1

    def rcu_read_unlock(self) -> None:
        """A reader leaves."""
        if not self.readers:
            raise AssertionError("rcu_read_unlock without a reader inside")
        self.readers -= 1

    def synchronize_rcu(self) -> None:
        """The grace period ends: retired nodes are freed, whoever still looks at them."""
        self.pool.end_grace_period()

    def live_nodes(self) -> int:
        """Nodes allocated at this moment, retired ones included."""
        return self.pool.live

    def write(
        self,
        first: int,
        last: int,
        entry: Any,
        place: tuple[int, int, int] | None = None,
        reserve: list[int] | None = None,
        bulk: bool = False,
    ) -> Store | None:
        """Store ``entry`` over [first, last]; the one way that every write goes.

        ``place`` is the leaf that holds ``first``, with its limits, where the caller knows it.
        ``reserve`` are nodes already allocated: then no more are requested while they last; what is left
        of them stays the caller's, and outside RCU mode so do the nodes that the write replaces. Returns
        what was done, None where memory ran out (``error``).
        """
        nodes = [] if reserve is None else reserve
        self.error = 0
        while True:
            if self.root < 0:
                done = write.classify_root(first, last)
            else:
                node, low, high = place or write.locate(self.pool, self.root, self.height, first)
                done = write.classify(self, node, low, high, first, last, entry, bulk)
            need = write.nodes_needed(self, done, entry) - len(nodes)
            if need <= 0:
                break
            fresh = self.pool.request(need, done.kind, atomic=True)
            if fresh is not None:
                nodes += fresh
                break
            # The lock is dropped to wait for memory; what was found may be gone after that.
            fresh = self.pool.request(need, done.kind)
            if fresh is None:
                if reserve is None:
                    self.pool.give_back(nodes)
                self.error = -errno.ENOMEM
                return None
            nodes += fresh
            place = None
            if self.on_retry is not None:
                self.on_retry()
        self.reserve = reserve
        write.commit(self, done, entry, nodes, bulk)
        self.reserve = None
        if reserve is None and nodes:
            self.pool.give_back(nodes)
        return done

    # Changes of structure, for write.py and rebuild.py

    def pause_point(self, word: str) -> None:
        """A step of a write that lock-free readers may see in between."""
        if self.yield_point is not None:
            self.yield_point(word)

    def put(self, old: int, new: int) -> None:
        """``new`` takes the place of ``old`` in the tree, by one assignment."""
        slot = self.pool.parents[old >> 4]
        self.pool.parents[new >> 4] = slot
        if slot < 0:
            self.root = new
        else:
            self.pool.slots[slot] = new
        self.pause_point("published")

    def replace_node(self, old: int, new: int) -> None:
        """Put ``new`` where ``old`` was and retire ``old`` (mas_replace_node)."""
        self.put(old, new)
        self.retire([old])

    def set_root(self, node: int, height: int) -> None:
        """``node`` becomes the root of a tree of ``height`` levels."""
        if height > self.height:
            self.events["height_up"] += 1
        elif height < self.height:
            self.events["height_down"] += 1
        self.events[f"height_{height}"] += 1
        self.pool.parents[node >> 4] = -1
        self.height = height
        self.root = node
        self.bare = None
        self.pause_point("published")

    def store_at_root(self, first: int, last: int, entry: Any, nodes: list[int]) -> None:
        """A store while there is no node (mas_store_root, mas_root_expand)."""
        if entry is None:
            if first == 0:
                self.bare = None
            return
        if last == 0:
            self.bare = entry
            return
        pivots, slots = [last], [entry]
        if first > 0:
            pivots.insert(0, first - 1)
            slots.insert(0, self.bare if first == 1 else None)
            if self.bare is not None and first > 1:
                pivots.insert(0, 0)
                slots.insert(0, self.bare)
        if last < MAX:
            pivots.append(MAX)
            slots.append(None)
        node = nodes.pop()
        rebuild.fill(self.pool, node, rebuild.Content(0, pivots, slots, None))
        self.pause_point("node built")
        self.set_root(node, 1)

    def replace_root_by_range(self, entry: Any, nodes: list[int]) -> None:
        """One entry over everything, or nothing at all (mas_new_root)."""
        old = list(self.nodes())
        if entry is None:
            self.root, self.bare, self.height = -1, None, 0
        else:
            node = nodes.pop()
            rebuild.fill(self.pool, node, rebuild.Content(0, [MAX], [entry], None))
            self.set_root(node, 1)
        self.retire(old)

    def nodes(self) -> Iterator[int]:
        """Every node of the tree, depth first, a parent before its children."""
        if self.root < 0:
            return
        pool = self.pool
        stack = [(self.root, 1)]
        while stack:
            node, depth = stack.pop()
            yield node
            if depth < self.height:
                stack += [(child, depth + 1) for child in reversed(pool.slots[node : pool.end(node) + 1])]

    def retire(self, nodes: list[int]) -> None:
        """``nodes`` left the tree: free them, in RCU mode once no reader can be in them."""
        if not self.rcu:
            if self.reserve is None:
                self.pool.free(nodes)
            else:
                self.pool.recycle(nodes, self.reserve)
            return
        self.pool.retire(nodes)
        if not self.readers and len(self.pool.retired) > RETIRED_LIMIT:
            self.pool.end_grace_period()
