"""Calls other than fork, refused memory half-way: each request of a munmap, mprotect, mremap, mmap or madvise
that splits is refused in turn, on whatever port can be made to refuse.

After each: it failed with -ENOMEM, or nothing was refused; every address is mapped as it was before or as it
must be after, or, where the call unmaps what was there first (mmap, mremap), not at all; a refusal changes
nothing else. Then all is unmapped, and nothing may be left. What a call may have done before it failed is
what the manual pages say: mprotect and madvise stop at the first VMA that they cannot change, and those
before it are changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from errno import ENOMEM
from typing import Any, Protocol

from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces

RW = VM_READ | VM_WRITE
MOST_REQUESTS = 1000
"""More than any call here asks for: a call that is still refused something then is told as broken."""

Scenario = tuple[list[Common], Any]
"""What is done before, and the call."""


class Refusing(Protocol):
    """A port whose calls can be refused memory; `refused` names what the first request had asked for."""

    refused: str

    def apply(self, op: Common) -> Answer: ...


@dataclass(slots=True)
class CallsSwept:
    """What was seen: calls, how many failed, what was refused; `broken` is what must not be, the call with
    it."""

    calls: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: CallsSwept) -> None:
        self.calls += other.calls
        self.failed += other.failed
        self.refused += other.refused
        self.broken += other.broken


def scenarios(geometry: PageGeometry, base: int = 0) -> Iterator[Scenario]:
    """Three VMAs in a row, the middle one of a file, and each call over the middle of one and across all."""
    page = geometry.page
    at = base + geometry.page
    begin: list[Common] = [
        ops.Mmap(0, at, 4 * page, RW, None),
        ops.Mmap(0, at + 4 * page, 4 * page, RW, 1),
        ops.Mmap(0, at + 8 * page, 4 * page, VM_READ, None),
        ops.Touch(0, at, 8 * page),
    ]
    away = at + 16 * page
    for start, size in ((at + page, 2 * page), (at + 5 * page, 2 * page), (at + 2 * page, 8 * page)):
        yield begin, ops.Munmap(0, start, size)
        yield begin, ops.Mprotect(0, start, size, VM_READ)
        yield begin, ops.Madvise(0, start, size, "dontfork")
        yield begin, ops.Mmap(0, start, size, RW, None)
        yield begin, ops.Mmap(0, start, size, VM_READ, 2)
    yield begin, ops.Mremap(0, at + page, 2 * page, away, 2 * page)
    yield begin, ops.Mremap(0, at + 5 * page, 2 * page, away, 3 * page)
    yield begin, ops.Mremap(0, at + 5 * page, 2 * page, at + page, 2 * page)
    yield begin, ops.Mremap(0, at + 4 * page, 4 * page, at + 4 * page, 2 * page)
    many = [*begin, ops.MmapEach(0, away, page, 2 * page, 24, RW)]
    yield many, ops.Munmap(0, at + page, 40 * page)
    yield many, ops.Mmap(0, at + page, 40 * page, RW, 1)


def sweep(
    scenario: Scenario, geometry: PageGeometry, begin: Callable[[], Refusing], left: Callable[[Any], str]
) -> CallsSwept:
    """Refuse each request of the scenario's call. `begin` makes a port with space 0, empty; `left` says of
    one in which all was unmapped what is left there."""
    swept = CallsSwept()
    program, call = scenario
    before, after = _expected(program, call, geometry)
    for n in range(MOST_REQUESTS):
        port = begin()
        for op in program:
            port.apply(op)
        failing = replace(call, fail_after=n)
        answer = port.apply(failing)
        refused = port.refused
        swept.calls += 1
        swept.failed += answer.ret != 0
        if refused:
            swept.refused[refused] += 1
        wrong = _wrong_answer(answer, refused) or _wrong_areas(port, call, answer.ret == 0, before, after)
        wrong = wrong or _wrong_end(port, left, geometry, program)
        if wrong:
            swept.broken.append(f"{spell(failing)}: {wrong}")
        if not refused or wrong:
            break
    return swept


def left_in_impl(port: ImplSpaces) -> str:
    """What is wrong with the implementation's space 0 in which nothing is mapped, and what it has not given
    back once it is gone."""
    try:
        port.check(0)
    except AssertionError as error:
        return str(error)
    port.apply(ops.Exit(0))
    return (
        f"{left} objects, references or charged pages are left" if (left := port.live_allocations()) else ""
    )


def _expected(program: Sequence[Common], call: Common, geometry: PageGeometry) -> tuple[Any, Any]:
    """What is mapped before the call, and after it."""
    model = ModelSpaces(geometry)
    for op in program:
        model.apply(op)
    before = model.apply(ops.Vmas(0)).entries
    model.apply(call)
    return before, model.apply(ops.Vmas(0)).entries


def _wrong_answer(answer: Answer, refused: str) -> str:
    if answer.crash is not ABSENT:
        return str(answer.crash)
    if answer.ret == 0 or (refused and answer.ret == -ENOMEM):
        return ""
    return f"returned {answer.ret}, " + (f"{refused} was refused" if refused else "nothing was refused")


def _wrong_areas(port: Refusing, call: Common, succeeded: bool, before: Any, after: Any) -> str:
    """What is mapped otherwise than before and after."""
    now: Any = port.apply(ops.Vmas(0)).entries
    if succeeded:
        return "" if now == after else f"there is {now}, must be {after}"
    unmaps = isinstance(call, ops.Mmap | ops.Mremap)
    borders = sorted(
        {edge for entries in (before, after, now) for first, last, _ in entries for edge in (first, last + 1)}
    )
    for at in borders:
        here, was, will = (_flags(entries, at) for entries in (now, before, after))
        if here not in (was, will) and not (unmaps and here is None):
            return f"{at:#x} is mapped with {here}, was with {was}, would be with {will}"
    return ""


def _flags(entries: Any, at: int) -> int | None:
    return next((flags for first, last, flags in entries if first <= at <= last), None)


def _wrong_end(
    port: Refusing, left: Callable[[Any], str], geometry: PageGeometry, program: Sequence[Common]
) -> str:
    """What is left once all is unmapped."""
    first = program[0]
    assert isinstance(first, ops.Mmap)
    answer = port.apply(ops.Munmap(0, first.start, 80 * geometry.page))
    if answer.ret != 0:
        return f"what is there cannot be unmapped: {answer.given()}"
    return left(port)
