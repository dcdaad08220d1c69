"""The commands of docs/recipes.md are carried out, with a second or two in place of the time they ask for.

What stands for the history of a kernel is a small repository made on the spot: what the C port needs of its
sources, in five commits, of which the second does not compile and the fourth has a mistake.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.seeds import plant, seed_named

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: extra `test`")

ROOT = Path(__file__).parents[2]
RECIPES = (ROOT / "docs" / "recipes.md").read_text()
BLOCKS = dict(re.findall(r"^```\w+ (\w+)\n(.*?)^```", RECIPES, flags=re.MULTILINE | re.DOTALL))

PARTS = (
    "Makefile",
    "lib/maple_tree.c",
    "include/linux",
    "include/asm-generic",
    "tools/include",
    "tools/lib",
    "tools/arch",
)


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=A", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *named, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


SEED = "gap-too-exact"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A repository of five commits: good; does not compile; good; has the mistake; has it still."""
    try:
        tree = source.resolve("6.12")
    except KernelBuildError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("kernel")
    for part in PARTS:
        target = folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (tree / part).is_dir():
            shutil.copytree(tree / part, target)
        else:
            shutil.copy(tree / part, target)
    lib = folder / "lib" / "maple_tree.c"
    good = lib.read_text()
    git(folder, "init", "-q")
    commits = []
    for text in (good, good + "\nthis is no C\n", good + "\n", plant(good, seed_named(SEED))):
        lib.write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"change {len(commits)}")
        commits.append(git(folder, "rev-parse", "HEAD"))
    git(folder, "commit", "-q", "--allow-empty", "-m", "nothing")
    return folder, [*commits, git(folder, "rev-parse", "HEAD")]


