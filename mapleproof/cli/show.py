"""`mapleproof show`: a case as a picture, in the terminal or as a page."""

import sys
from pathlib import Path
from typing import cast

import click

from mapleproof.cli import status
from mapleproof.cli.kernel import kernel_variant, port_of
from mapleproof.cli.values import Once, complete_case, complete_port, level_option, seeded_option
from mapleproof.props.common.answers import Level


@click.command("show")
@click.argument("case", type=click.Path(path_type=Path), shell_complete=complete_case)
@click.option(
    "--port",
    "port_name",
    cls=Once,
    default="impl",
    metavar="impl|model|kernel:PATH|live",
    show_default=True,
    shell_complete=complete_port,
    help="Who carries the case out: our tree, the reference, the C tree in a kernel's sources, or the"
    " running kernel (address spaces only).",
)
@kernel_variant
@level_option
@seeded_option
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page that opens from disk."
)
@click.option(
    "--c",
    "as_c",
    is_flag=True,
    help="Print the case as a test for the kernel: a function for lib/test_maple_tree.c, or a program for"
    " tools/testing/selftests. Nothing is carried out.",
)
@click.option(
    "--mail",
    is_flag=True,
    help="Print a report to a maintainer: what a user sees, the steps, since which of the kernels at hand.",
)
def show(
    case: Path,
    port_name: str,
    sanitize: str,
    debug: bool,
    level: str,
    seeded: str | None,
    html: Path | None,
    as_c: bool,
    mail: bool,
) -> None:
    """Carry a case file out and show it: the first difference, and the structure before and after.

    Exit status: 0 as expected; 1 a difference; 2 bad usage or bad input; 70 the suite itself went wrong. With
    --c 0; with --mail 1 where some kernel at hand fails, 0 where none does.
    """
    if as_c or mail:
        if (as_c and mail) or html is not None:
            raise click.UsageError("--c, --mail and --html do not go together")
        _print_text(case, as_c)
        return
    from rich.console import Console

    from mapleproof.cli.known_seeds import UnknownSeed
    from mapleproof.cli.targets import TargetError, try_file
    from mapleproof.props.common.lines import CaseError
    from mapleproof.props.common.port import PortError
    from mapleproof.show.carry_out import picture_of_file
    from mapleproof.show.page import picture_page, write_page
    from mapleproof.show.terminal import WIDTH, lines_of

    try:
        try_file(html)
        port_name, planted = port_of(port_name, sanitize, debug, seeded)
        picture = picture_of_file(case, port_name, cast(Level, level), planted)
        if html is not None:
            write_page(html, picture_page(picture))
    except (CaseError, PortError, UnknownSeed, TargetError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if html is not None:
        console.print(f"{html}: {picture.headline}")
    else:
        for line in lines_of(picture):
            line.truncate(WIDTH)
            console.print(line)
    sys.exit(status.DIFFERS if picture.failing is not None else status.HOLDS)


def _print_text(case: Path, as_c: bool) -> None:
    """Print a case as a test or as a report, and leave with its status."""
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.props.common.lines import CaseError
    from mapleproof.props.common.port import PortError
    from mapleproof.show.c_test import c_test
    from mapleproof.show.report_mail import report

    try:
        if as_c:
            print(c_test(case), end="")
            sys.exit(status.HOLDS)
        text, fails = report(case)
    except (CaseError, PortError, KernelBuildError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    print(text, end="")
    sys.exit(status.DIFFERS if fails else status.HOLDS)
