"""Ports: whoever carries out operations, behind one face.

A port begins with tree 0, empty, and cursor 0 on it at index 0. A kernel's own tree has its port in
`kernel_port.py`.
"""

import traceback
from collections.abc import Callable
from typing import Any, Protocol

from model.cursor import Cursor
from model.maple_tree import MapleTree
from props.ops import operations as ops
from props.ops.answers import NOTHING, Answer
from props.ops.dispatch import NO_MEMORY, ON_CURSOR, ON_SEAT, ON_TREE
from props.ops.forms import form_of
from props.ops.operations import Common

LONGEST_CRASH = 500


class Port(Protocol):
    """What carries out operations. `crash_place` says where in the port's source the last crash was, if that
    is known: what tells two crashes apart."""

    crash_place: str

    def apply(self, op: Common) -> Answer:
        """Carry out one operation. A crash is an answer too, after which the port is of no more use.

        An operation with `within` answers nothing yet, see `late_answers`.
        """

    def late_answers(self) -> list[Answer]:
        """The answers, in order, of operations with `within` since the last call; their write is done."""

    def check(self, tree: int) -> None:
        """Raise an AssertionError that names the invariant that a tree breaks and shows the node."""

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        """All that a tree holds, as (first, last, entry) in order."""

    def borders(self, tree: int) -> list[int]:
        """The last indices of nodes, the higher a node the more often; none where the port does not tell."""

    def live_allocations(self) -> int:
        """How many nodes are allocated: in trees, kept for readers, held by cursors, or leaked."""

    def close(self) -> None:
        """Give everything back."""


class TreePort:
    """A port on Python objects that offer the kernel's API."""

    def __init__(self, tree: Any, new_cursor: Callable[[Any, int], Any]) -> None:
        self.crash_place = ""
        self.new_cursor = new_cursor
        self.trees: dict[int, Any] = {0: tree}
        self.cursors: dict[int, Any] = {0: new_cursor(tree, 0)}
        self.late: list[Answer] = []

    def late_answers(self) -> list[Answer]:
        late, self.late = self.late, []
        return late

    def carry_out(self, op: Common) -> Answer:
        kind = type(op)
        if on_cursor := ON_CURSOR.get(kind):
            return on_cursor(self.cursors[op.cursor], op)
        if on_tree := ON_TREE.get(kind):
            return on_tree(self.trees[op.tree], op)
        return ON_SEAT[kind](self, op)

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        return list(self.trees[tree].entries())

    def end_grace_period(self) -> None:
        """Nothing waits for one."""

    def close(self) -> None:
        self.trees.clear()
        self.cursors.clear()


class ModelPort(TreePort):
    """The reference model. It has no nodes, so none are ever short, and readers do not matter to it."""

    IGNORED = frozenset({ops.MtSetInRcu, ops.MtClearInRcu, ops.RcuReadLock, ops.RcuReadUnlock})

    def __init__(self, alloc_range: bool = False, rcu: bool = False) -> None:
        super().__init__(MapleTree(alloc_range), Cursor)
        self.expected_stores: dict[int, int] = {}
        """For how many more stores in order each cursor has got the nodes."""

    def apply(self, op: Common) -> Answer:
        if type(op) in self.IGNORED:
            return NOTHING
        if isinstance(op, ops.MasExpectedEntries):
            self.expected_stores[op.cursor] = op.count
        elif isinstance(op, (ops.MasStore, ops.MasFill)) and op.cursor in self.expected_stores:
            self.expected_stores[op.cursor] -= op.count if isinstance(op, ops.MasFill) else 1
        elif isinstance(op, ops.MasDestroy):
            self.expected_stores.pop(op.cursor, None)
        if op.within is None:
            return self.carry_out(op)
        self.late.append(self.carry_out(op))  # before the write is one of the two right times
        return NOTHING

    def refuse(self, op: Common) -> Answer:
        """The answer to an operation for which there was no memory. It changes nothing but the cursor."""
        if isinstance(op, ops.MtreeErase):
            return Answer(entry=self.trees[op.tree].load(op.index), ret=NO_MEMORY)
        if isinstance(op, ops.MasErase):
            cursor = self.cursors[op.cursor]
            cursor.refuse()
            return Answer(entry=cursor.tree.load(cursor.index), status="error")
        if isinstance(op, ops.MasNomem):
            return Answer(ret=0)
        if isinstance(op, (ops.MasStoreGfp, ops.MasStore)):
            self.cursors[op.cursor].refuse()
        elif isinstance(op, ops.MasPreallocate):
            self.cursors[op.cursor].reset()
        return Answer(ret=NO_MEMORY)

    def check(self, tree: int) -> None:
        """The model has no shape that could be wrong."""

    def borders(self, tree: int) -> list[int]:
        return []

    def live_allocations(self) -> int:
        return 0


