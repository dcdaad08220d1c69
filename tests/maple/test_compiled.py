"""What is compiled: it is taken, or it is told why not; it makes the same nodes; it is C where it matters."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mapleproof.impl import compiled
from mapleproof.impl.maple import Cursor, Geometry, MapleTree
from mapleproof.impl.maple.geometry import MAX

PACKAGE = Path(compiled.__file__).parent.parent

HOT = ("rows", "gaps", "classify", "workbench", "rebuild", "search")
"""Modules with nothing of Python in them but entries."""

COUNTS_REFERENCES = 4
"""What a line scores at the most that counts references and does nothing else of Python."""

ENTRIES = re.compile(r"slots|entries|entry|null|replaced|found|unadopted|\[row\[k\] for")
"""What is of Python in a line: entries, lists of nodes."""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture(scope="module")
def built() -> None:
    """All is compiled here, from these sources."""
    which = run("-c", "from mapleproof.impl import compiled; print(compiled.which())", MAPLEPROOF_PURE="0")
    if which.stdout.strip() != compiled.COMPILED:
        pytest.skip(f"the tree is {which.stdout.strip()}: pip install -e .")


@pytest.mark.parametrize(("pure", "suffix"), [("1", "tree.py"), ("0", ".so")])
def test_the_switch_takes_one_or_the_other(built: None, pure: str, suffix: str) -> None:
    program = "import mapleproof.impl.maple.tree as tree; print(tree.__file__)"
    assert run("-c", program, MAPLEPROOF_PURE=pure).stdout.strip().endswith(suffix)


def test_the_version_says_which_one_runs(built: None) -> None:
    told = run("-m", "mapleproof", "--version", MAPLEPROOF_PURE="0").stdout
    assert told.splitlines()[1:] == ["impl/maple is compiled"]
    told = run("-m", "mapleproof", "--version", MAPLEPROOF_PURE="1").stdout
    assert told.splitlines()[1:] == ["impl/maple is uncompiled, as MAPLEPROOF_PURE says"]


def test_sources_cannot_be_taken_too_late(built: None) -> None:
    program = "from mapleproof.impl import compiled; import mapleproof.impl.maple; compiled.take_source()"
    assert "RuntimeError: impl/maple runs compiled" in run("-c", program, MAPLEPROOF_PURE="0").stderr


def test_no_mistake_is_planted_in_what_is_compiled(built: None) -> None:
    program = """
