"""What the claims about the tree stand on: slots, integers, planted trees."""

from __future__ import annotations

from typing import Any

import pytest
import z3

from mapleproof.proofs import dup_is_isomorphic, write_kinds
from mapleproof.proofs.engine.integers import Integer, Truth, assume, choice, claim, flag
from mapleproof.proofs.engine.paths import Paths
from mapleproof.proofs.maple.planted import plant
from mapleproof.proofs.maple.slots import Entry, Slots, guarded, raw

pytestmark = pytest.mark.source


@pytest.mark.parametrize("height", [1, 2, 3])
def test_planted_trees_are_sound(height: int) -> None:
    for shape in dup_is_isomorphic.shapes(height):
        plant(shape, dup_is_isomorphic.FAN_OUT).check()


@pytest.mark.deep
@pytest.mark.parametrize("count", [9, 10, 11, 12, 13, 14, 15])
def test_leaves_that_the_claim_has_no_time_for(count: int) -> None:
    found = Paths(write_kinds.leaf_program(count, write_kinds.WIDE, None, True)).explore()
    assert found.proved


def test_a_slot_is_decided_when_it_is_read_and_not_when_it_is_copied() -> None:
    seen: list[Any] = []

    def program() -> None:
        slots = Slots([Entry(2, flag("null"))])
        copy = [*raw(slots[:]), *raw(list[Any]() + slots)]
        seen.append((copy, slots[0]))

    assert Paths(guarded(program)).explore().paths == 2
    assert sorted(read is None for _, read in seen) == [False, True]
    assert all(isinstance(held, Entry) for copy, _ in seen for held in copy)


def test_integers_are_as_pythons_and_a_refutation_is_small() -> None:
    def program() -> None:
        x = Integer.named("x")
        assume(x > 4)
        claim("it is below 7", x - 1 < 6)

    found = Paths(guarded(program)).explore()
    assert found.refuted == ("it is below 7", {"x": 7})


def test_a_mask_takes_what_left_64_bits_back() -> None:
    def program() -> None:
        x = Integer.named("x")
        masked = (x + 1) & (2**64 - 1)
        claim("the top wraps", z3.Implies(x.term == 2**64 - 1, masked.term == 0))
        claim("all else does not", z3.Implies(x.term != 2**64 - 1, masked.term == x.term + 1))

    found = Paths(guarded(program)).explore()
    assert (found.proved, found.paths) == (True, 2)


def test_a_condition_is_asked_once_and_a_crash_is_a_refutation() -> None:
    def counts() -> None:
        x = Truth(flag("x"))
        claim("it counts as one", (3 + x == 4) is bool(x))
        claim("and is taken away as one", (3 - x == 2) is bool(x))

    assert Paths(guarded(counts)).explore().paths == 2

    def crashes() -> None:
        [][choice("at", 2)]

    found = Paths(guarded(crashes)).explore()
    assert found.refuted is not None
    assert "IndexError" in found.refuted[0]
