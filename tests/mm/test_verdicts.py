"""The verdicts: the one that is meant to be right holds, and each of the past is broken where it was."""

from pathlib import Path

import pytest

from mapleproof.impl.failure import FailNth
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.promises import (
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
from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT, RECOVERIES
from mapleproof.props.job.replay import replay_file
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.scenarios import Program
from mapleproof.props.mm.sweep import Swept, build, forker, sweep
from mapleproof.props.mm.units import HISTORIES, conclude, fork_unit
from mapleproof.props.mm.verdicts import corner_scenarios

BROKEN: dict[str, set[str]] = {
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


def swept_by(recovery: str, seed: int, histories: int) -> Swept:
    """What the corners and at least so many random histories have shown."""
    total = Swept()
    for number in range(1 + -(-histories // HISTORIES)):
        total.add(fork_unit(recovery, number, seed, None))
    return total


def test_every_recovery_has_its_verdict() -> None:
    assert set(BROKEN) == set(RECOVERIES)


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_what_each_recovery_breaks(recovery: str, tmp_path: Path) -> None:
    verdicts = conclude(recovery, swept_by(recovery, 3, 60), str(tmp_path))
    assert [verdict.promise for verdict in verdicts] == list(PROMISES)
    assert {verdict.promise for verdict in verdicts if not verdict.holds} == BROKEN[recovery]
    for verdict in verdicts:
        if verdict.case_path is not None:
            assert verdict.steps <= 6
            found = replay_file(verdict.case_path).difference
            assert found is not None
            assert replay_file(verdict.case_path, "model").difference is None


def test_the_one_that_is_meant_to_be_right_holds() -> None:
    swept = swept_by(MEANT_TO_BE_RIGHT, 11, 220)
    assert not swept.broken
    assert swept.failed >= 5_000


def test_the_same_seed_gives_the_same_verdicts(tmp_path: Path) -> None:
    first, second = (conclude("undo_v4", swept_by("undo_v4", 5, 1), str(tmp_path)) for _ in range(2))
    assert first == second


def test_units_differ_by_number_and_by_seed() -> None:
    figures = {
        (swept.points, swept.forks)
        for swept in (fork_unit("unmap_in_place", number, seed, None) for number in (1, 2) for seed in (1, 2))
    }
    assert len(figures) == 4


def test_each_recovery_states_what_it_breaks() -> None:
    assert {name: set(recovery.known) for name, recovery in RECOVERIES.items()} == BROKEN


def test_a_single_refusal_is_recovered_from_too() -> None:
    """Where only one request is refused, the next may be granted: a write that waits for memory goes on."""
    tried = 0
    for program, shape in corner_scenarios():
        port = build(program, shape)
        port.plan_for = lambda n: FailNth(n + 1)
        space, into = forker(program)
        for n in range(1000):
            answer = port.apply(ops.Fork(space, into, MEANT_TO_BE_RIGHT, fail_after=n))
            assert not port.alarms
            if answer.ret == 0:
                port.apply(ops.Exit(into))
                assert not port.alarms
            if not port.refused:
                break
            tried += 1
    assert tried > 1000


def test_a_child_forks_again_and_again() -> None:
    page = X86_64.page
    program: Program = [ops.Mmap(0, 0, 4 * page, 3, None), ops.Mmap(0, 8 * page, page, 3, 1)]
    for generation in range(12):
        program += [ops.Touch(generation, 0, 4 * page), ops.Touch(generation, 8 * page, page)]
        program.append(ops.Fork(generation, generation + 1, MEANT_TO_BE_RIGHT))
        if generation % 2:
            program.append(ops.Exit(generation))
    swept = sweep(program, X86_64, MEANT_TO_BE_RIGHT)
    assert swept.points > 30  # one link to each of twelve generations' anon_vmas
    assert not swept.broken


@pytest.mark.deep
def test_it_holds_over_many_more() -> None:
    swept = swept_by(MEANT_TO_BE_RIGHT, 12, 6500)
    assert not swept.broken
    assert swept.failed >= 100_000
