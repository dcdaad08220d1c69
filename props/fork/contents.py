"""What pages hold, kept up beside the reference as its calls succeed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import EFAULT
from typing import Any

from model.address_space import World
from model.contents import Contents
from model.space import PFNMAP, READ, SHARED, WRITE
from props.fork import operations as ops
from props.ops.answers import Answer


class ModelContents:
    """The contents of a reference's spaces: ``note`` each call that it has answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contents = Contents()

    def note(self, op: Any, ret: Any) -> None:
        """A call was carried out and returned ``ret``."""
        if ret == 0 and (change := _CHANGES.get(type(op))):
            change(self, op)
        elif ret and isinstance(op, (ops.Mmap, ops.Mremap, ops.MmapEach)):
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

    def _touch(self, op: Any) -> None:
        for area in self.world.spaces[op.space].inside(op.start, op.start + op.size):
            if area.flags & (SHARED | WRITE) == WRITE:
                low, high = max(area.start, op.start), min(area.end, op.start + op.size)
                self.contents.touched(op.space, low, high)

    def _mmap_each(self, op: Any) -> None:
        for one in op.each():
            self.contents.mmap(one.space, one.start, one.start + one.size, bool(one.flags & SHARED), None)


def _mmap(held: ModelContents, op: Any) -> None:
    held.contents.mmap(op.space, op.start, op.start + op.size, bool(op.flags & SHARED), op.file)


def _mremap(held: ModelContents, op: Any) -> None:
    if op.to == op.start and op.new_size <= op.size:
        held.contents.munmap(op.space, op.start + op.new_size, op.start + op.size)
    else:
        held.contents.mremap(op.space, op.start, op.size, op.to, op.new_size)


_CHANGES: Mapping[type, Callable[[ModelContents, Any], None]] = {
    ops.Mmap: _mmap,
    ops.MmapEach: ModelContents._mmap_each,
    ops.Munmap: lambda held, op: held.contents.munmap(op.space, op.start, op.start + op.size),
    ops.Mremap: _mremap,
    ops.Touch: ModelContents._touch,
    ops.Fork: lambda held, op: held.contents.fork(op.space, op.into, held.world.spaces[op.into]),
    ops.Exit: lambda held, op: held.contents.exit(op.space),
}
