"""Final queries as SMT-LIB 2, one a file, and what another solver says of them.

A final query asks for inputs that break a claim at the end of a path; `unsat` is what proves it. What z3
answered stands in the file as its status. Queries whether a path can be taken are not written: to follow one
that cannot be taken proves nothing wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import z3  # type: ignore[import-untyped]

SECONDS = 60
"""Time limit of the other solver for one query."""


class NoSolver(Exception):
    """The other solver is not there."""


class Emitted:
    """Writes the final queries of one part of a claim into a folder."""

    def __init__(self, folder: Path, claim: str, part: str) -> None:
        self.folder = folder
        self.about = f"{claim}: {part}"
        self.stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{claim}-{part}")
        self.number = 0

    def __call__(self, sentence: str, formulas: list[Any], answer: str) -> None:
        self.number += 1
        solver = z3.Solver()
        solver.add(*formulas)
        text = solver.to_smt2().replace("(set-info :status unknown)\n", "")
        about = f"; {self.about}\n; {' '.join(sentence.split())}\n"
        logic = "ALL" if re.search(r"\b(Int|Real)\b", text) else "QF_BV"
        head = f"{about}(set-info :status {answer})\n(set-logic {logic})\n"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{self.stem}-{self.number}.smt2").write_text(head + text)


class Opinion(NamedTuple):
    """What the other solver said: how many files it ``agrees`` on, which it does not, which it gave up."""

    agrees: int
    disagrees: list[Path]
    unanswered: list[Path]

    @property
    def status(self) -> int:
        """The exit status that follows: 1 for a disagreement, 3 for no answer."""
        return 1 if self.disagrees else 3 if self.unanswered else 0


def cvc5_answer(path: Path) -> str:
    """What cvc5 answers. Raises NoSolver."""
    try:
        import cvc5  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise NoSolver("cvc5 is not installed: pip install 'mapleproof[cvc5]'") from None
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(SECONDS * 1000))
    parser = cvc5.InputParser(solver)
    # A status that is not its own answer is an error to cvc5, and here a disagreement
    text = re.sub(r"\(set-info :status \w+\)", "", path.read_text())
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, path.name)
    symbols = parser.getSymbolManager()
    answer = "unknown"
    while not (command := parser.nextCommand()).isNull():
        answer = str(command.invoke(solver, symbols)).strip() or answer
    return answer


def status_of(path: Path) -> str:
    """What z3 answered, as the file has it."""
    found = re.search(r"\(set-info :status (\w+)\)", path.read_text())
    return found.group(1) if found else "unknown"


def compare(path: Path) -> str:
    """``agrees``, ``disagrees`` or ``unanswered``. Raises NoSolver."""
    answer, expected = cvc5_answer(path), status_of(path)
    if "unknown" in (answer, expected) or answer not in ("sat", "unsat"):
        return "unanswered"
    return "agrees" if answer == expected else "disagrees"


def opinion_of(files: Iterable[Path], verdicts: Iterable[str]) -> Opinion:
    """What was said of the files, put together."""
    told: dict[str, list[Path]] = {"agrees": [], "disagrees": [], "unanswered": []}
    for path, verdict in zip(files, verdicts, strict=True):
        told[verdict].append(path)
    return Opinion(len(told["agrees"]), told["disagrees"], told["unanswered"])
