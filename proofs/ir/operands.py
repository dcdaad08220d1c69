"""What operands are, and the addresses of what a program defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.ir import arithmetic, variables
from mapleproof.proofs.ir.arithmetic import Value, add, term, tidy
from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.module import Unit
from mapleproof.proofs.ir.tokens import Operand
from mapleproof.proofs.ir.types import Layouts, Type

if TYPE_CHECKING:
    from mapleproof.proofs.ir.machine import Machine


def value_of(machine: Machine, frame: Frame, kind: Type, what: Operand) -> Value:
    """What an operand is in a call of a function. Raises NotUnderstood."""
    if what[0] == "local":
        return frame.registers[what[1]]
    return constant(machine, frame.function.unit, kind, what)


def constant(machine: Machine, unit: Unit, kind: Type, what: Operand) -> Value:
    """What an operand is that is the same in every call."""
    how, layouts = what[0], unit.layouts
    if how == "int":
        return what[1] & ((1 << kind.bits) - 1) if kind.kind == "int" else what[1]
    if how == "global":
        return machine.addresses.of(what[1], unit)
    if how in ("zero", "undef"):
        return _blank(machine, layouts, kind, zero=how == "zero")
    if how == "aggregate":
        return tuple(constant(machine, unit, of, part) for of, part in what[1])
    if how == "gep":
        operands = [(of, constant(machine, unit, of, each)) for of, each in what[2]]
        return element(layouts, what[1], operands)
    if how == "cast":
        value = constant(machine, unit, what[2], what[3])
        return arithmetic.cast(what[1], layouts.bits(what[2]), layouts.bits(what[4]), value)
    if how == "bin":
        one, other = (constant(machine, unit, of, each) for of, each in what[2])
        return arithmetic.binary(what[1], layouts.bits(what[2][0][0]), one, other)
    raise NotUnderstood(f"the operand {what}")


def _blank(machine: Machine, layouts: Layouts, kind: Type, zero: bool) -> Value:
    real = layouts.resolve(kind)
    if real.kind == "struct":
        return tuple(_blank(machine, layouts, part, zero) for part in real.parts)
    if real.kind == "array":
        return tuple(_blank(machine, layouts, real.parts[0], zero) for _ in range(real.bits))
    return 0 if zero else machine.new("undefined", layouts.bits(kind))


def element(layouts: Layouts, of: Type, operands: list[tuple[Type, Value]]) -> Value:
    """The address of a part of something: getelementptr, its operands already values."""
    address = operands[0][1]
    inner = of
    for number, (kind, index) in enumerate(operands[1:]):
        if number and layouts.resolve(inner).kind == "struct":
            offset, inner = layouts.member(inner, index)
            address = add(address, offset)
            continue
        inner = inner if number == 0 else layouts.element(inner)
        step = layouts.size(inner)
        if isinstance(index, int):
            address = add(address, arithmetic.signed(index, kind.bits) * step)
        else:
            wide = z3.SignExt(64 - kind.bits, index) if kind.bits < 64 else index
            address = tidy(term(address, 64) + wide * step)
    return address


class Addresses:
    """Where the functions and variables of a program are. One is placed when it is first spoken of; what a
    variable holds that is defined elsewhere may be anything."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._known: dict[str, int] = {}

    def of(self, name: str, unit: Unit) -> int:
        """The address of what a unit calls by this name, with @."""
        home = unit if _defines(unit, name) else None
        if home is None:
            others = (one for one in self.machine.program.units if _defines(one, name))
            home = next((one for one in others if not one.is_local(name)), unit)
        key = f"{home.path}:{name}" if home.is_local(name) else name
        if key not in self._known:
            self._known[key] = self._placed(key, name, home)
        return self._known[key]

    def _placed(self, key: str, name: str, unit: Unit) -> int:
        if name not in unit.variables:
            return self.machine.reserve(1)
        kind, first = variables.definition(unit.variables[name])
        size = max(1, unit.layouts.size(kind))
        block = self.machine.block(name[1:], size, unknown=self.machine.anything(name[1:]))
        self._known[key] = block.base  # it may speak of itself
        if name[1:] in self.machine.values:
            block.store(0, size, self.machine.values[name[1:]])
        elif first is not None:
            variables.fill(
                block, unit, 0, kind, first, lambda kind, what: constant(self.machine, unit, kind, what)
            )
        block.mark()
        return block.base


def _defines(unit: Unit, name: str) -> bool:
    text = unit.variables.get(name)
    return name in unit.texts or (text is not None and " external " not in f" {text}")
