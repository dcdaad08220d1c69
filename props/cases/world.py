"""Which trees and cursors there are as a case goes on: a step may only use those."""

from props.cases.values import Refused
from props.ops.answers import ABSENT, Answer
from props.ops.forms import form_of
from props.ops.operations import Common, Fill, MasFill, MasInit, MtreeDup
from props.ops.tree_operations import fits


class World:
    """At first tree 0 and, on it, cursor 0."""

    def __init__(self) -> None:
        self.trees = {0}
        self.cursors = {0: 0}
        self.reader_waits_for: int | None = None
        """The tree that must be written to next, since a reader is to look in the middle of that."""

    def admit(self, op: Common, expect: Answer) -> None:
        """Take one more step into account. Raises Refused where it uses what is not there."""
        if op.tree not in self.trees:
            raise Refused(f"there is no tree {op.tree}")
        if self.reader_waits_for is not None and isinstance(op, Fill):
            raise Refused("a reader looks in the middle of one write, and a fill is many")
        if self.reader_waits_for is not None and op.within is None:
            if not form_of(op).writes or op.tree != self.reader_waits_for:
                raise Refused(f"a reader waits for a write to tree {self.reader_waits_for}")
            self.reader_waits_for = None
        elif op.within is not None:
            self.reader_waits_for = op.tree
        if isinstance(op, (Fill, MasFill)) and not fits(op):
            raise Refused("the ranges of this fill overlap, are empty, or pass the last index")
        if isinstance(op, Fill) and op.fail_after is not None:
            raise Refused("a fill cannot be kept short of memory")
        if isinstance(op, MtreeDup):
            if op.into in self.trees:
                raise Refused(f"there is a tree {op.into} already")
            if expect.ret in (0, ABSENT):
                self.trees.add(op.into)
        elif isinstance(op, MasInit):
            self.cursors[op.cursor] = op.tree
        elif form_of(op).uses_cursor:
            if op.cursor not in self.cursors:
                raise Refused(f"there is no cursor {op.cursor}: mas_init puts one on a tree")
            if self.cursors[op.cursor] != op.tree:
                raise Refused(
                    f"cursor {op.cursor} is on tree {self.cursors[op.cursor]}, not on tree {op.tree}"
                )

    def end(self) -> None:
        """No more steps. Raises Refused where one is missing."""
        if self.reader_waits_for is not None:
            raise Refused(f"a reader waits for a write to tree {self.reader_waits_for}, which does not come")
