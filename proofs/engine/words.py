"""Symbolic words: 64-bit vectors with unsigned order and wrap-around, in the place of plain integers.

A comparison gives a Condition; asking for its truth forks the path (see ``paths.py``). Only what the code in
``impl/mm`` does with words is offered: anything else raises TypeError rather than mean something.

A plain integer does not wrap by itself, a bit-vector does. So that a forgotten ``wrap`` is not hidden, a sum
or difference remembers when it leaves 64 bits until it is masked, and comparing it before that is a claim:
it must not have left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import z3  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from mapleproof.proofs.engine.paths import Paths

BITS = 64
FULL = (1 << BITS) - 1


explorations: list[Paths] = []
"""Those that are under way, the innermost last."""


def current() -> Paths:
    """The exploration that the running code belongs to. Raises RuntimeError outside of one."""
    if not explorations:
        raise RuntimeError("a symbolic word was used outside of an exploration")
    return explorations[-1]


class Condition:
    """A symbolic truth value. ``bool()`` of it takes both ways, one path each."""

    __slots__ = ("formula",)

    def __init__(self, formula: Any) -> None:
        self.formula = formula

    def __bool__(self) -> bool:
        return current().decide(self.formula)


def formula_of(value: Condition | bool | Any) -> Any:
    """The formula of a condition, symbolic or not; a z3 formula is one already."""
    if isinstance(value, Condition):
        return value.formula
    return value if isinstance(value, z3.BoolRef) else z3.BoolVal(bool(value))


class Word:
    """An unsigned 64-bit number that is not known. ``left`` is when it is not one, since a sum or difference
    left the 64 bits; None where that cannot be."""

    __slots__ = ("left", "term")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, term: Any, left: Any = None) -> None:
        self.term = term
        self.left = left

    @staticmethod
    def named(name: str, shift: int = 0) -> Word:
        """An input about which nothing is known but that it is a multiple of 2**shift."""
        variable = z3.BitVec(name, BITS - shift)
        term = z3.Concat(variable, z3.BitVecVal(0, shift)) if shift else variable
        current().inputs[name] = (variable, shift)
        return Word(term)

    def __format__(self, _spec: str) -> str:
        """In messages it has no digits."""
        return "?"

    def __add__(self, other: Word | int) -> Word:
        wraps = z3.Not(z3.BVAddNoOverflow(self.term, term_of(other), False))
        return Word(self.term + term_of(other), _either(self, other, wraps))

    __radd__ = __add__

    def __sub__(self, other: Word | int) -> Word:
        return Word(self.term - term_of(other), _either(self, other, z3.ULT(self.term, term_of(other))))

    def __rsub__(self, other: int) -> Word:
        return Word(term_of(other) - self.term, _either(self, other, z3.ULT(term_of(other), self.term)))

    def __neg__(self) -> Word:
        return 0 - self

    def __rshift__(self, bits: int) -> Word:
        return Word(z3.LShR(_held(self)[0], bits))

    def __bool__(self) -> bool:
        """Whether it is not 0."""
        return bool(self != 0)

    def __and__(self, other: Word | int) -> Word:
        if isinstance(other, int) and other == FULL:
            return Word(self.term)
        return Word(self.term & term_of(other))

    __rand__ = __and__

    def __lt__(self, other: Word | int) -> Condition:
        return Condition(z3.ULT(*_held(self, other)))

    def __le__(self, other: Word | int) -> Condition:
        return Condition(z3.ULE(*_held(self, other)))

    def __gt__(self, other: Word | int) -> Condition:
        return Condition(z3.UGT(*_held(self, other)))

    def __ge__(self, other: Word | int) -> Condition:
        return Condition(z3.UGE(*_held(self, other)))

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        left, right = _held(self, other)
        return Condition(left == right)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        left, right = _held(self, other)
        return Condition(left != right)


def choose(name: str) -> bool:
    """An input that is 0 or 1: whether it is 1. Both ways are taken, one path each."""
    variable = z3.BitVec(name, 1)
    current().inputs[name] = (variable, 0)
    return current().decide(variable == 1)


def _either(one: Any, other: Any, now: Any) -> Any:
    """When one of these is no 64-bit number, or the result of both is none."""
    before = [word.left for word in (one, other) if isinstance(word, Word) and word.left is not None]
    return z3.Or(now, *before)


def _held(*values: Any) -> list[Any]:
    """The terms of what is compared, which 64 bits must hold."""
    for value in values:
        if isinstance(value, Word) and value.left is not None:
            current().claim("a number is wrapped to 64 bits before it is compared", z3.Not(value.left))
        elif isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= FULL:
            raise TypeError(f"{value!r} is compared, which 64 bits do not hold")
    return [term_of(value) for value in values]


def term_of(value: Any) -> Any:
    """The z3 term of a word, symbolic or not. Raises TypeError for anything else."""
    if isinstance(value, Word):
        return value.term
    if isinstance(value, int) and not isinstance(value, bool):
        return z3.BitVecVal(value, BITS)
    raise TypeError(f"{value!r} is no word")
