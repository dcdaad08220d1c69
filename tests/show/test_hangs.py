"""A step that nobody comes back from is ended and shown as the one that failed; what was before is shown."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.live import REGION, why_not
from mapleproof.impl.maple import MapleTree
from mapleproof.impl.mm.recovery import RECOVERIES
from mapleproof.props.common import guard
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header, write_case
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.job.subjects import read_case
from mapleproof.props.maple import operations as ops
from mapleproof.props.mm import impl_side
from mapleproof.props.mm import operations as space_ops
from mapleproof.props.mm.live_port import LivePort
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.show.carry_out import picture_of
from mapleproof.show.picture import Picture
from tests.show.snapshots import GALLERY
from tests.show.test_show import tree_case

pytestmark = pytest.mark.late

SECONDS = 0.5
TOLD = "no answer within 0.5 seconds"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "STEP_PATIENCE", SECONDS)


def forever(*_: Any, **__: Any) -> Any:
    while True:
        pass


def seen(picture: Picture, at: int) -> dict[str, Any]:
    """What there is in a frame beside the step itself."""
    return {key: item for key, item in picture.state(at).items() if item.lane != "step"}


def shows_the_hang(picture: Picture, headline: str) -> None:
    assert picture.headline == headline
    assert picture.failing == picture.open == len(picture.frames) - 1
    frame = picture.frames[-1]
    assert frame.matters
    assert "was stopped" in frame.notes[0]
    assert seen(picture, len(picture.frames) - 1) == seen(picture, len(picture.frames) - 2) != {}


STEPS = [
    Step(ops.MtreeStoreRange(1, 4, 1), Answer(ret=0)),
    Step(ops.MtreeStoreRange(7, 7, 2), Answer(ret=0)),
    Step(ops.MtreeLoad(2), Answer(entry=1)),
    Step(ops.MtreeLoad(7), Answer(entry=2)),
]


def test_a_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert picture_of(tree_case(STEPS)).failing is None
    monkeypatch.setattr(MapleTree, "load", forever)
    picture = picture_of(tree_case(STEPS))
    shows_the_hang(picture, f"crash at step 3: {TOLD}")
    assert [value.text for value in picture.frames[-1].actual] == [TOLD, "-"]
    write_case(tmp_path / "case.jsonl", tree_case(STEPS))
    for command in ("show", "replay"):
        result = CliRunner().invoke(main, [command, str(tmp_path / "case.jsonl")])
        assert result.exit_code == 1
        assert TOLD in result.output
    assert TOLD in result.output


def test_a_write_shows_the_model_from_before_too(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tree_case([*STEPS[:2], Step(ops.MtreeErase(7), Answer(entry=2))])
    assert picture_of(case).failing is None
    monkeypatch.setattr(MapleTree, "erase", forever)
    shows_the_hang(picture_of(case), f"crash at step 3: {TOLD}")


def test_an_invariant_that_is_never_found_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Step(ops.Snapshot(), Answer(entries=[(1, 4, 1), (7, 7, 2)]))
    monkeypatch.setattr("mapleproof.impl.maple.check.check", forever)
    shows_the_hang(picture_of(tree_case([*STEPS[:2], snapshot])), f"broken invariant at step 3: {TOLD}")


@pytest.mark.parametrize("patched", [(impl_side, "impl_fork"), (type(RECOVERIES["undo_v3"]), "recover")])
def test_a_fork(monkeypatch: pytest.MonkeyPatch, patched: tuple[Any, str]) -> None:
    case = read_case(GALLERY / "undo-v3-page-tables.jsonl")
    number = len(case.steps)
    monkeypatch.setattr(*patched, forever)
    picture = picture_of(case)
    assert picture.headline == f"crash at step {number}: {TOLD}"
    assert picture.failing == len(picture.frames) - 1
    assert [value.text for value in picture.frames[-1].actual] == [TOLD, "-"]
    assert any(item.lane == "tables0" for item in picture.state(picture.open).values())


def test_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    case = read_case(GALLERY / "undo-v3-page-tables.jsonl")
    steps = [step for step in case.steps if not isinstance(step.op, space_ops.Fork)]
    monkeypatch.setattr(impl_side, "drop_mm", forever)
    picture = picture_of(Case(case.header, steps))
    assert picture.headline == f"crash at step {len(steps)}: {TOLD}"
    assert picture.frames[-1].stage == "at the end"


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "live spaces can be had")
def test_a_process_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        Step(space_ops.Mmap(0, REGION.start, 4096, 3, None), Answer(ret=0)),
        Step(space_ops.Touch(0, REGION.start, 4096), Answer(ret=0)),
        Step(space_ops.Munmap(0, REGION.start, 4096), Answer(ret=0)),
    ]
    flags = {"tiny": False, "five_levels": False, "hugepd": False}
    case = Case(Header("a-case", flags, "a test", ADDRESS_SPACE), steps)
    assert picture_of(case, "live").failing is None
    monkeypatch.setattr("impl.kernel.live.GRACE", SECONDS)
    monkeypatch.setattr(LivePort, "apply", _stops_at_munmap(LivePort.apply))
    shows_the_hang(picture_of(case, "live"), f"crash at step 3: {TOLD}")


def _stops_at_munmap(apply: Callable[..., Answer]) -> Callable[..., Answer]:
    def stopped(port: LivePort, op: Common) -> Answer:
        if isinstance(op, space_ops.Munmap):
            os.kill(port.live.pid(0), signal.SIGSTOP)
        return apply(port, op)

    return stopped
