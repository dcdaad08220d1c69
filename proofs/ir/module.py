"""Compiled units of a program as text: what is defined in them, read when it is asked for.

Not covered: functions chosen when the program is linked (aliases, weak definitions beside others).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mapleproof.proofs.ir.errors import Missing, NotUnderstood
from mapleproof.proofs.ir.instructions import Instruction, instruction
from mapleproof.proofs.ir.tokens import Reader, tokens
from mapleproof.proofs.ir.types import Layouts, Type

Line = str | Instruction


@dataclass(slots=True)
class Function:
    """One function of a unit: its parameters' types and names, and its blocks by name, in order. The last
    line of a block is read at once, since it tells the blocks that follow; the others when executed."""

    name: str
    unit: Unit
    returns: Type
    parameters: list[tuple[Type, str]]
    blocks: dict[str, list[Line]] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The block it begins with."""
        return next(iter(self.blocks))

    def line(self, block: str, at: int) -> Instruction:
        """An instruction, read now if it was not before."""
        line = self.blocks[block][at]
        if isinstance(line, str):
            line = self.blocks[block][at] = instruction(line)
        return line

    def successors(self, block: str) -> tuple[str, ...]:
        """The blocks that may come after one."""
        return self.line(block, -1).targets

    def loops(self) -> dict[str, frozenset[str]]:
        """The natural loops: from the block at the head of each to the blocks in it, in the order of the
        text."""
        found: dict[str, set[str]] = {}
        before: dict[str, set[str]] = {}
        for block in self.blocks:
            for to in self.successors(block):
                before.setdefault(to, set()).add(block)
        for tail, head in self._backward():
            body = found.setdefault(head, {head})
            todo = [tail]
            while todo:
                block = todo.pop()
                if block not in body:
                    body.add(block)
                    todo += before.get(block, ())
        order = list(self.blocks)
        return {head: frozenset(found[head]) for head in sorted(found, key=order.index)}

    def _backward(self) -> list[tuple[str, str]]:
        """The edges that lead back to a block that is not left yet."""
        found = []
        open_now = {self.first}
        seen = {self.first}
        stack = [(self.first, iter(self.successors(self.first)))]
        while stack:
            at, rest = stack[-1]
            for to in rest:
                if to in open_now:
                    found.append((at, to))
                elif to not in seen:
                    seen.add(to)
                    open_now.add(to)
                    stack.append((to, iter(self.successors(to))))
                    break
            else:
                open_now.discard(at)
                stack.pop()
        return found


class Unit:
    """One compiled unit: the text of its functions and global variables by name, with @."""

    def __init__(self, path: Path) -> None:
        text = path.read_text()
        self.path = path
        self.layouts = Layouts(_types(text))
        self.texts = {
            f"@{match[1]}": match[0]
            for match in re.finditer(
                r'^define [^\n]*?@([\w.$]+|"[^"]+")\(.*?^\}', text, re.MULTILINE | re.DOTALL
            )
        }
        self.variables = dict(re.findall(r'^(@[\w.$]+|@"[^"]+") = (.*)$', text, re.MULTILINE))
        self._read: dict[str, Function] = {}

    def function(self, name: str) -> Function:
        """A function that is defined here."""
        if name not in self._read:
            self._read[name] = self._parsed(name)
        return self._read[name]

    def is_local(self, name: str) -> bool:
        """Whether a function or a variable is seen in this unit alone."""
        head = self.texts[name].partition("(")[0] if name in self.texts else self.variables.get(name, "")
        return bool(re.search(r"\b(internal|private)\b", head))

    def constant(self, name: str) -> int:
        """The value of a constant whole number. Raises Missing."""
        found = re.search(r"constant i\d+ (-?\d+)", self.variables.get(f"@{name}", ""))
        if found is None:
            raise Missing(f"{self.path.stem} has no constant {name}")
        return int(found[1])

    def _parsed(self, name: str) -> Function:
        head, *lines = self.texts[name].split("\n")
        row = tokens(head.removeprefix("define "))
        at = row.index(name)
        back = Reader(row[:at])
        back.attributes()
        function = Function(name.lstrip("@"), self, back.type(), [])
        reader = Reader(row, at + 1)
        reader.want("(")
        while not reader.take(")"):
            if reader.take("..."):
                continue
            kind = reader.type()
            reader.attributes()
            named = reader.peek().startswith("%")
            function.parameters.append((kind, reader.next() if named else f"%{len(function.parameters)}"))
            reader.take(",")
        _fill(function, lines[:-1])
        return function


def _types(text: str) -> dict[str, Type]:
    found = re.findall(r'^(%[^\s"]+|%"[^"]*") = type (.*)$', text, re.MULTILINE)
    return {name: Reader(tokens(of)).type() for name, of in found}


def _fill(function: Function, lines: list[str]) -> None:
    """The blocks of a function. An instruction may take several lines."""
    block, joined = "", ""
    for line in lines:
        bare = line.strip()
        if not bare or bare.startswith(";"):
            continue
        label = re.match(r'^([-\w$.]+|"[^"]+"):', line)
        if label:
            block = f"%{label[1]}"
            function.blocks[block] = []
            continue
        joined = f"{joined} {bare}".strip()
        if _goes_on(joined):
            continue
        if not block:
            # Without a label it has the number after the parameters'
            block = f"%{len(function.parameters)}"
            function.blocks[block] = []
        function.blocks[block].append(joined)
        joined = ""
    if not function.blocks or joined:
        raise NotUnderstood(f"the text of {function.name}")


def _goes_on(text: str) -> bool:
    if text.startswith("switch "):
        return "]" not in text
    return ("callbr " in text or text.startswith("invoke ")) and "to label" not in text


class Program:
    """Several units as one program: a function is looked up where it is called, then in the others, since
    versions have it in different files."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = tuple(units)

    @staticmethod
    def read(paths: Sequence[Path]) -> Program:
        """Units out of files."""
        return Program([Unit(path) for path in paths])

    def function(self, name: str, called_in: Unit | None = None) -> Function:
        """A function by its name, without @. Raises Missing."""
        found = self.find(name, called_in)
        if found is None:
            raise Missing(f"the sources have no function {name}()")
        return found

    def find(self, name: str, called_in: Unit | None = None) -> Function | None:
        """The same, None where it is defined in none of the units."""
        symbol = f"@{name}"
        if called_in is not None and symbol in called_in.texts:
            return called_in.function(symbol)
        for unit in self.units:
            if symbol in unit.texts and not (called_in is not None and unit.is_local(symbol)):
                return unit.function(symbol)
        return None

    def has(self, name: str) -> bool:
        """Whether a function is defined."""
        return self.find(name) is not None
