"""Symbolic Python integers, for code that calculates with indices.

The maple tree's code runs on plain integers, which do not wrap, and compares them and adds and subtracts.
So here an integer that is not known is one of z3's integers, and an index is one of 0 to 2**64 - 1. Solving
such inequalities takes z3 a fiftieth of the time that 64-bit vectors take.

``claim`` is as in ``paths.py``, with the inputs of a refutation made small among integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import Paths, assume
from mapleproof.proofs.engine.words import FULL, Condition, current, formula_of

__all__ = ["Integer", "Truth", "as_words", "assume", "choice", "claim", "flag", "number", "same"]

_named: WeakKeyDictionary[Paths, dict[str, Any]] = WeakKeyDictionary()

_decided: dict[int, tuple[Any, bool]] = {}
"""What was decided on this path: formulas by their number, which z3 gives only once while they are held."""

_claimed: dict[int, Any] = {}
"""What was claimed on this path and holds."""


def new_path() -> None:
    """A program begins: nothing is decided yet."""
    _decided.clear()
    _claimed.clear()


class Truth(Condition):
    """A condition that is asked for its truth at most once, and counts as 1 or 0 in a sum."""

    __slots__ = ("known",)

    def __init__(self, formula: Any) -> None:
        super().__init__(formula)
        self.known: bool | None = None

    def __bool__(self) -> bool:
        if self.known is None:
            key = self.formula.get_id()
            if key not in _decided:
                _decided[key] = self.formula, super().__bool__()
            self.known = _decided[key][1]
        return self.known

    def __radd__(self, other: int) -> int:
        return other + bool(self)

    def __rsub__(self, other: int) -> int:
        return other - bool(self)


_words = False
"""Whether integers stand for 64-bit words, see ``as_words``."""


@contextmanager
def as_words() -> Iterator[None]:
    """What is compared must lie within 64 bits while the context lasts; each comparison claims that. Sums and
    differences may leave them in between: 64-bit words calculate the same, but for multiples of 2**64."""
    global _words
    _words = True
    try:
        yield
    finally:
        _words = False


def _compared(*integers: Integer | int) -> None:
    for one in integers if _words else ():
        within = z3.And(number(one) >= 0, number(one) <= FULL)
        claim("what is compared lies within 64 bits", within)


class Integer:
    """A Python integer that is not known."""

    __slots__ = ("term",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, term: Any) -> None:
        self.term = term

    @staticmethod
    def named(name: str) -> Integer:
        """An input: an index."""
        variable = z3.Int(name)
        _register(name, variable)
        assume(z3.And(variable >= 0, variable <= FULL))
        return Integer(variable)

    def __format__(self, _spec: str) -> str:
        """In messages it has no digits."""
        return "?"

    def __add__(self, other: Integer | int) -> Integer:
        return Integer(self.term + number(other))

    __radd__ = __add__

    def __sub__(self, other: Integer | int) -> Integer:
        return Integer(self.term - number(other))

    def __rsub__(self, other: int) -> Integer:
        return Integer(number(other) - self.term)

    def __rmul__(self, other: int) -> Integer:
        return Integer(other * self.term)

    def __and__(self, other: int) -> Integer:
        """The lower 64 bits of what has left them once at the most. Compiled, they are all there is."""
        if other != FULL:
            raise TypeError(f"an index is masked with {other:#x}")
        if Truth(self.term < 0):
            wrapped = Integer(self.term + FULL + 1)
        elif Truth(self.term > FULL):
            wrapped = Integer(self.term - FULL - 1)
        else:
            return self
        claim("an index leaves 64 bits once at the most", z3.And(wrapped.term >= 0, wrapped.term <= FULL))
        return wrapped

    def __lt__(self, other: Integer | int) -> Truth:
        _compared(self, other)
        return Truth(self.term < number(other))

    def __le__(self, other: Integer | int) -> Truth:
        _compared(self, other)
        return Truth(self.term <= number(other))

    def __gt__(self, other: Integer | int) -> Truth:
        _compared(self, other)
        return Truth(self.term > number(other))

    def __ge__(self, other: Integer | int) -> Truth:
        _compared(self, other)
        return Truth(self.term >= number(other))

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        if isinstance(other, (Integer, int)):
            _compared(self, other)
        return Truth(self.term == number(other))

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        if isinstance(other, (Integer, int)):
            _compared(self, other)
        return Truth(self.term != number(other))


def number(value: Any) -> Any:
    """The z3 term of an integer, symbolic or not. Raises TypeError for anything else."""
    if isinstance(value, Integer):
        return value.term
    if isinstance(value, int) and not isinstance(value, bool):
        return z3.IntVal(value)
    if isinstance(value, z3.ArithRef):
        return value
    raise TypeError(f"{value!r} is no integer")


def same(one: Any, other: Any) -> bool:
    """Whether two integers are one and the same, to be seen without solving anything."""
    if isinstance(one, Integer) and isinstance(other, Integer):
        return bool(one.term.eq(other.term))
    return type(one) is type(other) and bool(one == other)


def _register(name: str, variable: Any) -> None:
    _named.setdefault(current(), {})[name] = variable


def flag(name: str) -> Any:
    """An input that is true or false, as a formula."""
    variable = z3.Bool(name)
    _register(name, variable)
    return variable


def choice(name: str, count: int) -> int:
    """One of 0 to ``count - 1``, one path each."""
    variable = z3.Int(name)
    _register(name, variable)
    assume(z3.And(variable >= 0, variable < count))
    for value in range(count - 1):
        if Condition(variable == value):
            return value
    return count - 1


def claim(sentence: str, condition: Condition | bool | Any) -> None:
    """This must hold for all inputs that come here."""
    paths = current()
    wrong = z3.simplify(z3.Not(formula_of(condition)))
    if z3.is_false(wrong) or wrong.get_id() in _claimed:
        return
    answer = paths._ask(sentence, wrong)
    if paths.keep is not None:
        paths.keep(sentence, [*paths.solver.assertions(), wrong], str(answer))
    if answer != z3.sat:
        _claimed[wrong.get_id()] = wrong
        return
    assume(wrong)
    for name, variable in _named.get(paths, {}).items():
        value = _lowest(paths, variable)
        shown = z3.BitVec(f"{name} ", 64)
        assume(shown == value)
        paths.inputs[name] = (shown, 0)
    paths.claim(sentence, False)


def _lowest(paths: Paths, variable: Any) -> int:
    """The smallest value that an input can have; it has that from here on."""
    if z3.is_bool(variable):
        value = int(paths._ask("how small it gets", z3.Not(variable)) != z3.sat)
        assume(variable if value else z3.Not(variable))
        return value

    def found() -> int:
        return int(paths._last.model().eval(variable, model_completion=True).as_long())

    paths._ask("how small it gets")
    low, high = 0, found()
    while low < high:
        middle = low + (high - low) // (2 if high - low < 1024 else 64)
        if paths._ask("how small it gets", variable <= middle) == z3.sat:
            high = found()
        else:
            low = middle + 1
    assume(variable == high)
    return high
