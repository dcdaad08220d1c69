"""Who may import whom: the contracts in pyproject.toml are kept, and there are no circles at run time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import structure

pytest.importorskip("importlinter", reason="import-linter is not installed: extra `test`")

ROOT = Path(__file__).parents[2]


def linted(root: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a checkout."""
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", command],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def copy_of(root: Path) -> Path:
    """A copy of the code that may be changed."""
    for part in structure.PARTS:
        shutil.copytree(ROOT / part, root / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "tests" / "maple" / "cases", root / "tests" / "maple" / "cases")
    return root


def test_the_contracts_are_kept() -> None:
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("model/space.py", "import mapleproof.impl.failure"),
        ("props/common/guard.py", "import mapleproof.props.maple.ports"),
        ("props/maple/rules.py", "def later():\n    import mapleproof.proofs.registry"),
        ("proofs/engine/words.py", "import mapleproof.cli.values"),
    ],
)
def test_an_import_that_is_not_allowed_is_told(tmp_path: Path, module: str, line: str) -> None:
    copy = copy_of(tmp_path)
    with (copy / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = linted(copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_no_files_need_each_other_first() -> None:
    house = structure.read(ROOT)
    assert len(house.files) > 200
    assert structure.circles(house.early) == []


def test_rooms_in_a_circle_are_those_that_are_known() -> None:
    """The parts of the tool name each other; a fork and its recoveries are one thing."""
    known = [{"bench", "campaign", "cli", "show"}, {"impl.mm", "impl.mm.recovery"}]
    assert list(map(set, structure.circles(structure.read(ROOT).room_graph()))) == known


def test_a_circle_is_seen(tmp_path: Path) -> None:
    copy = copy_of(tmp_path)
    with (copy / "props" / "common" / "answers.py").open("a") as file:
        file.write("\nfrom mapleproof.props.common import step\n")
    (found,) = structure.circles(structure.read(copy).early)
    assert {"mapleproof.props.common.answers", "mapleproof.props.common.step"} <= found


def test_measures_of_a_small_house() -> None:
    needs = {"a": "bc", "b": "d", "c": "d", "d": "c", "e": ""}
    graph = {one: frozenset(others) for one, others in needs.items()}
    assert structure.circles(graph) == [frozenset("cd")]
    assert structure.floors(graph, "abcde") == 3
    assert structure.floors(graph, "e") == 1
    assert structure.reachable(graph, "b") == {"c", "d"}


def test_the_picture_in_the_documents_is_the_one_that_the_imports_give() -> None:
    kept = (ROOT / "docs" / "layers.svg").read_text(encoding="utf-8")
    assert kept == structure.picture(structure.read(ROOT)), "python -m tests.structure --write"
