"""Real lots, reports and findings for `mapleproof bench campaign`, and the size of each message.

What a lot brings back depends on its lane little; a failure as it was met is what is large: all its steps.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from mapleproof.campaign.arms import Arm, Real, kept
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.campaign.work import carry_out
from mapleproof.props.common.files import Case, Header
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE

RAW_STEPS = 8_000
"""Steps of a failure as the bulk lane meets it, at the most."""

BULK = Arm("bulk")

SORT = "wrong answer in mtree_store_range"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the network once: ``size`` is bytes of its pickle."""

    name: str
    way: str
    size: int


@lru_cache
def real_report() -> Report:
    """What one real unit of the bulk lane brings back."""
    return carry_out(Lot(BULK, 0, 1), tell=lambda finding: None)


@lru_cache
def raw_case(steps: int = RAW_STEPS) -> Case:
    """A run of the bulk lane, all steps with their answers, as a failure that was just met holds it."""
    done = bulk.run(1, steps, ModelPort, shrink=False)
    header = Header("bulk 1", {"alloc_range": False, "rcu": False}, "found", MAPLE_TREE, "wrong answer")
    return Case(header, done.steps[:steps])


def raw_finding(unit: int, steps: int = RAW_STEPS) -> Finding:
    """A failure with a run of so many steps. Each unit has its own file in `found`."""
    return Finding(unit, SORT, ["expected 0, actual 1"] * 6, raw_case(steps), small=False)


def messages(steps: int = RAW_STEPS) -> list[Message]:
    """Each message of a campaign, and its size."""
    return [Message(name, way, len(pickle.dumps(what))) for name, way, what in _samples(steps)]


def _samples(steps: int) -> Iterator[tuple[str, str, object]]:
    out, back = "to a worker", "back"
    lot, report = Lot(BULK, 1_000_000, 12), real_report()
    name, vmas = max(kept().items(), key=lambda space: len(space[1]))
    finding = raw_finding(0, steps)
    small = replace(finding, case=Case(raw_case(steps).header, raw_case(steps).steps[:8]), small=True)
    sweep = Lot(Arm("sweep", subject="unmap_in_place"), 0, 1, sweeps=((0, 1),))
    yield "lot of units", out, lot
    yield "lot of a kept address space", out, replace(sweep, spaces=(Real(name, vmas),))
    yield f"lot of another one, {len(vmas)} VMAs", out, replace(sweep, spaces=(Real("process-0", vmas),))
    yield "lot of 200 states of a tiny world", out, replace(lot, world=0, states=_states(200))
    yield "report", back, report
    yield "report with 2,000 states", back, replace(report, successors=list(_states(2000)))
    yield f"report with a failure of {steps:,} steps", back, replace(report, findings=[finding])
    told = tuple(finding.told)
    yield "failure to make small", out, Shrinking(lot, 0, SORT, told, raw_case(steps))
    yield "failure made small, 8 steps", back, small


def _states(count: int) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((number.to_bytes(16), bytes([number % 251] * 12)) for number in range(count))
