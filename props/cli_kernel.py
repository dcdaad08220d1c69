"""`mapleproof kernel`: builds of a kernel's own maple tree, for `--port kernel:PATH`."""

import sys

import click
from rich.console import Console
from rich.table import Table

from impl.kernel.build import Build, Variant, build, list_builds
from impl.kernel.errors import KernelBuildError

BAD_INPUT = 2


@click.group()
def kernel() -> None:
    """Build the C maple tree of a kernel's sources in userspace, and list what was built.

    Nothing is written into the kernel's tree, and none of its code is kept with this program: a build lies in
    the user's cache folder.
    """


@kernel.command("build")
@click.argument("path", metavar="PATH")
@click.option("--sanitize", default="", metavar="LIST", help="Compiler's sanitizers: address,undefined.")
@click.option("--debug", is_flag=True, help="Switch the kernel's own validation of the tree on.")
def build_command(path: str, sanitize: str, debug: bool) -> None:
    """Build the tree in PATH: a checkout, an unpacked source package, or its tarball."""
    try:
        built = build(path, Variant(sanitize=sanitize, debug=debug))
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)
    Console(highlight=False, soft_wrap=True).print(_line(built))


@kernel.command("list")
def list_command() -> None:
    """What was built, and what each build can do."""
    table = Table()
    for column in ("Linux", "variant", "lacks", "sources"):
        table.add_column(column)
    for built in list_builds():
        table.add_row(built.version, str(built.variant), _lacks(built), built.source)
    Console(soft_wrap=True).print(table)


def _line(built: Build) -> str:
    return f"Linux {built.version}, {built.variant}: lacks {_lacks(built)}"


def _lacks(built: Build) -> str:
    return ", ".join(built.lacks) or "nothing"
