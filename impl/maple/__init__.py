"""The maple tree: nodes in flat rows, every kind of write, cursors, RCU mode, duplication.

    tree.py       the tree and the normal API       cursor.py    the cursor (ma_state): its searches;
                                                    cursor_place.py, cursor_stores.py
    classify.py   the kind of a store               write.py     one store, carried out
    rebuild.py    split, rebalance, spanning store  workbench.py slots gathered, and cut into nodes
    search.py     free ranges                       gaps.py      the gaps kept for nodes
    dup.py        __mt_dup and its undo             check.py     the invariants
    bulk.py       bulk loading, before __mt_dup     structure.py root, nodes and their limits
    pool.py       nodes, their states, poison       rows.py      cells: lists, or arrays in C
    place.py      a leaf, a store, a free range     kinds.py     small integers for words
    geometry.py   fan-outs                          tally.py     what happened, how often

Follows lib/maple_tree.c of Linux 6.12 in what it does and in the shape of its trees. Each of these files runs
as it stands; Cython compiles them with the types that stand in the ``.pxd`` beside it, see ``compiled.py``.
"""

from mapleproof.impl import compiled

compiled.choose()

from mapleproof.impl.maple.check import BrokenInvariant  # noqa: E402
from mapleproof.impl.maple.cursor import Cursor  # noqa: E402
from mapleproof.impl.maple.geometry import ARANGE_64, MAX, RANGE_64, Geometry  # noqa: E402
from mapleproof.impl.maple.pool import LedgerError, NodePool, UseAfterFree  # noqa: E402
from mapleproof.impl.maple.tree import MapleTree  # noqa: E402

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
