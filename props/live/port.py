"""The port on the running kernel's address spaces: operations as data, carried out by `impl.kernel.live`.

It offers what processes can do to themselves without privileges. Flags of an mmap other than protection and
VM_SHARED are not offered, nor failure plans: the running kernel has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from errno import EFAULT
from typing import Any

from impl.kernel.live import FILES, REGION, SLOTS, AgentDied, LiveSpaces
from model.space import PROTECTION, READ, SHARED, WRITE
from props.fork import operations as ops
from props.fork.ports import merged
from props.ops.answers import Answer
from props.ops.common_operations import Common
from props.ops.forms import spell

PAGE = 4096


class NotOffered(Exception):
    """The running kernel cannot be asked to do this."""


class LivePort:
    """The spaces of one case or history."""

    def __init__(self) -> None:
        self.live = LiveSpaces()

    def apply(self, op: Common) -> Answer:
        """Carry out one operation. Raises NotOffered."""
        if type(op) not in _CALLS or op.fail_after is not None:
            raise NotOffered(f"{spell(op)}: the running kernel is not asked this")
        for start, size in _ranges(op):
            if start not in REGION or start + size > REGION.stop:
                places = f"{REGION.start:#x} to {REGION.stop:#x}"
                raise NotOffered(f"{spell(op)}: a live space has addresses from {places} only")
        if isinstance(op, ops.Fork) and len(self.live.spaces) == SLOTS:
            raise NotOffered(f"{spell(op)}: there are no more than {SLOTS} live spaces at a time")
        try:
            return _CALLS[type(op)](self.live, op)
        except AgentDied as died:
            return Answer(crash=str(died))

    def close(self) -> None:
        self.live.close()


def _ranges(op: Any) -> list[tuple[int, int]]:
    """The ranges of addresses that an operation names."""
    ranges = [(op.start, getattr(op, "size", PAGE))] if hasattr(op, "start") else []
    return ranges + ([(op.to, op.new_size)] if isinstance(op, ops.Mremap) else [])


def _mmap(live: LiveSpaces, op: Any) -> Answer:
    if op.flags & ~(PROTECTION | SHARED):
        raise NotOffered(f"{spell(op)}: of flags only protection and VM_SHARED can be asked for")
    if op.file is not None and op.file >= FILES:
        raise NotOffered(f"{spell(op)}: a live space has files 0 to {FILES - 1} only")
    prot, shared = op.flags & PROTECTION, bool(op.flags & SHARED)
    return Answer(ret=live.mmap(op.space, op.start, op.size, prot, shared, op.file))


def _touch(live: LiveSpaces, op: Any) -> Answer:
    """Each page is written where it may be, else read, else left alone; nothing is done over a hole."""
    at, end = op.start, op.start + op.size
    over = [area for area in live.areas(op.space) if area.end > at and area.start < end]
    for area in over:
        if area.start > at:
            return Answer(ret=-EFAULT)
        at = area.end
    if at < end:
        return Answer(ret=-EFAULT)
    for area in over:
        if area.flags & (READ | WRITE):
            low, high = max(area.start, op.start), min(area.end, end)
            live.touch(op.space, low, high, bool(area.flags & WRITE))
    return Answer(ret=0)


def _may(live: LiveSpaces, op: Any, wanted: int) -> bool:
    return any(area.start <= op.start < area.end and area.flags & wanted for area in live.areas(op.space))


def _write(live: LiveSpaces, op: Any) -> Answer:
    if not _may(live, op, WRITE):
        return Answer(ret=-EFAULT)
    live.write(op.space, op.start, op.entry)
    return Answer(ret=0)


def _read(live: LiveSpaces, op: Any) -> Answer:
    if not _may(live, op, READ | WRITE):
        return Answer(ret=-EFAULT)
    return Answer(ret=0, entry=live.read(op.space, op.start) or None)


_CALLS: Mapping[type, Callable[[LiveSpaces, Any], Answer]] = {
    ops.Mmap: _mmap,
    ops.Munmap: lambda live, op: Answer(ret=live.munmap(op.space, op.start, op.size)),
    ops.Mprotect: lambda live, op: Answer(ret=live.mprotect(op.space, op.start, op.size, op.flags)),
    ops.Mremap: lambda live, op: Answer(ret=live.mremap(op.space, op.start, op.size, op.to, op.new_size)),
    ops.Madvise: lambda live, op: Answer(ret=live.madvise(op.space, op.start, op.size, op.advice)),
    ops.Touch: _touch,
    ops.Fork: lambda live, op: Answer(ret=live.fork(op.space, op.into)),
    ops.Exit: lambda live, op: Answer(ret=live.exit(op.space)),
    ops.Vmas: lambda live, op: merged((area.start, area.end, area.flags) for area in live.areas(op.space)),
    ops.TableBytes: lambda live, op: Answer(index=live.table_bytes(op.space)),
    ops.Write: _write,
    ops.Read: _read,
}
