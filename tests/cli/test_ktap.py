"""KTAP by the kernel's specification: the plan first, lines as they become known, in agreement with the exit
status; read by a parser of our own and, where a kernel's sources are at hand, by the tool of KUnit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.cli.ktap import Ktap
from mapleproof.cli.outcome import Item, Outcome, State
from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.impl.mm.recovery.undo_v3 import UndoV3

SHORT = ("--seconds", "0", "--jobs", "1", "--seed", "0", "--ktap")
RESULT = re.compile(r"(ok|not ok) (\d+) ([^#]+?)(?: # (?:(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?)?(.*))?")


class Told(NamedTuple):
    """One result: whether it is `ok`, its name, its directive and what is said behind it."""

    ok: bool
    name: str
    directive: str
    said: str


def parse(lines: Iterable[str]) -> list[Told]:
    """The results, in the order of their numbers. AssertionError for what the specification has not."""
    version, plan, *rest = lines
    assert version == "KTAP version 1"
    tests = []
    for line in rest:
        if line == "#" or line.startswith("# "):
            continue
        match = RESULT.fullmatch(line)
        assert match, line
        tests.append(Told(match[1] == "ok", match[3], match[4] or "", match[5] or ""))
        assert int(match[2]) == len(tests)
    assert plan == f"1..{len(tests)}"
    return tests


def run(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["check", *SHORT, *arguments])
    return result.exit_code, result.stdout.splitlines()


def test_a_check(tmp_path: Path) -> None:
    status, lines = run("--lane", "bulk", "--lane", "live", "--recovery", "undo_v3", "--lane", "fork",
                        "--out", str(tmp_path))  # fmt: skip
    tests = {test.name: test for test in parse(lines)}
    assert status == 3
    assert len(tests) == 3 + len(PROMISES)
    assert tests["live"] == Told(True, "live", "SKIP", "it needs --port live")
    assert tests["bulk"].directive == ""
    known = {f"undo_v3: {promise}": reason for promise, reason in UndoV3.known.items()}
    assert {name: test.said for name, test in tests.items() if test.directive == "XFAIL"} == known
    assert all(test.ok for test in tests.values())
    assert lines[-1].startswith("# No answer: live")
    skipped = next(number for number, line in enumerate(lines) if "# SKIP" in line)
    assert skipped < 4, "what cannot run is said before the work begins"


def test_a_failure_has_its_case_before_it(tmp_path: Path) -> None:
    status, lines = run("--seeded", "F06_ceiling_as_tree_limit", "--out", str(tmp_path))
    assert status == 1
    failed = [test for test in parse(lines) if not test.ok]
    assert failed
    assert all(test.name.startswith("unmap_in_place: ") for test in failed)
    at = next(number for number, line in enumerate(lines) if line.startswith("not ok"))
    assert lines[at - 1].startswith(f"# replay it with: mapleproof replay {tmp_path}/unmap_in_place-")


EVERY = [Item("lane", f"part {state.name} #1", state, "over", f"why # {state.value}") for state in State]


@pytest.mark.parametrize("state", State)
def test_not_ok_is_what_is_broken_and_skip_what_has_no_answer(state: State) -> None:
    lines: list[str] = []
    ktap = Ktap(1, lines.append)
    item = next(item for item in EVERY if item.state is state)
    ktap.item(item)
    ktap.item(item)
    (test,) = parse(lines)
    status = Outcome([item]).status
    assert test.ok == (status in (0, 3))
    assert (test.directive == "SKIP") == (status == 3)
    assert (test.directive == "XFAIL") == (state is State.KNOWN)
    assert (test.directive == "ERROR") == (status == 70)


def kunit() -> Path:
    """The kernel's own parser; a skip where no sources are at hand."""
    try:
        tree = source.find()
    except KernelBuildError as error:
        pytest.skip(str(error))
    tool = tree / "tools" / "testing" / "kunit" / "kunit.py"
    if not tool.exists():
        pytest.skip(f"{tree} has no tool of KUnit")
    return tool


def test_kunit_is_content(tmp_path: Path) -> None:
    lines: list[str] = []
    ktap = Ktap(len(EVERY), lines.append)
    for item in EVERY:
        ktap.item(item)
    text = tmp_path / "text"
    for chosen, code in ((lines, 1), ([lines[0], "1..2", lines[2], "ok 2 other # XFAIL as is known"], 0)):
        text.write_text("\n".join(chosen) + "\n")
        done = subprocess.run(
            [sys.executable, str(kunit()), "parse", str(text)], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout
        assert "[ERROR]" not in done.stdout
        assert "error" not in done.stderr.lower()
