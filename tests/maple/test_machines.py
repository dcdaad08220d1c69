"""The state machines: what they meet, and that they find, shrink and write down what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.job.subjects import open_case, read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.events import READERS, SHAPE, WRITE_KINDS, missing
from mapleproof.props.maple.lanes.machines import report_failure, run_machine
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.lanes.rcu_machine import RcuMachine
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.subject import MAPLE_TREE

# Rare ones have their own cases, see test_events.py.
FREQUENT = [event for event in WRITE_KINDS + SHAPE if event != "split_three"]


def test_trees_agree_with_the_model(tmp_path: Path) -> None:
    difference = run_machine(MapleMachine, settings(max_examples=3 * settings().max_examples))
    assert difference is None, report_failure(MapleMachine, difference, "maple-machine", tmp_path)
    assert not missing(MapleMachine.events, FREQUENT)


def test_readers_see_what_they_may(tmp_path: Path) -> None:
    difference = run_machine(RcuMachine, settings(max_examples=3 * settings().max_examples))
    assert difference is None, report_failure(RcuMachine, difference, "rcu-machine", tmp_path)
    assert not missing(RcuMachine.events, READERS)


class WrongPort(ImplPort):
    """An implementation that answers one operation wrong."""

    def apply(self, op: Common) -> Answer:
        answer = super().apply(op)
        if isinstance(op, ops.MtNext) and answer.entry is not None and op.index > 3:
            return Answer(entry=None)
        return answer


class ForgetfulPort(ImplPort):
    """An implementation that loses an entry: what it answers is right, what it holds is not."""

    def apply(self, op: Common) -> Answer:
        answer = super().apply(op)
        if isinstance(op, ops.MtreeStoreRange) and answer.ret == 0:
            self.trees[op.tree].erase(op.first)
        return answer


class LeakyPort(ImplPort):
    """An implementation that loses a node."""

    def live_allocations(self) -> int:
        return super().live_allocations() + len(self.trees) - 1


class LateReaderPort(ImplPort):
    """An implementation whose readers do not notice a write."""

    def apply(self, op: Common) -> Answer:
        before = self.trees[0].load(op.index) if isinstance(op, ops.MtreeLoad) else None
        answer = super().apply(op)
        return Answer(entry=before or 1) if isinstance(op, ops.MtreeLoad) and op.within is None else answer


@pytest.mark.parametrize(
    ("machine", "port", "most_steps"),
    [
        (MapleMachine, WrongPort, 5),
        (MapleMachine, ForgetfulPort, 2),
        (MapleMachine, LeakyPort, 1),
        (RcuMachine, LateReaderPort, 3),
    ],
)
def test_a_wrong_port_is_found_and_its_case_is_small(
    machine: type[Any], port: Callable[..., Any], most_steps: int, tmp_path: Path
) -> None:
    class Driven(machine):  # type: ignore[misc, valid-type]
        make_port: ClassVar[Callable[..., Any]] = port

    difference = run_machine(Driven, settings(max_examples=200))
    assert difference is not None
    told = report_failure(Driven, difference, "driven", tmp_path)
    path = tmp_path / "driven.jsonl"
    assert f"mapleproof replay {path}" in told
    case = read_case(path)
    assert len(case.steps) <= most_steps, told
    assert MAPLE_TREE.replay(case.steps, port(**case.header.flags), "exact").difference is not None
    assert MAPLE_TREE.replay(open_case(path), ImplPort(**case.header.flags), "exact").difference is None


def test_the_same_run_gives_the_same_failure() -> None:
    class Driven(MapleMachine):
        make_port: ClassVar[Callable[..., Any]] = WrongPort

    limits = settings(max_examples=200)
    first, second = run_machine(Driven, limits), run_machine(Driven, limits)
    assert first is not None
    assert second is not None
    assert first.steps == second.steps
