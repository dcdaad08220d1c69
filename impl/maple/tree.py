"""The maple tree: a sorted map from ranges of indices to entries (struct maple_tree, the normal API).

Indices are 0 to 2**64 - 1, ranges inclusive; an entry is any object, None is the empty entry (NULL). A
tree is empty, or holds one bare entry at index 0, or has a root node; see ``pool.py`` for what a node is.
Functions that can fail return 0 or a negative errno, as the kernel's do.

Not covered: locking (a tree is used by one thread; ``yield_point`` and ``on_retry`` stand for what others
may do meanwhile) and entries reserved by the XArray.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from mapleproof.impl.maple import check, classify, dup, rows, search, write
from mapleproof.impl.maple.geometry import MAX, META
from mapleproof.impl.maple.kinds import EXACT_FIT, STORES
from mapleproof.impl.maple.place import Found
from mapleproof.impl.maple.structure import Structure

EEXIST = errno.EEXIST
EINVAL = errno.EINVAL
ENOMEM = errno.ENOMEM


class MapleTree(Structure):
    """A maple tree.

    ``alloc_range`` tracks gaps (MT_FLAGS_ALLOC_RANGE): needed for alloc_* and to search for free ranges.
    ``rcu`` keeps replaced nodes readable until a grace period has passed (MT_FLAGS_USE_RCU).
    ``plan`` decides which node requests fail. ``geometry`` is the shape of the nodes.

    ``events`` counts what happened, by kind of store and more. ``error`` is the negative errno of the
    last write, 0 where it went well. ``yield_point``, if set, is called with a word at each step of a
    write that a lock-free reader could see; ``on_retry`` when a write had to drop the lock to wait for
    memory and will look again.
    """

    # Reading

    def load(self, index: int) -> Any:
        """The entry at ``index`` (mtree_load)."""
        node = self.root
        while node < 0:
            bare = self.bare
            node = self.root
            if node < 0:
                return bare if index == 0 else None
        pool = self.pool
        pivots, children = pool.pivots, pool.children
        height = -pool.parents[node >> 4]
        for _ in range(height - 1):
            node = children[rows.find(pivots, index, node, pivots[node + META])]
        return pool.slots[rows.find(pivots, index, node, pivots[node + META])]

    def look(self, index: int, place: Found) -> Any:
        """The entry at ``index``; ``place`` gets the slot's range from ``low`` to ``high``."""
        place.low, place.high = 0, MAX
        root = self.root
        while root < 0:
            bare = self.bare
            root = self.root
            if root >= 0:
                break  # it went into a first node
            if bare is None:
                return None
            if index:
                place.low = 1
                return None
            place.high = 0
            return bare
        classify.locate(self, root, index, place)
        pivots, node = self.pool.pivots, place.node
        end = pivots[node + META]
        low, high = place.low, place.high
        while True:
            at = rows.find(pivots, index, node, end)
            place.low = pivots[at - 1] + 1 if at > node else low
            place.high = pivots[at] if at < end else high
            entry = self.pool.slots[at]
            moved = self.rcu and not (
                place.low <= index <= place.high and (at == end or pivots[at] == place.high)
            )
            if not moved:
                return entry  # of a range that stood while it was read

    def slot_of(self, index: int) -> tuple[int, int, Any]:
        """The range of the slot that holds ``index``, and its entry."""
        entry = self.look(index, self.seen)
        return self.seen.low, self.seen.high, entry

    def first_entry(self, index: int, most: int) -> Any:
        """The first entry at or after ``index`` that starts at or below ``most``; ``seen`` has its range."""
        if index > most:
            return None
        entry = self.look(index, self.seen)
        while entry is None and self.seen.high < most:
            entry = self.look(self.seen.high + 1, self.seen)
        return entry

    def find(self, index: int, max: int) -> tuple[Any, int]:
        """The first entry at or after ``index`` that starts at or below ``max``, and where the next
        search goes on (mt_find); (None, index) where there is none."""
        entry = self.first_entry(index, max)
        return entry, index if entry is None else (self.seen.high + 1) & MAX

    def find_after(self, index: int, max: int) -> tuple[Any, int]:
        """Like :meth:`find`, for going on: an ``index`` of 0 means that the last search ended at the top
        (mt_find_after)."""
        return self.find(index, max) if index else (None, index)

    def next(self, index: int, max: int) -> Any:
        """The entry of the first range behind the one at ``index`` that starts at or below ``max``
        (mt_next)."""
        if index >= max:
            return None
        self.look(index, self.seen)
        return self.first_entry(self.seen.high + 1, max) if self.seen.high < max else None

    def prev(self, index: int, min: int) -> Any:
        """The entry of the last range before the one at ``index`` that reaches up to ``min``
        (mt_prev)."""
        if index <= min:
            return None
        while self.root < 0:
            bare = self.bare
            if self.root < 0:
                # Whatever ``min`` says, as the kernel does, so that recordings of it replay
                return bare
        self.look(index, self.seen)
        entry = None
        while entry is None and self.seen.low > min:
            entry = self.look(self.seen.low - 1, self.seen)
        return entry

    def entries(self) -> list[tuple[int, int, Any]]:
        """Every range that holds an entry, in order, as (first, last, entry)."""
        found: list[tuple[int, int, Any]] = []
        if self.bare is not None:
            found.append((0, 0, self.bare))
        if self.root >= 0:
            self.add_entries(self.root, self.height, 0, MAX, found)
        return found

    def add_entries(
        self, node: int, level: int, low: int, high: int, found: list[tuple[int, int, Any]]
    ) -> None:
        """Add the entries below ``node``, which is on a level and has these limits."""
        pool = self.pool
        pivots, slots = pool.pivots, pool.slots
        end = pivots[node + META]
        for at in range(node, end + 1):
            last = pivots[at] if at < end else high
            if level > 1:
                self.add_entries(pool.children[at], level - 1, low, last, found)
            else:
                entry = slots[at]
                if entry is not None:
                    found.append((low, last, entry))
            low = last + 1

    def limits(self, node: int) -> tuple[int, int]:
        """The first and last index that ``node`` covers."""
        return self.low_of(node), self.high_of(node)

    # Writing

    def store_range(self, first: int, last: int, entry: Any) -> int:
        """Put ``entry`` over [first, last], whatever stood there (mtree_store_range).

        0, -EINVAL where first > last, -ENOMEM with nothing changed.
        """
        if first > last:
            return -EINVAL
        self.write(first, last, entry)
        return self.error

    def insert_range(self, first: int, last: int, entry: Any) -> int:
        """Put ``entry`` over [first, last] if that is free: else -EEXIST (mtree_insert_range)."""
        if first > last:
            return -EINVAL
        if self.look(first, self.found) is not None or last > self.found.high:
            return -EEXIST
        self.write(first, last, entry)
        return self.error

    def erase(self, index: int) -> Any:
        """Clear the whole range that holds ``index``; returns the entry that stood there (mtree_erase).

        Where that needs memory and there is none, ``error`` is -ENOMEM and nothing changed, though the
        entry is returned.
        """
        entry = self.look(index, self.found)
        self.error = 0
        if entry is not None:
            self.write(self.found.low, self.found.high, None)
        return entry

    def alloc_range(self, entry: Any, size: int, min: int, max: int) -> tuple[int, int | None]:
        """Store ``entry`` over the lowest ``size`` free indices within [min, max] (mtree_alloc_range).

        (0, first index), or -EBUSY where there is no room, -EINVAL where ``size`` is 0 or does not fit
        the limits or the tree tracks no gaps, -ENOMEM.
        """
        ret = self.alloc(entry, size, min, max, True)
        return ret, None if ret else self.found.start

    def alloc_rrange(self, entry: Any, size: int, min: int, max: int) -> tuple[int, int | None]:
        """Like :meth:`alloc_range`, but the highest free indices (mtree_alloc_rrange)."""
        ret = self.alloc(entry, size, min, max, False)
        return ret, None if ret else self.found.start

    def alloc(self, entry: Any, size: int, least: int, most: int, upwards: bool) -> int:
        """Store ``entry`` over free indices, from ``found.start`` on: 0 or an error."""
        if not self.track_gaps:
            return -EINVAL
        ret = search.empty_area(self, least, most, size, upwards)
        return ret or self.store_found(entry, size)

    def store_found(self, entry: Any, size: int) -> int:
        """Store ``entry`` over what was found: 0 or -ENOMEM."""
        found, store = self.found, self.store
        store.node, store.low, store.high = found.node, found.low, found.high
        start = found.start
        self.write(start, start + (size - 1), entry, found.node >= 0)
        found.start = start  # readers within the write may have searched too
        return self.error

    def alloc_cyclic(self, entry: Any, min: int, max: int, next: int) -> tuple[int, int | None, int | None]:
        """Store ``entry`` at the lowest free index from ``next`` on, else from ``min`` on
        (mtree_alloc_cyclic).

        (0 or 1, index, the next call's ``next``): 1 where the search wrapped, or the call before ended at
        the top of all indices. Errors as :meth:`alloc_range`.
        """
        if not self.track_gaps:
            return -EINVAL, None, None
        wrapped = 0
        ret = search.empty_area(self, next if next > min else min, max, 1, True)
        if ret and next > min:
            wrapped = 1
            ret = search.empty_area(self, min, max, 1, True)
        ret = ret or self.store_found(entry, 1)
        if ret:
            return ret, None, None
        if self.wrapped and not wrapped:
            self.wrapped = False
            wrapped = 1
        start = self.found.start
        follows = (start + 1) & MAX
        if follows == 0:
            self.wrapped = True
        return wrapped, start, follows

    def dup(self) -> tuple[int, MapleTree | None]:
        """A copy of the whole tree, entries shared (mtree_dup): (0, copy) or (-ENOMEM, None)."""
        copy = MapleTree(self.track_gaps, self.rcu, self.plan, self.geometry)
        copy.share_tally(self.tally)
        ret = dup.mt_dup(self, copy)
        return ret, None if ret else copy

    def __deepcopy__(self, _memo: object) -> MapleTree:
        """A tree that is as this one in all but its entries, which are shared, and its hooks: it has none."""
        copy = MapleTree(self.track_gaps, self.rcu, self.plan, self.geometry)
        copy.copy_from(self)
        return copy

    def replace_each(self, new: Callable[[Any], Any]) -> None:
        """Put ``new(entry)`` in the place of each entry, in order, as fork does with a copied tree.

        Each is an exact-fit store: no node is needed, no range or gap changes. ``new`` is not asked for
        NULL, and must not return it.
        """
        if self.bare is not None:
            self.bare = new(self.bare)
        self.tally.count(EXACT_FIT, dup.replace_each(self, new))

    def destroy(self) -> None:
        """Free every node; the tree is empty afterwards and keeps its flags (mtree_destroy)."""
        old = self.nodes()
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

    def write(
        self,
        first: int,
        last: int,
        entry: Any,
        placed: bool = False,
        reserve: list[int] | None = None,
        bulk: bool = False,
    ) -> bool:
        """Store ``entry`` over [first, last]; the one way that every write goes.

        ``placed``: ``store`` names the leaf that holds ``first`` already. ``reserve`` are nodes already
        allocated: then no more are requested while they last; what is left of them stays the caller's, and
        outside RCU mode so do the nodes that the write replaces. True where it is done, and ``store`` says
        what; false where memory ran out (``error``).
        """
        store, pool = self.store, self.pool
        got = 0 if reserve is None else len(reserve)
        self.error = 0
        while True:
            if self.root < 0:
                classify.classify_root(store, first, last)
            else:
                if not placed:
                    classify.locate(self, self.root, first, store)
                classify.classify(self, store, first, last, entry, bulk)
            need = classify.nodes_needed(self, store, entry) - got
            if need <= 0:
                break
            kind = STORES[store.kind]
            granted = pool.request(need, kind, True)
            if not granted and not pool.request(need, kind, False):
                self.error = -ENOMEM
                return False
            got += need
            if reserve is not None:
                pool.take_all(need, reserve)
            if granted:
                break
            # The lock was dropped to wait for memory; what was found may be gone after that.
            placed = False
            if self.on_retry is not None:
                self.on_retry()
        self.reserve = reserve
        pool.grant(got if reserve is None else 0)
        write.commit(self, store, entry, bulk)
        self.reserve = None
        return True
