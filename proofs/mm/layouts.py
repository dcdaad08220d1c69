"""From the inputs of a counterexample to a case about address spaces: VMAs where the inputs say, pages in the
tables that they name, and then the fork that fails or the munmap().

VMAs are private mappings of files of their own, so that unlinking one twice shows. Not covered: inputs beyond
what user space can map; there is no case of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from mapleproof.impl.mm.recovery.unmap_in_place import UnmapInPlace
from mapleproof.proofs.engine.cases import space_case
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces

if TYPE_CHECKING:
    from mapleproof.impl.mm.recovery.base import Fork

Inputs = dict[str, int]
RW = VM_READ | VM_WRITE
MOST_REQUESTS = 200
"""Requests of a fork among which the one is looked for that is to fail."""


def areas(inputs: Inputs, *kinds: str) -> list[tuple[int, int]]:
    """The VMAs of the inputs whose names begin so, in order, as (start, end)."""
    names = [name.removesuffix(".start") for name in inputs if name.endswith(".start")]
    return sorted(
        (inputs[f"{name}.start"], inputs[f"{name}.end"]) for name in names if name.startswith(kinds)
    )


def tables_of(inputs: Inputs, shape: PageGeometry) -> list[tuple[int, int]]:
    """The tables of the inputs, as (start, end)."""
    bases = [(level, inputs[f"table{level}"]) for level in range(1, 6) if f"table{level}" in inputs]
    return [(base, base + shape.span(level)) for level, base in bases]


def mapped(
    placed: Iterable[tuple[int, int]], inputs: Inputs, shape: PageGeometry, flags: int = RW
) -> list[Common]:
    """Map VMAs and use some pages of each: the first, the last, those that the inputs name, and the first and
    last in each table that they name."""
    program: list[Common] = []
    for number, (start, end) in enumerate(placed, 1):
        program.append(ops.Mmap(0, start, end - start, flags, number))
        pages = {start, end - shape.page}
        if start <= inputs.get("page", -1) < end:
            pages.add(inputs["page"])
        for base, top in tables_of(inputs, shape):
            if base < end and start < top:
                pages |= {max(start, base), min(end, top) - shape.page}
        program += [ops.Touch(0, page, shape.page) for page in sorted(pages)]
    return program


class Watched(UnmapInPlace):
    """Takes down how far the fork had come."""

    def __init__(self) -> None:
        self.seen: tuple[int, bool] | None = None

    def recover(self, fork: Fork) -> None:
        self.seen = (fork.child.map_count, fork.first_left is not None)
        super().recover(fork)


def request_that_fails(program: list[Common], shape: PageGeometry, copied: int, left: bool) -> int | None:
    """How many requests to grant so that so many VMAs are copied, with one left or none."""
    found = None
    for granted in range(MOST_REQUESTS):
        port, watched = ImplSpaces(shape, audits=False, observed=False), Watched()
        port.recoveries = {MEANT_TO_BE_RIGHT: watched}
        for op in program:
            port.apply(op)
        port.apply(ops.Fork(0, 1, MEANT_TO_BE_RIGHT, fail_after=granted))
        if watched.seen == (copied, left):
            found = granted
        if not port.refused:
            break
    return found


def failed_fork(inputs: Inputs, recovery: str, shape: PageGeometry = X86_64, flags: int = RW) -> Case | None:
    """The fork that fails with the VMAs `vma...` copied and those called `left...` not."""
    own, rest = areas(inputs, "vma"), areas(inputs, "left")
    if any(end > shape.task_size for _, end in own + rest):
        return None
    program = mapped(own + rest, inputs, shape, flags)
    granted = request_that_fails(program, shape, len(own), bool(rest))
    if granted is None:
        return None
    program.append(ops.Fork(0, 1, recovery, fail_after=granted))
    return space_case(recovery, program, shape, "failed fork")


def recovery_of(part: str) -> str:
    """The recovery that a part's name begins with."""
    return max((name for name in RECOVERIES if part.startswith(name)), key=len)


def fork_to_case(
    shape_of: Callable[[str], PageGeometry], flags: int = RW
) -> Callable[[str, Inputs], Case | None]:
    """Of claims about recoveries, whose parts' names begin with the recovery's."""
    return lambda part, inputs: failed_fork(inputs, recovery_of(part), shape_of(part), flags)


def unmapping(
    placed: Iterable[tuple[int, int]],
    gone: tuple[int, int],
    inputs: Inputs,
    shape: PageGeometry = X86_64,
) -> Case | None:
    """munmap() of a range, and all that can be seen of what is left."""
    placed = sorted(placed)
    start, end = gone
    if end > shape.task_size or any(high > shape.task_size for _, high in placed) or start >= end:
        return None
    program = mapped(placed, inputs, shape)
    program += [ops.Munmap(0, start, end - start), ops.Areas(0), ops.Pages(0), ops.Committed()]
    program += [ops.PageTables(0, level) for level in range(1, shape.levels)]
    return space_case("munmap", program, shape, "page tables freed exactly")


def between(
    inputs: Inputs, own: list[tuple[int, int]], floor: int, ceiling: int, shape: PageGeometry = X86_64
) -> Case | None:
    """VMAs that go, with neighbours of one page that end at the floor and begin at the ceiling."""
    around = []
    if floor:
        around.append((floor - shape.page, floor))
    if 0 < ceiling < shape.task_size:
        around.append((ceiling, ceiling + shape.page))
    return unmapping(own + around, (own[0][0], own[-1][1]), inputs, shape)
