"""`mapleproof kernel`: builds of a kernel's own maple tree, for `--port kernel:PATH`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapleproof.cli import status
from mapleproof.cli.kernel_boot import boot_command
from mapleproof.cli.kernel_fetch import fetch_command
from mapleproof.cli.kernel_findings import findings_command
from mapleproof.cli.values import Seconds, complete_kernel_seed, complete_sanitizers, json_option, out_option

if TYPE_CHECKING:
    from rich.table import Table

    from mapleproof.impl.kernel.build import Build
    from mapleproof.props.job.kernel_seeds import Found

sanitize_option = click.option(
    "--sanitize",
    default="",
    metavar="LIST",
    shell_complete=complete_sanitizers,
    help="Compiler's sanitizers for a kernel's tree: address,undefined.",
)
debug_option = click.option(
    "--debug", is_flag=True, help="Switch the kernel's own validation of the tree on."
)


def kernel_variant(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a kernel's tree is built."""
    return sanitize_option(debug_option(command))


def port_of(name: str, sanitize: str, debug: bool, seeded: str | None) -> tuple[str, str | None]:
    """The port that a user means, and the seed that is left to plant: one for a kernel's tree is built in.
    Raises PortError."""
    from mapleproof.impl.kernel.build import Variant
    from mapleproof.props.common.port import PortError
    from mapleproof.props.job.choose_port import is_kernel, with_variant
    from mapleproof.props.mm.booted_port import is_booted, with_options

    if is_booted(name):
        return with_options(name, bool(sanitize), debug, seeded or ""), None
    if not is_kernel(name):
        if sanitize or debug:
            raise PortError(f"--sanitize and --debug are for the port kernel:PATH, not for {name}")
        return name, seeded
    variant = Variant(sanitize, debug, seeded or "")
    return (name if variant == Variant() else with_variant(name, variant)), None


@click.group()
def kernel() -> None:
    """The C maple tree of a kernel's sources, built in userspace.

    Nothing is written into the kernel's tree, and none of its code is kept with this program: a build lies in
    the user's cache folder.

    Exit status: 0 done; 1 a mistake was not found; 2 bad usage, or sources that cannot be built.
    """


kernel.add_command(fetch_command)
kernel.add_command(findings_command)


@kernel.command("build")
@click.argument("path", metavar="PATH", type=click.Path())
@kernel_variant
@click.option(
    "--bits",
    type=click.Choice(["64", "32"]),
    default="64",
    help="For words of so many bits; a port is named kernel:PATH?bits=32.",
)
def build_command(path: str, sanitize: str, debug: bool, bits: str) -> None:
    """Build the tree in PATH: a checkout, an unpacked source package, its tarball, or the version of what was
    fetched.

    Exit status: 0 built, or built before; 2 bad usage, no kernel tree, no compiler, or an error of the
    compiler.
    """
    from mapleproof.cli.screen import say, screen
    from mapleproof.impl.kernel.build import Variant, build
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.impl.kernel.source import resolve

    try:
        built = build(resolve(path), Variant(sanitize=sanitize, debug=debug, bits=int(bits)))
    except KernelBuildError as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    say(screen(), _line(built))


kernel.add_command(boot_command)


GONE = "sources that are gone"
"""Where a build was made of what is not there any more."""


@kernel.command("list")
def list_command() -> None:
    """Tell what was built, a line for all that is of the same sources: in which variants, and how many with
    mistakes put in; then which operations a kernel's tree lacks.

    Exit status: 0 always.
    """
    from mapleproof.cli.screen import plain_table, say, screen
    from mapleproof.impl.kernel.build import list_builds

    console = screen()
    builds: dict[tuple[str, str], list[Build]] = {}
    for built in list_builds():
        where = built.source if Path(built.source).is_dir() else GONE
        builds.setdefault((built.version, where), []).append(built)
    table = plain_table()
    for column in ("Linux", "variants", "with mistakes", "sources"):
        table.add_column(column, overflow="fold", justify="right" if column == "with mistakes" else "left")
    for (version, where), group in sorted(builds.items()):
        plain = sorted({str(one.variant) for one in group if not one.variant.seed})
        seeds = {one.variant.seed for one in group if one.variant.seed}
        table.add_row(version, ", ".join(plain), str(len(seeds)) if seeds else "", where)
    console.print(table)
    lacking = {version: _lacks(group[0]) for (version, _), group in sorted(builds.items())}
    for version, names in lacking.items():
        say(console, f"{version} lacks {names}")


