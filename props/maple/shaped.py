"""Our tree with the nodes of a kernel's: the same number of them, with the same borders, entries and gaps.

From there the same write can be made on both, whatever came before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.kernel.wire import Node
from mapleproof.impl.maple import MapleTree
from mapleproof.impl.maple.geometry import META, STRIDE
from mapleproof.impl.maple.kinds import LIVE
from mapleproof.props.maple import operations as ops

SPARE = {"new_root": 1 << 10, "store_root": 1, "rebalance": 2}
"""By kind of store: nodes that a kernel may ask for beyond what our tree does. A new root is asked for before
it is known that one node is enough; a root that is but an entry needs none; from 6.19 on a rebalance asks for
two more."""


def shaped(nodes: Sequence[Node], alloc_range: bool, rcu: bool) -> MapleTree:
    """A tree with these nodes, as `KernelTree.shape` tells them, depth first."""
    tree = MapleTree(alloc_range, rcu)
    if not nodes:
        return tree
    if not nodes[0][0]:
        tree.store_range(0, 0, nodes[0][4][0][1])
        return tree
    pool, numbers = tree.pool, list[int]()
    pool.take_all(len(nodes), numbers)
    above: list[list[int]] = []
    """The next slot of each node on the way down."""
    for number, (depth, is_leaf, _, _, slots) in zip(numbers, nodes, strict=True):
        del above[depth - 1 :]
        if above:
            pool.put_cell("children", above[-1][0], number)
            pool.put_cell("parents", number // STRIDE, above[-1][0])
            above[-1][0] += 1
        pool.put_cell("states", number // STRIDE, LIVE)
        above.append([number])
        for slot, (last, held) in enumerate(slots):
            if slot < META:
                pool.put_cell("pivots", number + slot, last)
            if is_leaf:
                pool.put_cell("slots", number + slot, held)
            elif alloc_range:
                pool.put_cell("gaps", number + slot, held)
        pool.put_cell("pivots", number + META, number + len(slots) - 1)
    tree.set_root(numbers[0], max(depth for depth, *_ in nodes))
    return tree


def too_many(ours: MapleTree, op: ops.MtreeStoreRange, asked: int, after: Sequence[Node]) -> int:
    """How many nodes a kernel's store took, or asked for, beyond what ours does from where it began."""
    ours.plan = plan = FailurePlan()
    was = ours.events
    ours.store_range(op.first, op.last, op.entry)
    spare = max((SPARE.get(kind, 0) for kind in ours.events - was), default=0)
    taken = len(after) if after and after[0][0] else 0
    return max(0, taken - len(ours.nodes()), asked - plan.units - spare)
