"""A counterexample becomes a case, which fails where the mistake is and passes where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.proofs.engine.cases import Shown, show, space_case
from mapleproof.proofs.engine.claim import Wanted, describe, judge
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.job.subjects import read_case
from mapleproof.props.mm import operations as ops

pytestmark = pytest.mark.source


def replayed(*arguments: str) -> int:
    """The exit status of `mapleproof replay`."""
    return CliRunner().invoke(main, ["replay", *arguments]).exit_code


def twin_case(tmp_path: Path, claim: str, twin: str) -> Path:
    """The case of a twin, written."""
    whole = CLAIMS[claim]
    chosen = tuple(one for one in whole.twins if one.name == twin)
    judged = judge(replace(whole, twins=chosen), Wanted(parts=False, out=tmp_path, twin_cases=True))
    assert judged.twins_refuted == 1, describe(judged)
    assert judged.verdict == "not tried"
    (path,) = tmp_path.iterdir()
    assert path.name in judged.cases[twin].command
    return path


@pytest.mark.parametrize(
    ("claim", "twin"),
    [
        ("free_pgd_range_exact", "upper_mask"),
        ("free_pgtables_gathering", "reversed"),
        ("undo_exact", "ceiling_at_first_left"),
        ("munmap_exact", "floor_forgotten"),
        ("accounting", "charge_kept"),
        ("observers", "tree_is_left"),
    ],
)
def test_it_fails_where_the_twin_is_planted(tmp_path: Path, claim: str, twin: str) -> None:
    path = twin_case(tmp_path, claim, twin)
    assert read_case(path).header.name == f"{claim}.{twin}"
    assert replayed(str(path)) == 0
    assert replayed(str(path), "--seeded", f"{claim}.{twin}") == 1


def test_a_recovery_that_is_wrong_needs_no_plant(tmp_path: Path) -> None:
    assert replayed(str(twin_case(tmp_path, "undo_exact", "undo_v4"))) == 1


@pytest.mark.parametrize("name", ["undo_exact.nonsense", "nonsense.undo_v4", "undo_exact.undo_v4"])
def test_what_cannot_be_planted_is_bad_usage(tmp_path: Path, name: str) -> None:
    path = twin_case(tmp_path, "undo_exact", "undo_v4")
    assert replayed(str(path), "--seeded", name) == 2


def test_a_twin_without_a_case_that_shows_it_is_not_refuted() -> None:
    claim = CLAIMS["undo_exact"]
    twin = next(one for one in claim.twins if one.name == "clip_all")
    harmless = space_case("harmless", [ops.Mmap(0, 0, 4096, 3, None)], X86_64)
    for to_case, refuted in ((lambda part, inputs: harmless, 0), (lambda part, inputs: None, 0)):
        judged = judge(replace(claim, twins=(replace(twin, to_case=to_case),)), Wanted(parts=False))
        assert judged.verdict == "void"
        assert judged.twins_refuted == refuted


def test_what_a_case_shows() -> None:
    harmless = space_case("harmless", [ops.Mmap(0, 0, 4096, 3, None)], X86_64)
    assert show(harmless, None) == Shown(1, None, True)
    assert not show(harmless, None).as_it_must


def test_a_refuted_claim_writes_its_case(tmp_path: Path) -> None:
    claim = CLAIMS["undo_exact"]
    wrong = replace(claim, parts={"undo_v4, one": claim.twins[1].programs[0]}, twins=())
    judged = judge(wrong, Wanted(out=tmp_path))
    assert judged.verdict == "refuted"
    (path,) = tmp_path.iterdir()
    assert str(path) in judged.command
    assert replayed(str(path)) == 1