import mapleproof.impl.maple
from mapleproof.props.common.planting import planted
from mapleproof.props.maple.seeds import SEEDS
planted(SEEDS[0]).__enter__()
"""
    assert "cannot be planted in what is compiled" in run("-c", program, MAPLEPROOF_PURE="0").stderr


def test_a_seed_runs_the_sources_without_being_asked(built: None) -> None:
    told = run("-m", "mapleproof", "check", "--seeded", "nonsense", MAPLEPROOF_PURE="0")
    assert (told.returncode, "nonsense" in told.stderr) == (2, True)
    arguments = (
        "check",
        "--seconds",
        "1",
        "--lane",
        "tiny",
        "--seeded",
        "W04_null_makes_a_node",
        "--jobs",
        "1",
    )
    assert run("-m", "mapleproof", *arguments, "--no-proofs", MAPLEPROOF_PURE="0").returncode == 1


def copy_of_the_package(folder: Path) -> Path:
    """The package with what is compiled, without links."""
    for part in ("impl", "props/maple/loop", "__init__.py"):
        whole = PACKAGE / part
        if whole.is_dir():
            shutil.copytree(
                whole, folder / "mapleproof" / part, ignore=shutil.ignore_patterns("kernel", "mm")
            )
        else:
            (folder / "mapleproof").mkdir(exist_ok=True)
            shutil.copy(whole, folder / "mapleproof" / part)
    return folder / "mapleproof"


def test_a_source_that_was_changed_runs_and_that_is_told(built: None, tmp_path: Path) -> None:
    copy = copy_of_the_package(tmp_path)
    assert in_copy(tmp_path) == ("compiled False", "")
    changed = copy / "impl" / "maple" / "gaps.py"
    changed.write_text(changed.read_text() + "\n")
    which, told = in_copy(tmp_path)
    assert which == f"{compiled.STALE} True"
    assert "pip install -e ." in told
    for path in (copy / "impl" / "maple").glob("gaps.*.so"):
        path.unlink()
    assert in_copy(tmp_path) == ("uncompiled: it was not compiled here True", "")


def in_copy(folder: Path) -> tuple[str, str]:
    """What runs of a copy of the package in a folder, and what is told on standard error."""
    program = (
        "import mapleproof.impl.maple.tree as tree; from mapleproof.impl import compiled;"
        " print(compiled.which(), tree.__file__.endswith('.py'))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "MAPLEPROOF_PURE": "0"},
        check=False,
    )
    return told.stdout.strip(), told.stderr


@pytest.mark.parametrize(
    ("tests", "least"),
    [
        ([f"tests/maple/test_{name}.py" for name in ("maple", "shapes", "recordings", "loop")], 140),
        (["tests/kernel/test_lanes.py", "-k", "given_up or the_loop or but_what_is_known"], 0),
        pytest.param(["tests/maple", "tests/mm", "tests/job", "tests/kernel"], 500, marks=pytest.mark.deep),
    ],
    ids=["its own", "the loop on a kernel's tree", "all that use it"],
)
def test_the_tests_of_the_tree_hold_for_what_is_compiled(built: None, tests: list[str], least: int) -> None:
    """But those that change the sources."""
    left_out = ("--deselect", "tests/maple/test_compiled.py", "-p", "no:cacheprovider")
    told = run("-m", "pytest", "--compiled", "-q", *left_out, *tests, MAPLEPROOF_PURE="0")
    assert told.returncode == 0, told.stdout
    passed = re.search(r"(\d+) passed", told.stdout)
    assert int(passed[1] if passed else 0) >= least  # without a kernel's sources all may be skipped


def test_nodes_are_equal_slot_by_slot(built: None) -> None:
    program = "from tests.maple.test_compiled import pictures; print(pictures())"
    found = [run("-c", program, MAPLEPROOF_PURE=pure) for pure in ("0", "1")]
    assert found[0].stdout == found[1].stdout
    assert len(json.loads(found[0].stdout)) > 100, found[0].stderr


def test_references_to_entries_are_counted_right(built: None) -> None:
    program = "from tests.maple.test_compiled import references; print(references())"
    for pure in ("0", "1"):
        told = run("-c", program, MAPLEPROOF_PURE=pure)
        before, after, slots = json.loads(told.stdout or "[]") or pytest.fail(told.stderr)
        assert before == after
        assert slots > 1000


def references() -> str:
    """How many references each entry has before trees held them and when those are gone, and how many were
    found in the trees."""
    entries = [object() for _ in range(300)]
    before = [sys.getrefcount(entry) for entry in entries]
    slots = sum(stores(entries, seed) for seed in range(30))
    return json.dumps([before, [sys.getrefcount(entry) for entry in entries], slots])


def stores(entries: list[object], seed: int) -> int:
    """Store and erase entries at random, in a tree and copies of it; how many were found in it at the end."""
    rng = random.Random(seed)
    tree = MapleTree(rng.random() < 0.7, rng.random() < 0.4)
    for _ in range(2000):
        first = rng.randrange(3000)
        entry = None if rng.random() < 0.2 else rng.choice(entries)
        tree.store_range(first, first + rng.choice((0, 2, 9, 200)), entry)
        if rng.random() < 0.02:
            _, copy = tree.dup()
            assert copy is not None
            copy.replace_each(lambda _entry: rng.choice(entries))
            tree = copy if rng.random() < 0.5 else tree
    return len(tree.entries())


def pictures() -> str:
    """Trees after random programs, node by node, as text."""
    return json.dumps([picture for seed in range(40) for picture in program(seed)])


def program(seed: int) -> list[Any]:
    """What a tree looked like during a random program: of stores, cursors, searches, copies, bulk loads."""
    rng = random.Random(seed)
    shape = rng.choice([None, Geometry(5, 4, 2, 2), Geometry(8, 6, 3, 3)])
    tree = MapleTree(rng.random() < 0.7, rng.random() < 0.4, None, shape)
    cursor = Cursor(tree)
    seen: list[Any] = []
    space = rng.choice((60, 600, 2**64))
    for number in range(1, 300):
        first = rng.randrange(space)
        last = min(MAX, first + rng.choice((0, 3, 30, space // 9)))
        entry = None if rng.random() < 0.3 else number
        kind = rng.randrange(8)
        if kind < 4:
            seen.append(tree.store_range(first, last, entry))
        elif kind == 4:
            cursor.set_range(first, last)
            seen.append([cursor.walk(), cursor.next(MAX), cursor.prev_range(0), cursor.index, cursor.status])
        elif kind == 5:
            cursor.set_range(first, last)
            seen += [cursor.preallocate(entry), cursor.store_prealloc(entry), cursor.index, cursor.last]
        elif kind == 6:
            seen += [tree.alloc_range(number, 1 + number % 9, 0, MAX), tree.erase(first)]
        elif number % 5 == 0:
            _, copy = tree.dup()
            assert copy is not None
            tree, cursor = copy, Cursor(copy)
        if number % 20 == 0:
            tree.synchronize_rcu()
            tree.check()
            seen.append(nodes(tree))
    return [*seen, dict(tree.events), tree.live_nodes()]


def nodes(tree: MapleTree) -> list[Any]:
    """Every node: where it is, its limits, what it holds, its gaps."""
    pool = tree.pool
    found: list[Any] = []

    def walk(node: int, level: int) -> None:
        end = pool.end(node)
        held = pool.cells("slots" if level == 1 else "children", node, end + 1)
        gaps = pool.cells("gaps", node, end + 1) if level > 1 and tree.track_gaps else []
        found.append([node, pool.cells("pivots", node, end), held, gaps])
        for child in held if level > 1 else ():
            walk(child, level - 1)

    if tree.root >= 0:
        walk(tree.root, tree.height)
    return found


@pytest.mark.parametrize("name", HOT)
def test_what_is_hot_is_c(name: str, tmp_path: Path) -> None:
    """Lines of Cython's annotation that call Python are yellow: where no entry is met, no line must be."""
    yellow = yellow_lines(name, tmp_path)
    source = (PACKAGE / "impl" / "maple" / f"{name}.py").read_text().splitlines()
    assert [source[line - 1] for line in yellow if not ENTRIES.search(source[line - 1])] == []


def yellow_lines(name: str, folder: Path) -> list[int]:
    """The yellow lines in bodies of functions of a module."""
    pytest.importorskip("Cython", reason="Cython is not installed: pip install cython")
    path = PACKAGE / "impl" / "maple" / f"{name}.py"
    directives = (
        "annotation_typing=False,boundscheck=False,wraparound=False,initializedcheck=False,cdivision=True"
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "cython",
            "-3",
            "-a",
            "-X",
            directives,
            "-o",
            str(folder / "out.c"),
            str(path),
        ],
        check=True,
        cwd=PACKAGE.parent,
        capture_output=True,
    )
    html = (folder / "out.html").read_text()
    scores = {int(line): int(score) for score, line in re.findall(r'line score-(\d+)".*?>(\d+)</span>', html)}
    assert len(scores) > 20
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    lines = {line for one in functions for line in range(one.body[0].lineno, (one.end_lineno or 0) + 1)}
    return sorted(line for line in lines if scores.get(line, 0) > COUNTS_REFERENCES)
