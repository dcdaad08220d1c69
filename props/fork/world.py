"""Which address spaces there are as a case goes on: a step may only use those."""

from props.cases.values import Refused
from props.fork import operations as ops
from props.ops.answers import ABSENT, Answer
from props.ops.common_operations import Common

MOST_PAGES = 1 << 16
"""The most pages that one touch or VM_PFNMAP mapping may be of, so that a case ends in time."""


class SpacesWorld:
    """At first space 0."""

    def __init__(self) -> None:
        self.spaces = {0}

    def admit(self, op: Common, expect: Answer) -> None:
        """Take one more step into account. Raises Refused where it uses what is not there."""
        if op.tree or op.cursor or op.within is not None:
            raise Refused("an address space has no `tree`, no `cursor` and no `within`")
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

    def end(self) -> None:
        """No more steps: nothing can be missing."""
