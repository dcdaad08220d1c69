"""How a campaign stands, from its ledger alone: for `--status`, the live view, `--json` and the page."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mapleproof.campaign.ledger import Ledger
from mapleproof.props.job.names import CAMPAIGN_LANES
from mapleproof.props.maple import events as expected_events
from mapleproof.props.maple.lanes import growing

LATELY = 8
"""Events that are shown as met for the first time lately."""


@dataclass(slots=True)
class ArmFigures:
    """What an arm has done. ``share`` is its part of all time, ``news`` what it met first."""

    name: str
    units: int
    operations: int
    seconds: float
    share: float
    news: int
    failures: int
    ended: str

    @property
    def pace(self) -> float:
        """Operations for each second of a worker."""
        return self.operations / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Status:
    """Everything that is known. ``seconds`` is wall time of all runs, ``busy`` that of workers in lots;
    ``lately`` are events that were met for the first time, with the arm and how long ago; ``worlds`` tiny
    worlds with states met and expanded; ``memory`` the first and last note of what each worker's process
    held."""

    folder: str
    running: bool
    seconds: float
    settings: dict[str, Any]
    arms: list[ArmFigures] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    lately: list[tuple[str, str, float]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    swept: list[tuple[str, int, int, int]] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)
    worlds: list[tuple[str, int, int]] = field(default_factory=list)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    @property
    def operations(self) -> int:
        """Operations of all arms."""
        return sum(arm.operations for arm in self.arms)

    @property
    def busy(self) -> float:
        """Seconds that workers have spent in lots."""
        return sum(arm.seconds for arm in self.arms)

    @property
    def failures(self) -> int:
        """All findings, those of known sorts too."""
        return sum(case["times"] for case in self.cases)

    def missing(self) -> list[str]:
        """Interesting events that never happened."""
        return expected_events.missing(self.events, expected_events.wanted(self.events))

    def as_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "folder": self.folder,
            "running": self.running,
            "seconds": self.seconds,
            "busy": self.busy,
            "operations": self.operations,
            "settings": self.settings,
            "arms": {
                arm.name: {
                    "units": arm.units,
                    "operations": arm.operations,
                    "seconds": arm.seconds,
                    "news": arm.news,
                    "failures": arm.failures,
                    "ended": arm.ended,
                }
                for arm in self.arms
            },
            "events": dict(sorted(self.events.items())),
            "cases": [
                {key: case[key] for key in ("port", "sort", "lane", "steps", "times", "file")}
                for case in self.cases
            ],
            "swept": {name: {"forks": f, "failed": d, "points": p} for name, f, d, p in self.swept},
            "proofs": [{**proof} for proof in self.proofs],
            "worlds": {name: {"met": met, "expanded": expanded} for name, met, expanded in self.worlds},
            "memory": {name: [held for _, held in notes] for name, notes in self.memory.items()},
        }


SETTINGS = ("seed", "seeded", "ports", "lanes", "recoveries", "careful", "even", "fingerprint")


def status_of(folder: Path, ledger: Ledger, running: bool = False) -> Status:
    """How the campaign in a folder stands."""
    settings = {name: ledger.setting(name) for name in SETTINGS}
    status = Status(str(folder), running, ledger.elapsed(), settings)
    figures = ledger.figures()
    busy = sum(known["seconds"] for known in figures.values()) or 1.0
    for name, known in sorted(
        figures.items(), key=lambda pair: CAMPAIGN_LANES.index(pair[0].partition(" ")[0])
    ):
        values = {key: known[key] for key in ("units", "operations", "seconds", "news", "failures", "ended")}
        status.arms.append(ArmFigures(name, **values, share=known["seconds"] / busy))
    status.events = ledger.events()
    now = time.time()
    status.lately = [(name, arm, now - at) for name, arm, at in ledger.first_events(LATELY)]
    status.cases = [{**case, "told": json.loads(case["told"])} for case in ledger.cases()]
    status.swept, status.proofs = ledger.swept(), ledger.proofs()
    status.worlds = [
        (growing.WORLDS[number].name, met, expanded) for number, met, expanded in ledger.worlds()
    ]
    for process, at, memory in ledger.workers():
        status.memory.setdefault(process, []).append((at, memory))
    return status
