"""Final queries as files, and another solver's answers to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.prove import prove as command
from mapleproof.proofs.engine import emitted, integers
from mapleproof.proofs.engine.emitted import (
    Emitted,
    NoSolver,
    Opinion,
    compare,
    cvc5_answer,
    opinion_of,
    status_of,
)
from mapleproof.proofs.engine.integers import Integer
from mapleproof.proofs.engine.paths import Paths, assume, claim
from mapleproof.proofs.engine.words import Word
from mapleproof.proofs.maple.slots import guarded

pytestmark = pytest.mark.source


def small() -> None:
    x = Word.named("x")
    assume(x < 5)
    claim("it is below 6", x < 6)
    claim("it is below 4", x < 4)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    Paths(small, keep=Emitted(tmp_path, "small", "all of it")).explore()
    return sorted(tmp_path.iterdir())


def test_each_final_query_is_a_file(files: list[Path]) -> None:
    assert [path.name for path in files] == ["small-all-of-it-1.smt2", "small-all-of-it-2.smt2"]
    assert [status_of(path) for path in files] == ["unsat", "sat"]
    text = files[0].read_text()
    assert "; it is below 6" in text
    assert "(check-sat)" in text


def test_questions_about_integers_are_written_too(tmp_path: Path) -> None:
    def program() -> None:
        x = Integer.named("x")
        integers.claim("it is below 2**64", x <= 2**64 - 1)
        integers.claim("it is below 6", x < 6)

    Paths(guarded(program), keep=Emitted(tmp_path, "small", "integers")).explore()
    files = sorted(tmp_path.iterdir())
    assert [status_of(path) for path in files][:2] == ["unsat", "sat"]
    assert all("(set-logic ALL)" in path.read_text() for path in files[:2])
    pytest.importorskip("cvc5")
    assert [compare(path) for path in files] == ["agrees"] * len(files)


def test_cvc5_answers_them_again(files: list[Path]) -> None:
    pytest.importorskip("cvc5")
    assert [cvc5_answer(path) for path in files] == ["unsat", "sat"]
    assert [compare(path) for path in files] == ["agrees", "agrees"]


def test_a_disagreement_is_an_error(files: list[Path]) -> None:
    pytest.importorskip("cvc5")
    files[0].write_text(files[0].read_text().replace(":status unsat", ":status sat"))
    opinion = opinion_of(files, map(compare, files))
    assert opinion == Opinion(1, [files[0]], [])
    assert opinion.status == 1


def test_no_answer_is_inconclusive(files: list[Path]) -> None:
    assert opinion_of(files, ["agrees", "unanswered"]).status == 3
    assert opinion_of(files, ["agrees", "agrees"]).status == 0


def test_a_solver_that_is_not_there_is_bad_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapleproof.cli.prove.find_spec", lambda name: None)
    result = CliRunner().invoke(command, ["recoveries_agree", "--solver", "cvc5"])
    assert result.exit_code == 2
    assert "cvc5 is not installed: pip install 'mapleproof[cvc5]'\n" in result.output
    monkeypatch.setitem(__import__("sys").modules, "cvc5", None)
    with pytest.raises(NoSolver):
        emitted.cvc5_answer(Path("any"))


def test_a_claim_with_a_second_opinion(tmp_path: Path) -> None:
    pytest.importorskip("cvc5")
    emitted, out = tmp_path / "emitted", tmp_path / "out"
    arguments = ["recoveries_agree", "--solver", "cvc5", "--emit", str(emitted), "--out", str(out)]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    written = len(list(emitted.iterdir()))
    assert written > 50
    assert f"cvc5 agrees on {written} of {written} final queries" in result.output
