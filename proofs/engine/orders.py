"""A solver for words that are only compared, added up and subtracted: it is asked over whole numbers, where
such questions are short, with each sum wrapped to its width.

The formulas stay those over words. What cannot be told over whole numbers is left out there: that nothing is
found is then still an answer, and that something is found is none, so the question goes to the solver of
words (``paths.py``). What is claimed and what is proved are the same.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

MOST_TIMES = 4
"""A word is added up with itself so often, or taken away; more is a product, which is left out."""


class Untold(Exception):
    """A formula says something else than how large sums are."""


_COMPARED: dict[int, Any] = {
    z3.Z3_OP_ULEQ: lambda x, y: x <= y,
    z3.Z3_OP_ULT: lambda x, y: x < y,
    z3.Z3_OP_UGEQ: lambda x, y: x >= y,
    z3.Z3_OP_UGT: lambda x, y: x > y,
    z3.Z3_OP_EQ: lambda x, y: x == y,
    z3.Z3_OP_DISTINCT: lambda x, y: x != y,
}
_JOINED: dict[int, Any] = {
    z3.Z3_OP_AND: z3.And,
    z3.Z3_OP_OR: z3.Or,
    z3.Z3_OP_NOT: z3.Not,
    z3.Z3_OP_IMPLIES: z3.Implies,
    z3.Z3_OP_ITE: z3.If,
}


class Numbers:
    """Formulas over words as formulas over whole numbers."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}
        self._variables: dict[int, frozenset[Any]] = {}

    def told(self, formula: Any) -> Any:
        """The same over whole numbers. Raises Untold."""
        key = formula.get_id()
        if key not in self._known:
            # The formula is kept, since its number is given to another one once it is gone
            self._known[key] = formula, self._made(formula)
        return self._known[key][1]

    def _made(self, formula: Any) -> Any:
        kind, parts = formula.decl().kind(), formula.children()
        if z3.is_bv(formula):
            return self._word(formula, kind, parts)
        if z3.is_true(formula) or z3.is_false(formula) or (z3.is_const(formula) and z3.is_bool(formula)):
            return formula
        if kind in _JOINED:
            return _JOINED[kind](*map(self.told, parts))
        if kind in _COMPARED and len(parts) == 2:
            return _COMPARED[kind](*map(self.told, parts))
        raise Untold(str(formula)[:100])

    def _word(self, word: Any, kind: int, parts: list[Any]) -> Any:
        if z3.is_bv_value(word):
            return z3.IntVal(word.as_long())
        if kind == z3.Z3_OP_UNINTERPRETED and not parts:
            return z3.Int(f"{word.decl().name()} {word.size()}")
        if kind == z3.Z3_OP_ZERO_EXT:
            return self.told(parts[0])
        if kind == z3.Z3_OP_ITE:
            return z3.If(*map(self.told, parts))
        if kind == z3.Z3_OP_CONCAT:
            total = self.told(parts[0])
            for part in parts[1:]:
                total = total * (1 << part.size()) + self.told(part)
            return total
        if kind == z3.Z3_OP_EXTRACT:
            return self._part(word, parts[0])
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BSUB, z3.Z3_OP_BMUL, z3.Z3_OP_BNEG):
            return self._sum(word)
        raise Untold(str(word)[:100])

    def _part(self, part: Any, word: Any) -> Any:
        """Some of a word's bits."""
        high, low = part.params()
        whole = self.told(word)
        if high == low == word.size() - 1:
            return z3.If(whole >= 1 << low, z3.IntVal(1), z3.IntVal(0))
        upper = whole / (1 << low) if low else whole
        return upper % (1 << part.size()) if high < word.size() - 1 else upper

    def _sum(self, word: Any) -> Any:
        """A sum, as often wrapped as it may have left the width."""
        whole = 1 << word.size()
        total, low, high = z3.IntVal(0), 0, 0
        for part, times in self._addends(word, 1):
            if isinstance(part, int):
                total, low, high = total + part, low + part, high + part
                continue
            total = total + times * self.told(part)
            most = _most(part)
            low, high = low + min(times, 0) * most, high + max(times, 0) * most
        wrapped = total - high // whole * whole
        for turn in range(high // whole - 1, low // whole - 1, -1):
            wrapped = z3.If(total < (turn + 1) * whole, total - turn * whole, wrapped)
        return wrapped

    def _addends(self, word: Any, times: int) -> list[tuple[Any, int]]:
        """What is added up and how often; plain numbers as they are."""
        kind, parts = word.decl().kind(), word.children()
        if z3.is_bv_value(word):
            return [(times * word.as_signed_long(), 1)]
        if kind == z3.Z3_OP_BADD:
            return [each for part in parts for each in self._addends(part, times)]
        if kind == z3.Z3_OP_BSUB:
            rest = [each for part in parts[1:] for each in self._addends(part, -times)]
            return self._addends(parts[0], times) + rest
        if kind == z3.Z3_OP_BNEG:
            return self._addends(parts[0], -times)
        if kind == z3.Z3_OP_BMUL:
            if len(parts) == 2 and z3.is_bv_value(parts[0]) and abs(parts[0].as_signed_long()) <= MOST_TIMES:
                return self._addends(parts[1], times * parts[0].as_signed_long())
            raise Untold(str(word)[:100])
        return [(word, times)]

    def variables(self, formula: Any) -> frozenset[Any]:
        """The words and truths that a formula is about."""
        key = formula.get_id()
        if key not in self._variables:
            if z3.is_const(formula):
                is_one = formula.decl().kind() == z3.Z3_OP_UNINTERPRETED
                self._variables[key] = frozenset([formula] if is_one else [])
            else:
                self._variables[key] = frozenset().union(*map(self.variables, formula.children()))
            self._known.setdefault(-1 - key, (formula, None))
        return self._variables[key]


def _most(word: Any) -> int:
    """A number that a word does not pass."""
    parts = word.children()
    bits: int = word.size()
    if word.decl().kind() == z3.Z3_OP_ZERO_EXT:
        bits = parts[0].size()
    elif word.decl().kind() == z3.Z3_OP_CONCAT and z3.is_bv_value(parts[0]) and not parts[0].as_long():
        bits -= parts[0].size()
    return (1 << bits) - 1


class Orders:
    """In the place of z3's solver, as far as ``Paths`` asks it."""

    def __init__(self) -> None:
        self.solver = z3.Solver()
        self.numbers = Numbers()
        self._formulas: list[list[Any]] = [[]]
        self._limited: list[set[Any]] = [set()]
        self._left_out = [0]

    def set(self, name: str, value: int) -> None:
        """An option of the solver's."""
        self.solver.set(name, value)

    def push(self) -> None:
        """What is added from here on is taken back by ``pop()``."""
        self.solver.push()
        self._formulas.append([])
        self._limited.append(set())
        self._left_out.append(0)

    def pop(self) -> None:
        """Take it back."""
        self.solver.pop()
        for stack in (self._formulas, self._limited, self._left_out):
            stack.pop()

    def add(self, *formulas: Any) -> None:
        """These hold."""
        for formula in formulas:
            self._formulas[-1].append(formula)
            told = self._told(formula)
            if told is None:
                self._left_out[-1] += 1
            else:
                self.solver.add(told)

    def assertions(self) -> list[Any]:
        """All that holds, over words."""
        return [formula for scope in self._formulas for formula in scope]

    def _told(self, formula: Any) -> Any:
        try:
            told = self.numbers.told(formula)
        except Untold:
            return None
        for variable in self.numbers.variables(formula):
            if z3.is_bv(variable) and not any(variable in scope for scope in self._limited):
                number = self.numbers.told(variable)
                self.solver.add(number >= 0, number < (1 << variable.size()))
                self._limited[-1].add(variable)
        return told

    def check(self, *formulas: Any) -> Any:
        """Whether all can hold, with these; unknown where not all could be told."""
        told = [self._told(formula) for formula in formulas]
        answer = self.solver.check(*(each for each in told if each is not None))
        if answer == z3.sat and (any(self._left_out) or None in told):
            return z3.unknown
        return answer

    def model(self) -> Found:
        """What was found by the last ``check()``."""
        return Found(self.solver.model(), self.numbers)


class Found:
    """Values for words, out of those for whole numbers."""

    def __init__(self, model: Any, numbers: Numbers) -> None:
        self.model, self.numbers = model, numbers

    def eval(self, formula: Any, model_completion: bool = True) -> Any:
        """What a formula over words is."""
        values = [(each, self._value(each)) for each in self.numbers.variables(formula)]
        return z3.simplify(z3.substitute(formula, *values))

    def _value(self, variable: Any) -> Any:
        value = self.model.eval(self.numbers.told(variable), model_completion=True)
        return z3.BitVecVal(value.as_long(), variable.size()) if z3.is_bv(variable) else value
