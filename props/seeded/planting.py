"""All known mistakes by name: of the tree, of fork, and the twins of claims."""

from __future__ import annotations

from props.fork import seeds as fork_seeds
from props.seeded import seeds
from props.seeded.seeding import Seed

KNOWN: dict[str, Seed] = {seed.name: seed for seed in (*seeds.SEEDS, *fork_seeds.SEEDS)}


class UnknownSeed(Exception):
    """There is no seed of that name."""


def known_seed(name: str) -> Seed:
    """The seed of that name, or of the twin CLAIM.TWIN. Raises UnknownSeed."""
    claim_name, _, twin_name = name.partition(".")
    if twin_name:
        # Only here are claims needed, and they take the solver with them
        from proofs.registry import CLAIMS

        twins = CLAIMS[claim_name].twins if claim_name in CLAIMS else ()
        for twin in twins:
            if twin.name == twin_name and twin.seed is not None:
                return twin.seed
    if name not in KNOWN:
        raise UnknownSeed(f"there is no seed {name!r}: mapleproof check --seeded list names them")
    return KNOWN[name]
