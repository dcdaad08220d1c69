"""What pages hold, kept up beside the reference as its calls succeed."""

from __future__ import annotations

from errno import EFAULT
from typing import Any

from mapleproof.model.address_space import World
from mapleproof.model.contents import Contents
from mapleproof.model.space import PFNMAP, READ, SHARED, WRITE
from mapleproof.props.common.answers import Answer
from mapleproof.props.mm.dispatch import SPACE_FORMS


class ModelContents:
    """The contents of a reference's spaces: ``note`` each call that it has answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contents = Contents()

    def note(self, op: Any, ret: Any) -> None:
        """A call was carried out and returned ``ret``."""
        form = SPACE_FORMS.of(type(op))
        if ret == 0 and form.contents is not None:
            form.contents(self, op)
        elif ret and form.unmaps:
            # What was there is gone all the same
            held = self.contents.spaces[op.space]
            at = 0
            for area in self.world.spaces[op.space].areas:
                held.cut(at, area.start)
                at = area.end
            held.cut(at, 1 << 64)

    def write(self, op: Any) -> Answer:
        """Write to a page that may be written."""
        if not self._may(op, WRITE):
            return Answer(ret=-EFAULT)
        self.world.touch(op.space, op.start, self.world.shape.page)
        self.contents.write(op.space, op.start, op.entry)
        return Answer(ret=0)

    def read(self, op: Any) -> Answer:
        """Read a page that may be read; whoever may write may read."""
        if not self._may(op, READ | WRITE):
            return Answer(ret=-EFAULT)
        # To read is not to write: no private copy is made
        space = self.world.spaces[op.space]
        space.populate(op.start, False)
        return Answer(ret=0, entry=self.contents.read(op.space, op.start) or None)

    def _may(self, op: Any, wanted: int) -> bool:
        areas = self.world.spaces[op.space].inside(op.start, op.start + 1)
        return any(area.flags & wanted and not area.flags & PFNMAP for area in areas)


def mmap(held: ModelContents, op: Any) -> None:
    held.contents.mmap(op.space, op.start, op.start + op.size, bool(op.flags & SHARED), op.file)


def mmap_each(held: ModelContents, op: Any) -> None:
    for one in op.each():
        mmap(held, one)


def munmap(held: ModelContents, op: Any) -> None:
    held.contents.munmap(op.space, op.start, op.start + op.size)


def mremap(held: ModelContents, op: Any) -> None:
    if op.to == op.start and op.new_size <= op.size:
        held.contents.munmap(op.space, op.start + op.new_size, op.start + op.size)
    else:
        held.contents.mremap(op.space, op.start, op.size, op.to, op.new_size)


def touch(held: ModelContents, op: Any) -> None:
    for area in held.world.spaces[op.space].inside(op.start, op.start + op.size):
        if area.flags & (SHARED | WRITE) == WRITE:
            low, high = max(area.start, op.start), min(area.end, op.start + op.size)
            held.contents.touched(op.space, low, high)


def fork(held: ModelContents, op: Any) -> None:
    held.contents.fork(op.space, op.into, held.world.spaces[op.into])


def exit_space(held: ModelContents, op: Any) -> None:
    held.contents.exit(op.space)
