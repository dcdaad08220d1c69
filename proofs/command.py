"""`mapleproof prove`."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("prove")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "list_only", is_flag=True, help="Name the claims and leave.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Every figure.")
def prove(names: tuple[str, ...], list_only: bool, jobs: int, json_path: Path | None) -> None:
    """Prove claims about the shipped code, all where none is named.

    Exit status: 0 all are proved and all their twins refuted; 1 one is not true, or a twin is not refuted;
    2 bad usage; 3 inconclusive.
    """
    from proofs.prove import main

    sys.exit(main(names, jobs, json_path, list_only))
