"""What is to be done next: lots of the arms' units, none twice, none left out.

A plan knows which units are done, which are under way, and which came back undone: those go first.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass, field, replace

from mapleproof.campaign.arms import Arm, Wanted, arms_of, chunks
from mapleproof.campaign.budget import Budget
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Lot, Report
from mapleproof.props.job.choose_port import is_kernel
from mapleproof.props.maple.lanes import growing

MOST_UNITS = 5_000
"""Units in one lot."""

MOST_STATES = 200
"""States of a tiny world in one lot."""

PROOF_PATIENCE = 3600.0
"""Seconds that one size of a proof may take."""


@dataclass(slots=True)
class Row:
    """The units of an arm: those from ``next`` on were never given out, those in ``gaps`` came back undone.
    ``pace`` is what a unit takes, in seconds; ``ahead`` the seconds of what is under way."""

    arm: Arm
    next: int = 0
    gaps: deque[tuple[int, int]] = field(default_factory=deque)
    pace: float | None = None
    out: int = 0
    ahead: float = 0.0
    ended: str = ""

    def able(self) -> bool:
        """Whether there is a unit to give."""
        if self.ended or (self.arm.lane == "proofs" and self.out):
            return False
        return bool(self.gaps) or self.arm.end is None or self.next < self.arm.end

    def take(self, most: int) -> tuple[int, int]:
        """The next units, so many at the most: the first, and their number."""
        if self.gaps:
            first, end = self.gaps.popleft()
            if end - first > most:
                self.gaps.appendleft((first + most, end))
            return first, min(most, end - first)
        first = self.next
        if self.arm.end is not None:
            most = min(most, self.arm.end - first)
        self.next += most
        return first, most


class Plan:
    """Gives out lots, by budget, and takes back what came of them."""

    def __init__(
        self, ledger: Ledger, wanted: Wanted, *, seed: int, seeded: str | None = None, even: bool = False
    ) -> None:
        self.seed, self.seeded, self.wanted = seed, seeded, wanted
        self.rows = {arm.name: Row(arm) for arm in arms_of(wanted)}
        self.budget = Budget(self.rows, random.Random(seed), even=even)
        self.chunks = chunks(wanted.spaces)
        self.features = {name for (name,) in ledger.db.execute("SELECT name FROM features")}
        self.world = WorldRow(ledger) if "worlds" in self.rows else None
        self.examples: dict[str, list[bytes]] = {}
        """Examples of Hypothesis' database that are to be tried, by arm."""
        self.tried = -ledger.count_examples()
        """Lots of examples are numbered downwards; each adds one to the ledger's at the least."""
        for name, row in self.rows.items():
            done = ledger.done(name)
            edges = [0, *(edge for interval in done for edge in interval)]
            row.gaps = deque(
                (first, end) for first, end in zip(edges[::2], edges[1::2], strict=False) if first < end
            )
            row.next = edges[-1]
        for name, known in ledger.figures().items():
            if name in self.rows:
                self.rows[name].ended = known["ended"]
                self.budget.spent_before(name, known["seconds"])
                if known["units"]:
                    self.rows[name].pace = known["seconds"] / known["units"]

    def next_lot(self, seconds: float) -> Lot | None:
        """A lot that takes about so long; None where no arm has a unit to give."""
        for name, values in self.examples.items():
            if values and name in self.rows:
                self.examples[name] = []
                self.tried -= 1
                lot = self._plain(self.rows[name].arm, self.tried, 1)
                return self._out(replace(lot, examples=tuple(values)))
        able = [name for name, row in self.rows.items() if self._able(row)]
        if not able:
            return None
        ahead = {name: row.ahead for name, row in self.rows.items()}
        row = self.rows[self.budget.choose(able, ahead)]
        return self._out(self._lot(row, seconds))

    def exhausted(self) -> bool:
        """Whether no arm has a unit to give, and none will have."""
        return not any(self._able(row) or row.out for row in self.rows.values())

    def _able(self, row: Row) -> bool:
        if row.arm.lane == "worlds":
            return self.world is not None and self.world.able()
        return row.able()

    def _plain(self, arm: Arm, first: int, count: int) -> Lot:
        seeded = None if is_kernel(arm.port) else self.seeded  # there it is built into the port
        return Lot(arm, first, count, self.seed, seeded, self.wanted.careful)

    def _lot(self, row: Row, seconds: float) -> Lot:
        lane = row.arm.lane
        if lane in ("worlds", "proofs"):
            lot = self._plain(row.arm, *row.take(1))
            if lane == "proofs":
                return replace(lot, patience=PROOF_PATIENCE)
            assert self.world is not None
            # A unit is one lot there, of any number of states
            number, pace = self.world.number, self.world.pace
            return replace(lot, world=number, states=self.world.take(_many(seconds, pace, 4, MOST_STATES)))
        lot = self._plain(row.arm, *row.take(_many(seconds, row.pace, 1, MOST_UNITS)))
        spaces, units = self.wanted.spaces, range(lot.first, lot.first + lot.count)
        if lane == "spaces":
            return replace(lot, spaces=tuple(spaces[unit] for unit in units))
        if lane == "sweep":
            pieces = [self.chunks[unit] for unit in units]
            real = tuple(spaces[at] for at, _, _ in pieces)
            return replace(lot, spaces=real, sweeps=tuple((first, step) for _, first, step in pieces))
        return lot

    def _out(self, lot: Lot) -> Lot:
        row = self.rows[lot.arm.name]
        row.out += 1
        row.ahead += (row.pace or 1.0) * lot.count
        return lot

    def _in(self, lot: Lot) -> Row:
        row = self.rows[lot.arm.name]
        row.out -= 1
        row.ahead = max(0.0, row.ahead - (row.pace or 1.0) * lot.count) if row.out else 0.0
        return row

    def back(self, lot: Lot) -> None:
        """A lot came back undone."""
        row = self._in(lot)
        if lot.examples:
            self.examples.setdefault(lot.arm.name, []).extend(lot.examples)
        elif lot.arm.lane == "worlds":
            assert self.world is not None
            self.world.back(lot)
        else:
            row.gaps.append((lot.first, lot.first + lot.count))

    def news(self, report: Report) -> list[str]:
        """The features of a report that were not met before."""
        return sorted(report.features - self.features)

    def learn(self, lot: Lot, report: Report, news: int, failures: int) -> None:
        """A lot is done, and entered."""
        row = self._in(lot)
        self.features |= report.features
        if report.units:
            pace = report.seconds / report.units
            row.pace = pace if row.pace is None else 0.7 * row.pace + 0.3 * pace
        self.budget.learn(lot.arm.name, report.seconds, news, failures)
        for grown in report.grown:
            if grown.verdict != "proved":
                row.ended = f"{grown.verdict} at {grown.size}"
        if lot.arm.lane == "worlds" and self.world is not None:
            self.world.learn(lot, report)


