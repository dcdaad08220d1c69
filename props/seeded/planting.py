"""All known mistakes, of the tree and of fork, by name."""

from __future__ import annotations

from props.fork import seeds as fork_seeds
from props.seeded import seeds
from props.seeded.seeding import Seed

KNOWN: dict[str, Seed] = {seed.name: seed for seed in (*seeds.SEEDS, *fork_seeds.SEEDS)}


class UnknownSeed(Exception):
    """There is no seed of that name."""


def known_seed(name: str) -> Seed:
    """The seed of that name. Raises UnknownSeed."""
    if name not in KNOWN:
        raise UnknownSeed(f"there is no seed {name!r}: mapleproof check --seeded list names them")
    return KNOWN[name]
