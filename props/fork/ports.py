"""The two who carry out operations on address spaces: the implementation and the reference.

A broken promise is an answer too: `crash` names it. Afterwards the port is of no more use.
"""

from collections.abc import Callable, Iterable, Mapping
from errno import EFAULT, ENOMEM
from typing import Any

from impl.failure import FailAfter, FailurePlan
from impl.mm import calls
from impl.mm.exit import drop_mm
from impl.mm.flags import VM_HUGETLB, VM_READ, VM_WRITE
from impl.mm.fork import fork
from impl.mm.geometry import PageGeometry
from impl.mm.machine import Machine
from impl.mm.mm import Mm
from impl.mm.objects import Vma
from impl.mm.observers import all_observers, rmap_walk_of_file
from impl.mm.promises import Alarm
from impl.mm.recovery import RECOVERIES, Recovery
from impl.mm.touch import populate_vma
from model.address_space import Shape, Space, World
from model.space import ACCOUNT, DONTCOPY, MAYREAD, PFNMAP, PROTECTION, SHARED, WIPEONFORK
from props.fork import operations as ops
from props.fork.audit import after_failure, after_success, check_counters, crash_alarm, note
from props.fork.contents import ModelContents
from props.ops.answers import ABSENT, NOTHING, Answer
from props.ops.common_operations import Common

NO_LIMIT = 1 << 62

VISIBLE = PROTECTION | SHARED | DONTCOPY | ACCOUNT | WIPEONFORK
"""The flags that `vmas` answers, and VM_MAYREAD, which all have."""


class FailFrom(FailAfter):
    """The first `questions` questions are granted, all later ones refused, however many units they are of.

    `kind` is what the first one that was refused had asked for.
    """

    kind = ""

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        granted = super().grants(kind, 1, atomic)
        if not granted and not self.kind:
            self.kind = kind
        return granted


class ImplSpaces:
    """The implementation. `alarms` are the promises that were broken by the last operation.

    `audits` is whether a fork is looked at before and after; `observed` whether others may run meanwhile.
    """

    def __init__(self, geometry: PageGeometry, *, audits: bool = True, observed: bool = True) -> None:
        self.machine = Machine(geometry)
        self.spaces: dict[int, Mm] = {0: Mm(self.machine)}
        self.audits = audits
        self.observed = observed
        self.alarms: list[Alarm] = []
        self.asked = 0
        """Requests within the last operation, if it had `fail_after`."""
        self.refused = ""
        """What the first of them that was refused had asked for."""
        self.recoveries: Mapping[str, Recovery] = RECOVERIES
        self.plan_for: Callable[[int], FailurePlan] = FailFrom
        """What `fail_after` stands for."""

    def apply(self, op: Common) -> Answer:
        """Carry out one operation."""
        machine = self.machine
        machine.alarms.clear()
        plan = None if op.fail_after is None else self.plan_for(op.fail_after)
        machine.plan = plan
        try:
            answer = _IMPL[type(op)](self, op)
        except Exception as error:  # whatever it is, it is what the run found
            machine.alarms.append(crash_alarm(error))
            answer = NOTHING
        machine.plan = None
        machine.observers, machine.file_observer = (), None
        if plan is not None:
            self.asked, self.refused = plan.asked, getattr(plan, "kind", "any") if plan.refused else ""
        self.alarms = list(machine.alarms)
        if self.alarms:
            broken = ", ".join(dict.fromkeys(alarm.promise for alarm in self.alarms))
            return Answer(crash=f"broken: {broken}: {self.alarms[0].what}"[:500])
        return answer

    def check(self) -> None:
        """Raise AssertionError where a space's counters or trees are not as they must be."""
        for mm in self.spaces.values():
            check_counters(mm)

    def _fork(self, op: Any) -> Answer:
        recovery = self.recoveries[op.recovery]
        machine, parent = self.machine, self.spaces[op.space]
        before = note(machine, parent) if self.audits else None
        if self.observed:
            machine.observers = all_observers(swapoff_looks=recovery.swapoff_looks)
            machine.file_observer = rmap_walk_of_file
            machine.record.clear()
        ret, child = fork(machine, parent, recovery)
        machine.observers, machine.file_observer = (), None
        if child is not None:
            self.spaces[op.into] = child
            if before is not None:
                after_success(machine, parent, child, before)
        elif before is not None:
            after_failure(machine, parent, before)
        return Answer(ret=ret)

    def _exit(self, op: Any) -> Answer:
        if self.observed:
            self.machine.observers = all_observers(swapoff_looks=True)
        drop_mm(self.spaces.pop(op.space))
        return Answer(ret=0)


