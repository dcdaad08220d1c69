"""The command line: cases on every kernel at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mapleproof.cli import status
from mapleproof.cli.values import complete_case


@click.command("findings")
@click.argument(
    "cases",
    nargs=-1,
    required=True,
    metavar="CASE...",
    type=click.Path(path_type=Path),
    shell_complete=complete_case,
)
@click.option(
    "--kernel",
    "kernels",
    multiple=True,
    metavar="PATH|VERSION",
    help="A kernel's sources, or the version of some that are at hand; default: all that are. Repeatable.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as docs/findings.md holds it.")
def findings_command(cases: tuple[Path, ...], kernels: tuple[str, ...], as_markdown: bool) -> None:
    """Carry cases out on every kernel at hand, and tell which does what they promise.

    Kernels at hand are those that `kernel fetch` got, installed linux-source packages, and the tree that
    MAPLEPROOF_KERNEL names.

    Exit status: 0 every kernel does; 1 one does not; 2 bad usage, a file that is no case, or no kernel.
    """
    from rich.console import Console
    from rich.table import Table

    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.impl.kernel.probe import tree_version
    from mapleproof.impl.kernel.source import at_hand, find, resolve
    from mapleproof.props.common.lines import CaseError
    from mapleproof.props.common.port import PortError
    from mapleproof.props.job.kernel_findings import PASSES, markdown, outcomes

    try:
        trees = {tree_version(tree): tree for tree in map(resolve, kernels)} or at_hand()
        found = outcomes(cases, trees or {"": find()})
    except (KernelBuildError, CaseError, PortError) as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    if as_markdown:
        print(markdown(found), end="")
    else:
        table = Table("case", *trees)
        for name, row in found.items():
            table.add_row(name, *row.values())
        Console(soft_wrap=True, highlight=False).print(table)
    sys.exit(0 if all(said == PASSES for row in found.values() for said in row.values()) else status.DIFFERS)
