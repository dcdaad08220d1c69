"""Where nodes live: flat arrays, with node numbers for pointers, and a ledger of what is allocated.

A node is a position (a multiple of 16) in a few lists shared by all nodes of one tree:

    pivots[node + k]   inclusive upper limit of slot k; in pivots[node + 15] the last used slot's position
    slots[node + k]    an entry (leaf) or a child's position (internal node)
    gaps[node + k]     the largest run of NULL below slot k (internal nodes of trees that track gaps)
    parents[node >> 4] the position of the slot that holds this node, -1 for the root

The limit of a node's last slot is the node's own maximum, which its parent knows; it is stored too where
there is room (15 pivots, 16 slots). Since a node's position means the same in every copy of the lists, a
tree is copied by copying lists, and no pointer in it has to be mended.

The ledger knows the state of each node and refuses a double free. A freed node is poisoned and is not
handed out again before QUARANTINE others were freed, so that reading it is noticed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from impl.failure import FailurePlan
from impl.maple.geometry import META, STRIDE

FREE, LIVE, DEAD = 0, 1, 2
"""States of a node: not in use (free, or requested for later); in use; replaced, and readable until the
grace period ends."""

POISON_WORD = 0x6B6B6B6B6B6B6B6B
"""What every pivot of a freed node reads as (the kernel's POISON_FREE byte)."""

QUARANTINE = 32
"""Freed nodes that wait before the oldest of them is used again."""


class LedgerError(AssertionError):
    """The allocator was misused: a double free, or a free of what was never allocated."""


class UseAfterFree(AssertionError):
    """A node was read after its grace period had ended."""


class Poison:
    """What every slot of a freed node holds."""

    def __repr__(self) -> str:
        return "POISON"


POISON: Any = Poison()

_POISON_PIVOTS = [POISON_WORD] * STRIDE
_POISON_SLOTS = [POISON] * STRIDE


class NodePool:
    """The nodes of one tree, and the ledger of their states.

    ``plan`` is asked before nodes are handed out (None grants everything); ``events`` counts refusals.
    """

    __slots__ = ("events", "gaps", "live", "parents", "pivots", "plan", "retired", "slots", "state", "unused")

    def __init__(self, plan: FailurePlan | None = None, events: Counter[str] | None = None) -> None:
        self.pivots: list[int] = []
        self.slots: list[Any] = []
        self.gaps: list[int] = []
        self.parents: list[int] = []
        self.state = bytearray()
        self.unused: deque[int] = deque()
        self.retired: list[int] = []
        self.live = 0
        self.plan = plan
        self.events: Counter[str] = Counter() if events is None else events

    def request(self, count: int, kind: str, *, atomic: bool = False) -> list[int] | None:
        """``count`` fresh nodes, or None where the plan refuses (mt_alloc_one, mt_alloc_bulk)."""
        if self.plan is not None and not self.plan.ask("maple_node", count, atomic=atomic):
            self.events["alloc_failed." + kind] += 1
            return None
        unused = self.unused
        fresh = [unused.popleft() for _ in range(min(count, len(unused) - QUARANTINE))]
        while len(fresh) < count:
            fresh.append(self._grow())
        self.live += count
        return fresh

    def give_back(self, nodes: list[int]) -> None:
        """Nodes that were requested and not used, still as they were handed out."""
        self.live -= len(nodes)
        self.unused.extendleft(nodes)
        nodes.clear()

    def _grow(self) -> int:
        node = len(self.pivots)
        self.pivots += _POISON_PIVOTS
        self.slots += _POISON_SLOTS
        self.gaps += _POISON_PIVOTS
        self.parents.append(-1)
        self.state.append(FREE)
        return node

    def free(self, nodes: Iterable[int]) -> None:
        """Free nodes of the tree at once, poisoned. Raises LedgerError for one that is not allocated."""
        nodes = list(nodes)
        self._poison(nodes)
        self.live -= len(nodes)
        self.unused += nodes

    def recycle(self, nodes: list[int], reserve: list[int]) -> None:
        """Free nodes of the tree for the use of whoever holds ``reserve`` (mas_push_node)."""
        self._poison(nodes)
        reserve += nodes

    def _poison(self, nodes: list[int]) -> None:
        state = self.state
        for node in nodes:
            if state[node >> 4] == FREE:
                raise LedgerError(f"node {node >> 4} is freed twice")
            state[node >> 4] = FREE
            end = node + STRIDE
            self.pivots[node:end] = _POISON_PIVOTS
            self.slots[node:end] = _POISON_SLOTS
            self.gaps[node:end] = _POISON_PIVOTS

    def retire(self, nodes: Iterable[int]) -> None:
        """Mark nodes dead; readers may still be in them until :meth:`end_grace_period` (ma_free_rcu)."""
        for node in nodes:
            if self.state[node >> 4] != LIVE:
                raise LedgerError(f"node {node >> 4} is retired twice or was never allocated")
            self.state[node >> 4] = DEAD
            self.retired.append(node)

    def end_grace_period(self) -> None:
        """No reader is left in a retired node: free them all."""
        retired, self.retired = self.retired, []
        self.free(retired)

    def alive(self, node: int) -> bool:
        """Whether ``node`` is still in the tree; raises UseAfterFree where it may not even be read."""
        state = self.state[node >> 4]
        if state == LIVE:
            return True
        if state == FREE:
            raise UseAfterFree(f"node {node >> 4} is read after it was freed")
        self.events["dead_node_met"] += 1
        return False

    def end(self, node: int) -> int:
        """The position of the last used slot of ``node`` (ma_data_end)."""
        return self.pivots[node + META]
