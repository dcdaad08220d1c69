"""The executor: runs functions of a program on one path of an exploration (``paths.py``).

``hooks`` stand in the place of functions, by name; ``asm`` in the place of inline assembly, which gets its
text; where assembly may jump, what it returns is the number of the target, 0 for going on. ``cuts`` are
invariants of loops (``cuts.py``). ``values`` are what variables of the program hold to begin with.

Not covered: floating point, vectors, variable arguments, calls through pointers to what has no hook, more
than one processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.promises import Oops
from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.ir import intrinsics
from mapleproof.proofs.ir.arithmetic import Value, truth
from mapleproof.proofs.ir.errors import ExecutorError, Missing, NotUnderstood
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.instructions import Instruction
from mapleproof.proofs.ir.memory import Block, Memory, Thing, Unknown
from mapleproof.proofs.ir.module import Function, Program, Unit
from mapleproof.proofs.ir.operands import Addresses, value_of
from mapleproof.proofs.ir.steps import STEPS
from mapleproof.proofs.ir.tokens import Operand
from mapleproof.proofs.ir.types import BIT, METADATA, POINTER

Hook = Callable[["Machine", list[Any]], Any]
"""Stands for a function: gets the executor and the arguments, returns what the function returns."""

Asm = Callable[["Machine", str, list[Any]], Any]

STACK, HEAP = 0x7F00_0000_0000_0000, 0xFFFF_C900_0000_0000
"""Where variables of functions and where other things get their addresses."""


class TurnOver(Exception):
    """A loop is back at its head: what holds of one turn was claimed."""


class Machine:
    """A program and memory in which its functions run."""

    def __init__(
        self,
        program: Program,
        hooks: dict[str, Hook] | None = None,
        values: dict[str, int] | None = None,
        asm: Asm | None = None,
    ) -> None:
        self.program = program
        self.hooks = hooks if hooks is not None else {}
        self.values = values or {}
        self.asm = asm
        self.cuts: dict[str, Any] = {}
        self.pointers: dict[int, Hook] = {}
        """What stands for a function that is called through a pointer, by its address."""
        self.memory = Memory()
        self.fresh = 0
        self.counts: dict[str, int] = {}
        """How many instructions of each kind were executed."""
        self.stack, self._heap = STACK, HEAP
        self.addresses = Addresses(self)

    def new(self, name: str, bits: int) -> Any:
        """A value of which nothing is known."""
        self.fresh += 1
        return z3.BitVec(f"{name}#{self.fresh}", bits)

    def anything(self, name: str) -> Unknown:
        """For blocks: what was never stored may be anything."""
        return lambda offset, size: self.new(f"{name}+{offset}", 8 * size)

    def block(
        self, name: str, size: int, *, base: int | None = None, unknown: Unknown | None = None
    ) -> Block:
        """Place plain bytes, somewhere or at an address that is given."""
        base = self.reserve(size) if base is None else base
        made = Block(name, base, size, unknown)
        self.memory.place(made)
        return made

    def place(self, thing: Thing) -> None:
        """Place something else."""
        self.memory.place(thing)

    # Calls

    def call(self, name: str, args: Sequence[Value], called_in: Unit | None = None) -> Value:
        """What a function returns. Raises NotExecuted."""
        with _only_own_errors():
            return self._call(name, list(args), called_in)

    def _call(self, name: str, args: list[Value], called_in: Unit | None) -> Value:
        hook = self.hooks.get(name)
        if hook is not None:
            return hook(self, args)
        if name.startswith("llvm."):
            return intrinsics.call(self, name, args)
        function = self.program.find(name, called_in)
        if function is None:
            where = f" in {called_in.path.stem}" if called_in else ""
            raise NotUnderstood(f"a call of {name}(), of which nothing is known{where}")
        frame = Frame(function)
        if len(args) != len(function.parameters):
            raise NotUnderstood(f"{name}() takes {len(function.parameters)} arguments, not {len(args)}")
        for (_, register), arg in zip(function.parameters, args, strict=True):
            frame.registers[register] = arg
        stack = self.stack
        try:
            return self._run(frame)
        finally:
            for block in frame.variables.values():
                self.memory.remove(block)
            self.stack = stack

    def _run(self, frame: Frame) -> Value:
        function = frame.function
        heads = self._heads(function)
        block = function.first
        while True:
            if block in heads:
                heads[block].at_head(self, frame, block)
            self._phis(frame, block)
            lines = function.blocks[block]
            for at in range(len(lines) - 1):
                line = function.line(block, at)
                if line.op != "phi":
                    frame.registers[line.out] = self._step(frame, line)
            last = function.line(block, -1)
            self._count(last)
            frame.before = block
            if last.op == "ret":
                kind, value = last.args
                return 0 if value is None else value_of(self, frame, kind, value)
            block = self._next(frame, last)

    def _heads(self, function: Function) -> dict[str, Any]:
        wanted = {key: cut for key, cut in self.cuts.items() if key.split(":")[0] == function.name}
        if not wanted:
            return {}
        found = {}
        loops = list(function.loops())
        for key, cut in wanted.items():
            number = int(key.split(":")[1])
            if number >= len(loops):
                raise Missing(f"{function.name}() has {len(loops)} loops, not {number + 1}")
            found[loops[number]] = cut
        return found

    def _phis(self, frame: Frame, block: str) -> None:
        """All of a block's phis at once: none sees what another one gets."""
        made: dict[str, Value] = {}
        for at in range(len(frame.function.blocks[block])):
            line = frame.function.line(block, at)
            if line.op != "phi":
                break
            kind, ways = line.args
            way = next(value for before, value in ways if before == frame.before)
            made[line.out] = value_of(self, frame, kind, way)
            self._count(line)
        frame.registers.update(made)

    def _next(self, frame: Frame, last: Instruction) -> str:
        """The block that comes next."""
        if last.op == "br":
            (condition,) = last.args
            if condition is None or self._holds(frame, condition):
                return last.targets[0]
            return last.targets[1]
        if last.op == "switch":
            kind, value, cases = last.args
            found = value_of(self, frame, kind, value)
            for case, to in cases:
                case &= (1 << kind.bits) - 1
                if found == case if isinstance(found, int) else truth(z3.simplify(found == case)):
                    return str(to)
            return last.targets[0]
        if last.op == "callbr":
            chosen = self._called(frame, last)
            if not isinstance(chosen, int) or not 0 <= chosen < len(last.targets):
                raise NotUnderstood(f"where assembly goes on in {frame.function.name}()")
            return last.targets[chosen]
        claim(f"{frame.function.name}() does not come to what cannot be reached", False)
        raise AssertionError("claim() does not return from what is false")

    def _holds(self, frame: Frame, condition: Operand) -> bool:
        value = value_of(self, frame, BIT, condition)
        return bool(value) if isinstance(value, int) else truth(z3.simplify(value == 1))

    def _step(self, frame: Frame, line: Instruction) -> Value:
        self._count(line)
        if line.op == "call":
            return self._called(frame, line)
        return STEPS[line.op](self, frame, line)

    def _called(self, frame: Frame, line: Instruction) -> Value:
        _, callee, operands = line.args
        if any(kind == METADATA for kind, _ in operands):
            return 0  # what is told to a debugger
        args = [value_of(self, frame, kind, what) for kind, what in operands]
        if callee[0] == "asm":
            if self.asm is None:
                raise NotUnderstood(f"assembly in {frame.function.name}(): {callee[1][:80]}")
            return self.asm(self, callee[1], args)
        if callee[0] != "global":
            return self._through(value_of(self, frame, POINTER, callee), args, frame, line)
        return self._call(callee[1][1:], args, frame.function.unit)

    def _through(self, pointer: Value, args: list[Value], frame: Frame, line: Instruction) -> Value:
        hook = self.pointers.get(pointer) if isinstance(pointer, int) else None
        if hook is None:
            raise NotUnderstood(f"a call through a pointer in {frame.function.name}(): {line.text[:100]}")
        return hook(self, args)

    def _count(self, line: Instruction) -> None:
        self.counts[line.op] = self.counts.get(line.op, 0) + 1

    def reserve(self, size: int) -> int:
        """An address for so many bytes, which are not placed."""
        self._heap += (size + 0x1FFF) // 0x1000 * 0x1000
        return self._heap - (size + 0x1FFF) // 0x1000 * 0x1000


@contextmanager
def _only_own_errors() -> Iterator[None]:
    """What the executor itself stumbles over must not be taken for a crash of the code that it runs."""
    try:
        yield
    except (AssertionError, AttributeError, LookupError, Oops, StopIteration) as error:
        raise ExecutorError(f"the executor failed: {type(error).__name__}: {error}") from error
