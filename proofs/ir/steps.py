"""The instructions that neither call nor choose the next block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mapleproof.proofs.ir import arithmetic
from mapleproof.proofs.ir.arithmetic import Value, add
from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.instructions import Instruction
from mapleproof.proofs.ir.memory import Block, Memory
from mapleproof.proofs.ir.operands import element, value_of
from mapleproof.proofs.ir.types import BIT, POINTER, Layouts, Type

if TYPE_CHECKING:
    from mapleproof.proofs.ir.machine import Machine

Step = Callable[["Machine", Frame, Instruction], Value]


def _parts(layouts: Layouts, kind: Type) -> list[tuple[int, Type]]:
    """Where the parts of a struct or an array begin, and their types; [] for what has none."""
    real = layouts.resolve(kind)
    if real.kind == "struct":
        return [layouts.member(kind, at) for at in range(len(real.parts))]
    if real.kind == "array":
        return [(at * layouts.size(real.parts[0]), real.parts[0]) for at in range(real.bits)]
    return []


def loaded(memory: Memory, layouts: Layouts, kind: Type, address: Value) -> Value:
    """A value of a type from an address."""
    if layouts.resolve(kind).kind in ("struct", "array"):
        parts = _parts(layouts, kind)
        return tuple(loaded(memory, layouts, part, add(address, offset)) for offset, part in parts)
    value = memory.load(address, layouts.size(kind))
    return arithmetic.cast("trunc", 8 * layouts.size(kind), layouts.bits(kind), value)


def stored(memory: Memory, layouts: Layouts, kind: Type, address: Value, value: Value) -> None:
    """A value of a type to an address."""
    if isinstance(value, tuple):
        for (offset, part), each in zip(_parts(layouts, kind), value, strict=True):
            stored(memory, layouts, part, add(address, offset), each)
        return
    size = layouts.size(kind)
    memory.store(address, size, arithmetic.cast("zext", layouts.bits(kind), 8 * size, value))


def _alloca(machine: Machine, frame: Frame, line: Instruction) -> Value:
    size = max(1, frame.function.unit.layouts.size(line.args[0]))
    machine.stack += 0x200
    name = f"{frame.function.name}:{line.out[1:]}"
    block = Block(name, machine.stack, size, machine.anything(line.out[1:]))
    machine.stack += (size + 0x2FF) // 0x100 * 0x100
    machine.place(block)
    frame.variables[line.out] = block
    return block.base


def _load(machine: Machine, frame: Frame, line: Instruction) -> Value:
    kind, address = line.args
    where = value_of(machine, frame, POINTER, address)
    return loaded(machine.memory, frame.function.unit.layouts, kind, where)


def _store(machine: Machine, frame: Frame, line: Instruction) -> Value:
    kind, value, address = line.args
    what = value_of(machine, frame, kind, value)
    where = value_of(machine, frame, POINTER, address)
    stored(machine.memory, frame.function.unit.layouts, kind, where, what)
    return 0


def _getelementptr(machine: Machine, frame: Frame, line: Instruction) -> Value:
    of, operands = line.args
    values = [(kind, value_of(machine, frame, kind, what)) for kind, what in operands]
    return element(frame.function.unit.layouts, of, values)


def _binary(machine: Machine, frame: Frame, line: Instruction) -> Value:
    how, kind, one, other = line.args
    values = value_of(machine, frame, kind, one), value_of(machine, frame, kind, other)
    return arithmetic.binary(how, frame.function.unit.layouts.bits(kind), *values)


def _icmp(machine: Machine, frame: Frame, line: Instruction) -> Value:
    how, kind, one, other = line.args
    values = value_of(machine, frame, kind, one), value_of(machine, frame, kind, other)
    return arithmetic.compare(how, frame.function.unit.layouts.bits(kind), *values)


def _cast(machine: Machine, frame: Frame, line: Instruction) -> Value:
    how, kind, value, to = line.args
    bits = frame.function.unit.layouts.bits
    return arithmetic.cast(how, bits(kind), bits(to), value_of(machine, frame, kind, value))


def _select(machine: Machine, frame: Frame, line: Instruction) -> Value:
    condition, kind, one, other = line.args
    values = value_of(machine, frame, kind, one), value_of(machine, frame, kind, other)
    bits = frame.function.unit.layouts.bits(kind)
    return arithmetic.select(value_of(machine, frame, BIT, condition), bits, *values)


def _extractvalue(machine: Machine, frame: Frame, line: Instruction) -> Value:
    kind, value, indices = line.args
    found = value_of(machine, frame, kind, value)
    for index in indices:
        found = found[index]
    return found


def _insertvalue(machine: Machine, frame: Frame, line: Instruction) -> Value:
    kind, value, of, part, indices = line.args
    if len(indices) != 1:
        raise NotUnderstood(line.text[:200])
    whole = list(value_of(machine, frame, kind, value))
    whole[indices[0]] = value_of(machine, frame, of, part)
    return tuple(whole)


def _cmpxchg(machine: Machine, frame: Frame, line: Instruction) -> Value:
    kind, address, expected, new = line.args
    where, layouts = value_of(machine, frame, POINTER, address), frame.function.unit.layouts
    old, bits = loaded(machine.memory, layouts, kind, where), layouts.bits(kind)
    same = arithmetic.compare("eq", bits, old, value_of(machine, frame, kind, expected))
    now = arithmetic.select(same, bits, value_of(machine, frame, kind, new), old)
    stored(machine.memory, layouts, kind, where, now)
    return old, same


def _atomicrmw(machine: Machine, frame: Frame, line: Instruction) -> Value:
    how, kind, address, value = line.args
    where, layouts = value_of(machine, frame, POINTER, address), frame.function.unit.layouts
    old, other = loaded(machine.memory, layouts, kind, where), value_of(machine, frame, kind, value)
    if how not in ("xchg", "add", "sub", "and", "or", "xor"):
        raise NotUnderstood(line.text[:200])
    now = other if how == "xchg" else arithmetic.binary(how, layouts.bits(kind), old, other)
    stored(machine.memory, layouts, kind, where, now)
    return old


def _freeze(machine: Machine, frame: Frame, line: Instruction) -> Value:
    return value_of(machine, frame, *line.args)


def _fence(_machine: Machine, _frame: Frame, _line: Instruction) -> Value:
    return 0


STEPS: dict[str, Step] = {
    "alloca": _alloca,
    "load": _load,
    "store": _store,
    "getelementptr": _getelementptr,
    "binary": _binary,
    "icmp": _icmp,
    "cast": _cast,
    "select": _select,
    "extractvalue": _extractvalue,
    "insertvalue": _insertvalue,
    "cmpxchg": _cmpxchg,
    "atomicrmw": _atomicrmw,
    "freeze": _freeze,
    "fence": _fence,
}