def _call(function: Callable[..., int], *names: str) -> Callable[[ImplSpaces, Any], Answer]:
    def apply(port: ImplSpaces, op: Any) -> Answer:
        return Answer(ret=function(port.spaces[op.space], *(getattr(op, name) for name in names)))

    return apply


def _quietly(function: Callable[..., None]) -> Callable[[ImplSpaces, Any], Answer]:
    def apply(port: ImplSpaces, op: Any) -> Answer:
        function(port.spaces[op.space], op.start)
        return NOTHING

    return apply


def _each(port: Any, op: Any, apply: Callable[[Any, Any], Answer]) -> Answer:
    """Many mmap in a row, up to the first that fails."""
    for one in op.each():
        answer = apply(port, one)
        if answer.ret != 0:
            return answer
    return Answer(ret=0)


def _limit(port: ImplSpaces, op: Any) -> Answer:
    port.machine.commit_limit = op.pages
    return NOTHING


def _areas(port: ImplSpaces, op: Any) -> Answer:
    return Answer(entries=[(vma.start, vma.end - 1, vma.flags) for vma in port.spaces[op.space].vmas()])


def _tables(port: ImplSpaces, op: Any) -> Answer:
    tables = port.spaces[op.space].tables
    span = port.machine.geometry.span(op.level)
    starts = sorted(table.start for table in tables.tables() if table.level == op.level)
    return Answer(entries=[(start, start + span - 1, op.level) for start in starts])


def _table_bytes(port: ImplSpaces, op: Any) -> Answer:
    geometry = port.machine.geometry
    lower = [table for table in port.spaces[op.space].tables.tables() if table.level < geometry.levels]
    return Answer(index=len(lower) * geometry.page)


def _usable(port: ImplSpaces, op: Any, wanted: int) -> Vma | None:
    """The VMA at an address, if it may be used so."""
    there = [vma for vma in port.spaces[op.space].vmas() if vma.start <= op.start < vma.end]
    return next((vma for vma in there if vma.flags & wanted and not vma.flags & PFNMAP), None)


def _write(port: ImplSpaces, op: Any) -> Answer:
    """What a page holds is not modelled here."""
    if _usable(port, op, VM_WRITE) is None:
        return Answer(ret=-EFAULT)
    return Answer(ret=calls.touch(port.spaces[op.space], op.start, port.machine.geometry.page))


def _read(port: ImplSpaces, op: Any) -> Answer:
    vma = _usable(port, op, VM_READ | VM_WRITE)
    if vma is None:
        return Answer(ret=-EFAULT)
    there = populate_vma(port.spaces[op.space], vma, op.start, op.start + port.machine.geometry.page)
    return Answer(ret=0 if there else -ENOMEM)


_IMPL: Mapping[type[Common], Callable[[ImplSpaces, Any], Answer]] = {
    ops.CommitLimit: _limit,
    ops.Mmap: _call(calls.mmap, "start", "size", "flags", "file"),
    ops.MmapEach: lambda port, op: _each(port, op, _IMPL[ops.Mmap]),
    ops.Munmap: _call(calls.munmap, "start", "size"),
    ops.Mprotect: _call(calls.mprotect, "start", "size", "flags"),
    ops.Mremap: _call(calls.mremap, "start", "size", "to", "new_size"),
    ops.Madvise: _call(calls.madvise, "start", "size", "advice"),
    ops.Touch: _call(calls.touch, "start", "size"),
    ops.Mbind: _quietly(calls.set_policy),
    ops.Userfaultfd: _quietly(calls.register_userfaultfd),
    ops.Fork: ImplSpaces._fork,
    ops.Exit: ImplSpaces._exit,
    ops.Areas: _areas,
    ops.Pages: lambda port, op: Answer(entries=port.spaces[op.space].tables.pages()),
    ops.PageTables: _tables,
    ops.Committed: lambda port, op: Answer(index=port.machine.committed),
    ops.Vmas: lambda port, op: merged(
        (vma.start, vma.end, vma.flags) for vma in port.spaces[op.space].vmas()
    ),
    ops.TableBytes: _table_bytes,
    ops.Write: _write,
    ops.Read: _read,
}


