"""The shape of a maple node: fan-outs and minimum occupancy.

The kernel's node is 256 bytes: a leaf (leaf_64) holds 16 slots, an internal node 10 slots with a gap for
each (arange_64, trees that track gaps) or 16 slots without (range_64). Smaller fan-outs give high trees
with few entries; proofs and exhaustive tests use them.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX = 2**64 - 1
"""The last index (ULONG_MAX)."""

STRIDE = 16
"""Cells a node takes in each array of a pool; no fan-out may be larger."""

META = STRIDE - 1
"""The cell behind a node's 15 pivots: the position of its last used slot ("data end")."""

ABOVE = 0
BENCH = 32
FIRST_NODE = 96
"""The cells before the first node are a workbench, see ``workbench.py``: what a level is to hold lies from
``BENCH`` on, with room for a neighbour before it; its nodes, once made, from ``ABOVE`` on."""

POISON_WORD = 0x6B6B6B6B6B6B6B6B
"""What every cell of a freed node reads as (the kernel's POISON_FREE byte)."""

UNBORN = -(1 << 30)
"""In place of the slot that holds a node: none does yet."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Fan-outs of one kind of tree.

    ``leaf_slots`` and ``node_slots`` are the slots of a leaf and of an internal node (4 to 16);
    ``leaf_min`` and ``node_min`` are the fewest that a node other than the root keeps: of a node, no more
    than half of its slots; of a leaf one less where they are even, for a split moves by one where it would
    leave a NULL at the end of a leaf. Raises ValueError where that is not so.

    It says nothing of leaves of 4 slots: a tree of those with 8 indices was met that no split could keep, so
    only proofs about a single leaf have them.
    """

    leaf_slots: int
    node_slots: int
    leaf_min: int
    node_min: int

    def __post_init__(self) -> None:
        leaf, node = (self.leaf_slots, self.leaf_min), (self.node_slots, self.node_min)
        for (slots, least), most in ((leaf, (leaf[0] - 1) // 2), (node, node[0] // 2)):
            if not 4 <= slots <= STRIDE or not 1 <= least <= most:
                raise ValueError(f"a node of {slots} slots that keeps at least {least} cannot be balanced")


ARANGE_64 = Geometry(leaf_slots=16, node_slots=10, leaf_min=7, node_min=5)
"""The kernel's, for trees made with MT_FLAGS_ALLOC_RANGE (its mt_min_slots, 6 and 4, are last offsets)."""

RANGE_64 = Geometry(leaf_slots=16, node_slots=16, leaf_min=7, node_min=7)
"""The kernel's, for trees without gap tracking."""
