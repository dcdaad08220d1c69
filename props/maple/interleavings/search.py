"""Scenarios drawn and explored by several policies, until one fails."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mapleproof.impl.kernel.explorer import Explorer, Policy
from mapleproof.impl.kernel.scenario import Failure
from mapleproof.props.common.forms import form_of
from mapleproof.props.maple.interleavings.draws import scenarios
from mapleproof.props.maple.interleavings.known import is_known, is_known_held_back
from mapleproof.props.maple.interleavings.scenario import Scenario

READERS = 5
"""Readers beside each writer."""

PAIRS = 300
HELD_BACK = 400
DRAWN = 30
"""Interleavings of a scenario by the policies that do not run all of them."""

SINGLE = Policy("single", first_only=True)


@dataclass(slots=True)
class Searched:
    """What came of a search: interleavings run, what was met on the way, and the first failure."""

    runs: int = 0
    events: Counter[str] = field(default_factory=Counter)
    scenario: Scenario | None = None
    failure: Failure | None = None


def policies(rng: random.Random) -> Iterator[Policy]:
    """What is run of each scenario."""
    yield SINGLE
    yield Policy("held-back", most=HELD_BACK, seed=rng.getrandbits(32), first_only=True)
    yield Policy("held-inside", most=HELD_BACK, seed=rng.getrandbits(32), first_only=True)
    yield Policy("pairs", most=PAIRS, first_only=True)
    yield Policy("priorities", most=DRAWN, depth=rng.randint(2, 4), seed=rng.getrandbits(32), first_only=True)
    yield Policy("random", most=DRAWN, seed=rng.getrandbits(32), first_only=True)


def search(explorer: Explorer, rng: random.Random, writers: int, careful: bool) -> Searched:
    """Draw so many trees with a writer, and explore readers beside each. Ends at the first failure."""
    searched = Searched()
    for _ in range(writers):
        stage = None
        for scenario in scenarios(rng, READERS):
            if explorer.lacks & {form_of(op).name for op in (*scenario.writes, *scenario.reads)}:
                continue
            if stage is None:
                stage = scenario.stage
                explorer.load(stage)
            if _search_one(explorer, rng, scenario, careful, searched):
                return searched
    return searched


def _search_one(
    explorer: Explorer, rng: random.Random, scenario: Scenario, careful: bool, searched: Searched
) -> bool:
    """Whether a scenario fails."""
    paths: tuple[str, ...] = ()
    if careful:
        paths = explorer.explore(scenario.reader, Policy("in-order", first_only=True)).paths
        if known := is_known(scenario, paths, explorer.build.capabilities):
            searched.events[f"interleavings.known.{known}"] += 1
            return False
    for policy in policies(rng):
        if policy.how.startswith("held") and (known := is_known_held_back(paths)):
            searched.events[f"interleavings.known.{known}"] += 1
            continue
        explored = explorer.explore(scenario.reader, policy)
        searched.runs += explored.runs
        searched.events[f"interleavings.{policy.how}"] += explored.runs
        if policy is SINGLE:
            searched.events.update(f"interleavings.path.{path}" for path in explored.paths)
            searched.events["interleavings.race"] += sum(race[-1] for race in explored.raw_races)
        if explored.failures:
            searched.scenario, searched.failure = scenario, explored.failures[0]
            return True
    return False