def shape_of(geometry: PageGeometry) -> Shape:
    """The reference's word for a shape of page tables."""
    return Shape(geometry.page_shift, geometry.bits, geometry.levels, geometry.task_size, geometry.hugepd)


class ModelSpaces:
    """The reference. What fails in the implementation for want of memory has no cause here: `expected` takes
    the implementation's answer into account for an operation with `fail_after`, and only for such."""

    def __init__(self, geometry: PageGeometry) -> None:
        self.world = World(shape_of(geometry), NO_LIMIT)
        self.contents = ModelContents(self.world)

    def expected(self, op: Common, actual: Answer) -> Answer:
        """What the operation must answer."""
        if op.fail_after is not None and actual.ret is not ABSENT and actual.ret in (-12, -4):
            return Answer(ret=actual.ret)
        return self.apply(op)

    def apply(self, op: Any) -> Answer:
        """Carry out one operation."""
        if isinstance(op, ops.Write):
            return self.contents.write(op)
        if isinstance(op, ops.Read):
            return self.contents.read(op)
        answer = _MODEL[type(op)](self.world, op)
        self.contents.note(op, answer.ret)
        return answer


def _model_call(name: str, *names: str) -> Callable[[World, Any], Answer]:
    def apply(world: World, op: Any) -> Answer:
        return Answer(ret=getattr(world, name)(op.space, *(getattr(op, name) for name in names)))

    return apply


def _model_limit(world: World, op: Any) -> Answer:
    world.commit_limit = op.pages
    return NOTHING


def _runs(space: Space) -> list[tuple[int, int, int]]:
    """Pages as runs; a huge page counts with its whole size."""
    runs: list[tuple[int, int, int]] = []
    for page in sorted(space.pages):
        huge = any(area.flags & VM_HUGETLB for area in space.inside(page, page + 1))
        last = page + (space.shape.huge_page if huge else space.shape.page) - 1
        if runs and runs[-1][1] + 1 == page:
            runs[-1] = (runs[-1][0], last, 1)
        else:
            runs.append((page, last, 1))
    return runs


def merged(areas: Iterable[tuple[int, int, int]]) -> Answer:
    """VMAs as (start, end, flags), equal neighbours as one, with the flags that everybody can see."""
    entries: list[tuple[int, int, int]] = []
    for start, end, flags in areas:
        seen = flags & VISIBLE | MAYREAD
        if entries and entries[-1][1] + 1 == start and entries[-1][2] == seen:
            entries[-1] = (entries[-1][0], end - 1, seen)
        else:
            entries.append((start, end - 1, seen))
    return Answer(entries=entries)


def _model_tables(world: World, op: Any) -> Answer:
    span = world.shape.span(op.level)
    starts = sorted(start for level, start in world.spaces[op.space].tables if level == op.level)
    return Answer(entries=[(start, start + span - 1, op.level) for start in starts])


_MODEL: Mapping[type[Common], Callable[[World, Any], Answer]] = {
    ops.CommitLimit: _model_limit,
    ops.Mmap: _model_call("mmap", "start", "size", "flags", "file"),
    ops.MmapEach: lambda world, op: _each(world, op, _MODEL[ops.Mmap]),
    ops.Munmap: _model_call("munmap", "start", "size"),
    ops.Mprotect: _model_call("mprotect", "start", "size", "flags"),
    ops.Mremap: _model_call("mremap", "start", "size", "to", "new_size"),
    ops.Madvise: _model_call("madvise", "start", "size", "advice"),
    ops.Touch: _model_call("touch", "start", "size"),
    ops.Mbind: lambda world, op: NOTHING,
    ops.Userfaultfd: lambda world, op: NOTHING,
    ops.Fork: _model_call("fork", "into"),
    ops.Exit: _model_call("exit"),
    ops.Areas: lambda world, op: Answer(
        entries=[(area.start, area.end - 1, area.flags) for area in world.spaces[op.space].areas]
    ),
    ops.Pages: lambda world, op: Answer(entries=_runs(world.spaces[op.space])),
    ops.PageTables: _model_tables,
    ops.Committed: lambda world, op: Answer(index=world.committed()),
    ops.Vmas: lambda world, op: merged(
        (area.start, area.end, area.flags) for area in world.spaces[op.space].areas
    ),
    ops.TableBytes: lambda world, op: Answer(index=len(world.spaces[op.space].tables) * world.shape.page),
}
