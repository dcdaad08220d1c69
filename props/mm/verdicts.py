"""The verdicts: recovery by promise, each held or broken, with the smallest case of each break; and the
scenarios that they rest on.

What is broken is shrunk and written as a case. `props/mm/units.py` sweeps the scenarios.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.mm.geometry import GEOMETRIES, PageGeometry
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.common.files import case_bytes
from mapleproof.props.common.found import Lost, keep, named
from mapleproof.props.mm.case import space_case
from mapleproof.props.mm.scenarios import Program, corners, random_program
from mapleproof.props.mm.shrink import shrink
from mapleproof.props.mm.sweep import Swept


@dataclass(frozen=True, slots=True)
class Verdict:
    """One cell of the table. `case_path` is where the smallest break was written, `what` what it showed."""

    recovery: str
    promise: str
    holds: bool
    forks: int
    failed_forks: int
    failure_points: int
    case_path: Path | None = None
    what: str = ""
    steps: int = 0


def corner_scenarios() -> Iterator[tuple[Program, PageGeometry]]:
    """Every corner in every shape of page tables."""
    for geometry in GEOMETRIES.values():
        for program in corners(geometry):
            yield program, geometry


def random_scenarios(seed: int) -> Iterator[tuple[Program, PageGeometry]]:
    """Random histories without end; the k-th depends on the seed and k alone."""
    shapes = list(GEOMETRIES.values())
    k = 0
    while True:
        rng = random.Random(f"{seed}/{k}")
        geometry = rng.choice(shapes)
        yield random_program(rng, geometry), geometry
        k += 1


def verdicts(recovery: str, swept: Swept, out: Path, reduced: bool = True) -> Iterator[Verdict]:
    """One verdict for each promise. What is broken is written to ``out``, reduced to the smallest case found
    unless ``reduced`` is False, or as it was met."""
    for promise in PROMISES:
        broken = swept.broken.get(promise)
        if broken is None:
            yield Verdict(recovery, promise, True, swept.forks, swept.failed, swept.points)
            continue
        small = shrink(broken, recovery) if reduced else broken
        case = named(space_case("", small.shown, small.geometry, promise), f"{recovery}-{promise}")
        what, path = "; ".join(filter(None, (small.what, small.unfinished))), None
        try:
            path = keep(case_bytes(case, ""), case.header.name, out)
        except Lost as lost:
            what = f"{what}; {lost}"
        figures = (swept.forks, swept.failed, swept.points)
        yield Verdict(recovery, promise, False, *figures, path, what, len(small.shown))
