"""Failure plans: the one place that decides which request fails.

Everything that can fail (a node allocation, later each step of a fork) asks a plan before it goes on.
A plan numbers the questions, so a run is repeated exactly by repeating the plan, and "fail the n-th
question" for n = 1, 2, ... until a run asks fewer than n covers every failure point of a scenario.
"""

from __future__ import annotations


class FailurePlan:
    """Grants every request and counts: the base of all plans.

    ``asked`` counts questions, ``units`` what was asked for in them (a bulk request for ten nodes is one
    question of ten units), ``refused`` how many were refused. ``final`` is the kind of the first that was
    refused for good, empty where none was: one that may not sleep is asked for again by whoever can wait.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.units = 0
        self.refused = 0
        self.final = ""

    def ask(self, kind: str, count: int = 1, *, atomic: bool = False) -> bool:
        """Whether a request of ``count`` units of ``kind`` is granted, whole or not at all.

        ``atomic`` marks a request that may not sleep (GFP_NOWAIT in the kernel).
        """
        self.asked += 1
        self.units += count
        granted = self.grants(kind, count, atomic)
        if not granted:
            self.refused += 1
            if not atomic:
                self.final = self.final or kind
        return granted

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        """The decision; what a plan overrides."""
        return True


class FailAfter(FailurePlan):
    """The first ``units`` units are granted; from the first request that cannot be met on, all fail."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.left = units

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if count > self.left:
            self.left = 0
            return False
        self.left -= count
        return True


class FailNth(FailurePlan):
    """Only the ``n``-th question (1 is the first) fails; ``failed`` names its kind once it did."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.failed: str | None = None

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if self.asked != self.n:
            return True
        self.failed = kind
        return False


class FailAtomic(FailurePlan):
    """Every request that may not sleep fails, every other one is granted."""

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        return not atomic


class FailOnce(FailurePlan):
    """The first ``units`` units are granted; the first request that cannot be met fails, and none after
    it."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.left = units

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if self.refused or count <= self.left:
            self.left -= count
            return True
        return False
