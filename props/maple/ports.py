"""Ports: whoever carries out operations, behind one face.

A port begins with tree 0, empty, and cursor 0 on it at index 0. A kernel's own tree has its port in
`kernel_port.py`.
"""

import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from mapleproof.impl.failure import FailurePlan
from mapleproof.model.cursor import Cursor
from mapleproof.model.maple_tree import MapleTree
from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import step
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY, TREE_FORMS
from mapleproof.props.maple.shortage import plan_of, short_of

LONGEST_CRASH = 500


def was_refused(op: Common, answer: Answer) -> bool:
    """Whether an answer says that there was no memory, to an operation that was kept short of it."""
    if not op.short_of_memory:
        return False
    if isinstance(op, ops.MasErase):
        return answer.status == "error"
    if isinstance(op, ops.MasNomem):
        return answer.ret == 0
    return answer.ret == NO_MEMORY


class TreePort(Port):
    """A port on Python objects that offer the kernel's API."""

    def __init__(self, tree: Any, new_cursor: Callable[[Any, int], Any]) -> None:
        self.new_cursor = new_cursor
        self.trees: dict[int, Any] = {0: tree}
        self.cursors: dict[int, Any] = {0: new_cursor(tree, 0)}
        self.late: list[Answer] = []

    def late_answers(self) -> list[Answer]:
        late, self.late = self.late, []
        return late

    def carry_out(self, op: Common) -> Answer:
        form = TREE_FORMS.of(type(op))
        if form.on == "cursor":
            return form.carry_out(self.cursors[op.cursor], op)
        return form.carry_out(self.trees[op.tree] if form.on == "tree" else self, op)

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
        return list(self.trees[tree].entries())

    def end_grace_period(self) -> None:
        """Nothing waits for one."""

    def close(self) -> None:
        self.trees.clear()
        self.cursors.clear()


class ModelPort(TreePort):
    """The reference model. It has no nodes, so none are ever short, and readers do not matter to it."""

    def __init__(self, alloc_range: bool = False, rcu: bool = False) -> None:
        super().__init__(MapleTree(alloc_range), Cursor)
        self.expected_stores: dict[int, int] = {}
        """For how many more stores in order each cursor has got the nodes."""

    def apply(self, op: Common) -> Answer:
        if TREE_FORMS.of(type(op)).for_readers:
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
        if isinstance(op, (ops.MasStoreGfp, ops.MasStore, ops.MasAllocCyclic)):
            self.cursors[op.cursor].refuse()
        elif isinstance(op, ops.MasPreallocate):
            self.cursors[op.cursor].reset()
        return Answer(ret=NO_MEMORY)

    def follow(self, op: Common, told: Answer) -> Answer:
        """The model has memory for everything: that there was none is told."""
        return self.refuse(op) if was_refused(op, told) else self.apply(op)

    def check(self, tree: int) -> None:
        """The model has no shape that could be wrong."""

    def live_allocations(self) -> int:
        return 0


class ImplPort(TreePort):
    """The implementation."""

    readers_look_within = True

    def __init__(self, alloc_range: bool = False, rcu: bool = False) -> None:
        from mapleproof.impl import maple

        self._check, self._check_cursor = maple.check.check, maple.check.check_cursor
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
            with step():
                return self._carry_out(op)
        except Exception as error:
            self.crash_place = traceback.extract_tb(error.__traceback__)[-1].name
            return Answer(crash=crash_text(error))

    def _carry_out(self, op: Common) -> Answer:
        short = short_of(op)
        if short is None and not isinstance(op, ops.MtreeDup):
            answer, self.out_of_memory = self.carry_out(op), False
        else:
            answer = self._carry_out_with(FailurePlan() if short is None else plan_of(short), op)
        if TREE_FORMS.of(type(op)).on == "cursor":
            self._check_cursor(self.cursors[op.cursor])
        return answer

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

    def _carry_out_with(self, plan: FailurePlan, op: Common) -> Answer:
        """Carry an operation out on a tree whose requests are counted. Raises AssertionError where a copy has
        not as many nodes as it has asked for."""
        tree = self.trees[op.tree]
        tree.plan = plan
        try:
            answer = self.carry_out(op)
        finally:
            tree.plan = None
            self.out_of_memory = bool(plan.final)
            if isinstance(op, ops.MtreeDup) and op.into in self.trees:
                self.trees[op.into].plan = None
        if isinstance(op, ops.MtreeDup) and answer.ret == 0:
            nodes = self.trees[op.into].live_nodes()
            if nodes != plan.units:
                raise AssertionError(f"A copy of {nodes} nodes has asked for {plan.units}.")
        return answer

    def check(self, tree: int) -> None:
        checked = self.trees[tree]
        reserved = sum(len(cursor.reserve) for cursor in self.cursors.values() if cursor.tree is checked)
        with step():
            self._check(checked, reserved)

    def borders(self, tree: int) -> list[int]:
        """Those of higher levels more often: they are few, and what ends there ends whole subtrees."""
        borders: list[int] = []
        for level in range(1, self.trees[tree].height):
            borders += self.trees[tree].borders(level) * 8 ** (level - 1)
        return borders

    def events(self) -> Counter[str]:
        tallies = {id(tree.tally): tree.tally for tree in self.trees.values()}
        return sum((tally.events() for tally in tallies.values()), Counter())

    def live_allocations(self) -> int:
        return sum(tree.live_nodes() for tree in self.trees.values())

    def end_grace_period(self) -> None:
        for tree in self.trees.values():
            tree.synchronize_rcu()


def crash_text(error: Exception) -> str:
    """An exception in one line, as the answer of an operation that it ended."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:LONGEST_CRASH]
