"""What the reference does for an operation on address spaces, where that is no plain call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapleproof.model.address_space import Space
from mapleproof.model.space import HUGETLB
from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.mm.seen import merged

if TYPE_CHECKING:
    from mapleproof.props.mm.ports import ModelSpaces


def nothing(port: ModelSpaces, op: Any) -> Answer:
    """What is of no account to the reference."""
    return NOTHING


def commit_limit(port: ModelSpaces, op: Any) -> Answer:
    port.world.commit_limit = op.pages
    return NOTHING


def areas(port: ModelSpaces, op: Any) -> Answer:
    held = port.world.spaces[op.space].areas
    return Answer(entries=[(area.start, area.end - 1, area.flags) for area in held])


def pages(port: ModelSpaces, op: Any) -> Answer:
    return Answer(entries=_runs(port.world.spaces[op.space]))


def _runs(space: Space) -> list[tuple[int, int, int]]:
    """Pages as runs; a huge page counts with its whole size."""
    runs: list[tuple[int, int, int]] = []
    for page in sorted(space.pages):
        huge = any(area.flags & HUGETLB for area in space.inside(page, page + 1))
        last = page + (space.shape.huge_page if huge else space.shape.page) - 1
        if runs and runs[-1][1] + 1 == page:
            runs[-1] = (runs[-1][0], last, 1)
        else:
            runs.append((page, last, 1))
    return runs


def tables(port: ModelSpaces, op: Any) -> Answer:
    span = port.world.shape.span(op.level)
    starts = sorted(start for level, start in port.world.spaces[op.space].tables if level == op.level)
    return Answer(entries=[(start, start + span - 1, op.level) for start in starts])


def committed(port: ModelSpaces, op: Any) -> Answer:
    return Answer(index=port.world.committed())


def vmas(port: ModelSpaces, op: Any) -> Answer:
    return merged((area.start, area.end, area.flags) for area in port.world.spaces[op.space].areas)


def table_bytes(port: ModelSpaces, op: Any) -> Answer:
    return Answer(index=len(port.world.spaces[op.space].tables) * port.world.shape.page)


def write(port: ModelSpaces, op: Any) -> Answer:
    return port.contents.write(op)


def read(port: ModelSpaces, op: Any) -> Answer:
    return port.contents.read(op)
