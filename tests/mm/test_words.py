"""The decisions about page tables ask of a word nothing but unsigned arithmetic, so that z3 can run them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mapleproof.impl.mm import limits
from mapleproof.impl.mm.words import MAX, round_down, wrap


class Opaque:
    """A 64-bit word that can be added to, masked and compared, and is no integer: no int(), no index, no
    hash, no truth value."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: int) -> None:
        self.value = value % (MAX + 1)

    def __bool__(self) -> bool:
        raise TypeError("a word has no truth value")

    def __add__(self, other: Any) -> Opaque:
        return Opaque(self.value + _value(other))

    def __sub__(self, other: Any) -> Opaque:
        return Opaque(self.value - _value(other))

    def __and__(self, other: Any) -> Opaque:
        return Opaque(self.value & _value(other))

    def __eq__(self, other: object) -> bool:
        return self.value == _value(other)

    def __lt__(self, other: Any) -> bool:
        return self.value < _value(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= _value(other)


def _value(word: Any) -> int:
    return word.value if isinstance(word, Opaque) else word


def plain(result: Any) -> Any:
    return tuple(plain(item) for item in result) if isinstance(result, tuple) else _value(result)


FUNCTIONS = (
    (limits.narrow, 4),
    (limits.table_goes, 4),
    (limits.step_end, 2),
    (limits.is_gathered, 2),
)


@pytest.mark.parametrize(("function", "words"), FUNCTIONS, ids=lambda what: getattr(what, "__name__", ""))
def test_words_that_are_no_integers_give_the_same(function: Any, words: int) -> None:
    rng = random.Random(1)
    for _ in range(2000):
        size = 1 << rng.choice((12, 21, 30, 39))
        near = rng.choice((0, size, 5 * size, MAX + 1 - size))
        values = [(near + rng.choice((0, 0, 4096, -4096, size, -size))) & MAX for _ in range(words)]
        symbolic = function(*(Opaque(value) for value in values), size)
        assert plain(symbolic) == function(*values, size)


def test_the_other_decisions_too() -> None:
    assert plain(limits.clip(*map(Opaque, (1, 9, 3, 20)))) == limits.clip(1, 9, 3, 20) == (3, 9)  # type: ignore[arg-type]
    assert plain(limits.batch_ceiling(True, Opaque(7), Opaque(0))) == 7  # type: ignore[arg-type]
    assert plain(wrap(Opaque(0) - 1)) == MAX  # type: ignore[arg-type]
    assert plain(round_down(Opaque(0x5FFF), 0x1000)) == 0x5000  # type: ignore[arg-type]
