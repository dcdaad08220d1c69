"""Slots of leaves that hold entries of which it is not known whether they are NULL.

What a slot holds is decided when the code looks at it, so that a path knows only of those slots that matter
to it. Ranges are how claims speak of slots: limits and what is held, nothing decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, SupportsIndex

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.integers import Truth, claim, new_path, number

CRASHES = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)
"""What code does that is wrong in a way that it does not look for itself."""


class Entry:
    """What a slot holds: an entry, or NULL where ``null`` holds. ``name`` tells it from others."""

    __slots__ = ("name", "null")

    def __init__(self, name: int, null: Any) -> None:
        self.name = name
        self.null = null

    def __repr__(self) -> str:
        return f"entry {self.name}"


NEW = Entry(1, z3.BoolVal(False))
"""The entry that is stored."""

FIRST_NAME = 2


def seen(held: Any) -> Any:
    """What code sees of a slot: the question whether it is NULL is decided here."""
    if isinstance(held, Entry) and Truth(held.null):
        return None
    return held


class Slots(list[Any]):
    """A list of slots that are decided when they are read. Copies of it are not."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        held = super().__getitem__(at)
        return Slots(held) if isinstance(at, slice) else seen(held)

    def __setitem__(self, at: Any, held: Any) -> None:
        super().__setitem__(at, raw(held) if isinstance(at, slice) else held)

    def __iter__(self) -> Iterator[Any]:
        return (seen(held) for held in super().__iter__())

    def __contains__(self, what: object) -> bool:
        """One question about all of them, where it is whether there is a NULL."""
        if what is None:
            return bool(Truth(z3.Or(*map(null_of, raw(self)))))
        return any(held is what for held in self)

    def index(self, what: Any, start: SupportsIndex = 0, stop: SupportsIndex = 1 << 62) -> int:
        for at in range(int(start), min(int(stop), len(self))):
            if self[at] is what:
                return at
        raise ValueError("it is not in the list")

    def __add__(self, other: list[Any]) -> Slots:
        return Slots([*raw(self), *raw(other)])

    def __radd__(self, other: list[Any]) -> Slots:
        return Slots([*raw(other), *raw(self)])


def raw(slots: Iterable[Any]) -> list[Any]:
    """The same slots, nothing decided."""
    return list(list.__iter__(slots) if isinstance(slots, list) else slots)


class Range(NamedTuple):
    """One slot as it is held: its upper limit and what is in it."""

    limit: Any
    held: Any


class Ranges(NamedTuple):
    """Slots in order, from ``low`` on."""

    low: Any
    ranges: list[Range]

    def name_at(self, index: Any) -> Any:
        """The name of what an index holds, 0 for NULL."""
        found: Any = None
        for limit, held in reversed(self.ranges):
            name = name_of(held)
            found = name if found is None else z3.If(number(index) <= number(limit), name, found)
        return found

    def nulls(self) -> Iterator[tuple[Any, Any, Any]]:
        """Of each slot: first index, last index, the formula that it is NULL."""
        low = self.low
        for limit, held in self.ranges:
            yield low, limit, null_of(held)
            low = limit + 1


def null_of(held: Any) -> Any:
    """Formula: it is NULL."""
    return held.null if isinstance(held, Entry) else z3.BoolVal(held is None)


def name_of(held: Any) -> Any:
    """The name of what is held, 0 for NULL."""
    if held is None:
        return z3.IntVal(0)
    if not isinstance(held, Entry):
        raise TypeError(f"{held!r} is no entry")
    return z3.If(held.null, 0, held.name)


def rising(low: Any, limits: list[Any]) -> Any:
    """Formula: upper limits rise from ``low`` on."""
    order = [number(low) <= number(limits[0])]
    return z3.And(*order, *(number(a) < number(b) for a, b in pairwise(limits)))


def guarded(run: Callable[[], None]) -> Callable[[], None]:
    """A program in which a crash is a claim that does not hold."""

    def program() -> None:
        new_path()
        try:
            run()
        except CRASHES as error:
            claim(f"nothing crashes, but: {type(error).__name__}: {error}", False)
        except AssertionError as error:
            claim(f"nothing crashes, but: {error or 'an assertion'}", False)

    return program
