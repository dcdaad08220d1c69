"""The verdicts: the one that is meant to be right holds, and each of the past is broken where it was."""

from pathlib import Path

import pytest

from impl.mm.promises import (
    CHARGE,
    COUNT,
    CRASH,
    NODES,
    OBSERVERS,
    PARENT,
    PROMISES,
    RELEASED,
    TABLES,
    ZAPPED,
)
from impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from props.address_space_case import replay_space_case
from props.fork_check import examine, judge

BROKEN = {
    "bulk_insert": set(),
    "exit_marker_v2": {RELEASED, CHARGE, COUNT, NODES, PARENT, OBSERVERS, CRASH},
    "undo_v3": {TABLES, ZAPPED, RELEASED},
    "undo_v4": {ZAPPED, RELEASED},
    "open_coded": {TABLES, CRASH},
    "zero_marker": {OBSERVERS},
    "zero_marker_6_14": {OBSERVERS},
    "zero_marker_6_17": set(),
    "unmap_in_place": set(),
}
"""What each recovery breaks; docs/recoveries.md says how."""


def test_every_recovery_has_its_verdict() -> None:
    assert set(BROKEN) == set(RECOVERIES)


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_what_each_recovery_breaks(recovery: str, tmp_path: Path) -> None:
    verdicts = judge([recovery], seed=3, scenarios=60, out=tmp_path)
    assert [verdict.promise for verdict in verdicts] == list(PROMISES)
    assert {verdict.promise for verdict in verdicts if not verdict.holds} == BROKEN[recovery]
    for verdict in verdicts:
        if verdict.case_path is not None:
            assert verdict.steps <= 6
            found = replay_space_case(verdict.case_path).difference
            assert found is not None
            assert replay_space_case(verdict.case_path, "model").difference is None


def test_the_one_that_is_meant_to_be_right_holds() -> None:
    swept = examine(MEANT_TO_BE_RIGHT, 0, 11, scenarios=220)
    assert not swept.broken
    assert swept.failed >= 5_000


def test_the_same_seed_gives_the_same_verdicts(tmp_path: Path) -> None:
    first, second = (judge(["undo_v4"], seed=5, scenarios=10, out=tmp_path) for _ in range(2))
    assert first == second


@pytest.mark.deep
def test_it_holds_over_many_more() -> None:
    swept = examine(MEANT_TO_BE_RIGHT, 0, 12, scenarios=6500)
    assert not swept.broken
    assert swept.failed >= 100_000
