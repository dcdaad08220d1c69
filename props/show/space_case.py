"""A case about address spaces carried out: VMAs, trees and page tables after each step.

A fork that fails has three frames: the child as its recovery finds it, as it leaves it, and what is left once
the child has exited. The last steps have frames, up to the first difference.
"""

from __future__ import annotations

from collections.abc import Iterator

from impl.mm.mm import Mm
from impl.mm.page_tables import Table
from impl.mm.recovery import RECOVERIES
from props.cases.files import Case, Step
from props.difference import Difference
from props.fork import operations as ops
from props.fork.case import replay_spaces
from props.fork.forms import geometry_of
from props.fork.ports import ImplSpaces, ModelSpaces
from props.ops.answers import Answer
from props.ops.forms import form_of
from props.show import spaces, trees
from props.show import steps as told
from props.show.picture import Frame, Items, Lane, Picture, Recorder, lanes_of
from props.show.watch import Child, Watcher

MOST_FRAMES = 1000
"""The steps that have frames: the last ones."""


class _Run:
    """One replay that is looked at."""

    def __init__(self, case: Case, port: str, begin: int) -> None:
        self.case = case
        self.begin = begin
        self.geometry = geometry_of(case.header.flags)
        self.model = ModelSpaces(self.geometry)
        self.watcher = Watcher(RECOVERIES)
        self.watcher.look = self.look
        self.world = ImplSpaces(self.geometry) if port == "impl" else None
        if self.world is not None:
            self.world.recoveries = self.watcher.recoveries
        self.recorder = Recorder()
        self.tables: dict[int, list[Table]] = {}
        """The page tables of each space before the step."""
        self.begun: tuple[int, Step] | None = None
        self.inside: list[tuple[str, Items]] = []
        """What was seen within the step."""

    def steps(self) -> Iterator[Step]:
        for number, step in enumerate(self.case.steps, start=1):
            self.begun = number, step
            self.watcher.child = None
            self.inside.clear()
            if self.world is not None:
                self.tables = {space: mm.tables.tables() for space, mm in self.world.spaces.items()}
            yield step
            self.model.expected(step.op, step.expect)
            if number >= self.begin:
                self.take(None)
            self.begun = None

    def look(self, stage: str) -> None:
        """A fork has reached a stage."""
        assert self.begun is not None
        child = self.watcher.child
        assert child is not None
        _, step = self.begun
        items = told.step_items(step, None)
        self.inside.append((stage, items | self._before() | self._child(step, child, gone=False)))

    def _before(self) -> Items:
        """The spaces as they were before the step."""
        return {key: item for key, item in self.recorder.last.items() if item.lane != told.LANE}

    def take(self, difference: Difference | None) -> None:
        """The frames of the step that is done."""
        assert self.begun is not None
        number, step = self.begun
        for letter, (stage, items) in zip("abcdefgh", self.inside, strict=False):
            frame = Frame(number, told.spell_step(step.op), {}, stage=f"{letter}: {stage}")
            told.take(self.recorder, frame, items)
        frame = Frame(number, told.spell_step(step.op), {}, expected=told.values(step.expect))
        actual: Answer | None = None
        if difference is not None:
            actual = difference.actual if difference.keys else None
            frame.expected = told.values(difference.expected, difference.keys)
            frame.actual = told.values(_named(difference.actual), difference.keys)
            frame.notes = self._alarms(difference)
        items = self._now(step, actual)
        if difference is not None and self.world is not None:
            items |= told.alarm_items(self.world.alarms)
        told.take(self.recorder, frame, items)

    def _alarms(self, difference: Difference) -> tuple[str, ...]:
        alarms = self.world.alarms if self.world is not None else []
        return tuple(told.alarm_lines(alarms)) or told.told_of(difference)

    def _now(self, step: Step, actual: Answer | None) -> Items:
        items = told.step_items(step, actual)
        right = self.model.world.spaces
        for number, space in sorted(right.items()):
            items |= spaces.model_items(f"model{number}", space)
            if self.world is None:
                continue
            mm = self.world.spaces.get(number)
            if mm is not None:
                items |= self._space(number, mm)
        child = self.watcher.child
        if child is not None:
            items |= self._child(step, child, gone=True)
        return items

    def _space(self, number: int, mm: Mm, parent: Mm | None = None) -> Items:
        assert self.world is not None
        space = self.model.world.spaces.get(number)
        items: Items = {}
        try:
            items |= spaces.tree_items(f"tree{number}", mm, parent)
            needed = None if space is None else space.tables
            lane, before = f"tables{number}", self.tables.get(number, [])
            items |= spaces.table_items(lane, mm.tables, needed, before, self.world.machine.alarms)
            wanted = None if space is None else spaces.page_spans(space)
            items |= spaces.page_items(lane, [mm.tables.top, *mm.tables.tables()], wanted)
        except Exception as error:  # too damaged to be looked at
            damaged = trees.Seen("damaged", 1, 0, told.MAX, (), f"{error}"[:200])
            items |= trees.node_items(f"tree{number}", [damaged])
        return items

    def _child(self, step: Step, child: Child, *, gone: bool) -> Items:
        """The child of a fork that fails."""
        assert self.world is not None
        number = step.op.into if isinstance(step.op, ops.Fork) else -1
        lane = f"tables{number}"
        items = spaces.fate_items(f"fate{number}", child, gone)
        items |= spaces.tree_items(f"tree{number}", child.mm, child.parent)
        needed: set[spaces.Key] | None = set() if gone else None
        items |= spaces.table_items(lane, child.mm.tables, needed, child.tables, self.world.machine.alarms)
        live = [child.mm.tables.top, *(table for table in child.tables if table.live or table.pages)]
        return items | spaces.page_items(lane, live, set() if gone else None)