class ImplPort(TreePort):
    """The implementation."""

    def __init__(self, alloc_range: bool = False, rcu: bool = False) -> None:
        from impl import maple
        from impl.failure import FailAfter

        self._fail_after = FailAfter
        self._check = maple.check.check
        super().__init__(maple.MapleTree(alloc_range=alloc_range, rcu=rcu), maple.Cursor)
        self.waiting: list[Common] = []
        """What readers are to do within the next write."""

    def apply(self, op: Common) -> Answer:
        if op.within is not None:
            self.waiting.append(op)
            return NOTHING
        if self.waiting and form_of(op).writes:
            return self._carry_out_among_readers(op)
        return self._carry_out_safely(op)

    def _carry_out_safely(self, op: Common) -> Answer:
        try:
            if op.fail_after is None:
                return self.carry_out(op)
            return self._carry_out_short_of_memory(op, op.fail_after)
        except Exception as error:
            self.crash_place = traceback.extract_tb(error.__traceback__)[-1].name
            return Answer(crash=crash_text(error))

    def _carry_out_among_readers(self, op: Common) -> Answer:
        """Let the waiting readers look in the middle of a write, each at its point."""
        waiting, self.waiting = self.waiting, []
        answers: dict[int, Answer] = {}
        points = 0

        def look(_: str) -> None:
            nonlocal points
            for i, read in enumerate(waiting):
                if read.within == points:
                    answers[i] = self._carry_out_safely(read)
            points += 1

        tree = self.trees[op.tree]
        tree.yield_point = look
        answer = self._carry_out_safely(op)
        tree.yield_point = None
        self.late += [
            answers[i] if i in answers else self._carry_out_safely(read) for i, read in enumerate(waiting)
        ]
        return answer

    def _carry_out_short_of_memory(self, op: Common, units: int) -> Answer:
        tree = self.trees[op.tree]
        tree.plan = self._fail_after(units)
        try:
            return self.carry_out(op)
        finally:
            tree.plan = None
            if isinstance(op, ops.MtreeDup) and op.into in self.trees:
                self.trees[op.into].plan = None

    def check(self, tree: int) -> None:
        checked = self.trees[tree]
        reserved = sum(len(cursor.reserve) for cursor in self.cursors.values() if cursor.tree is checked)
        self._check(checked, reserved)

    def borders(self, tree: int) -> list[int]:
        """Those of higher levels more often: they are few, and what ends there ends whole subtrees."""
        borders: list[int] = []
        for level in range(1, self.trees[tree].height):
            borders += self.trees[tree].borders(level) * 8 ** (level - 1)
        return borders

    def live_allocations(self) -> int:
        return sum(tree.live_nodes() for tree in self.trees.values())

    def end_grace_period(self) -> None:
        for tree in self.trees.values():
            tree.synchronize_rcu()


def crash_text(error: Exception) -> str:
    """An exception in one line, as the answer of an operation that it ended."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:LONGEST_CRASH]
