"""What is tested may loop, or fill the memory: that is a finding with a case, and the end of nothing else."""

from pathlib import Path

import pytest
from hypothesis import settings

from mapleproof.impl.mm.promises import CRASH
from mapleproof.props.common import guard
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.common.planting import Edit, Seed, planted
from mapleproof.props.job import units
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.units import Task, run_unit
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.machines import run_machine, smallest
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.mm import shrink
from mapleproof.props.mm.case import write_space_case

LOOPS = Seed(
    "loops",
    "",
    "a cursor that moves to the next leaf goes to this one again",
    (Edit("impl.maple.cursor_place:PlacedCursor.next_leaf", "above = slot + 1", "above = slot"),),
)
GROWS = Seed(
    "grows",
    "",
    "a VMA is stored over its first byte only, and found again behind it",
    (
        Edit(
            "impl.maple.cursor_stores:StoringCursor.put",
            "tree.write(self.index, self.last,",
            "tree.write(self.index, self.index,",
        ),
    ),
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "UNIT_STEP_PATIENCE", 0.2)
    monkeypatch.setattr(guard, "STEP_PATIENCE", 0.1)
    monkeypatch.setattr(guard, "GRACE", 0.2)
    monkeypatch.setattr(shrink, "HANG_PATIENCE", 0.4)


@pytest.mark.parametrize("seed", [LOOPS, GROWS], ids=lambda seed: seed.name)
def test_a_fork_that_never_ends_breaks_a_promise(seed: Seed, tmp_path: Path) -> None:
    with planted(seed):
        swept = run_unit(Task("fork", 0, 0, out=str(tmp_path), recovery="unmap_in_place")).swept
        assert swept is not None
        assert swept.hangs
        small = shrink.shrink(swept.broken[CRASH], "unmap_in_place")
        assert guard.is_hang(small.what)
        path = write_space_case(tmp_path / "hang.jsonl", "hang", small.program, small.geometry, CRASH)
        found = replay_file(path).difference
        assert found is not None
        assert found.hangs
    assert replay_file(path).difference is None


class LoopingPort(ImplPort):
    """An implementation in which one search comes to no end."""

    def carry_out(self, op: Common) -> Answer:
        while isinstance(op, ops.MtNext) and op.index > 3:
            pass
        return super().carry_out(op)


def test_a_search_that_never_ends_is_a_failure_of_its_operation() -> None:
    class Driven(MapleMachine):
        make_port = LoopingPort

    met = run_machine(Driven, settings(max_examples=200))
    assert met is not None
    small = smallest(Driven, met)
    assert small.sort.startswith("hangs in mt_next")
    assert len(small.steps) == 1


def test_a_unit_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does: here nothing of it is a step."""

    def forever(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(units, "UNIT_PATIENCE", 0.1)
    monkeypatch.setitem(units.LANES, "tiny", units.Lane(forever))
    assert run_unit(Task("tiny", 0, 0)).failure == "the lane tiny comes to no end"
