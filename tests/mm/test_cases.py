"""Cases about address spaces: written, read back, replayed, and refused where they make no sense."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.mm.geometry import GEOMETRIES, PageGeometry
from mapleproof.props.common.lines import CaseError
from mapleproof.props.common.operation import Common
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.case import write_space_case
from mapleproof.props.mm.dispatch import SPACE_FORMS
from mapleproof.props.mm.forms import flags_of, geometry_of
from mapleproof.props.mm.scenarios import corners
from mapleproof.props.mm.sweep import queries
from mapleproof.props.mm.verdicts import random_scenarios

KEPT = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
HEADER = (
    '{"format": "mapleproof-case", "version": 1, "subject": "address_space", "name": "n", "origin": "o",'
    ' "space": {"tiny": true, "five_levels": false, "hugepd": false}}\n'
)


def programs() -> list[tuple[list[Common], PageGeometry]]:
    found = [(list(program), shape) for shape in GEOMETRIES.values() for program in corners(shape)]
    found += [scenario for _, scenario in zip(range(40), random_scenarios(2), strict=False)]
    return found


def test_what_is_written_is_read_and_replayed(tmp_path: Path) -> None:
    used: set[type[Common]] = set()
    for k, (program, shape) in enumerate(programs()):
        whole: list[Common] = [*program, ops.CommitLimit(1 << 40), ops.Committed()]
        if not any(isinstance(op, ops.Exit) for op in program):
            whole += [ops.Fork(0, 90, "unmap_in_place", fail_after=k), *queries(0, shape)]
            whole += [ops.Vmas(0), ops.TableBytes(0), ops.Write(0, 0, 5), ops.Read(0, 0)]
        path = write_space_case(tmp_path / f"{k}.jsonl", f"n{k}", whole, shape, "ok")
        case = read_case(path)
        assert [step.op for step in case.steps] == whole
        assert geometry_of(case.header.flags) == shape
        assert replay_file(path).difference is None
        assert replay_file(path, "model").difference is None
        used |= {type(op) for op in whole}
    assert len(used) >= len(SPACE_FORMS) - 1


def test_every_shape_has_its_flags() -> None:
    for shape in GEOMETRIES.values():
        assert geometry_of(flags_of(shape)) == shape


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"op": "exit", "space": 1}', "there is no space 1"),
        ('{"op": "fork", "space": 0, "into": 0, "recovery": "undo_v4"}', "a space 0 already"),
        ('{"op": "fork", "space": 0, "into": 1, "recovery": "none"}', "must be one of"),
        ('{"op": "madvise", "space": 0, "start": 0, "size": 0, "advice": 3}', "must be one of"),
        ('{"op": "touch", "space": 0, "start": 0, "size": "0xffffffff000"}', "more than"),
        ('{"op": "committed", "tree": 1}', "no `tree`"),
        ('{"op": "mtree_load", "index": 1}', "unknown op"),
        ('{"op": "munmap", "space": 0, "start": 0, "size": 0, "expect": {"entry": 1}}', "does not answer"),
    ],
)
def test_what_makes_no_sense_is_refused(line: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(HEADER + line + "\n")
    with pytest.raises(CaseError, match=reason):
        replay_file(path)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_smallest_break_of_each_promise_is_still_one(path: Path) -> None:
    """The cases that docs/recoveries.md tells of; each names the promise it breaks."""
    verdict = read_case(path).header.verdict
    found = replay_file(path).difference
    assert found is not None
    assert found.told.startswith("broken: ")
    assert verdict is not None
    assert verdict in found.told
    assert replay_file(path, "model").difference is None


def test_a_wrong_answer_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(HEADER + '{"op": "committed", "expect": {"index": 1}}\n')
    found = replay_file(path).difference
    assert found is not None
    assert found.keys == ("index",)


def test_the_command_replays_them() -> None:
    broken = str(KEPT[0])
    shown = CliRunner().invoke(main, ["replay", broken])
    assert shown.exit_code == 1
    assert "broken: " in shown.output
    assert CliRunner().invoke(main, ["replay", "--port", "model", broken]).exit_code == 0
