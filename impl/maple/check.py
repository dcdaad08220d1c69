"""What every maple tree must fulfil, one sentence each.

``check`` walks the whole tree and raises BrokenInvariant with the sentence, and the node shown, for the
first that does not hold. Linear in the number of nodes.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.maple.geometry import FIRST_NODE, MAX, META, STRIDE
from mapleproof.impl.maple.kinds import ACTIVE, FREE, LIVE
from mapleproof.impl.maple.pool import POISON, NodePool, number_of
from mapleproof.impl.maple.structure import Structure

INVARIANTS = {
    "root": "A tree has a root node or a bare entry or nothing, and a height only with a root node.",
    "live": "Every node of the tree is allocated, and reached once.",
    "leak": "Every allocated node is in the tree, or retired, or reserved.",
    "parent": "A node's parent slot is the slot that holds it.",
    "end": "A node uses at least one slot and no more than its fan-out.",
    "order": "Pivots rise strictly and stay below the node's maximum.",
    "limit": "The limit of the last slot, where it is stored, is the node's maximum.",
    "occupancy": "Every node but the root holds at least its minimum.",
    "nulls": "Two NULL slots never touch, and no leaf but the last ends with one.",
    "poison": "No slot holds what was freed.",
    "gap": "The gap kept for a child is the largest run of NULL below it.",
    "cursor": "An active cursor stands on a slot of a node that may still be read.",
}


class BrokenInvariant(AssertionError):
    """An invariant does not hold: ``name`` of it, ``node`` shown as text."""

    def __init__(self, name: str, detail: str, node: str = "") -> None:
        super().__init__(f"{INVARIANTS[name]} {detail}\n{node}")
        self.name = name
        self.detail = detail
        self.node = node


def show_node(pool: NodePool, node: int, low: int, high: int, level: int) -> str:
    """One node as text: its limits, then each slot's range and what it holds."""
    end = pool.pivots[node + META]
    kind = "leaf" if level == 1 else f"node of level {level}"
    lines = [f"{kind} {number_of(node)} [{low:#x}..{high:#x}], {end - node + 1} slots"]
    first = low
    for slot in range(node, min(end + 1, node + STRIDE)):
        last = pool.pivots[slot] if slot < end else high
        what = repr(pool.slots[slot])
        if level > 1:
            what = f"node {number_of(pool.children[slot])} gap {pool.gaps[slot]:#x}"
        lines.append(f"  {slot - node:2} [{first:#x}..{last:#x}] -> {what}")
        first = last + 1
    return "\n".join(lines)


def check(tree: Structure, reserved: int = 0) -> None:
    """Raise BrokenInvariant for the first invariant that does not hold.

    ``reserved`` is the number of nodes that cursors hold for later.
    """
    used = 0
    if tree.root < 0:
        if tree.height:
            raise BrokenInvariant("root", f"The height is {tree.height}.")
    else:
        if tree.bare is not None or tree.height < 1:
            raise BrokenInvariant("root", f"Height {tree.height}, bare entry {tree.bare!r}.")
        walk = Walk(tree)
        walk.subtree(tree.root, 0, MAX, tree.height, -tree.height)
        used = len(walk.nodes)
    live = tree.pool.live - len(tree.pool.retired)
    if live != used + reserved:
        told = f"{live} nodes are allocated, {used} in the tree, {reserved} reserved."
        raise BrokenInvariant("leak", told)


def check_cursor(cursor: Any) -> None:
    """Raise BrokenInvariant where a cursor that was just used is said to be active and has no place."""
    if cursor.state != ACTIVE:
        return
    node, pool = cursor.node, cursor.tree.pool
    readable = node >= 0 and pool.cells("states", node >> 4, (node >> 4) + 1) != [FREE]
    if not readable or not node <= cursor.slot <= cursor.end:
        raise BrokenInvariant("cursor", f"It has node {number_of(node)}, slot {cursor.slot - node}.")


class Walk:
    """One walk over the tree: what was seen so far."""

    def __init__(self, tree: Structure) -> None:
        self.tree = tree
        self.nodes: set[int] = set()
        self.after_null = False

    def subtree(self, node: int, low: int, high: int, level: int, slot: int) -> int:
        """Check ``node``, which hangs in ``slot``, and what is below it; the largest run of NULL there."""
        tree, pool = self.tree, self.tree.pool
        if node < FIRST_NODE or node % STRIDE or node >= pool.used:
            raise BrokenInvariant("live", f"{node} is no node.")
        if pool.states[node >> 4] != LIVE or node in self.nodes:
            raise BrokenInvariant("live", f"Node {number_of(node)} is not allocated or reached twice.")
        self.nodes.add(node)
        leaf = level == 1
        most, least = (tree.leaf_slots, tree.leaf_min) if leaf else (tree.node_slots, tree.node_min)
        end = pool.pivots[node + META]
        count = end - node + 1
        if not 1 <= count <= most:
            raise BrokenInvariant("end", f"Node {number_of(node)} uses {count} slots of {most}.")
        if node != tree.root and count < least and not (high == MAX and tree.loaded):
            told = f"It holds {count} slots, the minimum is {least}."
            raise BrokenInvariant("occupancy", told, show_node(pool, node, low, high, level))
        first = low
        for at in range(node, end):
            last = pool.pivots[at]
            if not first <= last < high:
                raise BrokenInvariant("order", "", show_node(pool, node, low, high, level))
            first = last + 1
        if count < STRIDE and pool.pivots[end] != high:
            told = f"It is stored as {pool.pivots[end]:#x}."
            raise BrokenInvariant("limit", told, show_node(pool, node, low, high, level))
        if pool.parents[node >> 4] != slot:
            told = f"Node {number_of(node)} in slot {slot & META} names another."
            raise BrokenInvariant("parent", told, show_node(pool, node, low, high, level))
        return self.leaf(node, low, high) if leaf else self.inner(node, low, high, level)

    def leaf(self, node: int, low: int, high: int) -> int:
        """The slots of a leaf."""
        pool = self.tree.pool
        end = pool.pivots[node + META]
        gap, first = 0, low
        for at in range(node, end + 1):
            last = pool.pivots[at] if at < end else high
            held: Any = pool.slots[at]
            if held is POISON:
                raise BrokenInvariant("poison", "", show_node(pool, node, low, high, 1))
            if held is None:
                if self.after_null:
                    told = f"Before [{first:#x}..{last:#x}] there is one already."
                    raise BrokenInvariant("nulls", told, show_node(pool, node, low, high, 1))
                gap = max(gap, (last - first + 1) & MAX)
            self.after_null = held is None
            first = last + 1
        if self.after_null and high != MAX:
            raise BrokenInvariant("nulls", "It ends with NULL.", show_node(pool, node, low, high, 1))
        return gap

    def inner(self, node: int, low: int, high: int, level: int) -> int:
        """The slots of a node above the leaves."""
        pool = self.tree.pool
        end = pool.pivots[node + META]
        largest, first = 0, low
        for at in range(node, end + 1):
            last = pool.pivots[at] if at < end else high
            gap = self.subtree(pool.children[at], first, last, level - 1, at)
            if self.tree.track_gaps and pool.gaps[at] != gap:
                told = f"Slot {at - node}: {gap:#x} below, {pool.gaps[at]:#x} kept."
                raise BrokenInvariant("gap", told, show_node(pool, node, low, high, level))
            largest = max(largest, gap)
            first = last + 1
        return largest
