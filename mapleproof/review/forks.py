"""Forks of both sides, booted: every request of a fork refused in turn, over the same scenarios.

Each side is built for User Mode Linux, in one folder, so that only what a change reaches is compiled again.
On all sides alike its own flush_tlb_mm passes over the marker of a failed fork (`booted.planted.ALWAYS`): as
it is it panics there before anything else shows.

A sort of failure that one side has and the other does not is looked for on both once more before it is news.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mapleproof.impl.kernel.booted.build import BootedBuild, build, check_whole_tree, objects_of
from mapleproof.impl.kernel.booted.config import Variant
from mapleproof.impl.kernel.booted.edits import NOTHING, edited_files
from mapleproof.impl.kernel.booted.needs import check_needs
from mapleproof.impl.kernel.booted.planted import ALWAYS
from mapleproof.impl.kernel.booted.worktree import take_on, worktree
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.common.files import case_bytes
from mapleproof.props.common.forms import spell
from mapleproof.props.common.found import keep, safe_name
from mapleproof.props.common.operation import Common
from mapleproof.props.job.options import IMPL
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.booted_sweep import booted_case, sort_of, sweep_numbered
from mapleproof.props.mm.operations import Fork
from mapleproof.props.mm.sweep import Broken, Swept
from mapleproof.review.sides import News, Shown, Tell
from mapleproof.review.trees import Side

LANE = "booted"
"""What the cases of this part are of."""

VARIANT = Variant("um", planted="repaired")

LEAST = 2
"""Scenarios that are run however short the time is: a parent that grows, and two VMAs in one page table."""

PATIENCE = 10.0
"""Seconds that a guest gets for an answer: hundreds of times what the longest takes."""

Sorts = Mapping[str, Broken]
"""Breaks by their sort, the first of each."""


def port_for(shown: Shown, tree: Path, own: bool = False) -> str:
    """The port on which the case of a failure is carried out again, in the user's own tree; `own` is whether
    that is a checkout of this project."""
    if own:
        return IMPL
    return f"{LANE}:{tree}?seed={NOTHING}" if shown.lane == LANE else f"kernel:{tree}"


class Kernel(Protocol):
    """One side's kernel, booted for one scenario after another."""

    def sweep(self, number: int) -> tuple[Swept, Sorts] | None:
        """Fail the fork of the scenario of this number at every request; None where it is not offered.
        Raises KernelBuildError where the kernel does not boot."""

    @property
    def image(self) -> str:
        """The same for kernels that are the same byte for byte."""


@dataclass(frozen=True, slots=True)
class Guests:
    """Guests of a kernel that was built; each scenario gets a new one."""

    built: BootedBuild
    seed: int

    @property
    def image(self) -> str:
        return str(self.built.folder)

    def begun(self) -> BootedPort:
        """A guest that is up. Raises KernelBuildError."""
        return BootedPort(f"{LANE}:{self.built.source}", patience=PATIENCE, kernel=self.built)

    def sweep(self, number: int) -> tuple[Swept, Sorts] | None:
        port = self.begun()
        found: dict[str, Broken] = {}
        try:
            swept = sweep_numbered(
                port, number, self.seed, lambda broken: found.setdefault(sort_of(broken), broken)
            )
        finally:
            port.close()
        return None if swept is None else (swept, found)


@dataclass(slots=True)
class Forks:
    """What forks of two sides have shown: how many scenarios, failure points and failed forks of the newer
    side; `same` is whether both kernels are the same byte for byte, so that nothing was run."""

    scenarios: int = 0
    points: int = 0
    failed: int = 0
    same: bool = False
    news: list[tuple[News, Shown]] = field(default_factory=list)


