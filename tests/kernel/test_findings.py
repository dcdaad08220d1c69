"""What was found in the kernels' C trees: each case passes here, and shows there what the table says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel.probe import tree_version
from mapleproof.props.job.kernel_findings import PASSES, outcomes
from mapleproof.props.job.replay import replay_file
from mapleproof.props.job.subjects import read_case
from tests.kernel.conftest import tree_of

FINDINGS = sorted((Path(__file__).parent / "findings").glob("*.jsonl"))
DOCS = Path(__file__).parents[2] / "docs" / "findings.md"
WRONG = {
    "find-past-limit": "wrong answer in mas_for_each at what was found lies past the limit",
    "border-before-entry": "wrong answer in mtree_load at an entry that the index never had",
    "next-vma-of-emptied-space": "SIGSEGV in lock_next_vma at ma_dead_node < mas_rewalk_if_dead",
    "reader-beside-destroy": "SIGSEGV in mas_find at ma_dead_node < mas_rewalk_if_dead",
    "reader-of-first-node": "wrong answer in mas_for_each_rev at a node's pointer is returned as an entry",
    "step-beside-rebalance": "WARN in mas_for_each_rev at mas_prev_slot",
    "step-down-beside-split": "wrong answer in mas_for_each_rev",
    "walk-beside-moved-border": "wrong answer in mas_walk at the range does not hold the index",
    "asks-for-ever": "hangs in mtree_store_range at mas_alloc_nodes",
    "insert-over-everything": "wrong answer in mtree_insert_range",
    "next-after-first-store": "wrong answer in mas_next",
    "prev-after-search": "wrong answer in mas_prev",
    "retry-as-it-stands": "SIGSEGV in mas_store_gfp at mas_safe_min < mas_wr_node_walk",
    "limit-before-look-find-rev": "SIGSEGV in mas_find_rev at ma_dead_node < mas_rewalk_if_dead",
    "limit-before-look-next": "SIGSEGV in mas_next at ma_dead_node < mas_rewalk_if_dead",
    "limit-before-look-prev": "SIGSEGV in mas_prev at ma_dead_node < mas_rewalk_if_dead",
    "rcu-destroy-frees-twice": "double free in rcu_barrier at mt_free_walk",
    "reader-of-emptied-tree": "SIGSEGV in mas_find at ma_dead_node < mas_rewalk_if_dead",
    "top-down-from-zero": "wrong answer in mtree_alloc_rrange",
}
"""Kind, operation and place of each in Linux 6.12."""


def told() -> dict[str, dict[str, str]]:
    """The first table in the document: what each case does, by its name and the kernel's version."""
    table = next(part for part in DOCS.read_text().split("\n\n") if part.startswith("| case"))
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    _, *versions = rows[0]
    return {row[0].strip("`"): dict(zip(versions, row[1:], strict=True)) for row in rows[1:]}


def test_each_is_told_of() -> None:
    text = DOCS.read_text()
    assert set(told()) == {path.stem for path in FINDINGS}
    for name in told():
        about = re.sub(r"^limit-before-look", "", name)
        assert text.count(f"`{name}`") + text.count(f"`{about}`") >= 2, f"{name} stands in the table only"
    assert set(WRONG) == {name for name, row in told().items() if row["6.12.117"] != PASSES}


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_model_and_tree_do_what_is_promised(path: Path) -> None:
    assert len(read_case(path).steps) <= 8
    for port in ("model", "impl"):
        assert replay_file(path, port, "documented").difference is None


@pytest.mark.parametrize(
    "path", [path for path in FINDINGS if path.stem in WRONG], ids=lambda path: path.stem
)
def test_linux_6_12_does_not(path: Path) -> None:
    difference = replay_file(path, f"kernel:{tree_of('6.12')}", "documented").difference
    assert difference is not None
    assert difference.sort.startswith(WRONG[path.stem])


def test_each_kernel_does_what_the_table_says(family: str) -> None:
    tree = tree_of(family)
    version = tree_version(tree)
    rows = told().items()
    # A point release that is not told of does what the one of its family does, or the table needs a column.
    known = next((each for _, row in rows for each in row if each.startswith(f"{family}.")), "")
    column = {name: row.get(version, row.get(known)) for name, row in rows}
    found = outcomes(FINDINGS, {version: tree})
    assert {name: row[version] for name, row in found.items()} == column


def test_the_command_tells_what_each_kernel_does(family: str) -> None:
    name = "alloc-crashes" if family == "6.1" else "insert-over-everything"
    paths = [str(path) for path in FINDINGS if path.stem in (name, "top-down-from-zero")]
    done = CliRunner().invoke(
        main, ["kernel", "findings", *paths, "--kernel", str(tree_of(family)), "--markdown"]
    )
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == f"| case | {tree_version(tree_of(family))} |"
    assert lines[2] == f"| `{name}` | {'SIGSEGV' if family == '6.1' else 'wrong answer'} |"


def test_the_command_is_content_where_all_is_as_promised() -> None:
    path = next(path for path in FINDINGS if path.stem == "alloc-crashes")
    done = CliRunner().invoke(main, ["kernel", "findings", str(path), "--kernel", str(tree_of("6.12"))])
    assert (done.exit_code, PASSES in done.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("no.jsonl",), "no.jsonl"), ((str(FINDINGS[0]), "--kernel", "/nowhere"), "/nowhere: no such folder")],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(main, ["kernel", "findings", *arguments])
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.splitlines()) == 1
