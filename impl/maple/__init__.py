"""The maple tree: nodes in flat arrays, every kind of write, cursors, RCU mode, duplication.

    tree.py      the tree and the normal API           cursor.py    the cursor (ma_state): its searches;
                                                       cursor_place.py, cursor_stores.py
    write.py     one store, by its kind                rebuild.py   split, rebalance, spanning store
    search.py    free ranges                           dup.py       __mt_dup and its undo
    pool.py      nodes, their states, poison           check.py     the invariants
    bulk.py      bulk loading, as before __mt_dup      geometry.py  fan-outs

Follows lib/maple_tree.c of Linux 6.12 in what it does and in the shape of its trees.
"""

from impl.maple.check import BrokenInvariant
from impl.maple.cursor import Cursor
from impl.maple.geometry import ARANGE_64, MAX, RANGE_64, Geometry
from impl.maple.pool import LedgerError, NodePool, UseAfterFree
from impl.maple.tree import MapleTree

__all__ = [
    "ARANGE_64",
    "MAX",
    "RANGE_64",
    "BrokenInvariant",
    "Cursor",
    "Geometry",
    "LedgerError",
    "MapleTree",
    "NodePool",
    "UseAfterFree",
]
