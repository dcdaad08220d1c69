"""Canaries: damage done on purpose, and the alarm that must tell of it.

An alarm that cannot ring is a check that cannot fail. On a tree and a fork that are right no alarm is ever
heard, so nothing else would notice that one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canary:
    """One alarm: ``damage`` does what it must tell of and returns what was told, one sentence a line;
    ``says`` is what must be among it, empty where nothing may be told."""

    name: str
    damage: Callable[[], Iterable[str]]
    says: str

    def silent(self) -> str:
        """What is wrong with the alarm, empty where it rings as it must."""
        try:
            heard = list(self.damage())
        except Exception as error:
            heard = [f"{type(error).__name__}: {error}"]
        if self.says and not any(self.says in line for line in heard):
            return f"{self.name}: nothing says {self.says!r}, only {heard}"
        if not self.says and heard:
            return f"{self.name}: all is well there, and it says {heard[0]}"
        return ""


def silent(canaries: Iterable[Canary]) -> Iterator[str]:
    """What is wrong with each of them."""
    return filter(None, (canary.silent() for canary in canaries))