def run(script: str, folder: Path, bin_folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a recipe as a shell would that has `mapleproof` on its path."""
    bin_folder.mkdir(exist_ok=True)
    for name, text in (("mapleproof", f'exec "{sys.executable}" -m mapleproof "$@"'), ("pip", "exit 0")):
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )


@pytest.mark.late
@pytest.mark.parametrize("name", ["bisect", "replay"])
def test_bisection_names_the_commit_and_skips_what_does_not_compile(
    name: str, history: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, (good, broken, _, mistaken, bad) = history
    git(folder, "bisect", "reset")
    git(folder, "checkout", "-q", "-f", bad)
    case = ""
    if name == "replay":
        look = "mapleproof check --port kernel:. --avoid-known --lane bulk --seconds 4 --seed 1 --out cases"
        assert run(look, folder, tmp_path / "bin").returncode == 1
        case = str(next((folder / "cases").glob("*.jsonl")).rename(tmp_path / "case.jsonl"))
    done = run(BLOCKS[name], folder, tmp_path / "bin", GOOD=good, BAD=bad, TIME="4", CASE=case)
    assert f"{mistaken} is the first bad commit" in done.stdout, done.stdout + done.stderr
    log = git(folder, "bisect", "log")
    assert f"git bisect good {broken}" not in log
    assert f"git bisect bad {broken}" not in log


def steps_of(name: str) -> list[str]:
    """The shell commands of a recipe for a service."""
    recipe: dict[str, Any] = yaml.safe_load(BLOCKS[name])
    if name == "github":
        return [step["run"] for step in recipe["jobs"]["mapleproof"]["steps"] if "run" in step]
    return list(recipe["maple tree"]["script"])


@pytest.mark.late
@pytest.mark.parametrize(("name", "at", "status"), [("github", 0, 0), ("github", 3, 1), ("gitlab", 3, 1)])
def test_a_service_is_told_of_a_mistake_and_of_none(
    name: str, at: int, status: int, history: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, commits = history
    git(folder, "bisect", "reset")
    git(folder, "checkout", "-q", "-f", commits[at])
    done = run("set -e\n" + "\n".join(steps_of(name)), folder, tmp_path / "bin", TIME="4")
    assert done.returncode == status, done.stdout + done.stderr
    assert (folder / "report.xml").read_text().count("<failure") >= status
    (folder / "report.xml").unlink()
    shutil.rmtree(folder / "cases", ignore_errors=True)


def test_a_test_and_a_report_are_made_of_a_case(tmp_path: Path) -> None:
    """Exit status 1: kernels at hand fail, as they do."""
    case = ROOT / "tests/kernel/findings/insert-over-everything.jsonl"
    try:
        source.resolve("6.12")
    except KernelBuildError as error:
        pytest.skip(str(error))
    done = run(BLOCKS["report"], tmp_path, tmp_path / "bin", CASE=str(case))
    assert done.returncode == 1, done.stderr
    assert "static noinline void __init check_" in (tmp_path / "test.c").read_text()
    assert "Subject: maple_tree: " in (tmp_path / "report.txt").read_text()


@pytest.fixture
def branch(history: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """A clone with a branch of two commits: a comment, and the mistake."""
    folder, (good, *_) = history
    git(folder, "bisect", "reset")
    git(folder, "checkout", "-q", "-f", good)
    clone = tmp_path / "clone"
    git(folder, "branch", "-f", "upstream", good)
    git(folder, "clone", "-q", "-b", "upstream", str(folder), str(clone))
    git(clone, "checkout", "-q", "-b", "mine", "--track", "origin/upstream")
    lib = clone / "lib" / "maple_tree.c"
    for subject, text in (
        ("say so", lib.read_text() + "/* so */\n"),
        ("slip", plant(lib.read_text(), seed_named(SEED))),
    ):
        lib.write_text(text)
        git(clone, "commit", "-q", "-a", "-m", subject)
    return clone


@pytest.mark.late
def test_a_push_a_rebase_and_a_mailbox(branch: Path, tmp_path: Path) -> None:
    """The push is stopped, the rebase stops at the slip, and the answer to the series names what breaks."""
    hook = run(BLOCKS["hook"], branch, tmp_path / "bin", TIME="9")
    assert hook.returncode == 1, hook.stdout + hook.stderr
    mailbox = tmp_path / "series.mbox"
    mailbox.write_text(git(branch, "format-patch", "--stdout", "@{upstream}") + "\n")
    asked = {"TREE": str(branch), "MBOX": str(mailbox), "TIME": "9"}
    git(branch, "checkout", "-q", "upstream")
    bot = run(BLOCKS["bot"], tmp_path, tmp_path / "bin", **asked)
    assert bot.returncode == 1, bot.stdout + bot.stderr
    answer = (tmp_path / "answer.txt").read_text()
    assert answer.startswith("Broken by the change: ")
    assert "* patch 2 slip" in answer
    assert max(map(len, answer.splitlines())) <= 72
    git(branch, "checkout", "-q", "mine")
    rebase = run(BLOCKS["rebase"], branch, tmp_path / "bin", TIME="4", BASE="upstream")
    assert rebase.returncode == 1, rebase.stdout + rebase.stderr
    assert git(branch, "log", "-1", "--format=%s") == "slip"


def test_every_recipe_is_tried() -> None:
    assert set(BLOCKS) == {
        *("bisect", "replay", "report", "hook", "rebase", "own", "bot"),
        *("github", "gitlab", "night", "cron"),
    }


@pytest.mark.late
@pytest.mark.parametrize("name", ["night", pytest.param("cron", marks=pytest.mark.deep)])
def test_a_night(name: str, history: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, commits = history
    git(folder, "bisect", "reset")
    git(folder, "checkout", "-q", "-f", commits[3])
    done = run(BLOCKS[name], folder, tmp_path / "bin", FOR="3s")
    shutil.rmtree(folder / "night")
    if name == "cron":
        assert len(done.stdout.splitlines()) == 1, done.stdout
    else:
        assert done.returncode == 1, done.stdout + done.stderr
