"""Making a scenario small whose fork breaks a promise: fewer operations, lower addresses, fewer flags.

The failure point is not part of what is shrunk: any at which the fork breaks the promise will do, and the
first one is taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from mapleproof.impl.mm.geometry import PageGeometry
from mapleproof.props.common.guard import Hang, is_hang, limited_steps, step_limit
from mapleproof.props.common.operation import Common
from mapleproof.props.common.reducing import Patience, Spent
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.sweep import BadScenario, Broken, build, sweep

MOST_HANGS = 3
"""Candidates that hang, after which shrinking ends, and the seconds that a step of each may take."""
HANG_PATIENCE = 0.5


Fails = Callable[[Sequence[Common]], bool]


class ScenarioShrinker:
    """Shrinks ``best``, for which ``fails`` holds; ``page`` is the step of addresses and sizes."""

    def __init__(
        self, run: Sequence[Common], fails: Fails, page: int, patience: Patience | None = None
    ) -> None:
        self.best = list(run)
        self.fails = fails
        self.page = page
        self.patience = patience or Patience()
        self._known: set[tuple[Common, ...]] = set()

    def shrink(self) -> list[Common]:
        """The smallest failing scenario found in time."""
        before: list[Common] | None = None
        try:
            while before != self.best:
                before = list(self.best)
                self._drop_runs()
                self._merge_spaces()
                self._lower_numbers()
        except Spent:
            pass
        return self.best

    def _try(self, run: list[Common]) -> bool:
        key = tuple(run)
        if key in self._known:
            return False
        self.patience.check()
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

    def _merge_spaces(self) -> None:
        """Leave out a fork, and have the parent do what the child did."""
        for at in range(len(self.best) - 1, -1, -1):
            fork = self.best[at] if at < len(self.best) else None
            if not isinstance(fork, ops.Fork):
                continue
            rest = [op for op in self.best[at + 1 :] if op != ops.Exit(fork.into)]
            without = [op for op in rest if op != ops.Exit(fork.space)]
            for kept in (rest, without):
                if self._try([*self.best[:at], *(_moved(op, fork.into, fork.space) for op in kept)]):
                    break

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
        elif name in ("file", "fail_after") and value is not None:
            yield None
            if name == "fail_after":
                yield from (smaller for smaller in (*range(3), value // 2, value - 1) if smaller < value)

    def _try_value(self, at: int, name: str, value: int | None) -> bool:
        op: Any = self.best[at]
        return self._try([*self.best[:at], replace(op, **{name: value}), *self.best[at + 1 :]])


def _moved(op: Common, old: int, new: int) -> Common:
    """An operation on one space, done on another."""
    changed: Any = op
    return replace(changed, space=new) if getattr(op, "space", None) == old else op


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
    program: Sequence[Common], geometry: PageGeometry, recovery: str, promise: str, *, hangs: bool = False
) -> Broken | None:
    """The first failure point at which forking after `program` breaks the promise, or hangs. Raises
    BadScenario where the program hangs before."""
    if not is_sensible(program):
        return None
    try:
        swept = sweep(program, geometry, recovery, only="hang" if hangs else promise)
        return swept.broken.get(promise) if swept.hangs or not hangs else None
    except BadScenario as bad:
        if is_hang(bad.alarm.what):
            raise
        return None
    except KeyError:
        return None


def shrink(broken: Broken, recovery: str, patience: Patience | None = None) -> Broken:
    """The smallest scenario found in time in which the recovery breaks the same promise."""
    patience = patience or Patience()
    shape, promise = broken.geometry, broken.promise

    best, hangs, is_one = broken, 0, is_hang(broken.what)

    def fails(program: Sequence[Common]) -> bool:
        nonlocal best, hangs
        if hangs > MOST_HANGS:
            return False
        try:
            found = first_break(program, shape, recovery, promise, hangs=is_one)
        except BadScenario:
            hangs += 1
            return False
        if found is None:
            return False
        hangs += is_hang(found.what)
        best = found
        return True

    with limited_steps(HANG_PATIENCE):
        scenario = list(broken.program[:-1])
        if fails(scenario):
            ScenarioShrinker(scenario, fails, shape.page, patience).shrink()
    if is_one and best is not broken and not _hangs(best):
        best = broken  # what is smaller is only slow
    return replace(best, unfinished=patience.told)


def _hangs(broken: Broken) -> bool:
    """Whether the last step does not end within the time that a step of a case has."""
    *before, last = broken.program
    try:
        port = build(before, broken.geometry)
    except BadScenario as bad:
        return is_hang(bad.alarm.what)
    try:
        with step_limit():
            port.apply(last)
    except Hang:
        return True
    return any(is_hang(alarm.what) for alarm in port.alarms)
