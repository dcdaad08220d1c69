"""From what was met to the smallest case of each sort, in the campaign's folder.

What a unit met is written to `found` as it was met, whole or not at all, before its unit counts as done. A
few of each sort are then made small, as tasks of their own; the smallest is kept in `cases`, named by its
sort: the port, and the kind, operation and place of the failure. Of one sort no more than a certain number of
files is kept; the rest is counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import time

from mapleproof.campaign.arms import Arm
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Finding, Lot, Shrinking
from mapleproof.props.common.files import case_bytes, write_whole
from mapleproof.props.common.found import replay_command, safe_name
from mapleproof.props.common.lines import CaseError
from mapleproof.props.job.choose_port import is_kernel
from mapleproof.props.job.subjects import read_case

KEEP = 1_000
"""Files of one sort in `found`, unless the user says otherwise."""

SHRINKS = 3
"""Findings of one sort that are made small: others that look like it may hide behind it."""

FIRST_SHARE = 0.5
"""Of the time, what may go into making sorts small of which there is nothing small."""

LATER_SHARE = 0.125
"""Of the time, what may go into a second look at a sort."""

FREE_SECONDS = 20.0
"""What making failures small may take before that is looked at."""

Sort = tuple[str, str]
"""A port, and a sort of failure there."""


class Findings:
    """What was found. Its methods write files and rows; where one raises, nothing that it has in memory
    counts: `reload` takes that from the ledger again."""

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        arms: Sequence[Arm],
        *,
        keep: int = KEEP,
        seeded: str | None = None,
        careful: bool = False,
    ) -> None:
        self.folder, self.ledger, self.keep = folder, ledger, keep
        self.seeded, self.careful = seeded, careful
        self.arms = {arm.name: arm for arm in arms}
        self.waiting: deque[Shrinking] = deque()
        """What is to be made small, and is not under way."""
        self.seconds = 0.0
        """What making failures small has taken."""
        self._looked: dict[Sort, int] = {}
        """How many of each sort were given out to be made small."""
        self.reload()

    def reload(self, under_way: frozenset[int] = frozenset()) -> None:
        """Take all from the ledger; those numbers are being made small already."""
        states = self.ledger.count_findings()
        self.counts = {key: counts.total() for key, counts in states.items()}
        self.shrinks = {key: counts["met"] + counts["small"] for key, counts in states.items()}
        self.aliases = self.ledger.aliases()
        self.waiting.clear()
        for row in self.ledger.findings("met"):
            if row["number"] in under_way or row["arm"] not in self.arms:
                continue
            try:
                case = read_case(self.folder / row["file"])
            except CaseError:
                continue  # somebody has taken it away: it stays as it was met
            arm = self.arms[row["arm"]]
            lot = Lot(arm, row["unit"], 1, seeded=self._seeded(arm.port), careful=self.careful)
            told = tuple(json.loads(row["told"]))
            self.waiting.append(Shrinking(lot, row["number"], row["sort"], told, case, row["promise"]))

    def next(self, under_way: int, threads: int, seconds: float) -> Shrinking | None:
        """What is to be made small next, where so many are under way on so many threads, and lots have
        taken so many seconds of them: sorts of which there is nothing small first, for half of the time; a
        second look at a sort gets an eighth of it."""
        if not self.waiting or under_way >= max(1, threads // 2):
            return None
        chosen = min(self.waiting, key=self._looks)
        share = LATER_SHARE if self._looks(chosen) else FIRST_SHARE
        if self.seconds > FREE_SECONDS and self.seconds > share * (self.seconds + seconds):
            return None
        self.waiting.remove(chosen)
        key = (chosen.lot.arm.port, chosen.sort)
        self._looked[key] = self._looked.get(key, 0) + 1
        return chosen

    def _looks(self, wanted: Shrinking) -> int:
        return self._looked.get((wanted.lot.arm.port, wanted.sort), 0)

    def take(self, lot: Lot, finding: Finding) -> bool:
        """Write a finding down; whether its sort is new. Raises OSError and sqlite3.OperationalError."""
        port, sort = lot.arm.port, finding.sort
        count = self.counts.get((port, sort), 0)
        known = self.ledger.met_again(port, self.aliases.get((port, sort), sort))
        if count >= self.keep:
            return False
        self.counts[port, sort] = count + 1
        file = self._write(f"found/{self._name(lot, finding)}", finding, ".jsonl.gz")
        state = "plain" if finding.case is None else "small" if finding.small else "met"
        if state == "met" and self.shrinks.get((port, sort), 0) >= SHRINKS:
            state = "known"
        steps = 0 if finding.case is None else len(finding.case.steps)
        row = {
            "arm": lot.arm.name,
            "port": port,
            "unit": finding.unit,
            "sort": sort,
            "steps": steps,
            "file": file,
            "told": json.dumps(finding.told),
            "promise": finding.promise,
            "at": time(),
            "state": state,
        }
        number = self.ledger.enter_finding(row)
        if state in ("met", "small"):
            self.shrinks[port, sort] = self.shrinks.get((port, sort), 0) + 1
        if state == "met":
            assert finding.case is not None
            told = tuple(finding.told)
            self.waiting.append(Shrinking(lot, number, sort, told, finding.case, finding.promise))
        if not known:
            self._enter(port, finding, file, lot.arm.lane, 1)
        if state in ("plain", "small"):
            self._keep_smallest(port, finding, lot.arm.lane, 0)
        return not known

    def made_small(self, wanted: Shrinking, small: Finding) -> bool:
        """Write down what a finding became when it was made small; whether that is of a new sort."""
        port, lane = wanted.lot.arm.port, wanted.lot.arm.lane
        self.ledger.set_finding(wanted.number, "small")
        self.seconds += small.seconds
        known = {(case["port"], case["sort"]): case for case in self.ledger.cases()}
        moved = 0
        now = self.aliases.get((port, wanted.sort), wanted.sort)
        was = known.get((port, now))
        if small.sort != now and was is not None:
            if was["file"].startswith("found/"):
                moved = was["times"]
                self.ledger.drop_case(port, now, small.sort)
                self.aliases[port, now] = small.sort
            else:
                moved = 1  # there are others of the sort, of which this one only looked
                self.ledger.met_again(port, now, -1)
        self._keep_smallest(port, small, lane, moved)
        return (port, small.sort) not in known

    def _keep_smallest(self, port: str, finding: Finding, lane: str, times: int) -> None:
        """Write a case to `cases`, unless a smaller one of its sort is there."""
        known = {(case["port"], case["sort"]): case for case in self.ledger.cases()}.get((port, finding.sort))
        steps = 0 if finding.case is None else len(finding.case.steps)
        if known is not None and known["file"].startswith("cases/") and known["steps"] <= steps:
            self.ledger.met_again(port, finding.sort, times)
            return
        mark = hashlib.sha256(f"{port} {finding.sort}".encode()).hexdigest()[:6]
        stem = safe_name(f"{port.partition(':')[0]}-{finding.sort}")[:80]
        self._enter(port, finding, self._write(f"cases/{stem}-{mark}", finding, ".jsonl"), lane, times)

    def _enter(self, port: str, finding: Finding, file: str, lane: str, times: int) -> None:
        told = list(finding.told)
        if finding.case is not None:
            seeded = self._seeded(port)
            command = replay_command(self.folder / file, port) + (f" --seeded {seeded}" if seeded else "")
            told.append(f"replay it with: {command}")
        steps = 0 if finding.case is None else len(finding.case.steps)
        self.ledger.enter_case(port, finding.sort, steps, file, json.dumps(told), lane, times)

    def _seeded(self, port: str) -> str | None:
        """The mistake that is planted; one for a kernel's tree is built into the port."""
        return None if is_kernel(port) else self.seeded

    def _name(self, lot: Lot, finding: Finding) -> str:
        """The name of a file in `found`: the same unit gives the same, so that what is done twice is there
        once."""
        parts = [lot.arm.name, str(finding.unit), finding.promise]
        return safe_name(" ".join(filter(None, parts)))

    def _write(self, name: str, finding: Finding, ending: str) -> str:
        """Write a case, or where there is none what was told, below the folder; its name there."""
        content = b""
        if finding.case is not None:
            file = f"{name}{ending}"
            with suppress(CaseError):  # there are failures that no case can hold
                content = case_bytes(finding.case, file)
        if not content:
            file, content = f"{name}.txt", "\n".join([finding.sort, *finding.told, ""]).encode()
        write_whole(self.folder / file, content)
        return file
