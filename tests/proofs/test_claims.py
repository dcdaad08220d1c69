"""Every claim is proved, and every twin of it refuted; what it says it executes is what runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner

from proofs import prove
from proofs.claim import describe, judge
from proofs.command import prove as command
from proofs.paths import Paths
from proofs.registry import CLAIMS


@pytest.mark.parametrize("name", CLAIMS)
def test_it_is_proved(name: str) -> None:
    judged = judge(CLAIMS[name])
    assert judged.verdict == "proved", "\n".join(describe(judged))
    assert judged.twins_refuted == len(CLAIMS[name].twins) >= 2


def executed(name: str) -> set[str]:
    """The functions of impl/mm that the smallest parts of a claim run, as module.function."""
    seen: set[str] = set()

    def look(frame: FrameType, event: str, _argument: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("impl.mm."):
            seen.add(f"{module.removeprefix('impl.mm.')}.{frame.f_code.co_qualname}")

    sys.setprofile(look)
    try:
        for part, program in CLAIMS[name].parts.items():
            if not part.startswith(("5", "3", "unmap_in_place, 3", "unmap_in_place, 5")):
                Paths(program, most=2).explore()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize("name", CLAIMS)
def test_it_executes_what_it_says(name: str) -> None:
    seen = executed(name)
    stated = [function for function in CLAIMS[name].executes if "*" not in function]
    assert [function for function in stated if function not in seen] == []


def test_no_claim_by_that_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert prove.main(["nonsense"]) == 2
    assert "free_pgd_range_exact" in capsys.readouterr().out


def test_the_list_proves_nothing() -> None:
    result = CliRunner().invoke(command, ["--list"])
    assert result.exit_code == 0
    assert all(name in result.output for name in CLAIMS)


def test_one_claim_with_its_figures(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    result = CliRunner().invoke(command, ["recoveries_agree", "--json", str(path)])
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(path.read_text())
    assert figures["verdict"] == "proved"
    assert figures["paths"] > 10
    assert all(figures["twins"].values())
