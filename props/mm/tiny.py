"""Every small address space there is: all layouts of up to three VMAs on a few pages, of every kind.

A layout is the places of its VMAs and the kind of each; with page tables of two bits or one bit a level a
handful of pages already spans tables of all levels.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, product

from mapleproof.impl.mm.flags import VM_PFNMAP, VM_READ, VM_SHARED, VM_WRITE
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.scenarios import Program
from mapleproof.props.mm.sweep import Swept, sweep

RW = VM_READ | VM_WRITE
KINDS = ("anonymous", "file", "dontfork", "wipeonfork", "pfnmap")
"""What a VMA of a layout can be; pages are touched in all of them."""


def places(pages: int, most: int = 3) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to put up to ``most`` VMAs on so many pages, as (first page, end page) in order; neighbours
    may touch and are still two."""
    for count in range(most + 1):
        # k intervals out of n pages: choose 2k borders out of n + k, for touching ends count twice
        for borders in combinations(range(pages + count), 2 * count):
            yield tuple((borders[2 * k] - k, borders[2 * k + 1] - k) for k in range(count))


def count_places(pages: int, most: int = 3) -> int:
    """How many there are."""
    return sum(math.comb(pages + count, 2 * count) for count in range(most + 1))


def layouts(pages: int, kinds: Sequence[str] = KINDS, most: int = 3) -> Iterator[list[tuple[int, int, str]]]:
    """Every layout: places, and for each of them every kind for every VMA."""
    for placed in places(pages, most):
        for chosen in product(kinds, repeat=len(placed)):
            yield [(first, end, kind) for (first, end), kind in zip(placed, chosen, strict=True)]


def count_layouts(pages: int, kinds: Sequence[str] = KINDS, most: int = 3) -> int:
    """How many there are."""
    return sum(math.comb(pages + count, 2 * count) * len(kinds) ** count for count in range(most + 1))


def nth_layout(
    number: int, pages: int, kinds: Sequence[str] = KINDS, most: int = 3
) -> list[tuple[int, int, str]]:
    """The layout of that number among `layouts`, from 0, without going through those before it."""
    for placed in places(pages, most):
        ways = len(kinds) ** len(placed)
        if number < ways:
            chosen = [
                kinds[number // len(kinds) ** (len(placed) - 1 - at) % len(kinds)]
                for at in range(len(placed))
            ]
            return [(first, end, kind) for (first, end), kind in zip(placed, chosen, strict=True)]
        number -= ways
    raise IndexError(number)


def program_of(layout: Sequence[tuple[int, int, str]], geometry: PageGeometry) -> Program:
    """What makes a layout."""
    program: Program = []
    page = geometry.page
    for first, end, kind in layout:
        start, size = first * page, (end - first) * page
        flags = RW | VM_PFNMAP | VM_SHARED if kind == "pfnmap" else RW
        program.append(ops.Mmap(0, start, size, flags, 1 if kind in ("file", "pfnmap") else None))
        program.append(ops.Touch(0, start, size))
        if kind in ("dontfork", "wipeonfork"):
            program.append(ops.Madvise(0, start, size, kind))
    return program


def sweep_all(
    pages: int, geometry: PageGeometry, recovery: str, kinds: Sequence[str] = KINDS, most: int = 3
) -> tuple[int, Swept]:
    """Every failure point of every layout: how many layouts there were, and what was seen."""
    total = Swept()
    count = 0
    for layout in layouts(pages, kinds, most):
        total.add(sweep(program_of(layout, geometry), geometry, recovery, observed=False))
        count += 1
    return count, total
