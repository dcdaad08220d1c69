"""Many claims at once: what `mapleproof prove` runs, its table, and its JSON."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from proofs.claim import Judged, Unit, Wanted, describe, do, exit_status, judge, judged_of, units
from proofs.emitted import Opinion, compare, opinion_of
from proofs.registry import CLAIMS

BAD_INPUT = 2

WIDTH = 120
"""Columns of output that goes to no terminal."""


def main(
    names: Sequence[str] = (),
    jobs: int = 1,
    json_path: Path | None = None,
    list_only: bool = False,
    wanted: Wanted | None = None,
    solver: str | None = None,
    report: Path | None = None,
) -> int:
    """Prove the named claims, or all, and print them. Exit status: 0 all are proved and every twin refuted, 1
    one is refuted or void, or the other ``solver`` disagrees, 2 a name is not known or that solver not there,
    3 one is inconclusive."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    wanted = wanted or Wanted()
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        console.print(f"no claim is called {', '.join(unknown)}; there are {', '.join(CLAIMS)}")
        return BAD_INPUT
    chosen = list(dict.fromkeys(names)) or list(CLAIMS)
    if list_only:
        for name in chosen:
            console.print(f"{name}: {CLAIMS[name].sentence}", soft_wrap=True)
        return 0
    if solver is not None and find_spec(solver) is None:
        console.print(f"{solver} is not installed: pip install 'mapleproof[{solver}]'")
        return BAD_INPUT
    with TemporaryDirectory() as folder:
        if solver is not None and wanted.emit is None:
            wanted = replace(wanted, emit=Path(folder))
        judged = _prove(console, chosen, jobs, wanted, bool(names))
        status = exit_status([one.verdict for one in judged])
        if solver is not None and wanted.emit is not None:
            opinion = _second_opinion(console, wanted.emit, jobs)
            status = 1 if 1 in (status, opinion.status) else max(status, opinion.status)
    if report is not None:
        from props.show.page import write_page
        from props.show.run_page import prove_page

        write_page(report, prove_page(judged))
    if json_path is not None:
        json_path.write_text(json.dumps([figures(one) for one in judged], indent=1) + "\n")
    return status


def _prove(console: Console, chosen: list[str], jobs: int, wanted: Wanted, named: bool) -> list[Judged]:
    """Prove the claims and print what came out."""
    judged = []
    for one in _judged(chosen, jobs, wanted):
        judged.append(one)
        # Whoever asks for one claim, or for the twins, wants all that is known of it
        in_full = named or not wanted.parts or one.verdict != "proved"
        lines = describe(one) if in_full else [f"{one.claim.name}: {one.verdict}"]
        for line in lines:
            console.print(line, soft_wrap=True)
    console.print(table(judged))
    return judged


def _second_opinion(console: Console, folder: Path, jobs: int) -> Opinion:
    """cvc5 answers all that was emitted again."""
    files = sorted(folder.glob("*.smt2"))
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        opinion = opinion_of(files, pool.imap(compare, files))
    console.print(f"cvc5 agrees on {opinion.agrees} of {len(files)} final queries")
    for path in opinion.disagrees:
        console.print(f"cvc5 DISAGREES with z3: {path}")
    for path in opinion.unanswered:
        console.print(f"no answer to {path.name}")
    return opinion


def _judged(names: list[str], jobs: int, wanted: Wanted) -> Iterator[Judged]:
    """The claims judged, in the order of their names."""
    if jobs <= 1:
        for name in names:
            yield judge(CLAIMS[name], wanted)
        return
    work = {name: units(CLAIMS[name], wanted) for name in names}
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        every = [(name, unit) for name in names for unit in work[name]]
        done = pool.imap(partial(_without_claim, wanted), every)
        for name in names:
            pieces = (Judged(CLAIMS[name], **found) for found in islice(done, len(work[name])))
            yield judged_of(CLAIMS[name], wanted, pieces)


def _without_claim(wanted: Wanted, work: tuple[str, Unit]) -> dict[str, Any]:
    """In a process of its own: what came out, without the claim, whose programs do not travel."""
    name, unit = work
    judged = do(CLAIMS[name], unit, wanted)
    return {key: getattr(judged, key) for key in Judged.__slots__ if key != "claim"}


def table(judged: Sequence[Judged]) -> Table:
    """One line for each claim."""
    shown = Table()
    shown.add_column("claim", no_wrap=True)
    shown.add_column("bounds", min_width=16)
    shown.add_column("verdict", no_wrap=True)
    for heading in ("paths", "queries", "seconds", "twins refuted"):
        shown.add_column(heading, justify="right", no_wrap=heading != "twins refuted")
    for one in judged:
        twins = f"{one.twins_refuted} of {len(one.claim.twins)}"
        figures = (str(one.paths), str(one.queries), f"{one.seconds:.1f}", twins)
        shown.add_row(one.claim.name, one.claim.bounds, one.verdict, *figures)
    return shown


def figures(one: Judged) -> dict[str, Any]:
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
        "paths": one.paths,
        "queries": one.queries,
        "seconds": round(one.seconds, 3),
        "refutation": None if one.refutation is None else str(one.refutation),
        "replay": one.command or None,
        "unknown": one.unknown,
        "twins": {name: None if found is None else str(found) for name, found in one.twins.items()},
        "cases": {name: str(shown) for name, shown in one.cases.items()},
    }
