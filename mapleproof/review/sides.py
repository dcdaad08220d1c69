"""Both sides under the main job, with the same seeds; every case of one is carried out on the other.

What fails on one side alone is what the change breaks or mends. What fails on both is no news.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import case_bytes
from mapleproof.props.common.found import keep, named
from mapleproof.props.common.port import Lacking, PortError
from mapleproof.props.job.check import Result, run
from mapleproof.props.job.options import Options
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Done, Met, Task, case_of, explain, smallest
from mapleproof.review.trees import Side

Tell = Callable[[str], None]
"""Hears one line on what goes on."""

SHARE_OF_KNOWN = 0.2
"""How much of the first side's time is for what is known of kernels too, which a change may mend: the rest
keeps away from it, since a run ends at the first thing that it meets."""

SORTS = 12
"""Sorts of failure after which a side's run ends early."""


class News(Enum):
    """What a case says about the change."""

    BROKEN = "broken by the change"
    MENDED = "mended by the change"
    BOTH = "on both sides"


@dataclass(frozen=True, slots=True)
class Shown:
    """A failure of one side: its sort, the lane that met it, its case, and the case in a few lines. There is
    no case of what is no run, as a lane that comes to no end."""

    sort: str
    lane: str
    case: Path | None
    told: tuple[str, ...]
    steps: int


@dataclass(slots=True)
class Tried:
    """What a side was put through: operations in the trees, by lane, and its failures, each sort once."""

    operations: dict[str, int] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    interrupted: bool = False
    suite: str = ""

    def take(self, result: Result) -> None:
        """Add what came of one run."""
        self.interrupted |= result.interrupted
        for name, lane in result.lanes.items():
            self.operations[name] = self.operations.get(name, 0) + lane.operations
            for done in lane.failures:
                self._take(done)

    def _take(self, done: Done) -> None:
        self.suite = self.suite or done.suite
        sort = done.failure or ""
        if done.suite:
            return
        before = self.shown.get(sort)
        if before is None or done.steps < before.steps:
            case = None if done.case is None else Path(done.case)
            self.shown[sort] = Shown(sort, done.lane, case, tuple(done.told), done.steps)


@dataclass(slots=True)
class _Quiet:
    """The view of a run of which a review tells itself."""

    def met(self, task: Task, met: Met) -> None:
        pass

    def broke(self, recovery: str, promise: str, what: str) -> None:
        pass

    def tell(self, done: Done, result: Result) -> None:
        pass


def port_of(side: Side) -> str:
    """The port that is the side's own tree."""
    return f"kernel:{side.folder}"


def try_side(side: Side, seconds: float, jobs: int, seed: int, out: Path, known: bool) -> Tried:
    """Put a side through all lanes that its port has, for so many seconds; where it is to meet what is
    `known` too, that comes first."""
    tried = Tried()
    shares = {False: SHARE_OF_KNOWN, True: 1 - SHARE_OF_KNOWN} if known else {True: 1.0}
    for careful, share in shares.items():
        options = Options(
            seconds=seconds * share,
            jobs=jobs,
            seed=seed,
            port=port_of(side),
            out=str(out),
            most_failures=SORTS,
            careful=careful,
        )
        tried.take(run(options, _Quiet()))
        if tried.interrupted:
            break
    return tried


Fails = Callable[[Side, Shown], bool]
"""Whether a failure's case fails on a side too, in whatever way."""


def made_small(side: Side, met: Difference, seed: int, out: Path) -> Shown:
    """A run that is not as it must be on a side, made small and kept as a case."""
    task = Task("bulk", 0, seed, port_of(side), str(out), careful=True)
    small = smallest(met, task)
    case = named(case_of(small, task), small.sort)
    path = keep(case_bytes(case, ""), case.header.name, out)
    return Shown(small.sort, "beside", path, tuple(explain(small, task, case.header.name)), len(small.steps))


def fails_on(side: Side, shown: Shown) -> bool:
    """Whether it does on a kernel's tree."""
    if shown.case is None:
        return False
    try:
        return replay_file(shown.case, port_of(side), "exact").difference is not None
    except (Lacking, PortError):
        return False


def news(
    base: tuple[Side, Tried],
    before: tuple[Side, Tried],
    after: tuple[Side, Tried],
    fails: Fails = fails_on,
) -> list[tuple[News, Shown]]:
    """What the failures of two sides say about the change from one to the other, what is broken first. What
    fails on the `base` of the whole series is broken by none of its changes. What has no case is on both
    sides where both have met its sort."""
    found: list[tuple[News, Shown]] = []
    sorts: set[str] = set()
    for own, others, kind in (
        (after, (before, base), News.BROKEN),
        (before, (after,), News.MENDED),
    ):
        for shown in own[1].shown.values():
            both = any(
                (shown.case is None and shown.sort in tried.shown) or fails(other, shown)
                for other, tried in dict(others).items()
            )
            if not (both and shown.sort in sorts):
                found.append((News.BOTH if both else kind, shown))
            sorts.add(shown.sort)
    return found
