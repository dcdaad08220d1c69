"""A case about address spaces carried out: VMAs, trees and page tables after each step.

The last steps have frames, up to the first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from mapleproof.props.common.answers import Level
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import Case
from mapleproof.props.common.guard import is_hang
from mapleproof.props.common.port import MakePort, Port
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.ports import ImplSpaces
from mapleproof.show import live_run, spaces, trees
from mapleproof.show import steps as told
from mapleproof.show.picture import Frame, Lane, Picture, lanes_of
from mapleproof.show.space_run import ImplRun, Run

MOST_FRAMES = 1000
"""The steps that have frames: the last ones."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

RUNS: Mapping[type[Port], Callable[[Case, Any], Run]] = {ImplSpaces: ImplRun, LivePort: live_run.LiveRun}
"""How a port is looked at while it carries a case out; of any other only the model is seen."""


def space_picture(case: Case, port_name: str, make_port: MakePort, level: Level) -> Picture:
    """Carry a case about address spaces out and look at it. Raises NotOffered."""
    begin = 1
    if len(case.steps) > MOST_FRAMES:  # where it ends decides which steps have frames
        with closing(make_port(**case.header.flags)) as port:
            ends = case.header.subject.replay(case.steps, port, level).steps
        begin = max(1, ends - MOST_FRAMES + 1)
    with closing(make_port(**case.header.flags)) as port:
        run = RUNS.get(type(port), Run)(case, port)
        run.begin = begin
        return _look(case, run, port_name, level)


def _look(case: Case, run: Run, port: str, level: Level) -> Picture:
    result = case.header.subject.replay(run.steps(), run.port, level)
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
        tuple(run.told()),
        _lanes(run, frames),
        frames,
    )
    if difference is not None:
        picture.failing = len(frames) - 1
        matter = {difference.first + at for at in case.header.subject.matters(difference)}
        for frame in frames:
            frame.matters = frame.number in matter
    return picture


def _headline(difference: Difference | None, steps: int) -> str:
    if difference is None:
        return f"{steps} steps, as expected"
    what, _, rest = difference.told.partition(": ")
    if what == "broken" and not is_hang(difference.told):
        return f"broken promise at step {difference.number}: {rest.partition(': ')[0]}"
    return told.headline(difference)


def _take_end(run: Run, difference: Difference) -> None:
    """What shows only when all spaces have exited."""
    frame = Frame(difference.number, "with all done, every space exits", {}, stage="at the end")
    frame.notes = told.told_of(difference)
    run.recorder.take(frame, run.before())


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
