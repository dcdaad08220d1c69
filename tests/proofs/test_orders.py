"""Questions about words that are compared and added up: the same answers over whole numbers as over words."""

from __future__ import annotations

import random
from typing import Any

import pytest
import z3

from mapleproof.proofs.engine.orders import Numbers, Orders, Untold
from mapleproof.proofs.engine.paths import Paths, assume, claim
from mapleproof.proofs.engine.words import FULL, Word

pytestmark = pytest.mark.source

BITS = 4
VALUES = range(1 << BITS)


def _word(draw: random.Random, deep: int) -> Any:
    """A word of four bits over x, y and z."""
    if not deep:
        return draw.choice([*z3.BitVecs("x y z", BITS), z3.BitVecVal(draw.choice(VALUES), BITS)])
    one, other = (_word(draw, deep - 1) for _ in range(2))
    wide = [z3.ZeroExt(BITS, each) for each in (one, other)]
    return draw.choice(
        [
            lambda: one + other,
            lambda: one - other,
            lambda: -one,
            lambda: one + 1,
            lambda: one - 1,
            lambda: z3.If(z3.ULT(one, other), one, other),
            lambda: z3.Extract(BITS - 1, 0, wide[0] + wide[1]),
            lambda: z3.Extract(BITS, 1, wide[0] + wide[1]),
            lambda: z3.Concat(z3.Extract(1, 0, one), z3.Extract(3, 2, other)),
        ]
    )()


def _formula(draw: random.Random, deep: int) -> Any:
    one, other = _word(draw, deep), _word(draw, deep)
    compared = draw.choice([z3.ULT, z3.ULE, z3.UGT, z3.UGE, lambda x, y: x == y, lambda x, y: x != y])
    found = compared(one, other)
    return draw.choice([found, z3.Not(found), z3.Or(found, z3.ULT(other, one)), z3.simplify(found)])


def test_each_formula_says_the_same_over_whole_numbers() -> None:
    """For all values of its words; of each kind of formula there are some."""
    draw, numbers, told = random.Random(1), Numbers(), 0
    for number in range(400):
        formula = _formula(draw, number % 3)
        try:
            other = numbers.told(formula)
        except Untold:
            continue
        told += 1
        for values in ([draw.choice(VALUES) for _ in "xyz"] for _ in range(12)):
            words = [
                (z3.BitVec(name, BITS), z3.BitVecVal(value, BITS))
                for name, value in zip("xyz", values, strict=True)
            ]
            integers = [
                (z3.Int(f"{name} {BITS}"), z3.IntVal(value))
                for name, value in zip("xyz", values, strict=True)
            ]
            left, right = (
                z3.simplify(z3.substitute(formula, *words)),
                z3.simplify(z3.substitute(other, *integers)),
            )
            assert z3.is_true(left) == z3.is_true(right), (formula, other, values)
    assert told > 350


def test_both_solvers_agree() -> None:
    draw = random.Random(2)
    answers = set()
    for _ in range(60):
        formulas = [_formula(draw, 1) for _ in range(4)]
        one, other = z3.Solver(), Orders()
        for formula in formulas[:-1]:
            one.add(formula)
            other.add(formula)
        answer = other.check(formulas[-1])
        assert answer == one.check(formulas[-1])
        answers.add(str(answer))
        if answer == z3.sat:
            model = other.model()
            assert all(z3.is_true(model.eval(formula)) for formula in formulas)
    assert answers == {"sat", "unsat"}


def test_what_cannot_be_told_is_never_found() -> None:
    """A product is left out: what contradicts the rest still does, and nothing else is an answer."""
    x, y = z3.BitVecs("x y", 64)
    solver = Orders()
    solver.add(x * y == 7)
    assert solver.check() == z3.unknown
    assert solver.check(z3.And(z3.ULT(x, y), z3.ULT(y, x))) == z3.unsat
    assert solver.assertions() == [x * y == 7]
    solver.push()
    solver.add(z3.ULT(x, y))
    solver.pop()
    assert len(solver.assertions()) == 1


def test_limits_of_words_come_back_with_them() -> None:
    """A word first spoken of in what was taken back is still one of 64 bits."""
    x = z3.BitVec("x", 64)
    solver = Orders()
    solver.push()
    solver.add(z3.ULT(x, 5))
    solver.pop()
    assert solver.check(z3.UGT(x, FULL)) == z3.unsat
    solver.push()
    solver.add(x + 1 == 0)
    assert solver.check() == z3.sat
    assert solver.model().eval(x).as_long() == FULL


@pytest.mark.parametrize("orders", [False, True])
def test_paths_come_to_the_same(orders: bool) -> None:
    """A product goes to the solver of words."""

    def program(least: int) -> Any:
        def run() -> None:
            x, y = Word.named("x"), Word.named("y")
            assume(x < 100)
            assume(Word(x.term * y.term) == 35)
            if y > x:
                claim("it is large", y > least)

        return run

    found = Paths(program(5), orders=orders).explore()
    assert found.proved
    found = Paths(program(7), orders=orders).explore()
    assert found.refuted == ("it is large", {"x": 5, "y": 7})
