"""The arms of a campaign: what its budget is divided among.

An arm is a row of units that are numbered from 0 on, each decided by the campaign's seed, the arm and its
number: the units of `mapleproof check` by lane and port, and what only a campaign has the time for: every
failure point of real address spaces, tiny worlds and layouts that grow, proofs whose bounds grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mapleproof.impl.mm.recovery import HOLDING
from mapleproof.props.job.choose_port import kind_of_port
from mapleproof.props.job.names import CAMPAIGN_LANES
from mapleproof.props.maple.lanes.maps import Space
from mapleproof.props.mm.maps import RealVma, kept_spaces

SWEEP_WORK = 60_000
"""VMAs times failure points in one unit of a sweep over a real address space: some seconds."""

POINTS_PER_VMA = 7
"""Failure points of a fork for each VMA, at the most: how a sweep is cut into units."""


@dataclass(frozen=True, slots=True)
class Arm:
    """``subject`` is a recovery, or a series of proofs. ``end`` is how many units there are; None: no end."""

    lane: str
    port: str = "impl"
    subject: str = ""
    end: int | None = None

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return " ".join(filter(None, (self.lane, self.subject, "" if self.port == "impl" else self.port)))


@dataclass(frozen=True)
class Real:
    """A real address space: its ``name``, and its VMAs. One that comes with the project travels by its
    name."""

    name: str
    vmas: tuple[RealVma, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        if kept().get(self.name) == self.vmas:
            return _kept_space, (self.name,)
        return Real, (self.name, self.vmas)

    @property
    def ranges(self) -> Space:
        """What a tree of it holds."""
        return Space(self.name, tuple((vma.start, vma.end - 1) for vma in self.vmas))


@lru_cache
def kept() -> dict[str, tuple[RealVma, ...]]:
    """The spaces that come with the project."""
    return {name: tuple(space) for name, space in kept_spaces().items()}


def _kept_space(name: str) -> Real:
    return Real(name, kept()[name])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What arms are made of."""

    ports: tuple[str, ...] = ("impl",)
    lanes: tuple[str, ...] = CAMPAIGN_LANES
    recoveries: tuple[str, ...] = HOLDING
    spaces: tuple[Real, ...] = ()
    careful: bool = False


def arms_of(wanted: Wanted) -> list[Arm]:
    """All arms that can be had, in the order of the lanes."""
    return [arm for lane in CAMPAIGN_LANES if lane in wanted.lanes for arm in _of_lane(lane, wanted)]


def _of_lane(lane: str, wanted: Wanted) -> Iterator[Arm]:
    spaces, recoveries = wanted.spaces, wanted.recoveries
    ports = [port for port in wanted.ports if lane in kind_of_port(port).lanes]
    if not ports or (lane == "readers" and wanted.careful):
        # The 6.12 kernel goes wrong under readers in more ways than could be kept away from
        return
    if lane in ("bulk", "machine", "readers", "interleavings", "live"):
        yield from (Arm(lane, port) for port in ports)
    elif lane == "spaces":
        yield from (Arm(lane, port, end=len(spaces)) for port in ports)
    elif lane == "sweep":
        end = len(chunks(spaces))
        yield from (Arm(lane, subject=name, end=end) for name in recoveries)
    elif lane in ("fork", "layouts"):
        yield from (Arm(lane, subject=name) for name in recoveries)
    elif lane == "worlds":
        yield Arm(lane)
    else:
        from mapleproof.proofs.growing import SERIES

        for series in SERIES.values():
            sizes = None if series.last is None else series.last + 1 - series.first
            yield Arm(lane, subject=series.name, end=sizes)


def chunks(spaces: Sequence[Real]) -> list[tuple[int, int, int]]:
    """The units of a sweep over real spaces: the number of a space, a failure point to begin with, and the
    step to the next one. All spaces begin before any is finished; together it is every point of each."""
    strides = [max(1, len(space.vmas) ** 2 * POINTS_PER_VMA // SWEEP_WORK) for space in spaces]
    every = [(first, at, stride) for at, stride in enumerate(strides) for first in range(stride)]
    return [(at, first, stride) for first, at, stride in sorted(every)]
