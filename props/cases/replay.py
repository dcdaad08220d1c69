"""A case carried out on a port, each answer held against the one in the case."""

from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from props.cases.files import Step
from props.cases.world import World
from props.difference import ANSWER, CONTENT, CRASH, INVARIANT, Difference
from props.expect import was_refused
from props.guard import step_limit
from props.lockstep import left_behind, place_of
from props.ops import operations as ops
from props.ops.answers import ABSENT, Answer, Level, differing
from props.ops.forms import form_of
from props.ports import ModelPort, Port, TreePort

REMEMBERED = 1000
"""The most steps before a difference that are kept to explain it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a case: how many steps were done, and the first difference, if there is one."""

    steps: int
    difference: Difference | None


def replay(case: Iterable[Step], port: Port, level: Level) -> Replayed:
    """Carry out a case, one step at a time. What reading it raises goes through."""
    # A kernel's tree measures its own time, in a process of its own
    limit = step_limit if isinstance(port, TreePort) else nullcontext
    recent: deque[Step] = deque(maxlen=REMEMBERED)
    world = World()
    waiting: list[tuple[int, Step]] = []
    steps = 0
    for step in case:
        steps += 1
        recent.append(step)
        if step.op.within is not None:
            waiting.append((steps, step))
        with limit():
            difference, answer = _replay_step(port, step, level)
        world.admit(step.op, answer)
        difference = difference or _replay_readers(port, waiting, level)
        if difference is not None:
            break
    else:
        with limit():
            difference = _finish(port, world)
    if difference is not None:
        difference.number = difference.number or steps
        difference.place = port.crash_place if difference.kind == CRASH else place_of(difference.detail)
        difference.steps = list(recent)
        difference.first = steps - len(recent) + 1
    return Replayed(steps, difference)


def _replay_readers(port: Port, waiting: list[tuple[int, Step]], level: Level) -> Difference | None:
    """Compare what readers have seen within the last write, if it was one."""
    for actual in port.late_answers():
        number, step = waiting.pop(0)
        difference = _compare(step, actual, level)
        if difference is not None:
            difference.number = number
            return difference
    return None


def _replay_step(port: Port, step: Step, level: Level) -> tuple[Difference | None, Answer]:
    """Carry a step out. The difference, if any; and of a step with two right answers, the one it gave."""
    op = step.op
    if isinstance(port, ModelPort) and was_refused(op, step.expect):
        actual = port.refuse(op)
    else:
        actual = port.apply(op)
    if op.within is not None:
        return None, step.expect
    if isinstance(op, ops.Snapshot) and actual.crash is ABSENT:
        try:
            port.check(op.tree)
        except AssertionError as error:
            return Difference(INVARIANT, op, detail=str(error)), step.expect
    if step.also is not None and not differing(step.also, actual, level, form_of(op).moves):
        return None, step.also
    return _compare(step, actual, level), step.expect


def _compare(step: Step, actual: Answer, level: Level) -> Difference | None:
    op = step.op
    moves = form_of(op).moves
    keys = differing(step.expect, actual, level, moves)
    if not keys or (step.also is not None and not differing(step.also, actual, level, moves)):
        return None
    kind = CRASH if "crash" in keys else CONTENT if "entries" in keys else ANSWER
    return Difference(kind, op, step.expect, actual, keys)


def _finish(port: Port, world: World) -> Difference | None:
    """After the last step: every tree must be sound, and nothing may be left behind."""
    for cursor in sorted(world.cursors):
        port.apply(ops.MasDestroy(cursor=cursor))
    for tree in sorted(world.trees):
        try:
            port.check(tree)
        except AssertionError as error:
            return Difference(INVARIANT, ops.Snapshot(tree=tree), detail=str(error))
    return left_behind(port, sorted(world.trees))
