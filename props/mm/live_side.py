"""What the running kernel is asked for an operation on address spaces, where that is no plain call."""

from __future__ import annotations

from errno import EFAULT
from typing import Any

from mapleproof.impl.kernel.live import FILES, LiveSpaces
from mapleproof.model.space import PROTECTION, READ, SHARED, WRITE
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.port import NotOffered
from mapleproof.props.mm.seen import merged


def mmap(live: LiveSpaces, op: Any) -> Answer:
    if op.flags & ~(PROTECTION | SHARED):
        raise NotOffered(f"{spell(op)}: of flags only protection and VM_SHARED can be asked for")
    if op.file is not None and op.file >= FILES:
        raise NotOffered(f"{spell(op)}: a live space has files 0 to {FILES - 1} only")
    prot, shared = op.flags & PROTECTION, bool(op.flags & SHARED)
    return Answer(ret=live.mmap(op.space, op.start, op.size, prot, shared, op.file))


def touch(live: LiveSpaces, op: Any) -> Answer:
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


def write(live: LiveSpaces, op: Any) -> Answer:
    if not _may(live, op, WRITE):
        return Answer(ret=-EFAULT)
    live.write(op.space, op.start, op.entry)
    return Answer(ret=0)


def read(live: LiveSpaces, op: Any) -> Answer:
    if not _may(live, op, READ | WRITE):
        return Answer(ret=-EFAULT)
    return Answer(ret=0, entry=live.read(op.space, op.start) or None)


def vmas(live: LiveSpaces, op: Any) -> Answer:
    return merged((area.start, area.end, area.flags) for area in live.areas(op.space))


def table_bytes(live: LiveSpaces, op: Any) -> Answer:
    return Answer(index=live.table_bytes(op.space))
