"""Histories of processes, drawn from a seed: map, unmap, protect, advise, move, use, fork and exit.

Ranges lie around the borders of page tables of every level. Left out, since a process would be killed or the
kernel is free to choose: growing shared memory without a file (its end is fixed), exec, huge pages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from mapleproof.impl.kernel.live import REGION
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.model.space import READ, SHARED, WRITE, Area
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.dispatch import draw
from mapleproof.props.mm.ports import ModelSpaces

PAGE = 4096
MOST_SPACES = 4
RW = READ | WRITE


class Draws:
    """The next operation of a history, given what the reference holds by now."""

    def __init__(
        self, seed: int | str, model: ModelSpaces, region: range = REGION, geometry: PageGeometry = X86_64
    ) -> None:
        self.rng = random.Random(seed)
        self.spans = tuple(geometry.span(level) for level in range(1, geometry.levels))
        self.model = model
        self.next_space = 1
        base = region.start + self.spans[-1]
        self.borders = [base + k * span for span in self.spans for k in (0, 1)]
        self.borders = self.rng.sample(self.borders, self.rng.randint(1, 4))

    def operations(self, count: int) -> Iterator[Common]:
        """So many operations."""
        for _ in range(count):
            yield self._next()

    def _next(self) -> Common:
        rng = self.rng
        space = rng.choice(sorted(self.model.world.spaces))
        kinds = {
            self._mmap: 5,
            self._munmap: 4,
            self._mprotect: 3,
            self._madvise: 3,
            self._mremap: 2,
            self._touch: 4,
            self._write: 4,
            self._read: 3,
            self._fork: 3,
            self._exit: 1,
        }
        return rng.choices(list(kinds), list(kinds.values()))[0](space)

    def _range(self) -> tuple[int, int]:
        """Start and size: a few pages beside a border, or up to a border, or a whole table of some level."""
        rng = self.rng
        border, chance = rng.choice(self.borders), rng.random()
        if chance < 0.08:
            span = rng.choice(self.spans[:2])
            return border & -span, span
        start = border + rng.randint(-4, 4) * PAGE
        return start, rng.randint(1, 5) * PAGE

    def _mapped(self, space: int) -> tuple[int, int]:
        """The range of an area, or a part of it; any range where there is none."""
        areas, rng = self.model.world.spaces[space].areas, self.rng
        if not areas or rng.random() < 0.15:
            return self._range()
        area = rng.choice(areas)
        pages = (area.end - area.start) // PAGE
        first = rng.randrange(pages) if rng.random() < 0.4 else 0
        count = rng.randint(1, pages - first) if rng.random() < 0.4 else pages - first
        return area.start + first * PAGE, count * PAGE

    def _page(self, space: int) -> int:
        start, size = self._mapped(space)
        return start + self.rng.choice((0, size // PAGE - 1)) * PAGE

    def _mmap(self, space: int) -> Common:
        rng = self.rng
        start, size = self._range()
        flags = rng.choice((RW, RW, RW, READ, 0)) | (SHARED if rng.random() < 0.3 else 0)
        return ops.Mmap(space, start, size, flags, rng.choice((None, None, None, 1, 2)))

    def _munmap(self, space: int) -> Common:
        return draw(self.rng, "range", live=True)(
            space, *(self._mapped(space) if self.rng.random() < 0.7 else self._range())
        )

    def _mprotect(self, space: int) -> Common:
        return ops.Mprotect(space, *self._mapped(space), self.rng.choice((0, READ, RW, RW)))

    def _madvise(self, space: int) -> Common:
        advice = self.rng.choice(("dontfork", "dofork", "wipeonfork", "keeponfork"))
        return ops.Madvise(space, *self._mapped(space), advice)

    def _mremap(self, space: int) -> Common:
        start, size = self._mapped(space)
        rng = self.rng
        to, new_size = self._range() if rng.random() < 0.6 else (start, size)
        new_size = size if rng.random() < 0.5 else max(PAGE, size + rng.randint(-2, 2) * PAGE)
        for area in self._at(space, start):
            if (to != start or new_size > size) and area.end < start + size:
                # One area only: the kernel may have made several one, and since 6.17 moves several at once
                new_size -= start + size - area.end
                size = area.end - start
                new_size = max(new_size, PAGE)
        if new_size > size and any(_fixed_end(area) for area in self._at(space, start)):
            new_size = size
        return ops.Mremap(space, start, size, to, new_size)

    def _at(self, space: int, address: int) -> list[Area]:
        return self.model.world.spaces[space].inside(address, address + 1)

    def _touch(self, space: int) -> Common:
        start, size = self._mapped(space)
        return ops.Touch(space, start, min(size, 6 * PAGE))

    def _write(self, space: int) -> Common:
        return ops.Write(space, self._page(space), self.rng.randint(1, 99))

    def _read(self, space: int) -> Common:
        return ops.Read(space, self._page(space))

    def _fork(self, space: int) -> Common:
        if len(self.model.world.spaces) == MOST_SPACES:
            return self._exit(space)
        self.next_space += 1
        return ops.Fork(space, self.next_space - 1, "unmap_in_place")

    def _exit(self, space: int) -> Common:
        return ops.Exit(space) if len(self.model.world.spaces) > 1 else self._touch(space)


def _fixed_end(area: Area) -> bool:
    """Whether what it maps ends where it was mapped to."""
    return bool(area.flags & SHARED) and area.file is None
