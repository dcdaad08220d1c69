"""All known mistakes by name: of the tree, of fork, and the twins of claims."""

from __future__ import annotations

from difflib import get_close_matches

from mapleproof.props.common.planting import Seed
from mapleproof.props.maple import seeds
from mapleproof.props.maple.interleavings import mistakes
from mapleproof.props.mm import seeds as fork_seeds

KNOWN: dict[str, Seed] = {seed.name: seed for seed in (*seeds.SEEDS, *mistakes.SEEDS, *fork_seeds.SEEDS)}


class UnknownSeed(Exception):
    """There is no seed of that name."""


def known_seed(name: str) -> Seed:
    """The seed of that name, or of the twin CLAIM.TWIN. Raises UnknownSeed."""
    claim_name, _, twin_name = name.partition(".")
    if twin_name:
        # Only here are claims needed, and they take the solver with them
        from mapleproof.proofs.registry import CLAIMS

        twins = CLAIMS[claim_name].twins if claim_name in CLAIMS else ()
        for twin in twins:
            if twin.name == twin_name and twin.seed is not None:
                return twin.seed
    if name not in KNOWN:
        near = get_close_matches(name, KNOWN, n=1)
        told = f"did you mean {near[0]}?" if near else "mapleproof check --seeded list names them"
        raise UnknownSeed(f"there is no seed {name!r}: {told}")
    return KNOWN[name]
