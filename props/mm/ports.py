"""The two who carry out operations on address spaces: the implementation and the reference.

A broken promise is an answer too: `crash` names it. Afterwards the port is of no more use.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from errno import EINTR, ENOMEM
from typing import Any

from mapleproof.impl.failure import FailAfter, FailurePlan
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.promises import Alarm
from mapleproof.impl.mm.recovery import RECOVERIES, Recovery
from mapleproof.model.address_space import Shape, World
from mapleproof.props.common.answers import ABSENT, NOTHING, Answer
from mapleproof.props.common.guard import is_hang, step
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.audit import check_counters, crash_alarm, errno_of, refused
from mapleproof.props.mm.contents import ModelContents
from mapleproof.props.mm.dispatch import SPACE_FORMS
from mapleproof.props.mm.forms import geometry_of

NO_LIMIT = 1 << 62


class FailFrom(FailAfter):
    """The first `questions` questions are granted, all later ones refused, however many units they are of.

    `kind` is what the first one that was refused had asked for. Where `most` is a number, so many are refused
    and those after them granted again.
    """

    kind = ""
    most: int | None = None

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if self.most is not None and self.refused >= self.most:
            return True
        granted = super().grants(kind, 1, atomic)
        if not granted and not self.kind:
            self.kind = kind
        return granted


class ImplSpaces(Port):
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
        self.final = ""
        """What was refused for good within the last operation, also for the limit on charges."""
        self.recoveries: Mapping[str, Recovery] = RECOVERIES
        self.plan_for: Callable[[int], FailurePlan] = FailFrom
        """What `fail_after` stands for."""

    def apply(self, op: Common) -> Answer:
        """Carry out one operation."""
        machine = self.machine
        machine.alarms.clear()
        plan = None if op.fail_after is None else self.plan_for(op.fail_after)
        if isinstance(plan, FailFrom):
            plan.most = op.fail_count
        machine.plan = plan
        machine.over_limit = False
        try:
            with step():
                answer = SPACE_FORMS.of(type(op)).impl(self, op)
        except Exception as error:  # whatever it is, it is what the run found
            machine.alarms.append(crash_alarm(error))
            answer = NOTHING
        machine.plan = None
        machine.observers, machine.file_observer = (), None
        if plan is not None:
            self.asked, self.refused = plan.asked, getattr(plan, "kind", "any") if plan.refused else ""
        self.final = refused(machine, plan)
        self.alarms = list(machine.alarms)
        if self.alarms:
            broken = ", ".join(dict.fromkeys(alarm.promise for alarm in self.alarms))
            first = next((alarm for alarm in self.alarms if is_hang(alarm.what)), self.alarms[0])
            return Answer(crash=f"broken: {broken}: {first.what}"[:500])
        return answer

    def follow(self, op: Common, told: Answer) -> Answer:
        """What pages hold is not modelled here."""
        answer = self.apply(op)
        return replace(answer, entry=told.entry) if isinstance(op, ops.Read) else answer

    def check(self, number: int) -> None:
        """Raise AssertionError where a space's counters or trees are not as they must be."""
        check_counters(self.spaces[number])

    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        return [(vma.start, vma.end - 1, vma.flags) for vma in self.spaces[number].vmas()]

    def live_allocations(self) -> int:
        """Objects, references to files but their own, and pages of charge; 0 once all spaces are gone."""
        *objects, references = self.machine.live()
        return sum(objects) + references - len(self.machine.files) + self.machine.committed

    def close(self) -> None:
        self.spaces.clear()


def shape_of(geometry: PageGeometry) -> Shape:
    """The reference's word for a shape of page tables."""
    return Shape(geometry.page_shift, geometry.bits, geometry.levels, geometry.task_size, geometry.hugepd)


class ModelSpaces(Port):
    """The reference. What is refused to the implementation has no cause here: `expected` is told of it."""

    def __init__(self, geometry: PageGeometry) -> None:
        self.world = World(shape_of(geometry), NO_LIMIT)
        self.contents = ModelContents(self.world)

    def expected(self, op: Common, final: str) -> Answer:
        """What the operation must answer, where `final` is what was refused to it, if anything."""
        if op.fail_after is not None and final:
            return Answer(ret=errno_of(final))
        return self.apply(op)

    def follow(self, op: Common, told: Answer) -> Answer:
        """Of a case only the answer tells whether something was refused."""
        if op.fail_after is not None and told.ret is not ABSENT and told.ret in (-ENOMEM, -EINTR):
            return Answer(ret=told.ret)
        return self.apply(op)

    def apply(self, op: Any) -> Answer:
        """Carry out one operation."""
        answer = SPACE_FORMS.of(type(op)).model(self, op)
        self.contents.note(op, answer.ret)
        return answer

    def check(self, number: int) -> None:
        """The reference has no shape that could be wrong."""

    def snapshot(self, number: int) -> list[tuple[int, int, int]]:
        return [(area.start, area.end - 1, area.flags) for area in self.world.spaces[number].areas]

    def live_allocations(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is kept."""


def impl_spaces(**flags: bool) -> ImplSpaces:
    """The implementation, with the page tables that a header's flags name."""
    return ImplSpaces(geometry_of(flags))


def model_spaces(**flags: bool) -> ModelSpaces:
    """The same, the reference."""
    return ModelSpaces(geometry_of(flags))
