"""The shape of our trees is that of the kernel's: the same nodes, with the same slots, pivots and gaps.

`cases/shapes/stores.jsonl.gz` holds stores, and the nodes of the C tree of Linux 6.12.117 after a quarter, a
half and so on of them, depth first: depth, whether it is a leaf, its last index, and per slot the last index
with the entry (leaf) or the gap (inner node of a tree that tracks gaps).
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mapleproof.impl.maple import MapleTree
from mapleproof.impl.maple.geometry import MAX

LINES = gzip.decompress(
    (Path(__file__).parent / "cases" / "shapes" / "stores.jsonl.gz").read_bytes()
).splitlines()


def shape(tree: MapleTree) -> list[Any]:
    nodes: list[Any] = []
    pool = tree.pool

    def visit(node: int, high: int, depth: int) -> None:
        end = pool.end(node)
        pivots = [*pool.cells("pivots", node, end), high]
        leaf = depth == tree.height - 1
        held = pool.cells("slots" if leaf else "children", node, end + 1)
        gaps = pool.cells("gaps", node, end + 1) if tree.track_gaps else [None] * len(held)
        shown = held if leaf else gaps
        nodes.append([depth, leaf, high, [list(pair) for pair in zip(pivots, shown, strict=True)]])
        if not leaf:
            for pivot, child in zip(pivots, held, strict=True):
                visit(child, pivot, depth + 1)

    if tree.root >= 0:
        visit(tree.root, MAX, 0)
    return nodes


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{len(line)}-bytes")
def test_the_nodes_are_those_of_the_kernel(line: bytes) -> None:
    recorded = json.loads(line)
    tree = MapleTree(recorded["alloc_range"], recorded["rcu"])
    done = 0
    for until, expected in recorded["shapes"]:
        for first, last, entry in recorded["stores"][done:until]:
            assert tree.store_range(first, last, entry) == 0
        done = until
        assert shape(tree) == expected
