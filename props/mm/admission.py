"""Which address spaces there are as a case goes on: a step may only use those."""

from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.common.values import Refused
from mapleproof.props.mm import operations as ops

MOST_PAGES = 1 << 16
"""The most pages that one touch or VM_PFNMAP mapping may be of, so that a case ends in time."""


class SpaceAdmission:
    """At first space 0."""

    def __init__(self) -> None:
        self.spaces = {0}

    def admit(self, op: Common, expect: Answer) -> None:
        """Take one more step into account. Raises Refused where it uses what is not there."""
        if op.tree or op.cursor or op.within is not None:
            raise Refused("an address space has no `tree`, no `cursor` and no `within`")
        if op.fail_nowait is not None:
            raise Refused("`fail_nowait` is for steps on trees")
        if op.fail_count is not None and op.fail_after is None:
            raise Refused("`fail_count` without `fail_after`")
        space = getattr(op, "space", None)
        if space is not None and space not in self.spaces:
            raise Refused(f"there is no space {space}")
        many = isinstance(op, ops.Touch) or (isinstance(op, ops.Mmap) and op.flags & 0x400)
        if many and getattr(op, "size", 0) >> 12 > MOST_PAGES:
            raise Refused(f"`size` is more than {MOST_PAGES} pages")
        if isinstance(op, ops.Fork):
            if op.into in self.spaces:
                raise Refused(f"there is a space {op.into} already")
            if expect.ret in (0, ABSENT):
                self.spaces.add(op.into)
        elif isinstance(op, ops.Exit):
            self.spaces.remove(op.space)

    def numbers(self) -> list[int]:
        """The spaces that are there."""
        return sorted(self.spaces)

    def to_check(self, op: Common) -> list[int]:
        """All spaces are looked at after each step."""
        return self.numbers()

    def ending(self) -> list[Common]:
        """Nothing is under way between two steps."""
        return []

    def end(self) -> None:
        """No more steps: nothing can be missing."""
