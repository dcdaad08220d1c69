"""The verdicts: recovery by promise, each held or broken, with the smallest case of each break.

First every corner scenario is swept in every geometry, then random histories by seed until the time is up,
then the given real spaces. What is broken is shrunk and written as a case. The same seed tries the same
scenarios in the same order; how many, the time decides, unless `scenarios` does.
"""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from impl.mm.geometry import GEOMETRIES, PageGeometry
from impl.mm.promises import PROMISES
from impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from props.cases.found import OUT
from props.fork.case import write_space_case
from props.fork.maps import MOST_OBSERVED, count_points, spread
from props.fork.scenarios import Program, corners, random_program
from props.fork.shrink import shrink
from props.fork.sweep import Swept, sweep

WORK_ON_A_SPACE = 100_000
"""Of a real space so many failure points are tried, divided by its VMAs: spread over all of them."""


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


def judge(
    recoveries: Sequence[str] = tuple(RECOVERIES),
    seconds: float = 10.0,
    seed: int = 0,
    spaces: Sequence[tuple[Program, PageGeometry]] = (),
    *,
    out: Path = OUT,
    scenarios: int | None = None,
    jobs: int = 1,
) -> list[Verdict]:
    """Judge each recovery by every promise. `seconds` is shared evenly between them; `spaces` are scenarios
    of real address spaces; `scenarios` random histories are tried, as many as time allows if it is None.
    Cases are written to `out`; `jobs` processes share the recoveries. Raises KeyError for a recovery that
    there is none of."""
    unknown = [name for name in recoveries if name not in RECOVERIES]
    if unknown:
        raise KeyError(unknown[0])
    share = seconds * jobs / max(1, len(recoveries))
    one = partial(_judge_one, seconds=share, seed=seed, spaces=spaces, out=out, scenarios=scenarios)
    if jobs == 1:
        return [verdict for name in recoveries for verdict in one(name)]
    with ProcessPoolExecutor(jobs) as pool:
        return [verdict for part in pool.map(one, recoveries) for verdict in part]


def _judge_one(
    recovery: str,
    *,
    seconds: float,
    seed: int,
    spaces: Sequence[tuple[Program, PageGeometry]],
    out: Path,
    scenarios: int | None,
) -> list[Verdict]:
    swept = examine(recovery, seconds, seed, spaces, scenarios=scenarios)
    return list(verdicts(recovery, swept, out))


def examine(
    recovery: str,
    seconds: float,
    seed: int,
    spaces: Sequence[tuple[Program, PageGeometry]] = (),
    *,
    scenarios: int | None = None,
) -> Swept:
    """All that sweeping one recovery for so long has shown."""
    end = time.monotonic() + seconds
    total = Swept()
    for program, geometry in corner_scenarios():
        total.add(sweep(program, geometry, recovery))
    for program, geometry in spaces:
        points = _spread(program, geometry, recovery)
        total.add(sweep(program, geometry, recovery, points=points, observed=len(program) <= MOST_OBSERVED))
    for tried, (program, geometry) in enumerate(random_scenarios(seed)):
        if tried == scenarios or (scenarios is None and time.monotonic() >= end):
            break
        total.add(sweep(program, geometry, recovery))
    return total


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


def _spread(program: Program, geometry: PageGeometry, recovery: str) -> list[int] | None:
    """Failure points spread over a large space; None, for all of them, where there are not many."""
    most = max(24, WORK_ON_A_SPACE // max(1, len(program)))
    return spread(count_points(program, geometry, recovery), most)


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


__all__ = [
    "MEANT_TO_BE_RIGHT",
    "Verdict",
    "corner_scenarios",
    "examine",
    "judge",
    "random_scenarios",
    "verdicts",
]
