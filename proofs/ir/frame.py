"""One call of a function."""

from __future__ import annotations

from typing import Any

from mapleproof.proofs.ir.arithmetic import Value
from mapleproof.proofs.ir.errors import Missing
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.ir.module import Function


class Frame:
    """One call of a function: its registers, its variables, and the loops that it is in the middle of."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.registers: dict[str, Value] = {}
        self.variables: dict[str, Block] = {}
        self.cut: dict[str, Any] = {}
        self.before = ""

    def variable(self, *names: str) -> Block:
        """The first of these variables of the C text that there is. Raises Missing."""
        for name in names:
            for each in (f"%{name}.addr", f"%{name}"):
                if each in self.variables:
                    return self.variables[each]
        raise Missing(f"{self.function.name}() has no variable {' or '.join(names)}")

    def get(self, *names: str) -> Value:
        """What such a variable holds."""
        block = self.variable(*names)
        return block.load(0, block.size)

    def set(self, name: str, value: Value) -> None:
        """Give a variable a value."""
        block = self.variable(name)
        block.store(0, block.size, value)
