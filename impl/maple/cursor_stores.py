"""What a cursor stores, and the nodes that it gets for it ahead (mas_store*, mas_preallocate, mas_erase ...).

What a cursor is, is told in ``cursor.py``.
"""

from __future__ import annotations

import errno
from typing import Any

from mapleproof.impl.maple import bulk, classify
from mapleproof.impl.maple.cursor_place import PlacedCursor
from mapleproof.impl.maple.geometry import MAX
from mapleproof.impl.maple.kinds import ACTIVE, ERROR, EXACT_FIT, NONE, ROOT

ENOMEM = errno.ENOMEM


class StoringCursor(PlacedCursor):
    """A cursor that can be placed, and stores."""

    def store_gfp(self, entry: Any) -> int:
        """Put ``entry`` over the range: 0, or -ENOMEM with nothing changed (mas_store_gfp)."""
        self.put(entry, None)
        return self.error

    def store(self, entry: Any) -> None:
        """Put ``entry`` over the range, with the nodes reserved by :meth:`expected_entries` or
        :meth:`preallocate` as far as they go (mas_store). Sets ``error``, see :meth:`nomem`."""
        self.put(entry, self.reserve if self.prepared else None)

    def store_prealloc(self, entry: Any) -> None:
        """Put ``entry`` over the range with the nodes that :meth:`preallocate` reserved, and give the
        rest back (mas_store_prealloc)."""
        self.put(entry, self.reserve)
        self.destroy()

    def put(self, entry: Any, reserve: list[int] | None) -> None:
        """Put ``entry`` over the range, and stay there."""
        tree, store = self.tree, self.tree.store
        stood = tree.root >= 0
        at_root = tree.bare is not None or (self.state == ROOT and self.last != MAX)
        done = tree.write(self.index, self.last, entry, self.leaf_for_write(), reserve, self.bulk)
        self.error = tree.error
        if not done:
            self.state = ERROR
            return
        kind, first, last = store.kind, store.first, store.last
        self.index, self.last = first, last
        if kind == EXACT_FIT and self.state == ACTIVE:
            return
        if tree.root < 0:
            # Nothing is left to stand on. NULL where there was no node: that something stood at index 0 is
            # remembered.
            self.reset()
            if entry is None and not stood:
                self.state = ROOT if at_root else NONE
            return
        self.go()
        self.index, self.last = first, last

    def leaf_for_write(self) -> bool:
        """Whether the range begins in the leaf it stands on; then the tree's ``store`` names that leaf."""
        if (
            self.state == ACTIVE
            and self.node >= 0
            and self.low <= self.index <= self.high
            and self.tree.pool.alive(self.node)
        ):
            store = self.tree.store
            store.node, store.low, store.high = self.node, self.low, self.high
            return True
        return False

    def erase(self) -> Any:
        """Clear the whole range that holds ``index``: the entry that stood there (mas_erase).

        ``index`` and ``last`` become the empty range it left. With no memory for it the status is error.
        """
        entry = self.go()
        if entry is not None:
            self.put(None, None)
        return entry

    def nomem(self) -> bool:
        """After a store ran out of memory: whether to try again, with what was now reserved for it
        (mas_nomem). The range is as it was."""
        if self.error != -ENOMEM:
            return False
        return self.preallocate_nodes(bulk.worst_case(self.tree))

    def nomem_nofail(self, first: int, last: int) -> bool:
        """The same where memory is had in any case: the cursor is then set to [first, last]
        (mas_nomem_nofail)."""
        if not self.nomem():
            return False
        self.set_range(first, last)
        return True

    def alloc_cyclic(self, entry: Any, min: int, max: int, next: int) -> tuple[int, int | None, int | None]:
        """Store ``entry`` where the tree's ``alloc_cyclic`` does, whose answer it gives, and stand there
        (mas_alloc_cyclic). The cursor has not looked yet."""
        answer = self.tree.alloc_cyclic(entry, min, max, next)
        ret, start, _ = answer
        if start is None:
            self.state, self.error = ERROR, ret
            return answer
        self.index = self.last = start
        if self.tree.root >= 0:
            self.go()
            self.index = self.last = start
        return answer

    def preallocate(self, entry: Any) -> int:
        """Reserve the nodes that storing ``entry`` over the range can need: 0 or -ENOMEM
        (mas_preallocate). A second call replaces what the first reserved."""
        self.destroy()
        tree, store = self.tree, self.tree.store
        if tree.root < 0:
            classify.classify_root(store, self.index, self.last)
        else:
            if not self.leaf_for_write():
                first, last = self.index, self.last
                self.go()
                self.index, self.last = first, last
                self.leaf_for_write()
            classify.classify(tree, store, self.index, self.last, entry, False)
        if self.preallocate_nodes(classify.nodes_needed(tree, store, entry)):
            return 0
        self.reset()
        return -ENOMEM

    def preallocate_nodes(self, count: int) -> bool:
        """Reserve ``count`` nodes; the cursor may then be used again after an error."""
        pool = self.tree.pool
        if count and not pool.request(count, "preallocate", False):
            return False
        pool.take_all(count, self.reserve)
        self.prepared = True
        if self.state == ERROR:
            self.reset()
        self.error = 0
        return True

    def expected_entries(self, count: int) -> int:
        """Reserve the nodes for storing ``count`` entries in rising order, and store them tightly until
        :meth:`destroy`: 0 or -ENOMEM (mas_expected_entries)."""
        if not self.preallocate_nodes(bulk.nodes_for(self.tree, count)):
            self.destroy()
            return -ENOMEM
        self.bulk = True
        self.tree.loaded = True
        return 0

    def destroy(self) -> None:
        """Give back what was reserved and leave bulk mode, the last leaf brought to size
        (mas_destroy)."""
        if self.bulk:
            self.bulk = False
            bulk.finish(self.tree)
        self.tree.pool.give_back(self.reserve)
        self.prepared = False
