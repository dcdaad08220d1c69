"""What a case, a run or a port is about: a maple tree, or address spaces.

All that differs between the two is in the value: everything else asks the value and never which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from mapleproof.props.common.answers import Answer, Level
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import Form
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.common.replay import Replayed, replay
from mapleproof.props.common.report import Ranges, explain
from mapleproof.props.common.step import Step


class Admission(Protocol):
    """What knows, as a case goes on, which steps it may have."""

    def admit(self, op: Common, expect: Answer) -> None:
        """Take one more step into account. Raises Refused where it uses what is not there."""

    def end(self) -> None:
        """No more steps. Raises Refused where one is missing."""

    def numbers(self) -> list[int]:
        """The trees or spaces that are there."""

    def to_check(self, op: Common) -> list[int]:
        """Those whose invariants are to be looked at after that step."""

    def ending(self) -> list[Common]:
        """What ends all that is under way, before everything is looked at a last time."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject. `setup` is the header's key for what a case begins with, `flags` are the keys in there.

    `admission` makes what knows which steps a case may have. `teardown` are the operations that destroy all
    those numbered, after which nothing is left: `left` says of what. `matters` chooses the steps that explain
    a difference, as positions in its `steps`; `place` is the lowest and highest index that a step looks at,
    with what it was answered.
    """

    name: str
    forms: Mapping[str, Form]
    setup: str
    flags: tuple[str, ...]
    admission: Callable[[], Admission]
    teardown: Callable[[Sequence[int]], list[Common]]
    left: str
    matters: Callable[[Difference], list[int]]
    place: Callable[[Step, Answer | None], tuple[int, int]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its name: what it is made of is code, which every process has."""
        return _named, (self.teardown.__module__, self.name)

    def replay(self, steps: Iterable[Step], port: Port, level: Level = "exact") -> Replayed:
        """Carry out steps, each answer held against the one expected; see `replay.py`."""
        return replay(steps, port, self, level)

    def explain(self, difference: Difference, title: str, held: Ranges = ()) -> list[str]:
        """A difference in a few lines; see `report.py`."""
        return explain(difference, title, self, held)


def _named(module: str, name: str) -> Subject:
    """The subject of that name, in the module that makes it."""
    found = vars(import_module(module)).values()
    return next(each for each in found if isinstance(each, Subject) and each.name == name)
