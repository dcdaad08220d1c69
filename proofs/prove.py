"""Many claims at once: what `mapleproof prove` runs, its table, and its JSON."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from proofs.claim import Judged, describe, exit_status, judge
from proofs.registry import CLAIMS

BAD_INPUT = 2

WIDTH = 120
"""Columns of output that goes to no terminal."""


def main(
    names: Sequence[str] = (), jobs: int = 1, json_path: Path | None = None, list_only: bool = False
) -> int:
    """Prove the named claims, or all, and print them. Exit status: 0 all are proved and every twin refuted,
    1 one is refuted or void, 2 a name is not known, 3 one is inconclusive."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        console.print(f"no claim is called {', '.join(unknown)}; there are {', '.join(CLAIMS)}")
        return BAD_INPUT
    chosen = list(dict.fromkeys(names)) or list(CLAIMS)
    if list_only:
        for name in chosen:
            console.print(f"{name}: {CLAIMS[name].sentence}", soft_wrap=True)
        return 0
    judged = []
    for one in _judged(chosen, jobs):
        judged.append(one)
        # Whoever asks for one claim wants all that is known of it
        lines = describe(one) if names or one.verdict != "proved" else [f"{one.claim.name}: {one.verdict}"]
        for line in lines:
            console.print(line, soft_wrap=True)
    console.print(table(judged))
    if json_path is not None:
        json_path.write_text(json.dumps([figures(one) for one in judged], indent=1) + "\n")
    return exit_status([one.verdict for one in judged])


def _judged(names: list[str], jobs: int) -> Iterator[Judged]:
    """The claims judged, in the order of their names."""
    if jobs <= 1 or len(names) == 1:
        for name in names:
            yield judge(CLAIMS[name])
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(names))) as pool:
        for name, found in zip(names, pool.imap(_without_claim, names), strict=True):
            yield Judged(CLAIMS[name], **found)


def _without_claim(name: str) -> dict[str, Any]:
    """In a process of its own: what came out, without the claim, whose programs do not travel."""
    judged = judge(CLAIMS[name])
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
        "verdict": one.verdict,
        "paths": one.paths,
        "queries": one.queries,
        "seconds": round(one.seconds, 3),
        "refutation": None if one.refutation is None else str(one.refutation),
        "unknown": one.unknown,
        "twins": {name: None if found is None else str(found) for name, found in one.twins.items()},
    }
