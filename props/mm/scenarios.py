"""Scenarios to fork from: corners that past mistakes had in common, and random histories by seed.

Addresses lie around the borders of page tables of every level, so that VMAs share tables, straddle borders
and leave gaps of less and of more than a table.
"""

import random
from collections.abc import Iterator

from mapleproof.impl.mm.flags import (
    VM_EXEC,
    VM_GROWSDOWN,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
)
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.dispatch import draw

RW = VM_READ | VM_WRITE
Program = list[Common]
GOOD = "bulk_insert"
"""The recovery by which forks within a scenario are done; they succeed."""


def corners(geometry: PageGeometry) -> Iterator[Program]:
    """Small scenarios, each with one thing that a recovery got wrong once."""
    page, pmd = geometry.page, geometry.span(1)
    far = geometry.span(2) if geometry.span(3) > geometry.task_size else geometry.span(3)
    far = far if far + 4 * page <= geometry.task_size else geometry.span(2)
    two_in_one_table: Program = [
        ops.Mmap(0, page, page, RW, None),
        ops.Mmap(0, 2 * page, page, RW, None),
        ops.Touch(0, page, 2 * page),
    ]
    yield two_in_one_table
    yield []
    yield [ops.Mmap(0, page, page, RW, 1), ops.Mmap(0, 2 * page, page, RW, 1), ops.Touch(0, page, page)]
    yield [ops.Mmap(0, 0, page, RW, None), ops.Mmap(0, 2 * page, page, RW, 1), ops.Touch(0, 0, page)]
    yield [*two_in_one_table, ops.Mmap(0, far, 2 * page, RW, None), ops.Touch(0, far, page)]
    yield [*two_in_one_table, ops.Madvise(0, page, page, "dontfork"), ops.Mmap(0, pmd, page, RW, None)]
    yield [
        *two_in_one_table,
        ops.Mmap(0, 3 * page, page, VM_READ, 1),
        ops.Madvise(0, 2 * page, page, "dontfork"),
    ]
    yield [*two_in_one_table, ops.Madvise(0, page, page, "wipeonfork")]
    yield [*two_in_one_table, ops.Mbind(0, page), ops.Userfaultfd(0, page)]
    huge = geometry.huge_page
    yield [
        ops.Mmap(0, pmd, huge, RW | VM_HUGETLB, 3),
        ops.Mmap(0, pmd + huge, huge, RW | VM_HUGETLB, 3),
        ops.Touch(0, pmd, 2 * huge),
    ]
    yield [
        ops.Mmap(0, 0, huge, RW | VM_HUGETLB, 3),
        ops.Mmap(0, max(huge, pmd), page, RW, None),
        ops.Touch(0, 0, huge),
        ops.Touch(0, max(huge, pmd), page),
    ]
    yield [
        ops.Mmap(0, 0, page, RW | VM_PFNMAP | VM_SHARED, 4),
        ops.Mmap(0, page, page, RW | VM_PFNMAP | VM_SHARED, 4),
    ]
    # Enough VMAs for several leaves. Clearing the first ones leaves a leaf too small, which needs memory:
    # once with none duplicated before, once with some.
    many = 26 if geometry.task_size >= 26 * page else 14
    yield [ops.MmapEach(0, 0, page, page, many, RW), ops.Madvise(0, 0, 12 * page, "dontfork")]
    yield [
        ops.MmapEach(0, 0, page, page, many, RW),
        ops.Touch(0, 0, 2 * page),
        ops.Madvise(0, 2 * page, 12 * page, "dontfork"),
    ]
    yield [*two_in_one_table, ops.Fork(0, 1, GOOD), ops.Touch(1, page, page), ops.Exit(0)]


def random_program(rng: random.Random, geometry: PageGeometry) -> Program:
    """A history of some twenty operations."""
    places = Places(rng, geometry)
    program: Program = []
    space, newest = 0, 0
    if rng.random() < 0.2:
        program.append(ops.CommitLimit(rng.choice((4, 16, 64, 4096))))
    for _ in range(rng.randint(2, 10)):
        program.append(places.mapping(space))
    for _ in range(rng.randint(0, 12)):
        if rng.random() < 0.08 and newest < 3:
            newest += 1
            program.append(ops.Fork(space, newest, GOOD))
            space = newest if _fork_succeeds(program, geometry) else space
            if space != newest:
                program.pop()
                newest -= 1
            continue
        program.append(places.change(space))
    return program


def _fork_succeeds(program: Program, geometry: PageGeometry) -> bool:
    from mapleproof.props.mm.sweep import build

    return build(program, geometry, observed=False).spaces.keys() >= {program[-1].into}  # type: ignore[attr-defined]


class Places:
    """Random ranges and operations on them."""

    def __init__(self, rng: random.Random, geometry: PageGeometry) -> None:
        self.rng = rng
        self.shape = geometry
        spans = [geometry.span(level) for level in range(1, geometry.levels)]
        anchors = [0, 0, *spans, *(3 * span for span in spans), *(span * 2 for span in spans)]
        self.anchors = [anchor for anchor in anchors if anchor + 8 * geometry.page <= geometry.task_size]
        self.recent = [0]

    def start(self) -> int:
        page = self.shape.page
        if self.rng.random() < 0.5:
            return self.rng.choice(self.recent) + self.rng.randint(0, 3) * page
        return max(0, self.rng.choice(self.anchors) + self.rng.randint(-2, 4) * page)

    def range(self) -> tuple[int, int]:
        size = self.rng.choice((1, 1, 1, 2, 2, 3, 4, 1 << self.shape.bits)) * self.shape.page
        start = self.start()
        if start + size > self.shape.task_size:
            start = 0
        self.recent.append(start)
        self.recent.append(start + size)
        return start, size

    def mapping(self, space: int) -> Common:
        rng = self.rng
        start, size = self.range()
        kind = rng.random()
        if kind < 0.1:
            huge = self.shape.huge_page
            start, size = start & -huge, max(huge, size & -huge)
            return ops.Mmap(space, start, size, RW | VM_HUGETLB, rng.choice((None, 3)))
        if kind < 0.18:
            return ops.Mmap(space, start, min(size, 4 * self.shape.page), RW | VM_PFNMAP | VM_SHARED, 4)
        flags = rng.choice((RW, RW, RW, VM_READ, VM_READ | VM_EXEC, 0, RW | VM_SHARED, RW | VM_GROWSDOWN))
        if rng.random() < 0.1:
            flags |= VM_LOCKED
        return ops.Mmap(space, start, size, flags, rng.choice((None, None, 1, 2)))

    def change(self, space: int) -> Common:
        rng = self.rng
        start, size = self.range()
        kind = rng.randrange(10)
        if kind < 4:
            return ops.Touch(space, start, min(size, 8 * self.shape.page))
        if kind < 6:
            advice = rng.choice(("dontfork", "dontfork", "wipeonfork", "dofork", "keeponfork"))
            return ops.Madvise(space, start, size, advice)
        if kind == 6:
            return draw(rng, "range")(space, start, size)
        if kind == 7:
            return ops.Mprotect(space, start, size, rng.choice((0, VM_READ, RW)))
        if kind == 8:
            to, new_size = self.range()
            return ops.Mremap(space, start, size, rng.choice((to, start)), new_size)
        return draw(rng, "mark")(space, start)
