"""What the implementation does for an operation on address spaces, where that is no plain call."""

from __future__ import annotations

from errno import EFAULT, ENOMEM
from typing import TYPE_CHECKING, Any

from mapleproof.impl.mm import calls
from mapleproof.impl.mm.exit import drop_mm
from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.impl.mm.fork import fork as impl_fork
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.observers import all_observers, rmap_walk_of_file
from mapleproof.impl.mm.touch import populate_vma
from mapleproof.model.space import PFNMAP
from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.mm.audit import after_failure, after_success, check_answer, note, refused
from mapleproof.props.mm.seen import merged

if TYPE_CHECKING:
    from mapleproof.props.mm.ports import ImplSpaces


def fork(port: ImplSpaces, op: Any) -> Answer:
    recovery = port.recoveries[op.recovery]
    machine, parent = port.machine, port.spaces[op.space]
    before = note(machine, parent) if port.audits else None
    if port.observed:
        machine.observers = all_observers(swapoff_looks=recovery.swapoff_looks)
        machine.file_observer = rmap_walk_of_file
        machine.record.clear()
    ret, child = impl_fork(machine, parent, recovery)
    machine.observers, machine.file_observer = (), None
    check_answer(machine, ret, refused(machine, machine.plan))
    if child is not None:
        port.spaces[op.into] = child
        if before is not None:
            after_success(machine, parent, child, before)
    elif before is not None:
        after_failure(machine, parent, before)
    return Answer(ret=ret)


def exit_space(port: ImplSpaces, op: Any) -> Answer:
    if port.observed:
        port.machine.observers = all_observers(swapoff_looks=True)
    drop_mm(port.spaces.pop(op.space))
    return Answer(ret=0)


def commit_limit(port: ImplSpaces, op: Any) -> Answer:
    port.machine.commit_limit = op.pages
    return NOTHING


def pages(port: ImplSpaces, op: Any) -> Answer:
    return Answer(entries=port.spaces[op.space].tables.pages())


def committed(port: ImplSpaces, op: Any) -> Answer:
    return Answer(index=port.machine.committed)


def vmas(port: ImplSpaces, op: Any) -> Answer:
    return merged((vma.start, vma.end, vma.flags) for vma in port.spaces[op.space].vmas())


def areas(port: ImplSpaces, op: Any) -> Answer:
    return Answer(entries=[(vma.start, vma.end - 1, vma.flags) for vma in port.spaces[op.space].vmas()])


def tables(port: ImplSpaces, op: Any) -> Answer:
    tables = port.spaces[op.space].tables
    span = port.machine.geometry.span(op.level)
    starts = sorted(table.start for table in tables.tables() if table.level == op.level)
    return Answer(entries=[(start, start + span - 1, op.level) for start in starts])


def table_bytes(port: ImplSpaces, op: Any) -> Answer:
    geometry = port.machine.geometry
    lower = [table for table in port.spaces[op.space].tables.tables() if table.level < geometry.levels]
    return Answer(index=len(lower) * geometry.page)


def _usable(port: ImplSpaces, op: Any, wanted: int) -> Vma | None:
    """The VMA at an address, if it may be used so."""
    there = [vma for vma in port.spaces[op.space].vmas() if vma.start <= op.start < vma.end]
    return next((vma for vma in there if vma.flags & wanted and not vma.flags & PFNMAP), None)


def write(port: ImplSpaces, op: Any) -> Answer:
    """What a page holds is not modelled here."""
    if _usable(port, op, VM_WRITE) is None:
        return Answer(ret=-EFAULT)
    return Answer(ret=calls.touch(port.spaces[op.space], op.start, port.machine.geometry.page))


def read(port: ImplSpaces, op: Any) -> Answer:
    vma = _usable(port, op, VM_READ | VM_WRITE)
    if vma is None:
        return Answer(ret=-EFAULT)
    there = populate_vma(port.spaces[op.space], vma, op.start, op.start + port.machine.geometry.page)
    return Answer(ret=0 if there else -ENOMEM)
