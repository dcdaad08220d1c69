"""Which trees and cursors there are as a case goes on: a step may only use those."""

from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.values import Refused
from mapleproof.props.maple.operations import (
    Fill,
    MasDestroy,
    MasFill,
    MasInit,
    MasSetRange,
    MtClearInRcu,
    MtreeDup,
    MtSetInRcu,
    Snapshot,
)


class TreeAdmission:
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
        if op.fail_count not in (None, 1):
            raise Refused("of a tree's requests one is refused, or all from `fail_after` on")
        if op.fail_count is not None and op.fail_after is None:
            raise Refused("`fail_count` without `fail_after`")
        if op.fail_nowait is not None and op.fail_after is not None:
            raise Refused("`fail_nowait` and `fail_after` exclude each other")
        if self.reader_waits_for is not None and isinstance(op, Fill):
            raise Refused("a reader looks in the middle of one write, and a fill is many")
        if self.reader_waits_for is not None and op.within is None:
            awaited = form_of(op).writes or isinstance(op, (MtreeDup, MtSetInRcu, MtClearInRcu))
            if not awaited or op.tree != self.reader_waits_for:
                raise Refused(f"a reader waits for a write to tree {self.reader_waits_for}")
            self.reader_waits_for = None
        elif op.within is not None:
            self.reader_waits_for = op.tree
        if isinstance(op, (Fill, MasFill)) and not op.fits():
            raise Refused("the ranges of this fill overlap, are empty, or pass the last index")
        if isinstance(op, MasSetRange) and op.first > op.last:
            raise Refused("`first` is above `last`")
        if isinstance(op, Fill) and op.short_of_memory:
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

    def numbers(self) -> list[int]:
        """The trees that are there."""
        return sorted(self.trees)

    def to_check(self, op: Common) -> list[int]:
        """A tree is looked at where all of it is asked for."""
        return [op.tree] if isinstance(op, Snapshot) else []

    def ending(self) -> list[Common]:
        """Loads in order end, and cursors give back what they got ahead."""
        return [MasDestroy(cursor=cursor) for cursor in sorted(self.cursors)]

    def end(self) -> None:
        """No more steps. Raises Refused where one is missing."""
        if self.reader_waits_for is not None:
            raise Refused(f"a reader waits for a write to tree {self.reader_waits_for}, which does not come")
