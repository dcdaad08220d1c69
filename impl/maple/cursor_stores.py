"""What a cursor stores, and the nodes that it gets for it ahead (mas_store*, mas_preallocate, mas_erase ...).

What a cursor is, is told in ``cursor.py``.
"""

from __future__ import annotations

import errno
from typing import Any

from impl.maple import bulk, write
from impl.maple.cursor_place import PlacedCursor


class StoringCursor(PlacedCursor):
    """A cursor that can be placed, and stores."""

    __slots__ = ()

    def store_gfp(self, entry: Any) -> int:
        """Put ``entry`` over the range: 0, or -ENOMEM with nothing changed (mas_store_gfp)."""
        self._store(entry, None)
        return self.error

    def store(self, entry: Any) -> None:
        """Put ``entry`` over the range, with the nodes reserved by :meth:`expected_entries` or
        :meth:`preallocate` as far as they go (mas_store). Sets ``error``, see :meth:`nomem`."""
        self._store(entry, self.reserve if self.prepared else None)

    def store_prealloc(self, entry: Any) -> None:
        """Put ``entry`` over the range with the nodes that :meth:`preallocate` reserved, and give the
        rest back (mas_store_prealloc)."""
        self._store(entry, self.reserve)
        self.destroy()

    def _store(self, entry: Any, reserve: list[int] | None) -> None:
        tree = self.tree
        done = tree.write(self.index, self.last, entry, self._leaf_for_write(), reserve, self.bulk)
        self.error = tree.error
        if done is None:
            self.status = "error"
            return
        self.index, self.last = done.first, done.last
        if done.kind == "exact_fit" and self.status == "active":
            return
        if tree.root < 0:
            # Nothing is left to stand on; a bare entry that was cleared leaves the cursor as it was.
            if done.kind == "new_root" or entry is not None:
                self.reset()
            return
        self._walk()
        self.index, self.last = done.first, done.last

    def _leaf_for_write(self) -> tuple[int, int, int] | None:
        """The leaf it stands on with its limits, where the range begins there; else None."""
        if (
            self.status == "active"
            and self.node >= 0
            and self.low <= self.index <= self.high
            and self.tree.pool.alive(self.node)
        ):
            return self.node, self.low, self.high
        return None

    def erase(self) -> Any:
        """Clear the whole range that holds ``index``: the entry that stood there (mas_erase).

        ``index`` and ``last`` become the empty range it left. With no memory for it the status is error.
        """
        entry = self._walk()
        if entry is not None:
            self._store(None, None)
        return entry

    def nomem(self) -> bool:
        """After a store ran out of memory: whether to try again, with what was now reserved for it
        (mas_nomem). The range is as it was."""
        if self.error != -errno.ENOMEM:
            return False
        return self.preallocate_nodes(bulk.worst_case(self.tree))

    def preallocate(self, entry: Any) -> int:
        """Reserve the nodes that storing ``entry`` over the range can need: 0 or -ENOMEM
        (mas_preallocate). A second call replaces what the first reserved."""
        self.destroy()
        tree = self.tree
        if tree.root < 0:
            store = write.classify_root(self.index, self.last)
        else:
            place = self._leaf_for_write() or write.locate(tree.pool, tree.root, tree.height, self.index)
            store = write.classify(tree, *place, self.index, self.last, entry, False)
        if self.preallocate_nodes(write.nodes_needed(tree, store, entry)):
            return 0
        self.reset()
        return -errno.ENOMEM

    def preallocate_nodes(self, count: int) -> bool:
        """Reserve ``count`` nodes; the cursor may then be used again after an error."""
        fresh = self.tree.pool.request(count, "preallocate") if count else []
        if fresh is None:
            return False
        self.reserve += fresh
        self.prepared = True
        if self.status == "error":
            self.reset()
        self.error = 0
        return True

    def expected_entries(self, count: int) -> int:
        """Reserve the nodes for storing ``count`` entries in rising order, and store them tightly until
        :meth:`destroy`: 0 or -ENOMEM (mas_expected_entries)."""
        if not self.preallocate_nodes(bulk.nodes_for(self.tree, count)):
            self.destroy()
            return -errno.ENOMEM
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
