"""Finding a planted mistake of fork: corner scenarios are swept, then random histories, and what breaks a
promise is shrunk."""

from __future__ import annotations

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.planting import Seed, planted
from mapleproof.props.mm.scenarios import Program
from mapleproof.props.mm.shrink import shrink
from mapleproof.props.mm.sweep import BadScenario, Broken, sweep
from mapleproof.props.mm.verdicts import corner_scenarios, random_scenarios

HISTORIES = 40
"""Random histories that are tried after the corners."""


def find(seed: Seed) -> Broken | None:
    """The smallest scenario that shows a planted seed; None where nothing does."""
    scenarios = _scenarios()
    with planted(seed):
        for program, geometry in scenarios:
            broken = _broken(program, geometry, seed.lane)
            if broken is not None:
                return shrink(broken, seed.lane)
    return None


def _scenarios() -> list[tuple[Program, PageGeometry]]:
    histories = zip(range(HISTORIES), random_scenarios(0), strict=False)
    return [*corner_scenarios(), *(scenario for _, scenario in histories)]


def _broken(program: Program, geometry: PageGeometry, recovery: str) -> Broken | None:
    try:
        return next(iter(sweep(program, geometry, recovery, only="any").broken.values()), None)
    except BadScenario:
        return None
