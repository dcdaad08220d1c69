"""How proofs are shown: progress while they go on, each claim as it is decided, one table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from mapleproof.cli.screen import plain_table, say
from mapleproof.proofs.engine.claim import Judged, Wanted, describe
from mapleproof.proofs.prove import Subject, prove

EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


@dataclass(slots=True)
class Proved:
    """What has been judged; ``interrupted``: not all of it."""

    judged: list[Judged] = field(default_factory=list)
    interrupted: bool = False


def prove_and_tell(
    console: Console,
    names: Sequence[str],
    jobs: int,
    wanted: Wanted | None = None,
    *,
    in_full: bool = False,
    subject: Subject | None = None,
    say_line: Callable[[str], None] | None = None,
) -> Proved:
    """Prove claims, about our own code or another subject, and show what comes out, in full where that is
    asked for or a claim is not proved. ``say_line`` takes the lines in place of the console, and then there
    is no table."""
    wanted = wanted or Wanted()
    tell = say_line or (lambda line: say(console, line))
    proved = Proved()
    try:
        with _progress(console, tell) as progress:
            for one in prove(names, jobs, wanted, progress, subject):
                proved.judged.append(one)
                for line in describe(one) if in_full or one.verdict != "proved" else _in_short(one):
                    tell(line)
    except KeyboardInterrupt:
        proved.interrupted = True
    tried = [one for one in proved.judged if not one.claim.absent]
    if say_line is None and tried:
        console.print(claim_table(tried))
    return proved


def _in_short(one: Judged) -> Iterator[str]:
    yield f"{one.claim.name}: {one.verdict}, for {one.claim.bounds}"


@contextmanager
def _progress(console: Console, tell: Callable[[str], None]) -> Iterator[Callable[[int, int], None]]:
    """Shows how many pieces of work are done: a bar on a terminal, a line now and then elsewhere."""
    if console.is_terminal:
        columns = (TextColumn("proving"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            row = bar.add_task("", total=None)
            yield lambda done, total: bar.update(row, completed=done, total=total)
        return
    last = time.monotonic()
    began = last

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            tell(f"{last - began:.0f} s: {done} of {total} parts and twins are done")

    yield progress


def claim_table(judged: Sequence[Judged]) -> Table:
    """One line for each claim. Its bounds are told above."""
    shown = plain_table()
    shown.add_column("claim", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    for heading in ("paths", "queries", "seconds", "twins refuted"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in judged:
        twins = f"{one.twins_refuted} of {len(one.claim.twins)}"
        figures = (f"{one.paths:,}", f"{one.queries:,}", f"{one.seconds:.1f}", twins)
        shown.add_row(one.claim.name, one.verdict, *figures)
    return shown


def claim_data(one: Judged) -> dict[str, Any]:
    """Everything about one claim, for a program to read."""
    claim = one.claim
    return {
        "claim": claim.name,
        "sentence": claim.sentence,
        "formula": claim.formula,
        "bounds": claim.bounds,
        "executes": list(claim.executes),
        "around": list(claim.around),
        "verdict": one.verdict,
        "absent": claim.absent or None,
        "paths": one.paths,
        "queries": one.queries,
        "seconds": round(one.seconds, 3),
        "refutation": None if one.refutation is None else str(one.refutation),
        "replay": one.command or None,
        "unknown": one.unknown,
        "twins": {name: None if found is None else str(found) for name, found in one.twins.items()},
        "cases": {name: str(shown) for name, shown in one.cases.items()},
    }
