"""What every maple tree must fulfil, one sentence each.

``check`` walks the whole tree and raises BrokenInvariant with the sentence, and the node shown, for the
first that does not hold. Linear in the number of nodes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from impl.maple.geometry import MAX, META, STRIDE
from impl.maple.pool import LIVE, POISON, NodePool

if TYPE_CHECKING:
    from impl.maple.tree import MapleTree

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
}


class BrokenInvariant(AssertionError):
    """An invariant does not hold: ``name`` of it, ``node`` shown as text."""

    def __init__(self, name: str, detail: str, node: str) -> None:
        super().__init__(f"{INVARIANTS[name]} {detail}\n{node}")
        self.name = name
        self.detail = detail
        self.node = node


def show_node(pool: NodePool, node: int, low: int, high: int, level: int) -> str:
    """One node as text: its limits, then each slot's range and what it holds."""
    end = pool.pivots[node + META]
    kind = "leaf" if level == 1 else f"node of level {level}"
    lines = [f"{kind} {node >> 4} [{low:#x}..{high:#x}], {end - node + 1} slots"]
    first = low
    for slot in range(node, min(end + 1, node + STRIDE)):
        last = pool.pivots[slot] if slot < end else high
        held = pool.slots[slot]
        what = repr(held) if level == 1 else f"node {held >> 4} gap {pool.gaps[slot]:#x}"
        lines.append(f"  {slot - node:2} [{first:#x}..{last:#x}] -> {what}")
        first = last + 1
    return "\n".join(lines)


def check(tree: MapleTree, reserved: int = 0) -> None:
    """Raise BrokenInvariant for the first invariant that does not hold.

    ``reserved`` is the number of nodes that cursors hold for later.
    """
    pool = tree.pool
    if tree.root < 0:
        if tree.height:
            raise BrokenInvariant("root", f"The height is {tree.height}.", "")
        _check_leaks(tree, 0, reserved)
        return
    if tree.bare is not None or tree.height < 1:
        raise BrokenInvariant("root", f"Height {tree.height}, bare entry {tree.bare!r}.", "")
    if pool.parents[tree.root >> 4] != -1:
        raise BrokenInvariant("parent", "The root has a parent.", "")
    seen = _Walk(tree)
    seen.subtree(tree.root, 0, MAX, tree.height)
    _check_leaks(tree, len(seen.nodes), reserved)


def _check_leaks(tree: MapleTree, used: int, reserved: int) -> None:
    live = tree.pool.live - len(tree.pool.retired)
    if live != used + reserved:
        raise BrokenInvariant(
            "leak", f"{live} nodes are allocated, {used} in the tree, {reserved} reserved.", ""
        )


class _Walk:
    """One walk over the tree: what was seen so far."""

    def __init__(self, tree: MapleTree) -> None:
        self.tree = tree
        self.pool = tree.pool
        self.nodes: set[int] = set()
        self.after_null = False

    def subtree(self, node: int, low: int, high: int, level: int) -> int:
        """Check ``node`` and what is below it; the largest run of NULL there."""
        pool = self.pool

        def broken(name: str, detail: str) -> BrokenInvariant:
            return BrokenInvariant(name, detail, show_node(pool, node, low, high, level))

        if node < 0 or node % STRIDE or node >= len(pool.pivots):
            raise BrokenInvariant("live", f"{node} is no node.", "")
        if pool.state[node >> 4] != LIVE or node in self.nodes:
            raise BrokenInvariant("live", f"Node {node >> 4} is not allocated or reached twice.", "")
        self.nodes.add(node)
        shape = self.tree.geometry
        most, least = (shape.leaf_slots, shape.leaf_min) if level == 1 else (shape.node_slots, shape.node_min)
        end = pool.pivots[node + META]
        count = end - node + 1
        if not 1 <= count <= most:
            raise BrokenInvariant("end", f"Node {node >> 4} uses {count} slots of {most}.", "")
        if node != self.tree.root and count < least and not (high == MAX and self.tree.loaded):
            raise broken("occupancy", f"It holds {count} slots, the minimum is {least}.")
        pivots = pool.pivots[node:end]
        if any(not low <= pivot < high for pivot in pivots) or any(a >= b for a, b in pairwise(pivots)):
            raise broken("order", "")
        if count < STRIDE and pool.pivots[end] != high:
            raise broken("limit", f"It is stored as {pool.pivots[end]:#x}.")
        slots = pool.slots[node : end + 1]
        if any(held is POISON for held in slots):
            raise broken("poison", "")
        if level == 1:
            return self._leaf(slots, [*pivots, high], low, high, broken)
        return self._inner(node, slots, [*pivots, high], low, level, broken)

    def _leaf(self, slots: list[Any], pivots: list[int], low: int, high: int, broken: Any) -> int:
        gap = 0
        for held, last in zip(slots, pivots, strict=True):
            if held is None:
                if self.after_null:
                    raise broken("nulls", f"Before [{low:#x}..{last:#x}] there is one already.")
                gap = max(gap, last - low + 1)
            self.after_null = held is None
            low = last + 1
        if self.after_null and high != MAX:
            raise broken("nulls", "It ends with NULL.")
        return gap

    def _inner(
        self, node: int, slots: list[int], pivots: list[int], low: int, level: int, broken: Any
    ) -> int:
        largest = 0
        for slot, (child, last) in enumerate(zip(slots, pivots, strict=True), node):
            gap = self.subtree(child, low, last, level - 1)
            if self.pool.parents[child >> 4] != slot:
                raise broken("parent", f"Node {child >> 4} in slot {slot - node} names another.")
            if self.tree.track_gaps and self.pool.gaps[slot] != gap:
                raise broken("gap", f"Slot {slot - node}: {gap:#x} below, {self.pool.gaps[slot]:#x} kept.")
            largest = max(largest, gap)
            low = last + 1
        return largest
