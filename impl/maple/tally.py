"""Counts of what happened to a tree and its copies."""

from __future__ import annotations

from collections import Counter

from mapleproof.impl.maple import rows
from mapleproof.impl.maple.kinds import EVENTS


class Tally:
    """How often each of ``kinds.EVENTS`` happened, and how often nodes were refused, by what for."""

    def __init__(self) -> None:
        self.counts = rows.new(len(EVENTS))
        rows.put(self.counts, 0, len(EVENTS), 0)
        self.refused: dict[str, int] = {}

    def count(self, event: int, times: int = 1) -> None:
        """It happened so many times more."""
        self.counts[event] += times

    def refuse(self, what: str) -> None:
        """Nodes were refused that were requested for this."""
        self.refused[what] = self.refused.get(what, 0) + 1

    def events(self) -> Counter[str]:
        """All that happened at all, by name."""
        counts = rows.part(self.counts, 0, len(EVENTS))
        happened = {name: times for name, times in zip(EVENTS, counts, strict=True) if times}
        return Counter(happened | {f"alloc_failed.{what}": times for what, times in self.refused.items()})

    def __dealloc__(self) -> None:
        rows.drop(self.counts, len(EVENTS))
