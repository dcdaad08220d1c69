"""What instructions calculate, over values that are plain integers, or z3's words where they are not known.

Plain integers are kept as unsigned ones of the type's width. What C leaves undefined (a shift by the width or
more, a division by 0) is claimed not to happen.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.engine.words import current
from mapleproof.proofs.ir.errors import NotUnderstood

Value = Any
"""An int, a z3 bit-vector, or a tuple of values, of a struct."""

SHIFTS, DIVISIONS = ("shl", "lshr", "ashr"), ("udiv", "sdiv", "urem", "srem")


def term(value: Value, bits: int) -> Any:
    """A value as a z3 word of so many bits."""
    return z3.BitVecVal(value, bits) if isinstance(value, int) else value


def tidy(word: Any) -> Value:
    """A z3 word made simple; an int where it is one."""
    word = z3.simplify(word)
    return word.as_long() if z3.is_bv_value(word) else word


def truth(formula: Any) -> bool:
    """The side of a condition that this path takes."""
    return formula if isinstance(formula, bool) else current().decide(formula)


def signed(value: int, bits: int) -> int:
    """An unsigned number read as a signed one."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def is_not_zero(value: Value) -> bool:
    """Whether a value is not 0, on this path."""
    return value != 0 if isinstance(value, int) else truth(value != 0)


def binary(how: str, bits: int, one: Value, other: Value) -> Value:
    """Two values of the same width, calculated with."""
    if how in SHIFTS and not (isinstance(other, int) and other < bits):
        claim("a shift is by less than the width", z3.ULT(term(other, bits), bits))
    if how in DIVISIONS and not (isinstance(other, int) and other):
        claim("nothing is divided by 0", term(other, bits) != 0)
    if isinstance(one, int) and isinstance(other, int):
        return _plain(how, bits, one, other) & ((1 << bits) - 1)
    x, y = term(one, bits), term(other, bits)
    return tidy(_OVER_WORDS[how](x, y))


def _plain(how: str, bits: int, one: int, other: int) -> int:
    if how in ("sdiv", "srem"):
        x, y = signed(one, bits), signed(other, bits)
        quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
        return quotient if how == "sdiv" else x - quotient * y
    if how == "ashr":
        return signed(one, bits) >> other
    return int(_OVER_INTEGERS[how](one, other))


_OVER_INTEGERS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "shl": lambda x, y: x << y,
    "lshr": lambda x, y: x >> y,
    "udiv": lambda x, y: x // y,
    "urem": lambda x, y: x % y,
}
_OVER_WORDS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "shl": lambda x, y: x << y,
    "lshr": z3.LShR,
    "ashr": lambda x, y: x >> y,
    "udiv": z3.UDiv,
    "urem": z3.URem,
    "sdiv": lambda x, y: x / y,
    "srem": z3.SRem,
}
_COMPARED: dict[str, Any] = {
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "ugt": z3.UGT,
    "uge": z3.UGE,
    "ult": z3.ULT,
    "ule": z3.ULE,
    "sgt": lambda x, y: x > y,
    "sge": lambda x, y: x >= y,
    "slt": lambda x, y: x < y,
    "sle": lambda x, y: x <= y,
}


def compare(predicate: str, bits: int, one: Value, other: Value) -> Value:
    """1 or 0, or a word of one bit."""
    if predicate not in _COMPARED:
        raise NotUnderstood(f"icmp {predicate}")
    if isinstance(one, int) and isinstance(other, int):
        if predicate[0] == "s":
            one, other = signed(one, bits), signed(other, bits)
        kind = predicate[-2:]
        return int(
            {"eq": one == other, "ne": one != other, "gt": one > other, "ge": one >= other}.get(
                kind, one < other if kind == "lt" else one <= other
            )
        )
    formula = z3.simplify(_COMPARED[predicate](term(one, bits), term(other, bits)))
    if z3.is_true(formula) or z3.is_false(formula):
        return int(z3.is_true(formula))
    return z3.If(formula, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def cast(how: str, have: int, want: int, value: Value) -> Value:
    """A value of one width as one of another."""
    if isinstance(value, int):
        return (signed(value, have) if how == "sext" else value) & ((1 << want) - 1)
    if want == have:
        return value
    if want < have:
        return tidy(z3.Extract(want - 1, 0, value))
    return tidy(z3.SignExt(want - have, value) if how == "sext" else z3.ZeroExt(want - have, value))


def select(condition: Value, bits: int, one: Value, other: Value) -> Value:
    """One of two values."""
    if isinstance(condition, int):
        return one if condition else other
    return tidy(z3.If(condition == 1, term(one, bits), term(other, bits)))


def add(address: Value, offset: int) -> Value:
    """An address and a known distance."""
    if isinstance(address, int):
        return (address + offset) & ((1 << 64) - 1)
    return tidy(address + offset) if offset else address
