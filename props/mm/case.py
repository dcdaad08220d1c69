"""Cases about address spaces: from a program to a case with the right answers.

What is right is asked of the reference; of a fork that fails, of the recovery that is meant to be right.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.operation import Common
from mapleproof.props.common.planting import as_shipped
from mapleproof.props.common.step import Step
from mapleproof.props.mm.forms import flags_of
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces
from mapleproof.props.mm.subject import ADDRESS_SPACE


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
    steps = []
    for op in program:
        right.apply(op)
        steps.append(Step(op, model.expected(op, right.final)))
    return steps


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
