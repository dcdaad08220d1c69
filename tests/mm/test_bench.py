"""The benchmark's figures that do not depend on the machine."""

import json
from pathlib import Path

import pytest

from mapleproof.bench.fork import NEW, OLD, count_nodes, main, parent_of


@pytest.mark.parametrize("vmas", [21, 821, 3221])
def test_dup_walks_each_node_a_bounded_number_of_times(vmas: int) -> None:
    """Is __mt_dup linear, and the old way only almost? In nodes: copied once, stepped through once."""
    mm = parent_of(vmas)
    nodes = mm.tree.live_nodes()
    walked, allocated = count_nodes(mm, NEW)
    assert allocated == nodes
    assert walked <= 3 * nodes
    old_walked, _ = count_nodes(mm, OLD)
    assert old_walked > 3 * walked or vmas < 100


def test_the_old_way_walks_the_height_for_each_split() -> None:
    """Per VMA it grows with the height of the tree: that is the logarithm in its bound."""
    per_vma = [count_nodes(parent_of(vmas), OLD)[0] / vmas for vmas in (121, 6421)]
    assert per_vma[1] > per_vma[0]


def test_figures_are_written(tmp_path: Path) -> None:
    path = tmp_path / "fork.json"
    rows = main(path, counts=(21, 121), seconds=0.01, live=False)
    data = json.loads(path.read_text())
    assert [row["vmas"] for row in data["rows"]] == [row.vmas for row in rows] == [21, 121]
    assert all(row["old"]["seconds"] > 0 for row in data["rows"])
