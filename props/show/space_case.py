"""A case about address spaces carried out: VMAs, trees and page tables after each step.

The last steps have frames, up to the first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from impl.mm.recovery import RECOVERIES
from props.cases.files import Case, Step
from props.choose_port import LIVE
from props.difference import Difference
from props.fork import operations as ops
from props.fork.case import replay_spaces
from props.guard import is_hang
from props.ops.forms import form_of
from props.show import live_run, spaces, trees
from props.show import steps as told
from props.show.picture import Frame, Lane, Picture, lanes_of
from props.show.space_run import ImplRun, Run

MOST_FRAMES = 1000
"""The steps that have frames: the last ones."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

MAKE: dict[str, Callable[[Case], AbstractContextManager[Run]]] = {
    "impl": lambda case: nullcontext(ImplRun(case)),
    "model": lambda case: nullcontext(Run(case)),
    LIVE: live_run.running,
}
"""The ports that address spaces are shown on."""


def space_picture(case: Case, port: str) -> Picture:
    """Carry a case about address spaces out on ``impl``, ``model`` or ``live`` and look at it. Raises
    PortError for what the running kernel is not asked."""
    make = MAKE[port]
    begin = 1
    if len(case.steps) > MOST_FRAMES:  # where it ends decides which steps have frames
        with make(case) as run:
            ends = replay_spaces(case.steps, run.geometry, port, run.world).steps
        begin = max(1, ends - MOST_FRAMES + 1)
    with make(case) as run:
        run.begin = begin
        return _look(case, run, port)


def _look(case: Case, run: Run, port: str) -> Picture:
    result = replay_spaces(run.steps(), run.geometry, port, run.world)
    difference = result.difference
    if run.begun is not None:
        run.expect(run.begun[1])
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
        tuple(_recoveries(case)) if port != LIVE else (live_run.kernel(),),
        _lanes(run, frames),
        frames,
    )
    if difference is not None:
        picture.failing = len(frames) - 1
        matter = set(_matter(case.steps[: frames[-1].number]))
        for frame in frames:
            frame.matters = frame.number in matter
    return picture


def _headline(difference: Difference | None, steps: int) -> str:
    if difference is None:
        return f"{steps} steps, as expected"
    what, _, rest = difference.detail.partition(": ")
    if what == "broken" and not is_hang(difference.detail):
        return f"broken promise at step {difference.number}: {rest.partition(': ')[0]}"
    return told.headline(difference)


def _take_end(run: Run, difference: Difference) -> None:
    """What shows only when all spaces have exited."""
    frame = Frame(difference.number, "with all done, every space exits", {}, stage="at the end")
    frame.notes = told.told_of(difference)
    run.recorder.take(frame, run.before())


def _recoveries(case: Case) -> Iterator[str]:
    """What the recoveries are that a case names."""
    names = dict.fromkeys(step.op.recovery for step in case.steps if isinstance(step.op, ops.Fork))
    for name in names:
        words = " ".join((type(RECOVERIES[name]).__doc__ or "").split())
        yield f"recovery {name} ({RECOVERIES[name].when}): {words}"


def _matter(steps: Sequence[Step]) -> Iterator[int]:
    """The numbers of the steps that matter to the last one: they write to the space that it is about, or to
    one that this came from by forks, until then."""
    about = {getattr(steps[-1].op, "space", 0)}
    yield len(steps)
    for number in range(len(steps) - 1, 0, -1):
        op = steps[number - 1].op
        makes = isinstance(op, ops.Fork) and op.into in about
        if form_of(op).writes and (makes or getattr(op, "space", None) in about):
            yield number
        if makes:
            about.add(getattr(op, "space", 0))


def _lanes(run: Run, frames: list[Frame]) -> tuple[Lane, ...]:
    items = [item for frame in frames for item in frame.changed.values() if item is not None]
    used: dict[str, set[str]] = {}
    for item in items:
        used.setdefault(item.lane, set()).add(item.row)
    numbers = sorted({int(key) for lane in used if (key := lane.lstrip(LETTERS)).isdigit()})
    titles, rows = {told.LANE: told.TITLE}, {told.LANE: told.ROWS}
    for number in numbers:
        name = f"space {number}" + (" (the child)" if _is_child(run.case, number) else "")
        titles |= {
            f"model{number}": f"{name}: what the model holds",
            f"live{number}": f"{name}: what the running kernel says",
            f"fate{number}": f"{name} failed: its own VMAs when the recovery began",
            f"tree{number}": f"{name}: the tree of VMAs, with pivots and gaps",
            f"tables{number}": f"{name}: page tables",
        }
        rows[f"model{number}"] = {"VMAs": "VMAs", "pages": "pages", **spaces.table_rows(run.geometry)}
        rows[f"live{number}"] = {"VMAs": "VMAs", "bytes": "page tables"}
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
