"""Lockstep with readers that keep their place in a tree while it is written to, in RCU mode.

A reader without a lock may meet the tree as it was or as it is, so there is no single right answer to hold
its own against. What must hold of each answer:

- the range it is given is one that the tree holds, before or after the write it looked at in the middle of;
- no entry is skipped that stood unchanged since the reader's last look, and none is met again;
- a search that does not go on from an earlier one answers as before or as after that write.
"""

from copy import copy
from typing import Any

from mapleproof.model.cursor import Cursor
from mapleproof.model.maple_tree import MapleTree
from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.difference import ANSWER, CRASH, Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.lockstep import Lockstep

PLACING = (ops.MasInit, ops.MasSet, ops.MasSetRange, ops.MasReset, ops.MasPause)

Ranges = list[tuple[int, int, int]]


class ReaderLockstep(Lockstep):
    """A run with readers. `read` is a reader's step; `apply` is all else, after which readers may go on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[int, Ranges] = {}  # by cursor, what the tree held at its last look
        self._waiting: list[tuple[int, Common]] = []  # reads that come with the next write, by step

    def read(self, op: Common) -> Answer:
        """A reader's step, between writes or, with `within`, in the middle of the next one."""
        if isinstance(op, PLACING):
            self._seen.pop(op.cursor, None)
            return self.apply(op)
        actual = self.port.apply(op)
        self.steps.append(Step(op))
        if op.within is not None and actual.crash is ABSENT:
            self._waiting.append((len(self.steps) - 1, op))
        else:
            tree = self.model.trees[op.tree]
            self._judge(len(self.steps) - 1, op, actual, tree, tree)
        return actual

    def write(self, op: Common) -> Answer:
        """A write, with the readers that wait for it."""
        before = self.model.trees[op.tree].dup()[1]
        answer = self.apply(op)
        waiting, self._waiting = self._waiting, []
        for (at, read), actual in zip(waiting, self.port.late_answers(), strict=True):
            self._judge(at, read, actual, before, self.model.trees[op.tree])
        return answer

    def _judge(self, at: int, op: Any, actual: Answer, before: MapleTree, after: MapleTree) -> None:
        """Hold what a reader was answered against the trees it may have met. Raises Difference."""
        (expected, as_before), (also, as_after) = (self._answer_in(tree, op) for tree in (before, after))
        self.steps[at] = Step(op, expected, also)
        if actual.crash is not ABSENT:
            raise self._reader_difference(CRASH, at, op, expected, actual, ("crash",))
        if not form_of(op).uses_cursor or form_of(op).loops:
            wrong = actual not in (expected, also)
        elif actual in (expected, also):
            wrong = False
        else:
            wrong = bool(self._broken_promise(op, actual, before, after))
            # Right, but not as the model would go on: another tree may answer otherwise.
            self.steps[at] = Step(op, expected, also) if wrong else Step(op)
        if wrong:
            raise self._reader_difference(ANSWER, at, op, expected, actual, tuple(actual.given()))
        if form_of(op).uses_cursor:
            self._follow(op.cursor, actual, as_before if actual == expected else as_after)
            self._seen[op.cursor] = list(after.map.ranges)

    def _answer_in(self, tree: MapleTree, op: Any) -> tuple[Answer, Cursor]:
        """What the model answers if the tree is this one, and its cursor then."""
        cursor = copy(self.model.cursors.get(op.cursor) or Cursor(tree))
        cursor.tree = tree
        form = TREE_FORMS.of(type(op))
        return form.carry_out(cursor if form.on == "cursor" else tree, op), cursor

    def _broken_promise(self, op: Any, actual: Answer, before: MapleTree, after: MapleTree) -> str:
        """Which promise an answer of a cursor breaks; none if it is right though not what the model says."""
        cursor = self.model.cursors[op.cursor]
        where = (actual.index, actual.last, actual.entry)
        index, last = actual.index, actual.last
        assert isinstance(index, int)
        assert isinstance(last, int)
        found = actual.entry is not None
        on_range = actual.status == "active" and (found or form_of(op).moves)
        if on_range and where not in (before.map.at(index), after.map.at(index)):
            return "the range is not in the tree"
        seen = self._seen.get(op.cursor)
        if seen is None:
            return "the first look must be as the model's"
        unchanged = set(seen) & set(before.map.ranges) & set(after.map.ranges)
        if hasattr(op, "max"):
            end = index if found else op.max + 1
            skipped = [range_ for range_ in unchanged if cursor.last < range_[0] and range_[1] < end]
            again = where in unchanged and index <= cursor.last
        else:
            end = last if found else op.min - 1
            skipped = [range_ for range_ in unchanged if end < range_[0] and range_[1] < cursor.index]
            again = where in unchanged and last >= cursor.index
        return "an entry is skipped" if skipped else "an entry is met again" if found and again else ""

    def _follow(self, number: int, actual: Answer, cursor: Any) -> None:
        """Put the model's cursor where the port's is."""
        cursor.tree = self.model.cursors[number].tree
        cursor.index, cursor.last, cursor.status = actual.index, actual.last, actual.status
        self.model.cursors[number] = cursor

    def _reader_difference(
        self, kind: str, at: int, op: Common, expected: Answer, actual: Answer, keys: tuple[str, ...]
    ) -> Difference:
        place = self.port.crash_place if kind == CRASH else ""
        return Difference(kind, op, expected, actual, keys, "", at + 1, self.steps, 1, self.flags, place)