@dataclass(slots=True)
class Kernels:
    """The kernels of all sides of a series, and what their forks have shown, scenario by scenario. ``made``
    are those that are built and boot."""

    tree: Path
    seed: int
    out: Path
    tell: Tell
    made: dict[Side, Kernel] = field(default_factory=dict)
    _seen: dict[str, dict[int, tuple[Swept, Sorts]]] = field(default_factory=dict)
    _again: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)

    def make(self, sides: Sequence[Side]) -> Iterator[tuple[Side, str]]:
        """Build the sides' kernels: each with why it has none, empty where it has one. Raises
        KernelBuildError where the first has none."""
        check_whole_tree(sides[0].folder, VARIANT.arch)
        check_needs(VARIANT.arch)
        with worktree(self.tree) as folder:
            for side in sides:
                self.tell(f"{side.name}: builds it for User Mode Linux")
                take_on(folder, side.folder)
                try:
                    made = Guests(build(folder, VARIANT, edits=_repairs(folder)), self.seed)
                    made.begun().close()
                except KernelBuildError as error:
                    if side is sides[0]:
                        raise
                    yield side, str(error).replace(f"{folder}: ", "")
                    continue
                self.made[side] = made
                yield side, ""

    def not_built(self, paths: Sequence[str]) -> list[str]:
        """Those of these C files that are no part of the kernels."""
        with worktree(self.tree) as folder:
            objects = objects_of(folder, VARIANT)
            return [
                path
                for path in paths
                if path.endswith(".c") and not (objects / path).with_suffix(".o").is_file()
            ]

    def run(self, seconds: float) -> None:
        """Take scenario after scenario to all kernels until the time is over, `LEAST` at any rate. Raises
        KernelBuildError where one does not boot."""
        kernels = {kernel.image: kernel for kernel in self.made.values()}
        end, number = time.monotonic() + seconds, 0
        while len(kernels) > 1 and (number < LEAST or time.monotonic() < end):
            for image, kernel in kernels.items():
                if (shown := kernel.sweep(number)) is not None:
                    self._seen.setdefault(image, {})[number] = shown
            number += 1

    def compare(self, base: Side, before: Side, after: Side) -> Forks:
        """What the forks of two sides say about the change from one to the other. What fails on the ``base``
        of the series is broken by none of its changes."""
        one, other = self.made[before].image, self.made[after].image
        if one == other:
            return Forks(same=True)
        swept = self._seen.get(other, {})
        result = Forks(
            len(swept),
            sum(each.points for each, _ in swept.values()),
            sum(each.failed for each, _ in swept.values()),
        )
        old, new, first = (self._sorts(image) for image in (one, other, self.made[base].image))
        broken = [sort for sort in new if sort not in old and sort not in first]
        mended = [sort for sort in old if sort not in new]
        both = [sort for sort in new if sort not in broken]
        for kind, names, sorts, fails, holds in (
            (News.BROKEN, broken, new, after, before),
            (News.MENDED, mended, old, before, after),
        ):
            again = [sort for sort in names if sort in self._swept_again(fails, sorts[sort][0])]
            both += [sort for sort in again if sort in self._swept_again(holds, sorts[sort][0])]
            sure = {sort: sorts[sort][1] for sort in again if sort not in both}
            result.news += [(kind, shown) for shown in self._by_program(fails, sure)]
        result.news += [(News.BOTH, self._shown(after, {sort: {**old, **new}[sort][1]})) for sort in both]
        return result

    def _sorts(self, image: str) -> dict[str, tuple[int, Broken]]:
        """The sorts that a kernel has shown, with the scenario and the first break of each."""
        found: dict[str, tuple[int, Broken]] = {}
        for number, (_, sorts) in self._seen.get(image, {}).items():
            for sort, broken in sorts.items():
                found.setdefault(sort, (number, broken))
        return found

    def _by_program(self, side: Side, sorts: Sorts) -> Iterator[Shown]:
        """What first shows in the same fork is one failure."""
        for program in dict.fromkeys(broken.program for broken in sorts.values()):
            own = {sort: broken for sort, broken in sorts.items() if broken.program == program}
            yield self._shown(side, own)

    def _swept_again(self, side: Side, number: int) -> frozenset[str]:
        """The sorts that a scenario shows when it is run once more."""
        kernel = self.made[side]
        if (kernel.image, number) not in self._again:
            shown = kernel.sweep(number)
            self._again[kernel.image, number] = frozenset(shown[1] if shown else ())
        return self._again[kernel.image, number]

    def _shown(self, side: Side, own: Sorts) -> Shown:
        """Breaks of one fork as one failure."""
        broken = next(iter(own.values()))
        name = safe_name(f"booted-{side.name}-{broken.promise}")
        content = case_bytes(booted_case(name, broken.program, broken.promise), "")
        told = tuple(_told(broken, [each.what for each in own.values()]))
        return Shown("; ".join(own), LANE, keep(content, name, self.out), told, len(broken.program))


def _told(broken: Broken, seen: Sequence[str]) -> Iterator[str]:
    """A break in a few lines, and all that was seen with it."""
    yield f"{broken.promise}: {broken.what}"
    for number, op in enumerate(broken.program, 1):
        yield f"    {number:>3}  {_spelled(op)}"
    yield from (f"    seen    {what}" for what in seen)


def _spelled(op: Common) -> str:
    """An operation; of a fork what is refused."""
    if not isinstance(op, Fork) or op.fail_after is None:
        return spell(op)
    later = "" if op.fail_count == 1 else ", and all after it"
    return f"fork(space={op.space}, into={op.into}): request {op.fail_after + 1} is refused{later}"


def _repairs(tree: Path) -> dict[str, str]:
    """The edits without which nothing shows; none where they do not fit, and are not needed."""
    try:
        return edited_files(tree, ALWAYS)
    except ValueError:
        return {}
