"""Counterexamples as cases: a program with the right answers, carried out with a mistake and without.

A twin's case must show a difference where the mistake is planted, or where the recovery that is known to be
wrong does its work, and none on the code as it ships. Answers are the reference's, worked out before anything
is planted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.found import replay_command
from mapleproof.props.common.operation import Common
from mapleproof.props.common.planting import Seed, planted
from mapleproof.props.common.step import Step
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.case import steps_of
from mapleproof.props.mm.forms import flags_of
from mapleproof.props.mm.subject import ADDRESS_SPACE

ORIGIN = "found by mapleproof prove"


class Shown(NamedTuple):
    """What a twin's case shows: ``steps`` it has, what ``fails`` with the mistake, None where nothing does,
    whether it ``passes`` without, and the file that it was written to."""

    steps: int
    fails: str | None
    passes: bool
    command: str = ""

    @property
    def as_it_must(self) -> bool:
        """It fails on the twin and passes on the code."""
        return self.fails is not None and self.passes

    def __str__(self) -> str:
        told = "fails on the twin" if self.fails is not None else "does NOT fail on the twin"
        told += " and passes on the code" if self.passes else " and does NOT pass on the code"
        return f"case of {self.steps} steps {told}" + (f": {self.command}" if self.command else "")


def space_case(name: str, program: Sequence[Common], geometry: PageGeometry, verdict: str = "ok") -> Case:
    """A program about address spaces with its right answers."""
    header = Header(name, flags_of(geometry), ORIGIN, ADDRESS_SPACE, verdict)
    return Case(header, steps_of(program, geometry))


def tree_case(
    name: str, program: Sequence[Common], *, alloc_range: bool = True, rcu: bool = False, verdict: str = "ok"
) -> Case:
    """A program about maple trees, without readers, with its right answers."""
    port = ModelPort(alloc_range=alloc_range, rcu=rcu)
    steps = [Step(op, port.apply(op)) for op in program]
    return Case(Header(name, {"alloc_range": alloc_range, "rcu": rcu}, ORIGIN, MAPLE_TREE, verdict), steps)


def difference(case: Case, port: str = "impl") -> str | None:
    """The first difference that carrying out a case on `impl` or `model` shows; None where there is none."""
    try:
        subject = case.header.subject
        with closing(choose_port(port, subject)(**case.header.flags)) as seat:
            found = subject.replay(case.steps, seat).difference
    except Exception as error:  # a mistake may show itself as anything
        return f"{type(error).__name__}: {error}"
    return None if found is None else f"{found.kind} at step {found.number}"


def by_the_right_one(case: Case) -> Case:
    """The same case, each fork undone by the recovery that is meant to be right."""
    steps = [
        replace(step, op=replace(step.op, recovery=MEANT_TO_BE_RIGHT))
        if isinstance(step.op, ops.Fork)
        else step
        for step in case.steps
    ]
    return Case(case.header, steps)


def show(case: Case, seed: Seed | None, port: str = "impl") -> Shown:
    """Carry a case out with the mistake and without. Where none is to be planted, the case names a recovery
    that is known to be wrong, and the code is the recovery that is meant to be right."""
    mistake: AbstractContextManager[None] = nullcontext() if seed is None else planted(seed)
    with mistake:
        fails = difference(case, port)
    right = case if seed is not None else by_the_right_one(case)
    return Shown(len(case.steps), fails, difference(right, port) is None)


def write(case: Case, out: Path, port: str = "impl", seeded: str = "") -> str:
    """Write a case into a folder: the command that replays it, with the mistake planted that is named."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', case.header.name)}.jsonl"
    write_case(path, case)
    return replay_command(path, port) + (f" --seeded {seeded}" if seeded else "")
