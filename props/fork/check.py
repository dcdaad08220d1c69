"""The verdicts: recovery by promise, each held or broken, with the smallest case of each break; and the
scenarios that they rest on.

What is broken is shrunk and written as a case. `props/fork/units.py` sweeps the scenarios.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impl.mm.geometry import GEOMETRIES, PageGeometry
from impl.mm.promises import PROMISES
from props.fork.case import write_space_case
from props.fork.scenarios import Program, corners, random_program
from props.fork.shrink import shrink
from props.fork.sweep import Swept


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


def verdicts(recovery: str, swept: Swept, out: Path) -> Iterator[Verdict]:
    """One verdict for each promise. What is broken is shrunk and written to ``out``."""
    for promise in PROMISES:
        broken = swept.broken.get(promise)
        if broken is None:
            yield Verdict(recovery, promise, True, swept.forks, swept.failed, swept.points)
            continue
        small = shrink(broken, recovery)
        name = f"{recovery}-{promise.replace(' ', '-')}"
        path = write_space_case(out / f"{name}.jsonl", name, small.program, small.geometry, promise)
        yield Verdict(
            recovery,
            promise,
            False,
            swept.forks,
            swept.failed,
            swept.points,
            path,
            small.what,
            len(small.program),
        )
