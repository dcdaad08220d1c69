"""One-line mistakes in the lines that a change adds: which of them does anything notice?

A mistake that changes no machine code is none. One that nothing notices stands in a line that nobody's test
defends.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mapleproof.impl.kernel.build import Build, build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.props.common.port import Port
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes import bulk
from mapleproof.review.code import SOURCE, Line, machine_code
from mapleproof.review.trees import FOR_TREE, linked

SECONDS = 4.0
"""Seconds for looking for one mistake."""

OPERATIONS = 3000
"""Operations of a run that looks for one."""

TURNED = {"<=": "<", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "<": "<=", ">": ">="}
_COMPARISON = re.compile(r"(?<![-<>=!&|])(<=|>=|==|!=|&&|\|\||<|>)(?![<>=])")
_ONE_OFF = re.compile(r"\s[+-] 1\b")
_NUMBER = re.compile(r"(?<=[=(,] )\d+\b")
_NEGATION = re.compile(r"(?<=[(\s])!(?=\w)")
_CALL_OR_SET = re.compile(r"^\s*[\w\->.\[\]*]+(\s*[-+|&]?=[^=]|\().*;\s*$")
_WORDS_THAT_STAY = re.compile(
    r"^\s*(return|goto|break|continue|case|default|struct|unsigned|int|void|bool|enum|\})"
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the line, what stands there instead, and whether it was noticed; None where it makes no
    difference to the machine, or does not compile."""

    line: Line
    instead: str
    noticed: bool | None = None

    def __str__(self) -> str:
        right, wrong = (" ".join(text.split()) for text in (self.line.text, self.instead))
        return f"{self.line.number}: {right}  ->  {'(left out)' if wrong == ';' else wrong}"


def mistakes(lines: Sequence[Line]) -> Iterator[Mistake]:
    """The mistakes of these lines: a comparison or condition turned, a constant changed, a statement left
    out."""
    for line in lines:
        code = line.text.partition("/*")[0].partition("//")[0]
        if not line.function or not code.strip() or code.strip().startswith(("*", "#")):
            continue
        for match in _COMPARISON.finditer(code):
            yield _with(line, code, match, TURNED[match[1]])
        for match in _ONE_OFF.finditer(code):
            yield _with(line, code, match, "")
        for match in _NUMBER.finditer(code):
            yield _with(line, code, match, str(int(match[0]) + 1))
        for match in _NEGATION.finditer(code):
            yield _with(line, code, match, "")
        if _CALL_OR_SET.match(code) and not _WORDS_THAT_STAY.match(code):
            yield Mistake(line, ";")


def _with(line: Line, code: str, match: re.Match[str], instead: str) -> Mistake:
    return Mistake(line, code[: match.start()] + instead + code[match.end() :])


def power(
    tree: Path, lines: Sequence[Line], seed: int, seconds: float, scratch: Path
) -> tuple[list[Mistake], int]:
    """Mistakes that were tried, in a drawn order until the time is over, and how many there are in all."""
    drawn = list(mistakes(lines))
    random.Random(seed).shuffle(drawn)
    end = time.monotonic() + seconds
    right = machine_code(tree) if drawn else {}
    tried: list[Mistake] = []
    for number, mistake in enumerate(drawn):
        if tried and time.monotonic() > end:
            break
        tried.append(_tried(tree, mistake, right, scratch / f"mistake-{number}", seed))
    return tried, len(drawn)


def _tried(tree: Path, mistake: Mistake, right: dict[str, str], folder: Path, seed: int) -> Mistake:
    linked(tree, folder, FOR_TREE)
    target = folder / SOURCE
    lines = target.read_text().splitlines()
    lines[mistake.line.number - 1] = mistake.instead
    target.unlink()
    target.write_text("\n".join(lines) + "\n")
    try:
        if machine_code(folder) == right:
            return mistake
        made = build(folder)
    except KernelBuildError:
        return mistake
    return Mistake(mistake.line, mistake.instead, notices(made, seed))


def notices(made: Build, seed: int) -> bool:
    """Whether runs of the bulk lane meet a difference in time."""
    rng = random.Random(seed)
    end = time.monotonic() + SECONDS
    make = partial(_port, made)
    while time.monotonic() < end:
        run = bulk.run(rng.getrandbits(48), OPERATIONS, make, shrink=False, careful=True)
        if run.finding is not None:
            return True
    return False


def _port(made: Build, alloc_range: bool, rcu: bool) -> Port:
    return KernelPort(made, alloc_range, rcu)
