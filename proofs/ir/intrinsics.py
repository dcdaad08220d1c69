"""What the compiler itself provides: functions whose names begin with llvm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.ir.arithmetic import Value, add, compare, select, term, tidy
from mapleproof.proofs.ir.errors import NotUnderstood

if TYPE_CHECKING:
    from mapleproof.proofs.ir.machine import Machine

_NOTHING = ("lifetime", "dbg", "prefetch", "assume", "experimental.noalias", "donothing")
MOST_BYTES = 4096
"""More are not copied one by one."""


def call(machine: Machine, name: str, args: list[Any]) -> Value:
    """What an intrinsic returns. Raises NotUnderstood."""
    kind = name.removeprefix("llvm.")
    if kind.startswith(_NOTHING):
        return 0
    if kind.startswith("expect"):
        return args[0]
    if kind.startswith("is.constant"):
        return 0
    if kind.startswith("objectsize"):
        return (1 << 64) - 1
    if kind.startswith(("memset", "memcpy", "memmove")):
        return _bytes(machine, kind, args)
    if ".with.overflow" in kind:
        return _overflow(kind, args)
    if kind.startswith(("umin", "umax", "smin", "smax")):
        bits = int(kind.split(".i")[-1])
        predicate = {"min": "lt", "max": "gt"}[kind[1:4]]
        return select(compare(kind[0] + predicate, bits, *args), bits, *args)
    if kind.startswith(("ctlz", "cttz")) and isinstance(args[0], int):
        bits = int(kind.split(".i")[-1])
        low = (args[0] & -args[0]).bit_length() - 1
        return bits if not args[0] else bits - args[0].bit_length() if kind[2] == "l" else low
    if kind.startswith("ctpop") and isinstance(args[0], int):
        return args[0].bit_count()
    if kind.startswith("bswap") and isinstance(args[0], int):
        size = int(kind.split(".i")[-1]) // 8
        return int.from_bytes(args[0].to_bytes(size, "little"), "big")
    raise NotUnderstood(f"the intrinsic {name}")


def _bytes(machine: Machine, kind: str, args: list[Any]) -> Value:
    to, other, count = args[:3]
    if not isinstance(count, int) or count > MOST_BYTES:
        raise NotUnderstood(f"{kind.split('.')[0]} of {count} bytes")
    sizes = [8] * (count // 8) + [1] * (count % 8)
    places = [sum(sizes[:at]) for at in range(len(sizes))]
    if kind.startswith("memset"):
        whole = other * 0x0101_0101_0101_0101 if isinstance(other, int) else None
        for at, size in zip(places, sizes, strict=True):
            value = z3.Concat(*[other] * size) if whole is None and size > 1 else other
            machine.memory.store(add(to, at), size, whole if size > 1 and whole is not None else value)
        return 0
    got = [machine.memory.load(add(other, at), size) for at, size in zip(places, sizes, strict=True)]
    for at, size, value in zip(places, sizes, got, strict=True):
        machine.memory.store(add(to, at), size, value)
    return 0


def _overflow(kind: str, args: list[Any]) -> Value:
    """A sum, difference or product, and whether it does not fit."""
    how, bits = kind[1:4], int(kind.split(".i")[-1])
    more = bits if how == "mul" else 1
    extend = z3.SignExt if kind[0] == "s" else z3.ZeroExt
    one, other = (extend(more, term(arg, bits)) for arg in args)
    exact = one + other if how == "add" else one - other if how == "sub" else one * other
    low = z3.Extract(bits - 1, 0, exact)
    left = z3.simplify(exact != extend(more, low))
    return tidy(low), tidy(z3.If(left, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)))