@kernel.command("seeds")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_kernel_seed)
@click.option(
    "--path",
    metavar="PATH",
    type=click.Path(),
    help="Kernel tree; default: $MAPLEPROOF_KERNEL or Debian's linux-source.",
)
@click.option("--seconds", type=Seconds(), default=60.0, show_default=True, help="How long to look for each.")
@click.option("--suite", is_flag=True, help="Run the kernel's own userspace suite on each too. Takes long.")
@click.option(
    "--suite-seconds",
    type=Seconds(above=1),
    default=600.0,
    show_default=True,
    help="How long the kernel's suite may take for each.",
)
@out_option
@json_option
def seeds_command(
    names: tuple[str, ...],
    path: str | None,
    seconds: float,
    suite: bool,
    suite_seconds: float,
    out: str,
    json_file: Path | None,
) -> None:
    """Put one-line mistakes into copies of a kernel's tree, all that fit where none is named, and see how
    soon each is found.

    Exit status: 0 each is found, and its case passes without the mistake; 1 one is not; 2 bad usage, a tree
    that cannot be built, or one that cannot with one of the mistakes.
    """
    from mapleproof.cli.screen import say, screen
    from mapleproof.cli.targets import STANDARD_OUTPUT, TargetError, try_file, write_json
    from mapleproof.impl.kernel.errors import KernelBuildError
    from mapleproof.impl.kernel.source import find, resolve
    from mapleproof.props.common.port import PortError
    from mapleproof.props.job.choose_port import KERNEL, require_port
    from mapleproof.props.job.kernel_seeds import chosen, compare, search

    console = screen(stderr=json_file == STANDARD_OUTPUT)
    found, unbuilt = [], []
    try:
        try_file(json_file)
        tree = resolve(path) if path else find()
        require_port(f"{KERNEL}{tree}")
        for seed in chosen(names, tree):
            try:
                one = search(f"{KERNEL}{tree}", seed, seconds, Path(out))
            except (KernelBuildError, PortError) as error:
                unbuilt.append(seed.name)
                say(console, f"{seed.name}: {error}")
                continue
            if suite:
                one.suite = compare(tree, seed, suite_seconds)
            found.append(one)
            say(console, f"{seed.name}: {_told(one)}")
    except (KernelBuildError, PortError, TargetError) as error:
        print(error, file=sys.stderr)
        sys.exit(status.BAD_INPUT)
    console.print(seed_table(found))
    write_json(json_file, "kernel seeds", {"seeds": [one.as_json() for one in found]})
    missed = [one.seed.name for one in found if not one.confirmed]
    told = f"{len(found) - len(missed)} of {len(found)} mistakes are found, each with a case that shows it"
    if unbuilt:
        say(console, f"Not built with {', '.join(unbuilt)}; {told}.")
        sys.exit(status.BAD_INPUT)
    say(console, f"Missed: {', '.join(missed)}; {told}." if missed else f"Holds: {told}.")
    sys.exit(status.DIFFERS if missed else status.HOLDS)


def _told(one: Found) -> str:
    words = (
        f"{one.sort}, {one.steps} steps, {one.seconds:.1f} s"
        if one.case
        else f"missed in {one.seconds:.0f} s"
    )
    return f"{words}; the kernel's suite: {one.suite}" if one.suite else words


def seed_table(found: list[Found]) -> Table:
    from mapleproof.cli.screen import plain_table

    table = plain_table()
    for heading in ("seed", "function", "found as"):
        table.add_column(heading, overflow="fold")
    for heading in ("steps", "operations", "seconds", "kernel's suite"):
        table.add_column(heading, justify="right")
    for one in found:
        row = (str(one.steps), f"{one.operations:,}", f"{one.seconds:.1f}", str(one.suite or ""))
        table.add_row(one.seed.name, one.seed.function, one.sort or "missed", *row)
    return table


def _line(built: Build) -> str:
    return f"Linux {built.version}, {built.variant}: lacks {_lacks(built)}"


def _lacks(built: Build) -> str:
    return ", ".join(built.lacks) or "nothing"
