"""Making a scenario small whose fork breaks a promise: fewer operations, lower addresses, fewer flags.

The failure point is not part of what is shrunk: any at which the fork breaks the promise will do, and the
first one is taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from impl.mm.geometry import PageGeometry
from props.fork import operations as ops
from props.fork.sweep import BadScenario, Broken, sweep
from props.ops.common_operations import Common

BUDGET = 600
"""Candidates that are tried."""


Fails = Callable[[Sequence[Common]], bool]


class ScenarioShrinker:
    """Shrinks ``best``, for which ``fails`` holds; ``page`` is the step of addresses and sizes."""

    def __init__(self, run: Sequence[Common], fails: Fails, page: int, budget: int = BUDGET) -> None:
        self.best = list(run)
        self.fails = fails
        self.page = page
        self.budget = budget
        self._known: set[tuple[Common, ...]] = set()

    def shrink(self) -> list[Common]:
        """The smallest failing scenario found within the budget."""
        before: list[Common] | None = None
        while before != self.best and len(self._known) < self.budget:
            before = list(self.best)
            self._drop_runs()
            self._lower_numbers()
        return self.best

    def _try(self, run: list[Common]) -> bool:
        key = tuple(run)
        if key in self._known or len(self._known) >= self.budget:
            return False
        self._known.add(key)
        if not self.fails(run):
            return False
        self.best = run
        return True

    def _drop_runs(self) -> None:
        size = (len(self.best) + 1) // 2
        while size:
            at = len(self.best) - size
            while at >= 0:
                self._try(self.best[:at] + self.best[at + size :])
                at = min(at, len(self.best)) - size
            size //= 2

    def _lower_numbers(self) -> None:
        for at in range(len(self.best) - 1, -1, -1):
            for field in fields(self.best[at]):
                for value in self._candidates(field.name, getattr(self.best[at], field.name)):
                    if self._try_value(at, field.name, value):
                        break

    def _candidates(self, name: str, value: Any) -> Iterator[int | None]:
        if name in ("start", "size", "stride", "to", "new_size"):
            lowest = 0 if name in ("start", "to") else self.page
            step = value - lowest
            while step >= self.page:
                if (value - step) % self.page == 0:
                    yield value - step
                step //= 2
        elif name == "flags":
            for bit in range(value.bit_length()):
                if value >> bit & 1:
                    yield value & ~(1 << bit)
        elif name == "count":
            yield from (value - step for step in (value // 2, 4, 1) if 0 < step < value)
        elif name == "file" and value is not None:
            yield None

    def _try_value(self, at: int, name: str, value: int | None) -> bool:
        op: Any = self.best[at]
        return self._try([*self.best[:at], replace(op, **{name: value}), *self.best[at + 1 :]])


def is_sensible(program: Sequence[Common]) -> bool:
    """Whether every operation is on a space that is there."""
    alive = {0}
    for op in program:
        space = getattr(op, "space", None)
        if space is not None and space not in alive:
            return False
        if isinstance(op, ops.Fork):
            if op.into in alive:
                return False
            alive.add(op.into)
        elif isinstance(op, ops.Exit):
            alive.discard(op.space)
    return bool(alive)


def first_break(
    program: Sequence[Common], geometry: PageGeometry, recovery: str, promise: str
) -> Broken | None:
    """The first failure point at which forking after `program` breaks the promise."""
    if not is_sensible(program):
        return None
    try:
        return sweep(program, geometry, recovery, only=promise).broken.get(promise)
    except (BadScenario, KeyError):
        return None


def shrink(broken: Broken, recovery: str, budget: int = BUDGET) -> Broken:
    """The smallest scenario found in which the recovery breaks the same promise."""
    shape, promise = broken.geometry, broken.promise

    def fails(program: Sequence[Common]) -> bool:
        return first_break(program, shape, recovery, promise) is not None

    scenario = list(broken.program[:-1])
    if not fails(scenario):
        return broken
    best = ScenarioShrinker(scenario, fails, shape.page, budget).shrink()
    return first_break(best, shape, recovery, promise) or broken
