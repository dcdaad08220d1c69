"""One unit of the lane `interleavings`: trees with a writer each, readers beside them, and what fails."""

from __future__ import annotations

import random
from collections import Counter

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.port import MakePort
from mapleproof.props.common.values import Refused
from mapleproof.props.maple.interleavings.case import difference_of, failure_again
from mapleproof.props.maple.interleavings.case import smallest as smallest_scenario
from mapleproof.props.maple.interleavings.explorers import explorer_of
from mapleproof.props.maple.interleavings.scenario import scenario_of
from mapleproof.props.maple.interleavings.search import search

WRITERS = 12
"""Trees with a writer in one unit: some 100,000 interleavings."""


def run(make_port: MakePort, seed: str, careful: bool) -> tuple[int, Counter[str], Difference | None]:
    """Interleavings run, what was met on the way, and the first failure. Raises PortError."""
    searched = search(explorer_of(make_port), random.Random(f"interleavings {seed}"), WRITERS, careful)
    if searched.scenario is None or searched.failure is None:
        return searched.runs, searched.events, None
    return searched.runs, searched.events, difference_of(searched.scenario, searched.failure)


def smallest(met: Difference, make_port: MakePort, careful: bool) -> Difference:
    """The smallest scenario found that fails as this one did; as it was, where it does not fail again."""
    explorer = explorer_of(make_port)
    try:
        scenario = scenario_of(met.flags["alloc_range"], [step.op for step in met.steps])
    except Refused:
        return met
    failure = failure_again(explorer, scenario, met.detail.partition("\n")[0])
    return met if failure is None else smallest_scenario(explorer, scenario, failure, careful)
