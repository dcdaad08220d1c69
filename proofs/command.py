"""`mapleproof prove`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from props.cli_values import complete_claim

OUT = "mapleproof-out"
"""Where cases go unless a user says otherwise."""


@click.command("prove")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_claim)
@click.option("--list", "list_only", is_flag=True, help="Name the claims, and prove none.")
@click.option("--twins", "only_twins", is_flag=True, help="Refute the twins alone, and write their cases.")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to run at once."
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write every figure."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where cases are written, those of twins too.  [default: {OUT}, and no twins' unless --twins]",
)
@click.option(
    "--emit",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each final query there, as SMT-LIB 2.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the run as a page, with pictures of the cases that are written.",
)
@click.option("--solver", type=click.Choice(("cvc5",)), help="Have it answer each final query again.")
def prove(
    names: tuple[str, ...],
    list_only: bool,
    only_twins: bool,
    jobs: int,
    json_path: Path | None,
    out: Path | None,
    emit: Path | None,
    report: Path | None,
    solver: str | None,
) -> None:
    """Prove claims about the shipped code, all where none is named, and refute their twins: the same code
    with a real mistake.

    Exit status: 0 all are proved and all their twins refuted; 1 one is not true, a twin is not refuted, or
    the solvers disagree; 2 bad usage; 3 inconclusive.
    """
    from proofs.claim import Wanted
    from proofs.prove import main

    wanted = Wanted(
        parts=not only_twins, out=out or Path(OUT), twin_cases=only_twins or out is not None, emit=emit
    )
    sys.exit(main(names, jobs, json_path, list_only, wanted, solver, report))
