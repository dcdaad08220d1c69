"""The units of the fork part of the main job: what one recovery shows in a chunk of scenarios.

Unit 0 of a recovery sweeps the corner scenarios, the next ones real address spaces, one each, and every
further one a chunk of random histories. The seed and the numbers decide all of it.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.props.mm.maps import RealVma, SpaceError, capture, kept_spaces, sweep_space
from mapleproof.props.mm.sweep import Swept, sweep
from mapleproof.props.mm.verdicts import Verdict, corner_scenarios, random_scenarios, verdicts

HISTORIES = 25
"""Random histories in one unit."""

WORK_ON_A_SPACE = 60_000
"""Of a real space so many failure points are tried, divided by its VMAs, from the first to the last."""


def real_spaces(pids: tuple[int, ...]) -> list[tuple[str, list[RealVma]]]:
    """Running processes by number, where they can be read, and the spaces that come with the project."""
    spaces = []
    for pid in pids:
        try:
            spaces.append((f"process {pid}", capture(pid)))
        except SpaceError:
            continue  # it has ended meanwhile, or is another user's
    return [(name, space) for name, space in spaces if space] + list(kept_spaces().items())


def fork_unit(recovery: str, number: int, seed: int, space: list[RealVma] | None) -> Swept:
    """One unit: ``space`` where it is the unit of a real address space."""
    total = Swept()
    if space is not None:
        return sweep_space(space, recovery, max(24, WORK_ON_A_SPACE // len(space)))
    if number == 0:
        scenarios = corner_scenarios()
    else:
        scenarios = itertools.islice(random_scenarios(seed * 1_000_003 + number), HISTORIES)
    for program, geometry in scenarios:
        total.add(sweep(program, geometry, recovery))
        if total.hangs:
            break
    return total


def conclude(recovery: str, swept: Swept, out: str, reduced: bool = True) -> list[Verdict]:
    """The verdicts on a recovery; what it broke is reduced, unless that is not wanted, and written."""
    return list(verdicts(recovery, swept, Path(out), reduced))


NAMES = tuple(RECOVERIES)
"""The recoveries that a check judges, the oldest first."""
