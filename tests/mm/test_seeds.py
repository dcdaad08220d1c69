"""Every mistake of the catalogue is found and shrunk to a few steps; none of it is in shipped code."""

import pytest

from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.props.common.planting import Seed
from mapleproof.props.mm.seeds import BY_RECOVERY, SEEDS
from mapleproof.props.mm.seek import find
from mapleproof.props.mm.shrink import first_break
from mapleproof.props.mm.units import fork_unit

NUMBERS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 28)
CATALOGUE = {f"F{number:02}" for number in NUMBERS}


def test_every_entry_of_the_catalogue_is_covered() -> None:
    assert {seed.bug for seed in SEEDS} | set(BY_RECOVERY) >= CATALOGUE


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seed_is_found_and_shrunk(seed: Seed) -> None:
    found = find(seed)
    assert found is not None
    assert len(found.program) <= seed.steps
    assert first_break(found.program[:-1], found.geometry, seed.lane, found.promise) is None


@pytest.mark.parametrize("entry", BY_RECOVERY)
def test_an_entry_that_is_a_recovery_breaks_it(entry: str) -> None:
    recovery = BY_RECOVERY[entry]
    assert recovery in RECOVERIES
    assert fork_unit(recovery, 0, 0, None).broken
