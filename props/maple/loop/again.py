"""The steps of a run of the loop as operations, to be done again where each is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mapleproof.impl.kernel.wire import FAIL_AFTER, FAIL_NEVER, FAIL_NOWAIT, FAIL_ONCE, GFP, LARGEST, OPS
from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.loop.codes import CANNOT_WAIT, GIVE_BACK, MAS_STORE, NOFAIL, SET_RANGE, STORE
from mapleproof.props.maple.shortage import CANNOT_WAIT as MAY_NOT_WAIT
from mapleproof.props.maple.shortage import NOFAIL as MAY_NOT_FAIL
from mapleproof.props.maple.shortage import NOWAIT, Short, fields_of, once

NAMES = tuple(OPS)
OF_THE_PORT = frozenset({"reset", "borders", "check", "live_allocations", "events", "nodes", "in_rcu"})
"""What only a port is asked."""

assert FAIL_AFTER == 0  # so that what is left of such a word is its number
assert set(GFP) == {"kernel", "nowait", "nofail"}


Step = tuple[int, ...]
"""What goes over the pipe: number of the operation, cursor, tree, how it is short of memory, four words."""

FEWEST = 3
"""Stores in a row that are told as one operation."""


def operations(steps: Iterable[Step]) -> Iterator[Common]:
    """What a run did, up to where it ended; a Snapshot where all that a tree holds was looked at. Ranges that
    are stored in order, numbered from 1, are one operation."""
    made = list(steps)
    at = 0
    while at < len(made) and made[at][0] != GIVE_BACK:
        filled = _filled(made, at)
        if filled is not None:
            op, taken = filled
            yield op
        else:
            taken = 1
            if NAMES[made[at][0]] not in OF_THE_PORT:
                yield _operation(made[at])
        at += taken


def _filled(made: Sequence[Step], at: int) -> tuple[Common, int] | None:
    """The stores from there on that are one operation, and how many steps they are; None where none is."""
    loads = made[at][0] == SET_RANGE
    width = 2 if loads else 1
    ranges: list[tuple[int, int]] = []
    while (
        at + width <= len(made) and (found := _numbered(made[at : at + width], len(ranges) + 1)) is not None
    ):
        if ranges and made[at][1:3] != made[at - width][1:3]:
            break
        if len(ranges) > 1 and not _in_order(ranges[-2], ranges[-1], found):
            break
        if ranges and (found[0] <= ranges[-1][1] or found[1] - found[0] != ranges[-1][1] - ranges[-1][0]):
            break
        ranges.append(found)
        at += width
    if len(ranges) < FEWEST:
        return None
    (first, last), stride = ranges[0], ranges[1][0] - ranges[0][0]
    arguments = (first, stride, last - first + 1, len(ranges))
    _, cursor, tree, *_ = made[at - width]
    if loads:
        return ops.MasFill(*arguments, tree=tree, cursor=cursor, fail_after=0), width * len(ranges)
    return ops.Fill(*arguments, tree=tree), len(ranges)


def _in_order(before: tuple[int, int], last: tuple[int, int], new: tuple[int, int]) -> bool:
    return new[0] - last[0] == last[0] - before[0]


def _numbered(steps: Sequence[Step], number: int) -> tuple[int, int] | None:
    """The range that a step stores, or two do through a cursor with nodes that were got ahead, if it is the
    one of that number."""
    if len(steps) == 1:
        code, _, _, fail, first, last, entry, _ = steps[0]
        return (first, last) if (code, fail, entry) == (STORE, FAIL_NEVER, number) else None
    (code, cursor, _, _, first, last, *_), (second, same, _, fail, entry, *_) = steps
    stores = (code, second, fail, entry, same) == (SET_RANGE, MAS_STORE, 0, number, cursor)
    return (first, last) if stores else None


def _operation(step: Step) -> Common:
    """A step as an operation."""
    code, cursor, tree, fail, *words = step
    form = TREE_FORMS[NAMES[code]]
    given: dict[str, Any] = dict(zip(form.arguments, words, strict=False))
    if "entry" in given:
        given["entry"] = given["entry"] or None
    if form.uses_cursor:
        given["cursor"] = cursor
    if form.operation is not ops.RcuBarrier:
        given["tree"] = tree
    return form.operation(**given, **fields_of(short_of(fail)))


def short_of(fail: int) -> Short:
    """How a step was kept short of memory, as lanes draw it."""
    if fail == FAIL_NEVER:
        return None
    if fail in (FAIL_NOWAIT, CANNOT_WAIT, NOFAIL):
        return {FAIL_NOWAIT: NOWAIT, CANNOT_WAIT: MAY_NOT_WAIT, NOFAIL: MAY_NOT_FAIL}[fail]
    number = fail & LARGEST
    return once(number) if fail & FAIL_ONCE else number
