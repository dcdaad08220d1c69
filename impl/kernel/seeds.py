"""Mistakes to put into a copy of lib/maple_tree.c, to see whether the suite finds them.

Each seed names a function, a fragment that stands exactly once in it, and what stands there instead: one
line, a mistake that a person could make. Where kernels differ, the same mistake has several such places, of
which the first that fits is taken. A seed is refused where none is found exactly once, so that a tree of
another version never gets a mistake other than the one that is described by ``promise``, the promise that
breaks.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.mistakes import SEEDS
from mapleproof.impl.kernel.seed import KernelSeed


def seed_named(name: str) -> KernelSeed:
    for seed in SEEDS:
        if seed.name == name:
            return seed
    names = [each.name for each in SEEDS]
    near = get_close_matches(name, names, n=1)
    told = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise KernelBuildError(f"no seed is named {name}; {told}")


def body_of(source: str, function: str) -> tuple[int, int]:
    """Where a function's definition stands in a C source. ValueError unless there is exactly one."""
    places = []
    for match in re.finditer(rf"^[^\s/*#].*\b{function}\(|^{function}\(", source, re.MULTILINE):
        opening = source.find("\n{", match.start())
        semicolon = source.find(";", match.start())
        if opening < 0 or 0 <= semicolon < opening:
            continue
        places.append((opening, source.find("\n}", opening)))
    if len(places) != 1:
        raise ValueError(f"{function}() is defined {len(places)} times")
    return places[0]


def plant(source: str, seed: KernelSeed) -> str:
    """The source with the mistake in it. KernelBuildError unless the seed fits this source."""
    refused = ""
    for place in seed.places:
        try:
            start, end = body_of(source, place.function)
        except ValueError as error:
            refused = refused or str(error)
            continue
        body = source[start:end]
        if body.count(place.find) == 1:
            return source[:start] + body.replace(place.find, place.replace) + source[end:]
        refused = refused or f"{body.count(place.find)} places in {place.function}()"
    raise KernelBuildError(f"seed {seed.name} does not fit this tree: {refused}")


def fitting(source: str) -> tuple[KernelSeed, ...]:
    """The seeds that fit a source."""

    def fits(seed: KernelSeed) -> bool:
        try:
            return bool(plant(source, seed))
        except KernelBuildError:
            return False

    return tuple(filter(fits, SEEDS))
