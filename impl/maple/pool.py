"""Where nodes live: flat rows of cells, with node numbers for pointers, and a ledger of what is allocated.

A node is a position (a multiple of 16) in a few rows shared by all nodes of one tree:

    pivots[node + k]    inclusive upper limit of slot k; in pivots[node + 15] the last used slot's position
    slots[node + k]     an entry (leaf)
    children[node + k]  a child's position (internal node)
    gaps[node + k]      the largest run of NULL below slot k (internal nodes of trees that track gaps)
    parents[node >> 4]  the position of the slot that holds this node; for the root minus the tree's height
    states[node >> 4]   whether it is in use, see ``kinds.py``

The limit of a node's last slot is the node's own maximum, which its parent knows; it is stored too where
there is room (15 pivots, 16 slots). Since a node's position means the same in every copy of the rows, a
tree is copied by copying rows, and no pointer in it has to be mended.

The ledger knows the state of each node and refuses a double free. A freed node is poisoned and is not
handed out again before QUARANTINE others were freed, so that reading it is noticed. Until then it waits in
line, where ``parents`` has the next one.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple import rows
from mapleproof.impl.maple.geometry import FIRST_NODE, META, POISON_WORD, STRIDE
from mapleproof.impl.maple.kinds import DEAD, DEAD_NODE_MET, FREE, LIVE
from mapleproof.impl.maple.tally import Tally

QUARANTINE = 32
"""Freed nodes that wait before the oldest of them is used again."""

MORE_SLOTS = 1024
"""Cells by which the row of entries grows at least: they are filled at once, where words are not."""


class LedgerError(AssertionError):
    """The allocator was misused: a double free, or a free of what was never allocated."""


class UseAfterFree(AssertionError):
    """A node was read after its grace period had ended."""


class Poison:
    """What every slot of a freed node holds."""

    def __repr__(self) -> str:
        return "POISON"

    def __deepcopy__(self, _memo: object) -> Poison:
        return self


POISON: Any = Poison()


def number_of(node: int) -> int:
    """The number by which a node is told of: 0 is the first that there was."""
    return (node - FIRST_NODE) // STRIDE


class NodePool:
    """The nodes of one tree, and the ledger of their states.

    ``plan`` is asked before nodes are handed out (None grants everything). ``used`` counts the cells that
    nodes were made of so far, ``room`` those that there are. ``live`` is how many nodes are allocated,
    ``granted`` how many may be taken.
    """

    def __init__(self, plan: FailurePlan | None, tally: Tally) -> None:
        self.plan = plan
        self.tally = tally
        self.live = 0
        self.granted = 0
        self.retired: list[int] = []
        self.used = FIRST_NODE
        self.room = 4 * FIRST_NODE
        self.pivots = rows.new(self.room)
        self.children = rows.new(self.room)
        self.gaps = rows.new(self.room)
        self.parents = rows.new(self.room // STRIDE)
        self.states = rows.new(self.room // STRIDE)
        self.slots = [POISON] * FIRST_NODE
        self.first_waiting = self.last_waiting = -1
        self.waiting = 0

    # Handing out

    def request(self, count: int, what: str, atomic: bool) -> bool:
        """Whether ``count`` fresh nodes may be had (mt_alloc_one, mt_alloc_bulk); ``what`` they are for is
        counted where they are refused. ``atomic``: whoever asks cannot wait."""
        if self.plan is not None and not self.plan.ask("maple_node", count, atomic=atomic):
            self.tally.refuse(what)
            return False
        return True

    def grant(self, count: int) -> None:
        """So many nodes may be taken now. The rows have room for them, and do not move meanwhile."""
        self.granted = count
        needed = self.used + count * STRIDE
        if needed > self.room:
            self.enlarge(self.room + max(self.room // 2, count * STRIDE))
        if needed > len(self.slots):
            self.slots += [POISON] * max(needed - len(self.slots), MORE_SLOTS)

    def take(self) -> int:
        """A fresh node, of those that were granted. Raises LedgerError where there are none left."""
        if not self.granted:
            raise LedgerError("a node is taken that was not asked for")
        self.granted -= 1
        self.live += 1
        if self.waiting > QUARANTINE:
            node = self.first_waiting
            self.first_waiting = self.parents[node >> 4]
            self.waiting -= 1
        else:
            node = self.used
            self.used += STRIDE
            self.states[node >> 4] = FREE
            self.poison_words(node)
        return node

    def take_all(self, count: int, nodes: list[int]) -> None:
        """Add so many fresh nodes, which were requested, to ``nodes``."""
        self.grant(count)
        for _ in range(count):
            nodes.append(self.take())

    def give_back(self, nodes: list[int]) -> None:
        """Nodes that were taken and not used, still as they were handed out: they are the next to go."""
        for node in nodes:
            self.live -= 1
            self.parents[node >> 4] = self.first_waiting
            self.first_waiting = node
            if not self.waiting:
                self.last_waiting = node
            self.waiting += 1
        nodes.clear()

    def enlarge(self, room: int) -> None:
        """Have so many cells in each row of words."""
        self.pivots = rows.grow(self.pivots, self.room, room)
        self.children = rows.grow(self.children, self.room, room)
        self.gaps = rows.grow(self.gaps, self.room, room)
        self.parents = rows.grow(self.parents, self.room // STRIDE, room // STRIDE)
        self.states = rows.grow(self.states, self.room // STRIDE, room // STRIDE)
        self.room = room

    # Taking back

    def free(self, node: int) -> None:
        """Free a node of the tree at once, poisoned. Raises LedgerError where it is not allocated."""
        self.release(node)
        self.live -= 1
        self.wait(node)

    def recycle(self, node: int, reserve: list[int]) -> None:
        """Free a node of the tree for the use of whoever holds ``reserve`` (mas_push_node)."""
        self.release(node)
        reserve.append(node)

    def release(self, node: int) -> None:
        """A node is in use no more, and unreadable. Raises LedgerError where it is not allocated."""
        if self.states[node >> 4] == FREE:
            raise LedgerError(f"node {number_of(node)} is freed twice")
        self.states[node >> 4] = FREE
        self.poison(node)

    def poison(self, node: int) -> None:
        """Make a node unreadable."""
        self.poison_words(node)
        rows.fill(self.slots, node, STRIDE, POISON)

    def poison_words(self, node: int) -> None:
        """Make all but the entries of a node unreadable."""
        rows.put(self.pivots, node, STRIDE, POISON_WORD)
        rows.put(self.children, node, STRIDE, POISON_WORD)
        rows.put(self.gaps, node, STRIDE, POISON_WORD)

    def wait(self, node: int) -> None:
        """Let a free node wait in line until it is handed out."""
        if self.waiting:
            self.parents[self.last_waiting >> 4] = node
        else:
            self.first_waiting = node
        self.last_waiting = node
        self.waiting += 1

    def retire(self, node: int) -> None:
        """Mark a node dead; readers may still be in it until :meth:`end_grace_period` (ma_free_rcu)."""
        if self.states[node >> 4] != LIVE:
            raise LedgerError(f"node {number_of(node)} is retired twice or was never allocated")
        self.states[node >> 4] = DEAD
        self.retired.append(node)

    def end_grace_period(self) -> None:
        """No reader is left in a retired node: free them all."""
        retired, self.retired = self.retired, []
        for node in retired:
            self.free(node)

    # Looking

    def alive(self, node: int) -> bool:
        """Whether ``node`` is still in the tree; raises UseAfterFree where it may not even be read."""
        state = self.states[node >> 4]
        if state == LIVE:
            return True
        if state == FREE:
            raise UseAfterFree(f"node {number_of(node)} is read after it was freed")
        self.tally.count(DEAD_NODE_MET)
        return False

    def end(self, node: int) -> int:
        """The position of the last used slot of ``node`` (ma_data_end)."""
        return self.pivots[node + META]

    def free_nodes(self) -> list[int]:
        """The nodes that wait in line."""
        found, node = [], self.first_waiting
        for _ in range(self.waiting):
            found.append(node)
            node = self.parents[node >> 4]
        return found

    def cells(self, name: str, at: int, stop: int) -> list[Any]:
        """Cells ``at`` to ``stop - 1`` of a row, by its name: for who looks in from outside. Raises
        KeyError."""
        return self.slots[at:stop] if name == "slots" else rows.part(self.row(name), at, stop)

    def put_cell(self, name: str, at: int, value: Any) -> None:
        """Write one cell of a row, by its name: for who damages a tree on purpose. Raises KeyError."""
        if name == "slots":
            self.slots[at] = value
        else:
            self.row(name)[at] = value

    def row(self, name: str) -> list[int]:
        """A row of words by its name. Raises KeyError."""
        if name == "pivots":
            return self.pivots
        if name == "children":
            return self.children
        if name == "gaps":
            return self.gaps
        if name == "parents":
            return self.parents
        if name == "states":
            return self.states
        raise KeyError(name)

    # Copying

    def copy_rows(self, old: NodePool) -> None:
        """Hold what another pool holds, but for what nodes above the leaves alone have: see
        ``copy_above``."""
        self.drop_rows()
        self.used = self.room = old.used
        nodes = old.used // STRIDE
        self.pivots, self.parents = rows.copied(old.pivots, old.used), rows.copied(old.parents, nodes)
        self.children, self.gaps = rows.beside(old.children, old.used), rows.beside(old.gaps, old.used)
        self.states = rows.copied(old.states, nodes)
        self.slots = old.slots[: old.used]

    def copy_above(self, old: NodePool, node: int) -> None:
        """Hold the children and gaps that a node of another pool holds."""
        rows.bring(self.children, old.children, node, STRIDE)
        rows.bring(self.gaps, old.gaps, node, STRIDE)

    def copy_ledger(self, old: NodePool) -> None:
        """Have the same nodes allocated, retired and waiting as another pool whose rows were copied."""
        self.live, self.retired = old.live, old.retired[:]
        self.first_waiting, self.last_waiting = old.first_waiting, old.last_waiting
        self.waiting = old.waiting

    def drop_rows(self) -> None:
        """Let go of the rows of words."""
        rows.drop(self.pivots, self.room)
        rows.drop(self.children, self.room)
        rows.drop(self.gaps, self.room)
        rows.drop(self.parents, self.room // STRIDE)
        rows.drop(self.states, self.room // STRIDE)

    def __dealloc__(self) -> None:
        self.drop_rows()
