"""Cases about address spaces: from a program to a case with the right answers, and its replay.

What is right is asked of the reference; of a fork that fails, of the recovery that is meant to be right. A
step that nobody comes back from is ended, and is a crash.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from impl.kernel.errors import KernelBuildError
from impl.mm.geometry import X86_64, PageGeometry
from impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from props.cases.files import Case, CaseReader, Header, Step, write_case
from props.cases.replay import Replayed
from props.choose_port import LIVE, PortError
from props.difference import ANSWER, CONTENT, CRASH, INVARIANT, LEAK, Difference
from props.fork import operations as ops
from props.fork.forms import flags_of, geometry_of
from props.fork.ports import ImplSpaces, ModelSpaces
from props.guard import Hang, step_limit
from props.live.port import LivePort, NotOffered
from props.ops.answers import ABSENT, Answer, differing
from props.ops.common_operations import Common
from props.ops.subjects import ADDRESS_SPACE
from props.seeded.seeding import as_shipped


def steps_of(program: Sequence[Common], geometry: PageGeometry) -> list[Step]:
    """A program with the right answers to each of its operations, whatever mistake is planted."""
    with as_shipped():
        return _right_steps(program, geometry)


def _right_steps(program: Sequence[Common], geometry: PageGeometry) -> list[Step]:
    model = ModelSpaces(geometry)
    right = ImplSpaces(geometry)
    right.recoveries = {
        name: recovery if recovery.bulk else RECOVERIES[MEANT_TO_BE_RIGHT]
        for name, recovery in RECOVERIES.items()
    }
    return [Step(op, model.expected(op, right.apply(op))) for op in program]


def write_space_case(
    path: Path, name: str, program: Sequence[Common], geometry: PageGeometry, verdict: str
) -> Path:
    """Write a program as a case; `verdict` is the promise it breaks, or "ok". Raises KeyError for page
    tables that a case cannot name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_case(path, space_case(name, program, geometry, verdict))
    return path


def space_case(
    name: str,
    program: Sequence[Common],
    geometry: PageGeometry,
    verdict: str,
    found: dict[str, Any] | None = None,
) -> Case:
    """A program as a case. Raises KeyError for page tables that a case cannot name."""
    header = Header(name, flags_of(geometry), "found by mapleproof", ADDRESS_SPACE, verdict, found)
    return Case(header, steps_of(program, geometry))


def replay_space_case(path: Path, port: str = "impl") -> Replayed:
    """Carry out a case file about address spaces on `impl`, `model` or `live`. Raises CaseError, and
    PortError for what the running kernel is not asked."""
    reader = CaseReader(path)
    geometry = geometry_of(reader.header.flags)
    if port != LIVE:
        return replay_spaces(reader, geometry, port)
    with live_port(str(path), geometry) as world:
        return replay_spaces(reader, geometry, world=world)


@contextmanager
def live_port(name: str, geometry: PageGeometry) -> Iterator[LivePort]:
    """The running kernel, to carry out the case of that name. Raises PortError for what it is not asked, also
    in what runs meanwhile."""
    if geometry != X86_64:
        raise PortError(f"{name}: the running kernel has page tables of 4 levels only")
    try:
        world = LivePort()
    except KernelBuildError as error:
        raise PortError(str(error)) from None
    try:
        yield world
    except NotOffered as refused:
        raise PortError(f"{name}: {refused}") from None
    finally:
        world.close()


def replay_spaces(
    case: Iterable[Step],
    geometry: PageGeometry,
    port: str = "impl",
    world: ImplSpaces | ModelSpaces | LivePort | None = None,
) -> Replayed:
    """Carry out steps, each answer held against the one expected; at the end everything exits. ``world`` is
    who carries them out, where that is to be looked at meanwhile."""
    world = world or (ModelSpaces(geometry) if port == "model" else ImplSpaces(geometry))
    done: list[Step] = []
    found: Difference | None = None
    for step in case:
        done.append(step)
        try:
            with step_limit():
                found = _replay_step(step, world)
        except Hang as hang:
            found = _compare(step, Answer(crash=str(hang)))
        if found is not None:
            break
    if found is None and isinstance(world, ImplSpaces):
        with step_limit():
            found = finish(world)
    if found is not None:
        found.number = len(done)
        found.steps = done
    return Replayed(len(done), found)


def _replay_step(step: Step, world: ImplSpaces | ModelSpaces | LivePort) -> Difference | None:
    if isinstance(world, ModelSpaces):
        return _compare(step, world.expected(step.op, step.expect))
    if isinstance(world, LivePort):
        return _compare(step, world.apply(step.op))
    return _compare(_without_contents(step), world.apply(step.op)) or _checked(world, step.op)


def _without_contents(step: Step) -> Step:
    """What pages hold is not modelled by the implementation."""
    return replace(step, expect=Answer(ret=step.expect.ret)) if isinstance(step.op, ops.Read) else step


def _compare(step: Step, actual: Answer) -> Difference | None:
    keys = differing(step.expect, actual, "exact", True)
    if not keys or (step.also is not None and not differing(step.also, actual, "exact", True)):
        return None
    kind = CRASH if "crash" in keys else CONTENT if "entries" in keys else ANSWER
    detail = actual.crash if actual.crash is not ABSENT else ""
    return Difference(kind, step.op, step.expect, actual, keys, detail)


def _checked(world: ImplSpaces, op: Common) -> Difference | None:
    try:
        world.check()
    except AssertionError as error:
        return Difference(INVARIANT, op, detail=str(error))
    return None


def finish(world: ImplSpaces) -> Difference | None:
    """Let every space exit; what is left then, if anything."""
    for space in sorted(world.spaces):
        op = ops.Exit(space)
        answer = world.apply(op)
        if world.alarms:
            return Difference(CRASH, op, actual=answer, keys=("crash",), detail=str(answer.crash))
    *objects, references = world.machine.live()
    if any(objects) or references != len(world.machine.files) or world.machine.committed:
        detail = f"left with all spaces gone: {world.machine.live()}, {world.machine.committed} charged"
        return Difference(LEAK, ops.Exit(0), detail=detail)
    return None