def space_picture(case: Case, port: str) -> Picture:
    """Carry a case about address spaces out on ``impl`` or ``model`` and look at it."""
    ends = replay_spaces(case.steps, geometry_of(case.header.flags), port).steps
    run = _Run(case, port, max(1, ends - MOST_FRAMES + 1))
    result = replay_spaces(run.steps(), run.geometry, port, run.world)
    difference = result.difference
    if run.begun is not None:
        run.model.expected(run.begun[1].op, run.begun[1].expect)
        run.take(difference)
    elif difference is not None:
        _take_end(run, difference)
    frames = run.recorder.frames
    picture = Picture(
        case.header.name,
        case.header.subject.name,
        case.header.origin,
        port,
        _headline(difference, result.steps),
        tuple(_recoveries(case)),
        _lanes(run, frames),
        frames,
    )
    if difference is not None:
        picture.failing = len(frames) - 1
        for frame in frames:
            frame.matters = _matters(case.steps[frame.number - 1], case.steps[frames[-1].number - 1])
    return picture


def _named(actual: Answer) -> Answer:
    """An answer; of broken promises only their names, since what was seen is told beside."""
    if isinstance(actual.crash, str) and actual.crash.startswith("broken: "):
        return Answer(crash="broken: " + actual.crash.removeprefix("broken: ").partition(": ")[0])
    return actual


def _headline(difference: Difference | None, steps: int) -> str:
    if difference is None:
        return f"{steps} steps, as expected"
    what, _, rest = difference.detail.partition(": ")
    if what == "broken":
        return f"broken promise at step {difference.number}: {rest.partition(': ')[0]}"
    return told.headline(difference)


def _take_end(run: _Run, difference: Difference) -> None:
    """What shows only when all spaces have exited."""
    frame = Frame(difference.number, "with all done, every space exits", {}, stage="at the end")
    frame.notes = told.told_of(difference)
    run.recorder.take(frame, run._before())


def _recoveries(case: Case) -> Iterator[str]:
    """What the recoveries are that a case names."""
    names = dict.fromkeys(step.op.recovery for step in case.steps if isinstance(step.op, ops.Fork))
    for name in names:
        words = " ".join((type(RECOVERIES[name]).__doc__ or "").split())
        yield f"recovery {name} ({RECOVERIES[name].when}): {words}"


def _matters(step: Step, failing: Step) -> bool:
    """Whether a step matters to the failing one: it writes to the space that it is about."""
    if step is failing:
        return True
    space = getattr(failing.op, "space", 0)
    about = getattr(step.op, "space", None) == space or getattr(step.op, "into", None) == space
    return about and form_of(step.op).writes


def _lanes(run: _Run, frames: list[Frame]) -> tuple[Lane, ...]:
    items = [item for frame in frames for item in frame.changed.values() if item is not None]
    numbers = sorted({int(key) for item in items if (key := item.lane.lstrip("modelfatrbs")).isdigit()})
    used = {item.lane: {other.row for other in items if other.lane == item.lane} for item in items}
    titles, rows = {told.LANE: told.TITLE}, {told.LANE: told.ROWS}
    for number in numbers:
        name = f"space {number}" + (" (the child)" if _is_child(run.case, number) else "")
        titles |= {
            f"model{number}": f"{name}: what the model holds",
            f"fate{number}": f"{name} failed: its own VMAs when the recovery began",
            f"tree{number}": f"{name}: the tree of VMAs, with pivots and gaps",
            f"tables{number}": f"{name}: page tables",
        }
        rows[f"model{number}"] = {"VMAs": "VMAs", "pages": "pages"}
        rows[f"fate{number}"] = {"own": "VMAs"}
        rows[f"tree{number}"] = trees.rows_of(item for item in items if item.lane == f"tree{number}")
        rows[f"tables{number}"] = spaces.table_rows(run.geometry) | {"pages": "pages"}
    kept = {
        key: {row: name for row, name in of.items() if row in used.get(key, ()) or key == told.LANE}
        for key, of in rows.items()
    }
    return lanes_of(titles, kept)


def _is_child(case: Case, number: int) -> bool:
    return any(isinstance(step.op, ops.Fork) and step.op.into == number for step in case.steps)
