"""Hypothesis' example database, as it goes along with a unit: what is to be tried, and what was found.

A unit runs anywhere, and the database is where the user keeps it: a folder, or Redis. So the examples to try
go out with the unit, and those that failed come back with what it found.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import Phase
from hypothesis.database import ExampleDatabase


class Examples(ExampleDatabase):
    """Gives ``given`` back for any key, and keeps in ``saved`` what is entered under ``key``, the key of the
    machine that ran. Where there are examples to try, only these are tried."""

    def __init__(self, given: Iterable[bytes] = ()) -> None:
        super().__init__()
        self.given = list(given)
        self.key: bytes | None = None
        self.saved: list[bytes] = []

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What a machine is to do."""
        return (Phase.reuse,) if self.given else (Phase.reuse, Phase.generate)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        if self.key is None:
            self.key = key
        return list(self.given) if key == self.key else []

    def save(self, key: bytes, value: bytes) -> None:
        if key == self.key and value not in self.saved:
            self.saved.append(value)

    def delete(self, key: bytes, value: bytes) -> None:
        """Nothing is taken out: whether an example has had its time is not for one unit to say."""

    def move(self, src: bytes, dest: bytes, value: bytes) -> None:
        """The same for what has become less interesting."""