class WorldRow:
    """The tiny world that is being visited: the states that were met, and those that wait to be expanded."""

    def __init__(self, ledger: Ledger) -> None:
        self.pace: float | None = None
        """Seconds that a state takes."""
        self.out: Counter[int] = Counter()
        self.met: set[bytes] = set()
        self.waiting: deque[tuple[bytes, bytes]] = deque()
        begun = ledger.worlds()
        self.number = begun[-1][0] if begun else 0
        for digest, path, expanded in ledger.states(self.number):
            self.met.add(digest)
            if not expanded:
                self.waiting.append((digest, path))
        self._begin()

    def _begin(self) -> None:
        """A world that is not begun begins with the empty tree; after the last one there is nothing to do."""
        if not self.met:
            digest, path = growing.start(growing.WORLDS[self.number])
            self.met.add(digest)
            self.waiting.append((digest, path))
        elif not self.waiting and not self.out[self.number] and self.number + 1 < len(growing.WORLDS):
            self.number += 1
            self.met.clear()
            self._begin()

    def able(self) -> bool:
        """Whether a state waits to be expanded."""
        return bool(self.waiting)

    def take(self, most: int) -> tuple[tuple[bytes, bytes], ...]:
        """States to be expanded."""
        self.out[self.number] += 1
        return tuple(self.waiting.popleft() for _ in range(min(most, len(self.waiting))))

    def back(self, lot: Lot) -> None:
        """States come back as they went."""
        self.out[lot.world] -= 1
        self.waiting.extendleft(lot.states)

    def new(self, lot: Lot, report: Report) -> list[tuple[bytes, bytes]]:
        """The states of a report that were not met before."""
        return [state for state in report.successors if lot.world == self.number and state[0] not in self.met]

    def learn(self, lot: Lot, report: Report) -> None:
        """States are expanded, and what they lead to is entered."""
        self.out[lot.world] -= 1
        self.pace = report.seconds / max(1, len(lot.states))
        for state in self.new(lot, report):
            if state[0] not in self.met:
                self.met.add(state[0])
                self.waiting.append(state)
        self._begin()


def _many(seconds: float, pace: float | None, unknown: int, most: int) -> int:
    """How many take about so long, at a pace in seconds for each; ``unknown`` where that is not known yet."""
    return unknown if pace is None else max(1, min(most, round(seconds / max(pace, 1e-6))))


def seconds_for(threads: int, cost: float, least: float) -> float:
    """How long a lot is to take with so many threads, where one costs campaign and scheduler together so many
    seconds: at the least ``least``, and so long that lots come at a fifth of the rate that can be borne."""
    return max(least, 5 * threads * cost)
