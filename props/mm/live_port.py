"""The port on the running kernel's address spaces: operations as data, carried out by `impl.kernel.live`.

It offers what processes can do to themselves without privileges. Flags of an mmap other than protection and
VM_SHARED are not offered, nor failure plans: the running kernel has its own.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.live import REGION, SLOTS, AgentDied, LiveSpaces
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered, Port, PortError
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.dispatch import SPACE_FORMS
from mapleproof.props.mm.forms import geometry_of

PAGE = 4096


class LivePort(Port):
    """The spaces of one case or history."""

    region = REGION

    def __init__(self, **flags: bool) -> None:
        """Raises PortError for page tables of another shape, and where live spaces cannot be had."""
        if flags and geometry_of(flags) != X86_64:
            raise NotOffered("the running kernel has page tables of 4 levels only")
        self._closed = False
        try:
            self.live = LiveSpaces()
        except KernelBuildError as error:
            raise PortError(str(error)) from None

    def apply(self, op: Common) -> Answer:
        """Carry out one operation. Raises NotOffered."""
        carry_out = SPACE_FORMS.of(type(op)).live
        if carry_out is None or op.fail_after is not None:
            raise NotOffered(f"{spell(op)}: the running kernel is not asked this")
        for start, size in ranges(op):
            if start not in REGION or start + size > REGION.stop:
                places = f"{REGION.start:#x} to {REGION.stop:#x}"
                raise NotOffered(f"{spell(op)}: a live space has addresses from {places} only")
        if isinstance(op, ops.Fork) and len(self.live.spaces) == SLOTS:
            raise NotOffered(f"{spell(op)}: there are no more than {SLOTS} live spaces at a time")
        try:
            return carry_out(self.live, op)
        except AgentDied as died:
            return Answer(crash=str(died))

    def check(self, number: int) -> None:
        """Of the running kernel's invariants nothing is to be seen from outside."""

    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        return [(area.start, area.end - 1, area.flags) for area in self.live.areas(number)]

    def live_allocations(self) -> int:
        """The processes that are there."""
        return len(self.live.spaces)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.live.close()


def ranges(op: Any) -> list[tuple[int, int]]:
    """The ranges of addresses that an operation names."""
    ranges = [(op.start, getattr(op, "size", PAGE))] if hasattr(op, "start") else []
    return ranges + ([(op.to, op.new_size)] if isinstance(op, ops.Mremap) else [])
