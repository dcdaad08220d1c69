"""A case about address spaces on its way: what there is to see after each step, on the model and our own.

A fork that fails has three frames: the child as its recovery finds it, as it leaves it, and what is left once
the child has exited.
"""

from __future__ import annotations

from collections.abc import Iterator

from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.page_tables import Table
from mapleproof.impl.mm.promises import Alarm
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import Case
from mapleproof.props.common.guard import is_hang
from mapleproof.props.common.port import Port
from mapleproof.props.common.step import Step
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.forms import geometry_of
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces
from mapleproof.show import spaces, trees
from mapleproof.show import steps as told
from mapleproof.show.picture import Frame, Items, Recorder
from mapleproof.show.watch import Child, Watcher


class Run:
    """One replay that is looked at: what the model holds is followed. Who carries it out is looked at by the
    methods that a subclass has its own of."""

    def __init__(self, case: Case, port: Port) -> None:
        self.case = case
        self.port = port
        self.begin = 1
        self.geometry = geometry_of(case.header.flags)
        self.model = ModelSpaces(self.geometry)
        self.recorder = Recorder()
        self.begun: tuple[int, Step] | None = None
        self.inside: list[tuple[str, Items]] = []
        """What was seen within the step."""

    def steps(self) -> Iterator[Step]:
        for number, step in enumerate(self.case.steps, start=1):
            self.begun = number, step
            self.inside.clear()
            self.prepare()
            yield step
            self.expect(step)
            if number >= self.begin:
                self.take(None)
            self.begun = None

    def prepare(self) -> None:
        """A step is about to be carried out."""

    def expect(self, step: Step) -> None:
        """The model carries the step out too."""
        self.model.follow(step.op, step.expect)

    def space_items(self, number: int) -> Items:
        """All that there is to see of a space that the model has."""
        return spaces.model_items(f"model{number}", self.model.world.spaces[number])

    def step_items(self, step: Step) -> Items:
        """What there is to see beside the spaces once a step is done."""
        return {}

    def alarms(self) -> list[Alarm]:
        """The promises that the step broke."""
        return []

    def told(self) -> Iterator[str]:
        """What there is to say of who carries the case out: what the recoveries are that it names."""
        forks = [step.op for step in self.case.steps if isinstance(step.op, ops.Fork)]
        for name in dict.fromkeys(fork.recovery for fork in forks):
            words = " ".join((type(RECOVERIES[name]).__doc__ or "").split())
            yield f"recovery {name} ({RECOVERIES[name].when}): {words}"

    def before(self) -> Items:
        """The spaces as they were before the step."""
        return {key: item for key, item in self.recorder.last.items() if item.lane != told.LANE}

    def take(self, difference: Difference | None) -> None:
        """The frames of the step that is done."""
        assert self.begun is not None
        number, step = self.begun
        for letter, (stage, items) in zip("abcdefgh", self.inside, strict=False):
            frame = Frame(number, told.spell_step(step.op), {}, stage=f"{letter}: {stage}")
            told.take(self.recorder, frame, items)
        entry = spaces.spell_flags if isinstance(step.op, (ops.Areas, ops.Vmas)) else str
        frame = Frame(number, told.spell_step(step.op), {}, expected=told.values(step.expect, entry=entry))
        actual: Answer | None = None
        if difference is not None:
            actual = difference.actual if difference.keys else None
            frame.expected = told.values(difference.expected, difference.keys, entry=entry)
            frame.actual = told.values(_named(difference.actual), difference.keys, entry=entry)
            frame.notes = tuple(told.alarm_lines(self.alarms())) or told.told_of(difference)
        items = told.step_items(step, actual, entry)
        if difference is not None and is_hang(difference.told):
            frame.notes = told.HANG_NOTES
            items |= self.before()  # it was stopped somewhere in the middle
        else:
            for space in sorted(self.model.world.spaces):
                items |= self.space_items(space)
            items |= self.step_items(step)
        if difference is not None:
            items |= told.alarm_items(self.alarms())
        told.take(self.recorder, frame, items)


class ImplRun(Run):
    """One replay on the implementation."""

    port: ImplSpaces

    def __init__(self, case: Case, port: ImplSpaces) -> None:
        super().__init__(case, port)
        self.watcher = Watcher(RECOVERIES)
        self.watcher.look = self.look
        port.recoveries = self.watcher.recoveries
        self.tables: dict[int, list[Table]] = {}
        """The page tables of each space before the step."""

    def prepare(self) -> None:
        self.watcher.child = None
        self.tables = {space: mm.tables.tables() for space, mm in self.port.spaces.items()}

    def look(self, stage: str) -> None:
        """A fork has reached a stage."""
        assert self.begun is not None
        child = self.watcher.child
        assert child is not None
        _, step = self.begun
        items = told.step_items(step, None)
        self.inside.append((stage, items | self.before() | self._child(step, child, gone=False)))

    def alarms(self) -> list[Alarm]:
        return self.port.alarms

    def space_items(self, number: int) -> Items:
        mm = self.port.spaces.get(number)
        return super().space_items(number) | ({} if mm is None else self._space(number, mm))

    def step_items(self, step: Step) -> Items:
        child = self.watcher.child
        return {} if child is None else self._child(step, child, gone=True)

    def _space(self, number: int, mm: Mm, parent: Mm | None = None) -> Items:
        space = self.model.world.spaces.get(number)
        items: Items = {}
        try:
            items |= spaces.tree_items(f"tree{number}", mm, parent)
            needed = None if space is None else space.tables
            lane, before = f"tables{number}", self.tables.get(number, [])
            items |= spaces.table_items(lane, mm.tables, needed, before, self.port.machine.alarms)
            wanted = None if space is None else spaces.page_spans(space)
            items |= spaces.page_items(lane, [mm.tables.top, *mm.tables.tables()], wanted)
        except Exception as error:  # too damaged to be looked at
            damaged = trees.Seen("damaged", 1, 0, told.MAX, (), f"{error}"[:200])
            items |= trees.node_items(f"tree{number}", [damaged])
        return items

    def _child(self, step: Step, child: Child, *, gone: bool) -> Items:
        """The child of a fork that fails."""
        number = step.op.into if isinstance(step.op, ops.Fork) else -1
        lane = f"tables{number}"
        items = spaces.fate_items(f"fate{number}", child, gone)
        items |= spaces.tree_items(f"tree{number}", child.mm, child.parent)
        needed: set[spaces.Key] | None = set() if gone else None
        items |= spaces.table_items(lane, child.mm.tables, needed, child.tables, self.port.machine.alarms)
        live = [child.mm.tables.top, *(table for table in child.tables if table.live or table.pages)]
        return items | spaces.page_items(lane, live, set() if gone else None)


def _named(actual: Answer) -> Answer:
    """An answer; of broken promises only their names, since what was seen is told beside."""
    if isinstance(actual.crash, str) and actual.crash.startswith("broken: ") and not is_hang(actual.crash):
        return Answer(crash="broken: " + actual.crash.removeprefix("broken: ").partition(": ")[0])
    return actual
