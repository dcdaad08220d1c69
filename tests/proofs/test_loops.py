"""Turns of loops: functions whose answer is known."""

from __future__ import annotations

from typing import Any

import pytest

from mapleproof.proofs.engine.loops import Cut, Rest, turn

pytestmark = pytest.mark.source


def counted(things: Any) -> int:
    """A loop with two variables."""
    count = total = 0
    for thing in things:
        count += 1
        total += thing.size
    return count * 1000 + total


class Thing:
    size = 5


def test_a_turn_goes_on_from_the_state_that_is_given() -> None:
    state = turn(counted, {"count": 7, "total": 30}, lambda: counted([Thing(), Rest()]))
    assert state is not None
    assert (state["count"], state["total"]) == (9, 35)
    assert type(state["thing"]) is Rest


def test_without_a_state_it_is_the_first_turn() -> None:
    state = turn(counted, {}, lambda: counted([Thing(), Rest()]))
    assert state is not None
    assert (state["count"], state["total"]) == (2, 5)


def test_a_function_that_returns_has_no_state() -> None:
    returned: list[int] = []
    state = turn(counted, {"count": 7, "total": 30}, lambda: returned.append(counted([Thing()])))
    assert state is None
    assert returned == [8035]


def test_only_the_named_function_is_changed() -> None:
    def other() -> tuple[int, int]:
        count, total = 1, 2
        return count, total

    seen: list[Any] = []
    assert turn(counted, {"count": 7}, lambda: seen.append(other())) is None
    assert seen == [(1, 2)]


def test_who_else_looks_behind_is_no_turn() -> None:
    with pytest.raises(AssertionError, match="is not what looked"):
        turn(counted, {}, lambda: Rest().size)


def test_nothing_can_be_asked_of_the_rest() -> None:
    with pytest.raises(Cut):
        _ = Rest().start
