"""What was found in Linux 6.12's C tree: each case passes here and shows what is wrong there."""

from pathlib import Path

import pytest

from props.cases.files import read_case
from props.cases.replay_file import replay_file
from props.choose_port import choose_port

FINDINGS = sorted((Path(__file__).parent / "findings").glob("*.jsonl"))
DOCS = Path(__file__).parents[2] / "docs" / "findings.md"
WRONG = {
    "asks-for-ever": "hang in MtreeStoreRange at mas_alloc_nodes",
    "insert-over-everything": "wrong answer in MtreeInsertRange",
    "limit-before-look-find-rev": "SIGSEGV in MasFindRev at ma_dead_node < mas_rewalk_if_dead",
    "limit-before-look-next": "SIGSEGV in MasNext at ma_dead_node < mas_rewalk_if_dead",
    "limit-before-look-prev": "SIGSEGV in MasPrev at ma_dead_node < mas_rewalk_if_dead",
    "rcu-destroy-frees-twice": "double free in RcuBarrier at mt_free_walk",
    "reader-of-emptied-tree": "SIGSEGV in MasFind at ma_dead_node < mas_rewalk_if_dead",
    "top-down-from-zero": "wrong answer in MtreeAllocRrange",
}
"""Kind, operation and place of each."""


def test_each_is_told_of() -> None:
    told = DOCS.read_text()
    assert {path.stem for path in FINDINGS} == set(WRONG)
    assert all(name.removeprefix("limit-before-look") in told for name in WRONG)


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_model_and_tree_do_what_is_promised(path: Path) -> None:
    assert len(read_case(path).steps) <= 8
    for port in ("model", "impl"):
        assert replay_file(path, choose_port(port), "documented")[0].difference is None


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_linux_6_12_does_not(path: Path, kernel: Path) -> None:
    if "PATCHLEVEL = 12" not in (kernel / "Makefile").read_text():
        pytest.skip("these are findings in 6.12")
    difference = replay_file(path, choose_port(f"kernel:{kernel}"), "documented")[0].difference
    assert difference is not None, "this kernel does what is promised: tell so in docs/findings.md"
    assert difference.sort.startswith(WRONG[path.stem])
