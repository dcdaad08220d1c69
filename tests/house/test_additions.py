"""One of each is added to a copy of the code in few files, and all that must know of it does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.additions import ADDITIONS, Addition
from tests.house.test_imports import copy_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with all additions."""
    root = copy_of(tmp_path_factory.mktemp("copy"))
    shutil.copytree(ROOT / "tests", root / "tests", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.gz"))
    for addition in ADDITIONS:
        for change in addition.changes:
            change.make(root)
    return root


def run(addition: Addition, root: Path, at: Path) -> subprocess.CompletedProcess[str]:
    """The program of an addition on a checkout."""
    environment = os.environ | {"PYTHONPATH": str(root), "MAPLEPROOF_PURE": "1"}
    command = [sys.executable, "-c", addition.program]
    return subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.what)
def test_nothing_else_is_needed(addition: Addition, changed: Path, tmp_path: Path) -> None:
    assert len(addition.files) <= addition.goal
    done = run(addition, changed, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.what)
def test_without_it_the_program_fails(addition: Addition, tmp_path: Path) -> None:
    assert run(addition, ROOT, tmp_path).returncode != 0
