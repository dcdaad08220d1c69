"""Which arm is next: budget goes where something new comes from.

An arm's news are features of runs that were not met before (an event, in a new order of magnitude), states of
tiny worlds, sizes of proofs and, worth more, new sorts of failure. They come at some rate for each second of
a worker, which is not known and falls as there is less left to meet. So it is treated as a Poisson rate with
a Gamma prior, old observations fade with a half-life, and the next lot goes to the arm whose rate, drawn from
what is known of it, is the highest: Thompson sampling (Thompson, 1933; Russo et al., "A Tutorial on Thompson
Sampling", 2018). A fixed share is divided evenly whatever was met, so that an arm that had nothing new for a
night still gets its turns: the next defect may be its first. And each arm has one lot before any has two:
most defects are met by the first units of the right arm.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EVEN_SHARE = 0.3
"""Of the budget, what is divided evenly."""

HALF_LIFE = 300.0
"""Seconds of an arm after which what it had new counts half."""

FAILURE = 25
"""News that a new sort of failure is worth."""

PRIOR_NEWS = 2.0
PRIOR_SECONDS = 2.0
"""What an arm is taken to have done before it begins: one of the news a second, so that each is tried
soon."""


@dataclass(slots=True)
class Known:
    """What is known of an arm: faded ``news`` and ``seconds``, and ``spent``, all seconds that it ever
    had."""

    news: float = 0.0
    seconds: float = 0.0
    spent: float = 0.0


class Budget:
    """Divides the time of workers among arms, by name. With ``even`` all get the same."""

    def __init__(self, arms: Iterable[str], rng: random.Random, *, even: bool = False) -> None:
        self.known: dict[str, Known] = {name: Known() for name in arms}
        self.rng = rng
        self.even = even

    def choose(self, able: Iterable[str], ahead: Mapping[str, float]) -> str:
        """One of the arms that have a unit to give. ``ahead`` are seconds of lots that are under way, by
        arm."""
        names = list(able)
        spent = {name: self.known[name].spent + ahead.get(name, 0.0) for name in names}
        untried = [name for name in names if not spent[name]]
        if untried:
            return untried[0]
        if self.even or self.rng.random() < EVEN_SHARE:
            return min(names, key=spent.__getitem__)
        return max(names, key=lambda name: self._draw(name, ahead.get(name, 0.0)))

    def _draw(self, name: str, ahead: float) -> float:
        known = self.known[name]
        return self.rng.gammavariate(known.news + PRIOR_NEWS, 1 / (known.seconds + ahead + PRIOR_SECONDS))

    def learn(self, name: str, seconds: float, news: int, failures: int) -> None:
        """What came of a lot."""
        known = self.known[name]
        faded = 0.5 ** (seconds / HALF_LIFE)
        known.news = known.news * faded + news + FAILURE * failures
        known.seconds = known.seconds * faded + seconds
        known.spent += seconds

    def spent_before(self, name: str, seconds: float) -> None:
        """What an arm has had in earlier runs."""
        self.known[name].spent += seconds
