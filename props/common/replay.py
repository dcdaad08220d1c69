"""A case carried out on a port, each answer held against the one in the case.

At the end whatever is there is destroyed, and nothing may be left. A step that nobody comes back from is
ended, and is a crash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapleproof.props.common.answers import ABSENT, Answer, Level, differing
from mapleproof.props.common.difference import (
    ANSWER,
    CONTENT,
    CRASH,
    INVARIANT,
    LEAK,
    Difference,
    place_of,
)
from mapleproof.props.common.forms import form_of, spell
from mapleproof.props.common.guard import Hang, step_limit
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Lacking, Port
from mapleproof.props.common.step import Step

if TYPE_CHECKING:
    from mapleproof.props.common.subject import Admission, Subject

REMEMBERED = 1000
"""The most steps before a difference that are kept to explain it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a case: how many steps were done, and the first difference, if there is one. `held` is
    what the tree or space of the difference held then, where the port could tell."""

    steps: int
    difference: Difference | None
    held: Sequence[tuple[int, int, int]] = ()


def replay(case: Iterable[Step], port: Port, subject: Subject, level: Level = "exact") -> Replayed:
    """Carry out a case, one step at a time. What reading it raises goes through; Lacking where the port has
    no such operation."""
    limit = nullcontext if port.keeps_time else step_limit
    recent: deque[Step] = deque(maxlen=REMEMBERED)
    there = subject.admission()
    waiting: list[tuple[int, Step]] = []
    steps = 0
    for step in case:
        steps += 1
        recent.append(step)
        if step.op.within is not None:
            waiting.append((steps, step))
        try:
            with limit():
                difference = _replay_step(port, step, level, there)
        except Lacking as lacking:
            raise Lacking(f"step {steps} cannot be carried out: {lacking}") from None
        except Hang as hang:
            difference = _compare(step, Answer(crash=str(hang)), level)
        difference = difference or _replay_readers(port, waiting, level)
        if difference is not None:
            break
    else:
        with limit():
            difference = _finish(port, subject, there)
    if difference is not None:
        difference.number = difference.number or steps
        difference.place = port.crash_place if difference.kind == CRASH else place_of(difference.detail)
        difference.steps = list(recent)
        difference.first = steps - len(recent) + 1
    return Replayed(steps, difference)


def _replay_step(port: Port, step: Step, level: Level, there: Admission) -> Difference | None:
    op = step.op
    actual = port.follow(op, step.expect)
    if op.within is not None:
        there.admit(op, step.expect)
        crashed = actual.crash is not ABSENT
        return Difference(CRASH, op, step.expect, actual, ("crash",)) if crashed else None
    difference = _compare(step, actual, level)
    other = step.also is not None and not differing(step.also, actual, level, form_of(op).moves)
    there.admit(op, step.also if other and step.also is not None else step.expect)
    if difference is not None and "entries" not in difference.keys:
        return difference
    for number in there.to_check(op):
        try:
            port.check(number)
        except AssertionError as error:
            return Difference(INVARIANT, op, detail=str(error))
    return difference


def _replay_readers(port: Port, waiting: list[tuple[int, Step]], level: Level) -> Difference | None:
    """Compare what readers have seen within the last write, if it was one."""
    for actual in port.late_answers():
        number, step = waiting.pop(0)
        difference = _compare(step, actual, level)
        if difference is not None:
            difference.number = number
            return difference
    return None


def _compare(step: Step, actual: Answer, level: Level) -> Difference | None:
    op = step.op
    moves = form_of(op).moves
    keys = differing(step.expect, actual, level, moves)
    if not keys or (step.also is not None and not differing(step.also, actual, level, moves)):
        return None
    return Difference(kind_of(keys), op, step.expect, actual, keys)


def kind_of(keys: tuple[str, ...]) -> str:
    """The kind of a difference in these keys of an answer."""
    return CRASH if "crash" in keys else CONTENT if "entries" in keys else ANSWER


def _finish(port: Port, subject: Subject, there: Admission) -> Difference | None:
    """After the last step: every tree or space must be sound, and nothing may be left behind."""
    port.give_back(there.ending())
    for number in there.numbers():
        try:
            port.check(number)
        except AssertionError as error:
            return Difference(INVARIANT, subject.teardown([number])[0], detail=str(error))
    return left_behind(port, subject, there.numbers())


def left_behind(port: Port, subject: Subject, numbers: Sequence[int]) -> Difference | None:
    """Destroy all trees or spaces. What is wrong then, if anything."""
    teardown: list[Common] = subject.teardown(numbers)
    for op in teardown:
        answer = port.apply(op)
        if answer.crash is not ABSENT:
            detail = f"with all done, {spell(op)}: {answer.crash}"
            return Difference(CRASH, op, actual=answer, detail=detail, place=port.crash_place)
    left = port.live_allocations()
    detail = f"{left} {subject.left}"
    return Difference(LEAK, teardown[0], detail=detail, place=place_of(detail)) if left else None
