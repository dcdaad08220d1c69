"""Proofs whose bounds grow: proved at their smallest sizes, refuted with a mistake put in, and then with a
case."""

from functools import partial
from pathlib import Path

import pytest

from mapleproof.cli.known_seeds import known_seed
from mapleproof.proofs.engine.paths import Paths
from mapleproof.proofs.growing import SERIES, Grown, grow
from mapleproof.proofs.registry import CLAIMS
from mapleproof.props.common.files import write_case
from mapleproof.props.common.planting import planted
from mapleproof.props.job.replay import replay_file

pytestmark = pytest.mark.source

SLOW = ("munmap_exact",)


@pytest.mark.parametrize("name", [name for name in SERIES if name not in SLOW])
def test_the_smallest_sizes_are_proved(name: str) -> None:
    series = SERIES[name]
    for size in (series.first, series.first + 1):
        grown = grow(name, size)
        assert (grown.verdict, grown.told, grown.case) == ("proved", "", None)
        assert grown.paths > 0
        assert grown.size == size


def test_series_are_of_known_claims_and_the_larger_the_more_paths() -> None:
    assert {series.claim for series in SERIES.values()} <= set(CLAIMS)
    assert all(name.startswith(series.claim) for name, series in SERIES.items())
    paths = [grow("undo_exact unmap_in_place", size).paths for size in (1, 2, 3)]
    assert paths == sorted(set(paths))
    with pytest.raises(KeyError):
        grow("no such series", 1)


def refuted(name: str, size: int, twin: str) -> Grown:
    with planted(known_seed(twin)):
        return grow(name, size)


def test_a_mistake_in_fork_is_refuted_and_its_case_shows_it(tmp_path: Path) -> None:
    twin = "F05_ceiling_at_the_first_left"
    grown = refuted("undo_exact unmap_in_place", 2, twin)
    assert grown.verdict == "refuted"
    assert "not for" in grown.told
    assert grown.case is not None
    path = tmp_path / "case.jsonl"
    write_case(path, grown.case)
    with planted(known_seed(twin)):
        assert replay_file(path).difference is not None
    assert replay_file(path).difference is None


def test_a_mistake_in_the_tree_is_refuted_and_its_case_passes_without_it(tmp_path: Path) -> None:
    twin = next(one for one in CLAIMS["gap_is_exact"].twins if "leaf_gap" in one.edits[0].where)
    grown = refuted("gap_is_exact leaf", 4, f"gap_is_exact.{twin.name}")
    assert grown.verdict == "refuted"
    assert grown.case is not None
    path = tmp_path / "case.jsonl"
    write_case(path, grown.case)
    assert replay_file(path).difference is None


def test_what_has_no_answer_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.proofs.growing.Paths", partial(Paths, most=1))
    grown = grow("undo_exact unmap_in_place", 3)
    assert grown.verdict == "inconclusive"
    assert grown.told
